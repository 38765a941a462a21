//! What all handlers share: the call they are given, bodies, answers, files, and what is done around them.

pub mod answer;
pub mod body;
pub mod call;
pub mod files;
pub mod front;
pub mod hosts;
pub mod measures;
pub mod options;
pub mod permits;
pub mod prometheus;
pub mod proxies;
pub mod quota_headers;
pub mod range;
pub mod request_log;
