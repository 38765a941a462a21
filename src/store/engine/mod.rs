//! The SQLite layer: connections, the writer with group commit, readers, checkpoints, migrations, and the ready queue
//! in memory.

pub mod batches;
pub mod checkpoints;
pub mod columns;
pub mod connection;
pub mod db;
pub mod migrations;
pub mod queue_rows;
pub mod readers;
pub mod ready;
pub mod snapshot;
pub mod writer;
