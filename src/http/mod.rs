//! HTTP over the use cases: one route table, thin handlers that read, call and wrap, and answers that are alike.
//!
//! A request's way: [`server`] (threads, stopping) → `front` (request id, panics, headers every answer has) →
//! [`routes`] (who may call what, in which order it is checked) → a handler → [`crate::app`]. Knows nothing of SQL.

mod account;
mod answer;
mod authority;
mod body;
mod call;
mod clips;
mod demos;
mod files;
mod front;
mod health;
mod hosts;
mod leases;
mod measures;
mod metrics;
mod nodes;
mod openapi;
mod permits;
mod prometheus;
mod proxies;
mod quota;
mod range;
mod request_log;
pub mod routes;
pub mod server;
mod urls;
mod usage;
mod views;
mod watch;

pub use demos::listed as listed_demo;
pub use hosts::Hosts;
pub use server::{EventLoop, Https, Limits, Running, ServeOptions, ServedCertificate, TransportLimits, serve};
pub use urls::Base;
pub use views::job as job_view;
