//! The operator's dashboard, page by page, over HTTP.

mod accounts;
#[cfg(unix)]
mod browser;
mod clips;
mod sign_in;
mod storage;
mod usage;
mod work;
