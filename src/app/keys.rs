//! todo
use super::{App, accounts::NewKeys};
use crate::domain::{account::Account, error::Result, id::KeyId, key::KeyInfo};
/// A key for each class that lacks a live one; an account that lacks none is told of `rotate`.
pub fn mint(_app: &App, _name: &str) -> Result<(Account, NewKeys)> {
    todo!()
}
pub fn list(_app: &App, _name: &str) -> Result<Vec<KeyInfo>> {
    todo!()
}
pub fn revoke(_app: &App, _key: KeyId) -> Result<KeyInfo> {
    todo!()
}
