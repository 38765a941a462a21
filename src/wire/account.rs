//! The account as its owner sees it.

use serde::{Deserialize, Serialize};

/// The response of `GET /api/account`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AccountView {
    /// The account's name.
    pub name: String,
    /// `metered` or `reserved`: the class of the key in the request.
    pub key_class: String,
    /// Always `active`: other accounts are refused earlier.
    pub status: String,
    /// Reserved render nodes provisioned.
    pub dinks: u32,
    /// How many of them are rendering now.
    pub dinks_in_use: u32,
    /// Queued jobs.
    pub queued: u64,
    /// Rendering jobs.
    pub rendering: u64,
}
