//! API keys: UUIDs that are shown once and stored only as a hash; the class of the key is the class of the job.

use std::fmt;

use sha2::{Digest, Sha256};

use super::id::{AccountId, KeyId};

/// Seconds between two updates of a key's last use.
pub const KEY_USED_SECONDS: u64 = 60;

/// Seconds for which a rotated key and its successor may both be valid: 90 days.
pub const KEY_OVERLAP_SECONDS: u64 = 90 * 24 * 3_600;

/// Class of a key: the contract defines two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyClass {
    /// Priority, covered by the account's dinks. Sorts first, because it is claimed ahead of metered work.
    Reserved,
    /// Best effort, billed per rendered hour.
    Metered,
}

impl KeyClass {
    /// Both, in the order in which they are claimed.
    pub const ALL: [Self; 2] = [Self::Reserved, Self::Metered];

    /// The name used in the store and in responses (`job_type`, `key_class`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Metered => "metered",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}

/// A secret in clear: an account's key, a node's key or a join token. It cannot be printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret in clear.
    pub fn new(clear: impl Into<String>) -> Self {
        Self(clear.into())
    }

    /// The secret itself, for the one response that shows it and the header that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of a secret's canonical text. 122 random bits need no slow hash (`store.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// The hash of a secret, regardless of the case in which it was typed.
    pub fn of(secret: &Secret) -> Self {
        Self(Sha256::digest(secret.reveal().to_ascii_lowercase()).into())
    }

    /// Its 64 hexadecimal digits in upper case, as HAProxy's `sha2(256),hex` prints the hash.
    pub fn upper_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// The first eight hexadecimal digits: enough to tell keys apart, useless for guessing the key.
    pub fn fingerprint(&self) -> String {
        self.0[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A key's row, without the key.
#[derive(Clone, Debug)]
pub struct KeyInfo {
    /// Its row.
    pub id: KeyId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Its class.
    pub class: KeyClass,
    /// See [`KeyHash::fingerprint`].
    pub fingerprint: String,
    /// Unix time in milliseconds.
    pub created_at_ms: i64,
    /// When it is revoked, Unix time in milliseconds. Lies in the future while a rotated key and its successor
    /// overlap; `None` for a key that does not expire.
    pub revoked_at_ms: Option<i64>,
    /// When it was last accepted, to about [`KEY_USED_SECONDS`]. Unix time in milliseconds.
    pub used_at_ms: Option<i64>,
}

impl KeyInfo {
    /// Whether the key itself is valid; its account may still be inactive.
    pub fn is_live(&self, now_ms: i64) -> bool {
        self.revoked_at_ms.is_none_or(|end| end > now_ms)
    }
}

/// The token in the value of an `Authorization` header, of any form: `Bearer` in any case, one or more spaces, the token.
pub fn bearer_token(header: &str) -> Option<Secret> {
    let (scheme, rest) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(rest.trim_start_matches(' ')))
}

/// Parses the value of an `Authorization` header: `Bearer` in any case, one or more spaces, and a hyphenated UUID of
/// 36 characters in either case and of any version, with nothing after it (`api.md`). `None` is the contract's "not a
/// well-formed `Bearer <uuid>`". The secret is returned in lower case, the form that is hashed.
pub fn parse_bearer(header: &str) -> Option<Secret> {
    let (scheme, rest) = header.split_once(' ')?;
    let token = rest.trim_start_matches(' ');
    let hyphenated = token.len() == 36
        && token.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    (scheme.eq_ignore_ascii_case("bearer") && hyphenated).then(|| Secret::new(token.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_header_is_parsed_strictly() {
        let key = "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234";
        let upper = key.to_uppercase();
        let cases = [
            (format!("Bearer {key}"), true),
            (format!("bearer {key}"), true),
            (format!("BEARER    {upper}"), true),
            (format!("Bearer {key} "), false),
            (format!("Bearer {key} x"), false),
            (format!("Bearer\t{key}"), false),
            (format!(" Bearer {key}"), false),
            (format!("Bearer {{{key}}}"), false),
            (format!("Bearer {}", key.replace('-', "")), false),
            (format!("Basic {key}"), false),
            ("Bearer".into(), false),
            ("Bearer ".into(), false),
            (key.into(), false),
            (String::new(), false),
        ];
        for (header, good) in cases {
            let read = parse_bearer(&header);
            assert_eq!(read.is_some(), good, "{header:?}");
            assert!(read.is_none_or(|secret| secret.reveal() == key), "{header:?}");
        }
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new("3f8c1a2b")), "Secret(…)");
    }
}
