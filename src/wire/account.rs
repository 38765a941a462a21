//! The account as its owner sees it.

use serde::{Deserialize, Serialize};

/// The answer of `GET /api/account`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AccountView {
    /// The account's name.
    pub name: String,
    /// `metered` or `reserved`: the class of the key that asked.
    pub key_class: String,
    /// `active`; no other account gets this far.
    pub status: String,
    /// Reserved render nodes provisioned.
    pub dinks: u32,
    /// How many of them render now.
    pub dinks_in_use: u32,
    /// Jobs that wait.
    pub queued: u64,
    /// Jobs that render.
    pub rendering: u64,
}
