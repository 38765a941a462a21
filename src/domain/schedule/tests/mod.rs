//! Tests of the scheduling rules.

mod explained;
mod picked;
