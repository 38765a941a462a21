//! Billing of rendered footage: prices, usage, statements.

pub mod prices;
pub mod recent;
pub mod statements;
pub mod usage;
