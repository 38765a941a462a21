//! Leases: a node's right to work on one job, from the claim to the published clip.

mod claiming;
pub mod claims;
mod complete;
pub mod direct;
mod footage;
pub mod frames;
pub mod heartbeats;
mod held;
mod live;
pub mod upload_turns;
mod uploads;
pub(in crate::app) mod watched;

pub use claiming::{Claim, Claimed, WAITING_CLAIMS, WaitingClaim, begin, claim, look, sweep};
pub use complete::complete;
pub use held::{Beaten, Grant, expire, fail, heartbeat};
pub use live::{name, named};
pub use uploads::{UploadError, append_video, open_demo, put_poster};
