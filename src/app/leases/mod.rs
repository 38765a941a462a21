//! Leases: a node's right to work on one job, from the claim to the published clip.

pub mod claims;
mod complete;
mod footage;
pub mod frames;
pub mod heartbeats;
mod held;
mod live;
pub mod upload_turns;
mod uploads;

pub use complete::complete;
pub use held::{Claim, Grant, WAITING_CLAIMS, claim, claim_for, expire, fail, heartbeat};
pub use uploads::{UploadError, append_video, open_demo, put_poster};
