//! The API's JSON, shared by the server, the node and the client: types that are written and read alike, and strict
//! parsers that name the invalid field. Knows nothing of SQL.

pub mod account;
pub mod amounts;
pub mod base;
pub mod bill;
pub mod csv;
pub mod demo;
pub mod escape;
pub mod fields;
pub mod html;
pub mod human;
pub mod job;
pub mod job_archive;
pub mod join_token;
pub mod lease;
pub mod litestream;
pub mod money;
pub mod node;
pub mod node_requests;
pub mod problem;
pub mod rates;
pub mod retention;
pub mod statement;
pub mod submit;
pub mod time;
pub mod upload_requests;
pub mod usage;
pub mod webhook;

/// Bytes of a JSON request body (contract: "at most 16 KiB").
pub const JSON_BODY_BYTES: u64 = 16 * 1024;
