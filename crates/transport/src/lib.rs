//! The transport under rouille: the part of `tiny_http` 0.12 that rouille uses, on hyper, tokio and rustls.
//!
//! rouille's handlers are synchronous and run on its thread pool. Below them an event loop owns the sockets, so an idle
//! connection costs a task rather than a thread, and every wait, length and queue has a limit ([`Limits`]). Only
//! HTTP/1.1 and 1.0 are supported.
//!
//! On top of what rouille calls, the embedding program gets:
//!
//! - [`configure`] passes [`Settings`] through `rouille::Server::new`, which has no parameter for them.
//! - [`Handle`] shuts a server down gracefully, reads its [`Counters`], and gives quick requests their own threads
//!   ([`Lane`]).
//! - [`Parkings`] lets requests wait without a thread.
//! - [`Presence`] tells a waiting handler whether its client is still connected.
//! - [`Certificate`] makes a server speak HTTPS, and can be replaced while serving.
//!
//! The modules depend on each other in one direction. From the bottom up: data and limits (`api`, `limits`,
//! `counters`, `permits`, `parking`, `state`, `settings`), what one server shares (`shared`), bodies (`request_body`,
//! `response_body`), the request and its answer (`exchange`, `respond`, `upgrade`, `request`), the queues to rouille
//! (`queue`, `queues`), the connection on its socket (`socket`, `connection`), the accept loop (`accept`), and the
//! server (`handle`, `configure`, `server`).
//!
//! This crate knows nothing about the program above it: no routes, no accounts, no files.

mod accept;
mod api;
mod block;
mod configure;
mod connection;
mod counters;
mod descriptors;
mod exchange;
mod handle;
mod head;
mod limits;
mod parked;
mod parking;
mod peers;
mod permits;
mod queue;
mod queues;
mod refusal;
mod request;
mod request_body;
mod respond;
mod response_body;
mod server;
mod settings;
mod shared;
mod socket;
mod state;
mod sync;
mod timers;
mod tls;
mod upgrade;

pub use api::{Header, HeaderField, HeaderText, ListenAddr, Method, ReadWrite, Response, SslConfig, StatusCode};
pub use configure::configure;
pub use counters::Counters;
pub use handle::{Handle, Stopped};
pub use limits::Limits;
pub use parking::{Parking, Parkings, Resumed, Waker};
pub use peers::Presence;
pub use request::Request;
pub use server::{IncomingRequests, Server};
pub use settings::{Lane, Settings};
pub use tls::Certificate;
