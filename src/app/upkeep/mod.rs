//! Maintenance: sweeps, health checks, doctor, backup.

pub mod backup;
pub mod ballast;
pub mod bucket;
pub mod bucket_owner;
pub mod bucket_usage;
pub mod doctor;
pub mod findings;
pub mod health;
pub mod history;
pub(in crate::app) mod job_archive;
pub mod leader;
pub mod move_storage;
pub mod promote;
pub mod replica;
pub mod retention;
pub mod storage;
pub mod store_check;
pub mod sweep;
