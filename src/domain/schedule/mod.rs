//! Job scheduling: which job a free node gets, and why a job waits. Pure: no clock, no SQL.
//!
//! [`policy`] holds the rules, [`queue`] the jobs in the order of the rules, [`explain`] and [`estimate`] put the same
//! rules into words and seconds. The rules come from the design page on scheduling.

pub mod entry;
pub mod estimate;
pub mod explain;
pub mod nodes;
pub mod policy;
pub mod queue;
#[cfg(test)]
mod tests;

pub use entry::{ReadyJob, WaitingKind};
pub use nodes::{LiveNode, another_can_take};
pub use queue::ReadyQueue;
