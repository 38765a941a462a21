//! SHA-256 hashes of demos, videos and request bodies.

use std::fmt;

use sha2::Digest;
use sha2::digest::Output;

/// A SHA-256 hash. Displayed as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// Hashes the bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        sha2::Sha256::digest(bytes).into()
    }

    /// The reverse of its `Display`: 64 lower-case digits, otherwise `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_lower = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if is_lower { Self::parse_any_case(text) } else { None }
    }

    /// Parses 64 hexadecimal digits in either case, as people type them.
    pub fn parse_any_case(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut sha256 = [0; 32];
        for (byte, digits) in sha256.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(sha256))
    }
}

/// The hash of bytes that arrive in pieces.
#[derive(Clone, Debug, Default)]
pub struct Hashing {
    hasher: sha2::Sha256,
    bytes: u64,
}

impl Hashing {
    /// With the next piece.
    pub fn with(mut self, piece: &[u8]) -> Self {
        self.add(piece);
        self
    }

    /// The next piece.
    pub fn add(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        self.bytes += piece.len() as u64;
    }

    /// How many bytes there were.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Their hash.
    pub fn done(self) -> Sha256 {
        self.hasher.finalize().into()
    }
}

impl From<Output<sha2::Sha256>> for Sha256 {
    fn from(output: Output<sha2::Sha256>) -> Self {
        Self(output.into())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_read_back_as_it_is_shown() {
        let hash = Sha256(std::array::from_fn(|at| (at * 9) as u8));
        let text = hash.to_string();
        let upper = text.to_uppercase();
        assert_eq!((Sha256::parse(&text), Sha256::parse(&upper)), (Some(hash), None));
        assert_eq!(Sha256::parse_any_case(&upper), Some(hash));
        for wrong in [text[1..].to_owned(), format!("{text}00"), text.replace('0', "g"), String::new()] {
            assert_eq!(Sha256::parse_any_case(&wrong), None, "{wrong}");
        }
        assert_eq!(Sha256::of("").to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
