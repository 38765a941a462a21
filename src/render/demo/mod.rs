//! Demos: unpack them, say what is in them, read one round of them.
//!
//! A demo comes from a stranger, so everything here answers bad input with an error whose code is a word of
//! [`FailureCode`], and works on a private copy in memory: a file that shrinks under a reader must not matter.
//! Knows nothing of pixels, servers and accounts.

mod bomb;
mod coaches;
mod collect;
mod container;
mod events;
mod game;
mod ground;
mod index;
mod keys;
pub mod kind;
mod knives;
mod members;
mod people;
mod plain;
mod roster;
mod rounds;
mod scene;
mod schema;
mod seats;
mod survey;
mod throws;
mod unpack;
mod unpack_limits;
mod zip;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;

pub use index::{DemoIndex, IndexedPlayer, IndexedRound, index, rounds_in_words};
pub use plain::PlainDemo;
pub use scene::scene;
pub use unpack::{NO_ROOM, unpack, unpack_by};
pub use unpack_limits::UnpackLimits;

/// The error for a demo that is at fault, in the words of the API.
fn failure(code: FailureCode, message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, code.as_str(), message)
}

/// Runs a parser over a stranger's bytes. The parser is not ours: should it panic, the demo is to blame, not the caller.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(failure(FailureCode::DemoUnreadable, "The demo is too damaged to read.").because(format!("panic: {words}")))
    })
}
