//! What rendered footage costs: prices, usage, statements.

pub mod prices;
pub mod statements;
pub mod usage;
