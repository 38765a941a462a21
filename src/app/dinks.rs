//! todo
use super::App;
use crate::domain::{account::Account, error::Result};
/// One line of the history.
pub struct DinkChange {
    pub account: String,
    pub dinks: u32,
    pub at_ms: i64,
}
/// What is sold and what there is.
pub struct Dinks {
    pub accounts: Vec<Account>,
    pub history: Vec<DinkChange>,
    pub sold: u64,
    pub live_slots: u64,
}
pub fn set(_app: &App, _name: &str, _dinks: u32) -> Result<Account> {
    todo!()
}
pub fn show(_app: &App) -> Result<Dinks> {
    todo!()
}
