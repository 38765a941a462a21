//! How many rows lists return.

/// Maximum number of rows in a list without pages.
pub const LIST_ROWS: u32 = 10_000;
/// Default number of jobs on a page.
pub const PAGE_DEFAULT: u32 = 50;
/// Maximum number of jobs on a page.
pub const PAGE_MAX: u32 = 100;
