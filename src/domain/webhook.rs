//! A webhook: the URL of an account that the appliance calls when a job ends, and the signature that proves who calls.
//!
//! Secrets and signatures follow the Standard Webhooks specification, version 1.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ipnet::IpNet;
use sha2::Sha256;

use super::error::{Error, Result};
use super::http_url::check_http_url;
use super::id::AccountId;
use super::key::Secret;

/// How long the secret before a rotation also signs: 24 hours, in milliseconds.
pub const SECRET_OVERLAP_MS: i64 = 24 * 3_600_000;
/// How long deliveries may fail without a success before the webhook is disabled: a week, in milliseconds.
const FAILING_MS: i64 = 7 * 24 * 3_600_000;
/// A failure longer ago than this, in milliseconds, belongs to an earlier run of failures: 48 hours, twice the longest
/// pause between two attempts.
const RUN_GAP_MS: i64 = 48 * 3_600_000;
/// Private hosts that an account's webhook may reach.
pub const ALLOWED_HOSTS: usize = 100;

/// An account's webhook.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The account whose events it receives.
    pub account: AccountId,
    /// Where events are sent. Its path and query may contain a secret of the receiver's: logs show only its host.
    pub url: String,
    /// Signs every delivery.
    pub secret: SigningSecret,
    /// The secret before the last rotation, and the Unix time in milliseconds until which it also signs.
    pub old_secret: Option<(SigningSecret, i64)>,
    /// When it was set up. Unix time in milliseconds.
    pub created_at_ms: i64,
    /// The current run of failures; `None` after a success.
    pub failing: Option<Failing>,
    /// Why and since when it is disabled.
    pub disabled: Option<Disabled>,
}

/// A run of failed attempts without a success in between. Unix times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failing {
    /// The first failure.
    pub since_ms: i64,
    /// The latest one.
    pub last_ms: i64,
}

impl Failing {
    /// The run of failures after another one at `now_ms`.
    pub fn after(before: Option<Self>, now_ms: i64) -> Self {
        let since_ms = before.filter(|run| now_ms - run.last_ms <= RUN_GAP_MS).map_or(now_ms, |run| run.since_ms);
        Self { since_ms, last_ms: now_ms }
    }

    /// Whether it has lasted so long that the webhook is disabled.
    pub fn is_hopeless(self) -> bool {
        self.last_ms - self.since_ms >= FAILING_MS
    }
}

/// A webhook that is not called until its owner or the operator sets it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// A sentence for people.
    pub because: String,
}

impl Webhook {
    /// The value of `webhook-signature`: one signature, and a second one while a rotated secret is still valid.
    pub fn signatures(&self, id: &str, timestamp: i64, body: &[u8], now_ms: i64) -> String {
        let old = self.old_secret.iter().filter(|(_, until_ms)| *until_ms > now_ms).map(|(secret, _)| secret);
        let signed: Vec<_> = [&self.secret].into_iter().chain(old).map(|key| key.sign(id, timestamp, body)).collect();
        signed.join(" ")
    }
}

/// The key of the signatures: 256 random bits. It must be stored in clear, because it signs.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(pub [u8; 32]);

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

impl SigningSecret {
    /// Built from two draws of the random source.
    pub fn from_bits(first: u128, second: u128) -> Self {
        let mut bytes = [0; 32];
        let (low, high) = bytes.split_at_mut(16);
        low.copy_from_slice(&first.to_be_bytes());
        high.copy_from_slice(&second.to_be_bytes());
        Self(bytes)
    }

    /// `whsec_` and the key in base64, as receivers configure it.
    pub fn shown(&self) -> Secret {
        Secret::new(format!("whsec_{}", STANDARD.encode(self.0)))
    }

    /// `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64. `timestamp`: Unix time in seconds.
    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        // HMAC pads a key to the hash's block of 64 bytes with zeros (RFC 2104, 2).
        let mut key = [0; 64];
        key[..self.0.len()].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&key.into());
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// Checks a webhook's URL. Names are checked against the address policy when they are resolved, with each delivery.
pub fn check_webhook_url(url: &str) -> Result<()> {
    check_http_url("url", url)
}

/// A private host that an operator lets an account's webhook reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedHost {
    /// A host name in lower case: it may resolve to private addresses, but not to the appliance's own machine.
    Name(String),
    /// An address or a network. Because the operator names it explicitly, it may include the appliance's own machine.
    Net(IpNet),
}

impl AllowedHost {
    /// Parses a host name, an address, or a network in CIDR notation.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |what: &str| Error::invalid("host", format!("{text:?} {what}."));
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(net) = bare.parse::<IpNet>() {
            return Ok(Self::Net(net.trunc()));
        }
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self::Net(address.into()));
        }
        if text.contains(['/', ':', '@', '%', '*']) {
            return Err(bad("must be a host name, an address or a network, without scheme, port or path"));
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        match url::Host::parse(&name) {
            Ok(url::Host::Domain(name)) if is_loopback_name(&name) => {
                Err(bad("is the appliance's own machine; if that is intended, allow its address: 127.0.0.1"))
            }
            Ok(url::Host::Domain(name)) => Ok(Self::Name(name)),
            Ok(url::Host::Ipv4(address)) => Ok(Self::Net(IpAddr::V4(address).into())),
            Ok(url::Host::Ipv6(address)) => Ok(Self::Net(IpAddr::V6(address).into())),
            Err(_) => Err(bad("is not a host name, an address or a network")),
        }
    }

    /// The form in which it is stored and shown; the reverse of [`Self::parse`].
    pub fn shown(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
            Self::Net(net) => net.to_string(),
        }
    }
}

/// Whether a host name always means the machine itself (RFC 6761, 6.3).
pub fn is_loopback_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's own example: `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw` has 24 bytes, so its key is padded with
    /// zeros here, which HMAC treats alike.
    #[test]
    fn signature_matches_the_specifications_example() {
        let mut key = [0; 32];
        key[..24].copy_from_slice(&STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let signed = SigningSecret(key).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_signing_secret_is_never_printed() {
        let secret = SigningSecret::from_bits(1, 2);
        assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
        assert_eq!(secret.shown().reveal().len(), "whsec_".len() + 44);
    }

    #[test]
    fn an_old_secret_signs_until_its_time() {
        let webhook = Webhook {
            account: AccountId(1),
            url: "https://example.com".into(),
            secret: SigningSecret::from_bits(1, 1),
            old_secret: Some((SigningSecret::from_bits(2, 2), 1_000)),
            created_at_ms: 0,
            failing: None,
            disabled: None,
        };
        let count = |now_ms| webhook.signatures("id", 1, b"{}", now_ms).split(' ').count();
        assert_eq!((count(999), count(1_000)), (2, 1));
    }

    #[test]
    fn a_week_of_failures_without_a_long_pause_is_hopeless() {
        const HOUR_MS: i64 = 3_600_000;
        let cases: [(&[i64], bool); 6] = [
            (&[0], false),
            (&[0, 24, 48, 72, 96, 120, 144, 167], false),
            (&[0, 24, 48, 72, 96, 120, 144, 168], true),
            (&[0, 168], false),
            (&[0, 48, 96, 144, 192], true),
            (&[0, 48, 97, 145, 193, 241], false),
        ];
        for (hours, hopeless) in cases {
            let run = hours.iter().fold(None, |run, hour| Some(Failing::after(run, hour * HOUR_MS))).unwrap();
            assert_eq!(run.is_hopeless(), hopeless, "{hours:?}");
        }
    }

    #[test]
    fn an_allowed_host_is_a_name_an_address_or_a_network() {
        let cases = [
            ("hooks.lan", Some("hooks.lan")),
            ("Hooks.LAN.", Some("hooks.lan")),
            ("192.168.1.20", Some("192.168.1.20")),
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("127.0.0.1", Some("127.0.0.1")),
            ("[fd00::1]", Some("fd00::1")),
            ("fd00::/8", Some("fd00::/8")),
            ("3232235796", Some("192.168.1.20")),
            ("localhost", None),
            ("a.localhost.", None),
            ("https://hooks.lan", None),
            ("hooks.lan:8080", None),
            ("hooks.lan/x", None),
            ("user@hooks.lan", None),
            ("10.0.0.0/33", None),
            ("", None),
            (".", None),
            ("a b", None),
            ("*.lan", None),
        ];
        for (text, shown) in cases {
            let parsed = AllowedHost::parse(text).ok();
            assert_eq!(parsed.as_ref().map(AllowedHost::shown).as_deref(), shown, "{text:?}");
            assert!(parsed.is_none_or(|host| AllowedHost::parse(&host.shown()).unwrap() == host), "{text:?}");
        }
    }
}
