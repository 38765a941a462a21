//! The operator's dashboard, page by page, over HTTP.

mod accounts;
mod clips;
mod storage;
mod usage;
