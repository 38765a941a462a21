//! The HTTP API, route by route, spoken to over a socket. Files mirror the URLs.

mod account;
mod admin_beside;
mod any_json;
mod authentication;
mod bodies;
mod clips;
#[cfg(unix)]
mod completions;
mod contract;
mod demo_index;
mod demos;
mod headers;
mod idempotency;
mod no_space;
mod node;
mod openapi;
mod proxies;
mod quotas;
mod routes;
mod shares;
mod usage;
mod watch;
