//! todo
use super::App;
use crate::domain::account::Account;
use crate::domain::error::Result;
use crate::domain::job::Caller;
use crate::domain::key::Secret;

/// A new account's keys, shown this once.
pub struct NewKeys {
    pub metered: Option<Secret>,
    pub reserved: Option<Secret>,
}
/// What `GET /api/account` says.
pub struct Summary {
    pub account: Account,
    pub dinks_in_use: u32,
    pub queued: u64,
    pub rendering: u64,
}

pub fn create(_app: &App, _name: &str, _with_keys: bool) -> Result<(Account, NewKeys)> {
    todo!()
}
pub fn list(_app: &App) -> Result<Vec<Account>> {
    todo!()
}
pub fn show(_app: &App, _name: &str) -> Result<Summary> {
    todo!()
}
/// With a name: that account. Without: the one that waits; `Err` code `several_waiting` (message lists them) or `nobody_waiting`.
pub fn activate(_app: &App, _name: Option<&str>) -> Result<Account> {
    todo!()
}
pub fn deactivate(_app: &App, _name: &str) -> Result<Account> {
    todo!()
}
pub fn summary(_app: &App, _caller: &Caller) -> Result<Summary> {
    todo!()
}
