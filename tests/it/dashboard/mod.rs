//! The operator's dashboard, page by page, over HTTP.

mod accounts;
mod sign_in;
mod usage;
