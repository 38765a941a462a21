//! What an operator keeps: data directories that are not made by accident, bills that can be put right, restores on disks
//! of their own, results that have a place to go to.

mod dinks;
mod hints;
#[cfg(unix)]
mod interrupted;
mod no_appliance;
mod outputs;
#[cfg(unix)]
mod restore;
#[cfg(unix)]
mod umask;
mod values;
mod wording;
