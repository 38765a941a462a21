//! Short ids: the last 8 characters of a UUID, as tables show it, stand for the whole.

use uuid::Uuid;

use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;

/// How many of the newest rows of the store are searched for a short id.
pub const SEARCHED: u32 = 10_000;
/// How many ids are listed at most when a short id is ambiguous.
pub const CANDIDATES: u32 = 5;

/// How the operator names a job or a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its full id.
    Id(Uuid),
    /// By the last 8 characters of its id, as tables show it.
    Ending([u8; 4]),
}

impl Named {
    /// Parses a UUID or 8 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let ending = || {
            let is_hex = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_hex
                .then(|| u32::from_str_radix(text, 16).ok())
                .flatten()
                .map(|number| Self::Ending(number.to_be_bytes()))
        };
        Uuid::parse_str(text).ok().map(Self::Id).or_else(ending)
    }

    /// The full id. `find`: the ids with an ending among the newest `searched`. `noun` and `see` are for messages: `job`,
    /// `admin jobs list`.
    pub fn resolve(
        self,
        noun: &str,
        see: &str,
        searched: u32,
        find: impl FnOnce([u8; 4]) -> Result<Vec<Uuid>>,
    ) -> Result<Uuid> {
        let ending = match self {
            Self::Id(id) => return Ok(id),
            Self::Ending(ending) => ending,
        };
        let shown = format!("{:08x}", u32::from_be_bytes(ending));
        match find(ending)?[..] {
            [only] => Ok(only),
            [] => Err(Error::not_found(format!(
                "No {noun}'s id ends in {shown} (only the newest {searched} are searched). Use the full id, or see \
                 `{see}`."
            ))),
            ref several => {
                let ids: Vec<_> = several.iter().map(Uuid::to_string).collect();
                let message = format!("Several {noun} ids end in {shown}. Use the full id: {}.", ids.join(", "));
                Err(Error::conflict(ErrorCode::AmbiguousId, message))
            }
        }
    }
}
