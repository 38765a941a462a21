//! todo
use super::App;
use crate::domain::{error::Result, job::Caller};
use std::io::Read;
pub struct StoredDemo {
    pub sha256: [u8; 32],
    pub bytes: u64,
}
/// Streams a demo to disk. The same bytes are stored once.
pub fn receive(_app: &App, _caller: &Caller, _body: &mut dyn Read) -> Result<StoredDemo> {
    todo!()
}
