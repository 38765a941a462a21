//! The transport's types that handlers and what surrounds them see.

pub use tiny_http::{Parking, Parkings, Presence};
