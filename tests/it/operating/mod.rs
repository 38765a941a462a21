//! Operating an appliance: backup and restore, doctor, monitoring, full disks, damaged and copied stores, the package.

mod backup;
mod backup_damage;
mod backup_load;
mod copied_store;
mod doctor;
mod epochs;
#[cfg(unix)]
mod failover;
mod findings;
#[cfg(target_os = "linux")]
mod full_disk;
mod monitoring;
mod orphans;
#[cfg(unix)]
mod package_scripts;
#[cfg(unix)]
mod restore;
mod store_damage;
mod wal_growth;
