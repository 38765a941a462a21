//! Accounts: who may submit, and how many dinks (reserved render nodes) they hold.

use super::error::{Error, Result};
use super::id::AccountId;

/// Characters of an account's name.
pub const ACCOUNT_NAME_CHARS: usize = 64;

/// Status of an account. New accounts are inactive until the operator activates them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStatus {
    /// Created, not yet activated.
    Inactive,
    /// Its keys are accepted.
    Active,
    /// Activated once, deactivated since.
    Deactivated,
}

impl AccountStatus {
    /// The name used in the store and in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Active => "active",
            Self::Deactivated => "deactivated",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Inactive, Self::Active, Self::Deactivated].into_iter().find(|status| status.as_str() == word)
    }
}

/// An account as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its row.
    pub id: AccountId,
    /// The UUID shown to people and used in responses.
    pub public_id: uuid::Uuid,
    /// Unique name, see [`check_name`].
    pub name: String,
    /// Whether its keys are accepted.
    pub status: AccountStatus,
    /// Reserved render nodes provisioned now.
    pub dinks: u32,
    /// Unix time in milliseconds.
    pub created_at_ms: i64,
}

/// An account's name: 1 to 64 characters, no control or formatting characters, no white space at either end, and no
/// hyphen at the beginning, where commands would take it for an option.
pub fn check_name(name: &str) -> Result<()> {
    let length = name.chars().count();
    if length == 0 || length > ACCOUNT_NAME_CHARS {
        return Err(Error::invalid(
            "name",
            format!("An account's name must have 1 to {ACCOUNT_NAME_CHARS} characters."),
        ));
    }
    if name.trim() != name || name.chars().any(|c| c.is_control() || is_formatting(c)) {
        return Err(Error::invalid(
            "name",
            "An account's name must not contain control characters, or white space at either end.",
        ));
    }
    if name.starts_with('-') {
        return Err(Error::invalid("name", "An account's name must not begin with a hyphen."));
    }
    Ok(())
}

/// Invisible characters that change the direction or joining of the text around them.
fn is_formatting(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_visible_and_no_option() {
        let cases = [
            ("studio-a", true),
            ("Studio Ünï 7", true),
            ("", false),
            (" studio", false),
            ("studio ", false),
            ("stu\u{7}dio", false),
            ("stu\u{202e}dio", false),
            ("stu\u{200b}dio", false),
            ("-studio", false),
            ("--help", false),
        ];
        for (name, good) in cases {
            assert_eq!(check_name(name).is_ok(), good, "{name:?}");
        }
        assert!(check_name(&"x".repeat(ACCOUNT_NAME_CHARS)).is_ok());
        assert!(check_name(&"x".repeat(ACCOUNT_NAME_CHARS + 1)).is_err());
    }
}
