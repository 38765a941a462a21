//! Join tokens: secrets with which machines join as nodes, and the names that those get.

use super::error::{Error, Result};
use super::node::NODE_NAME_CHARS;
use super::text::is_unclean;
use super::wording::counted;

/// Seconds until a join token expires, unless the operator says otherwise: an hour…
pub const JOIN_TOKEN_SECONDS: u64 = 3_600;
/// …and at most: 366 days.
pub const JOIN_TOKEN_MOST_SECONDS: u64 = 366 * 86_400;
/// Machines that may join with one token.
pub const JOIN_TOKEN_USES: u32 = 100_000;
/// Characters of the prefix of its nodes' names, so that half a name is left to tell them apart.
pub const NAME_PREFIX_CHARS: usize = NODE_NAME_CHARS / 2;

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Machines that may join with it: 1 to [`JOIN_TOKEN_USES`].
    pub uses: u32,
    /// Seconds for which it is valid: 1 to [`JOIN_TOKEN_MOST_SECONDS`].
    pub seconds: u64,
    /// What its nodes' names begin with; empty: anything.
    pub name_prefix: String,
    /// Whether its nodes are forgotten soon after they are gone.
    pub ephemeral: bool,
}

impl Default for Terms {
    /// One machine, within an hour.
    fn default() -> Self {
        Self { uses: 1, seconds: JOIN_TOKEN_SECONDS, name_prefix: String::new(), ephemeral: false }
    }
}

impl Terms {
    /// Checks them. The error names the field.
    pub fn check(&self) -> Result<()> {
        if !(1..=JOIN_TOKEN_USES).contains(&self.uses) {
            return Err(Error::invalid("uses", format!("A token is for 1 to {JOIN_TOKEN_USES} machines.")));
        }
        if !(1..=JOIN_TOKEN_MOST_SECONDS).contains(&self.seconds) {
            let days = JOIN_TOKEN_MOST_SECONDS / 86_400;
            return Err(Error::invalid(
                "for",
                format!("A token is valid for at least a second and at most {days} days."),
            ));
        }
        let prefix = &self.name_prefix;
        if prefix.chars().count() > NAME_PREFIX_CHARS || prefix.chars().any(is_unclean) || prefix.starts_with(' ') {
            return Err(Error::invalid(
                "name_prefix",
                format!(
                    "The prefix of names has at most {NAME_PREFIX_CHARS} characters, no control characters, and does \
                     not begin with a space."
                ),
            ));
        }
        Ok(())
    }
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinToken {
    /// Its row.
    pub id: i64,
    /// Machines that may join with it.
    pub uses: u32,
    /// Machines that have joined with it.
    pub used: u32,
    /// What its nodes' names begin with; empty: anything.
    pub name_prefix: String,
    /// Whether its nodes are forgotten soon after they are gone.
    pub ephemeral: bool,
    /// Unix time in milliseconds.
    pub created_at_ms: i64,
    /// Unix time in milliseconds.
    pub expires_at_ms: i64,
}

impl JoinToken {
    /// `once`, `for 200 machines`: how often it works.
    pub fn how_often(&self) -> String {
        match self.uses {
            1 => "once".to_owned(),
            uses => format!("for {}", counted(uses, "machine")),
        }
    }

    /// Machines that may still join with it, besides those that come back.
    pub fn left(&self) -> u32 {
        self.uses.saturating_sub(self.used)
    }

    /// The name for a machine that asks for this one: with the prefix, cut to the length of a node's name.
    pub fn name_for(&self, asked: &str) -> String {
        let prefix = if asked.starts_with(&self.name_prefix) { "" } else { &self.name_prefix };
        prefix.chars().chain(asked.chars()).take(NODE_NAME_CHARS).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_prefix(name_prefix: &str) -> JoinToken {
        let name_prefix = name_prefix.to_owned();
        JoinToken { id: 1, uses: 3, used: 1, name_prefix, ephemeral: true, created_at_ms: 0, expires_at_ms: 1 }
    }

    #[test]
    fn a_name_gets_the_prefix_once_and_stays_within_the_limit() {
        let token = with_prefix("slurm-");
        for (asked, name) in [("n7", "slurm-n7"), ("slurm-n7", "slurm-n7"), ("slurm", "slurm-slurm")] {
            assert_eq!(token.name_for(asked), name);
        }
        assert_eq!(with_prefix("").name_for("n7"), "n7");
        let long = with_prefix(&"ß".repeat(NAME_PREFIX_CHARS)).name_for(&"n".repeat(NODE_NAME_CHARS));
        assert_eq!(long.chars().filter(|c| *c == 'n').count(), NODE_NAME_CHARS - NAME_PREFIX_CHARS);
    }

    #[test]
    fn terms_beyond_a_limit_are_refused_with_their_field() {
        let good = Terms::default();
        let most = Terms { uses: JOIN_TOKEN_USES, seconds: JOIN_TOKEN_MOST_SECONDS, ..good.clone() };
        let widest = Terms { name_prefix: "ß".repeat(NAME_PREFIX_CHARS), ..good.clone() };
        for terms in [&good, &most, &widest] {
            assert!(terms.check().is_ok(), "{terms:?}");
        }
        let prefix = |text: &str| Terms { name_prefix: text.to_owned(), ..Terms::default() };
        let cases = [
            (Terms { uses: 0, ..good.clone() }, "uses"),
            (Terms { uses: JOIN_TOKEN_USES + 1, ..good.clone() }, "uses"),
            (Terms { seconds: 0, ..good.clone() }, "for"),
            (Terms { seconds: JOIN_TOKEN_MOST_SECONDS + 1, ..good }, "for"),
            (prefix(&"x".repeat(NAME_PREFIX_CHARS + 1)), "name_prefix"),
            (prefix("a\nb"), "name_prefix"),
            (prefix(" a"), "name_prefix"),
        ];
        for (terms, field) in cases {
            assert_eq!(terms.check().err().and_then(|error| error.field).as_deref(), Some(field), "{terms:?}");
        }
    }
}
