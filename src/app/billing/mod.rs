//! Billing of rendered footage: prices, usage, statements.

pub mod prices;
pub mod statements;
pub mod usage;
