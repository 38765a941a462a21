//! Accounts: who may submit, and how many dinks (reserved render nodes) they hold.

use super::error::{Error, Result};
use super::id::AccountId;

/// Characters of an account's name.
const ACCOUNT_NAME_CHARS: usize = 64;

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

/// An account's name: 1 to 64 characters, no control characters, no white space at either end.
pub fn check_name(name: &str) -> Result<()> {
    let length = name.chars().count();
    if length == 0 || length > ACCOUNT_NAME_CHARS {
        return Err(Error::invalid(
            "name",
            format!("An account's name must have 1 to {ACCOUNT_NAME_CHARS} characters."),
        ));
    }
    if name.trim() != name || name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "name",
            "An account's name must not contain control characters, or white space at either end.",
        ));
    }
    Ok(())
}
