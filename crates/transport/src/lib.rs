//! The transport under rouille: the part of `tiny_http` 0.12 that rouille uses, on hyper, tokio and rustls.
//!
//! rouille's handlers are synchronous and run on its pool of threads. Under them an event loop keeps the sockets, so
//! that a connection without a request costs a task and not a thread, and every wait, length and queue has a limit
//! ([`Limits`]). HTTP/1.1 (and 1.0) only.
//!
//! Beyond what rouille calls there are five things for the program that embeds it: [`configure`] carries [`Settings`]
//! through `rouille::Server::new`, whose signature has no room for them; [`Handle`] stops a server gracefully and reads
//! its [`Counters`]; it gives quick requests threads of their own ([`Lane`]) and all of them a shorter way to rouille's
//! pool; [`Presence`] tells a handler that waits whether its client is still connected; [`Certificate`] turns a server to HTTPS and can be replaced while serving.
//!
//! This crate knows nothing of the program above it: no routes, no accounts, no files.

mod accept;
mod api;
mod block;
mod connection;
mod counters;
mod descriptors;
mod head;
mod limits;
mod peers;
mod queue;
mod refusal;
mod request;
mod request_body;
mod respond;
mod response_body;
mod seats;
mod server;
mod settings;
mod shared;
mod shutdown;
mod socket;
mod state;
mod timers;
mod tls;
mod upgrade;

pub use api::{Header, HeaderField, HeaderText, ListenAddr, Method, ReadWrite, Response, SslConfig, StatusCode};
pub use counters::Counters;
pub use limits::Limits;
pub use peers::Presence;
pub use request::Request;
pub use server::{IncomingRequests, Server};
pub use settings::{Lane, Settings, configure};
pub use shutdown::{Handle, Stopped};
pub use tls::Certificate;
