//! The HTTP layer over the use cases: one route table, thin handlers, and uniform responses.
//!
//! A request passes through [`server`] (threads, shutdown) → `front` (request ID, panics, common headers) → [`routes`]
//! (authorization and the order of checks) → a handler → [`crate::app`]. There is no SQL in this layer.

mod account;
mod attendant;
mod authority;
mod clips;
mod demos;
mod health;
mod home;
mod jobs;
mod kit;
mod leases;
mod metrics;
mod nodes;
mod openapi;
mod operator;
mod pages;
pub mod routes;
pub mod server;
mod usage;
mod webhooks;

pub use crate::http::kit::hosts::Hosts;
pub use crate::http::kit::options::{Https, Limits, ServeOptions, TransportLimits};
pub use crate::http::server::{EventLoop, Running, ServedCertificate, serve, serve_dashboard};
