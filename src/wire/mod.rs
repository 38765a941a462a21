//! The JSON of the API, once, for the server, the node and the client: shapes that are written and read alike, and
//! strict readers that name the field to blame. Knows nothing of SQL.

pub mod account;
pub mod demo;
pub mod fields;
pub mod job;
pub mod money;
pub mod node;
pub mod order;
pub mod problem;
pub mod rates;
pub mod statement;
pub mod submit;
pub mod ticket;
pub mod time;
pub mod usage;
