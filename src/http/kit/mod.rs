//! Code shared by all handlers: the call, request bodies, responses, files, and what surrounds each request.

pub mod answer;
pub mod body;
pub mod call;
pub mod cursor;
pub mod files;
pub mod front;
pub mod hosts;
pub mod measures;
pub mod options;
pub mod parking;
pub mod permits;
pub mod prometheus;
pub mod proxies;
pub mod quota_headers;
pub mod range;
pub mod request_log;
pub mod routing;
pub mod transport;
