//! What an operator does for an appliance that lives long: backups and their way back.

mod backup;
mod backup_damage;
mod backup_load;
mod copied_store;
mod doctor;
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
