//! Shared by the tests: a rouille server on this crate, and the clients of `hostile`.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "each test binary uses only a part of it")]

#[path = "../hostile/mod.rs"]
pub mod hostile;
pub mod site;
