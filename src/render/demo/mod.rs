//! Demos: decompress them, index them, read one round.
//!
//! Demos are untrusted, so all bad input results in an error whose code is a [`FailureCode`], and parsing works on
//! private copies in memory: a file that shrinks while being read must not matter. Knows nothing about pixels, servers,
//! and accounts.

mod arms;
mod attempts;
mod bomb;
mod choice;
mod coaches;
mod collect;
mod container;
mod events;
mod game;
mod ground;
mod highlights;
mod index;
mod keys;
pub mod kind;
mod knives;
mod land;
mod members;
mod outcome;
mod people;
mod plain;
mod roster;
mod rounds;
mod scene;
mod schema;
mod seats;
mod sites;
mod survey;
mod tape;
mod teams;
mod throws;
mod unpack;
mod unpack_limits;
mod zip;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;

pub use ground::GROUND_CELLS;
pub use index::{DemoIndex, IndexedHighlight, IndexedKill, IndexedPlayer, IndexedRound, index, rounds_in_words};
pub use plain::PlainDemo;
pub use scene::{Known, scene};
pub use unpack::{unpack, unpack_by};
pub use unpack_limits::UnpackLimits;

/// An error caused by the demo, with the API's failure code.
fn failure(code: FailureCode, message: impl Into<String>) -> Error {
    Error::of_failure(Kind::Invalid, code, message)
}

/// Runs the parser on untrusted bytes. The parser is third-party: if it panics, the demo is to blame, not the caller.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(failure(FailureCode::DemoUnreadable, "The demo is too damaged to read.").because(format!("panic: {words}")))
    })
}
