//! HTTP over the use cases: one route table, thin handlers that read, call and wrap, and answers that are alike.
//!
//! A request's way: [`server`] (threads, stopping) → `front` (request id, panics, headers every answer has) →
//! [`routes`] (who may call what, in which order it is checked) → a handler → [`crate::app`]. Knows nothing of SQL.

mod account;
mod authority;
mod clips;
mod demos;
mod health;
mod jobs;
mod kit;
mod leases;
mod metrics;
mod nodes;
mod openapi;
pub mod routes;
pub mod server;
mod usage;

pub use crate::http::kit::hosts::Hosts;
pub use crate::http::kit::options::{Https, Limits, ServeOptions, TransportLimits};
pub use crate::http::server::{EventLoop, Running, ServedCertificate, serve};
