//! The HTTP API, route by route, over a socket.

mod account;
mod any_json;
mod authentication;
mod bodies;
mod clip_links;
mod clips;
#[cfg(unix)]
mod completions;
mod concurrent_admin;
mod contract;
mod demo_index;
mod demo_list;
mod demo_uploads;
mod demos;
mod disk_full;
mod forwarded_headers;
mod headers;
mod home;
mod idempotency;
mod live_frames;
pub mod node;
mod openapi;
mod player;
mod proxies;
mod quotas;
mod routes;
mod transport_errors;
mod upload_fairness;
mod usage;
mod waiting;
mod webhooks;
