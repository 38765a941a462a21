//! Several appliances behind one name: what the load balancer must know about each.

use super::key::KeyHash;

/// Maximum number of live keys in a shard's map.
pub const SHARD_KEYS: u32 = 1_000_000;
/// Maximum characters of a shard's name.
pub const SHARD_NAME_CHARS: usize = 32;
/// How often the map's file is compared with the keys, in seconds. A new account must be reachable within five, in which
/// the load balancer reads the file as well.
pub const SHARD_MAP_SECONDS: u64 = 1;

/// The name of one appliance among several: the load balancer's name for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard(String);

impl Shard {
    /// 1 to [`SHARD_NAME_CHARS`] lower-case letters, digits, `-` and `_`, the first a letter or digit: what HAProxy
    /// accepts as the name of a backend, and no line of a map can be misread.
    pub fn parse(text: &str) -> Option<Self> {
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = (1..=SHARD_NAME_CHARS).contains(&text.len())
            && text.bytes().all(|byte| is_word(byte) || matches!(byte, b'-' | b'_'))
            && text.bytes().next().is_some_and(is_word);
        fits.then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The map's text: for each key a line with its hash in upper-case hexadecimal digits, a space and the shard's name,
    /// in the order of the hashes. It holds no secret: a key has 122 random bits, so its hash does not help to guess it.
    pub fn map(&self, keys: &[KeyHash]) -> String {
        keys.iter().map(|key| format!("{} {}\n", key.upper_hex(), self.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shards_name_is_one_word_that_a_load_balancer_accepts() {
        for (name, good) in [
            ("s1", true),
            ("eu-west_2", true),
            ("1", true),
            ("", false),
            ("S1", false),
            ("-s", false),
            ("s 1", false),
            ("s1\n", false),
            ("é", false),
            ("a23456789012345678901234567890123", false),
        ] {
            assert_eq!(Shard::parse(name).is_some(), good, "{name:?}");
        }
    }
}
