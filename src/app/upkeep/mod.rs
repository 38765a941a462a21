//! Maintenance: sweeps, health checks, doctor, backup.

pub mod backup;
pub mod ballast;
pub mod doctor;
pub mod health;
pub mod promote;
pub mod store_check;
pub mod sweep;
