//! The programs that are running on this machine, by name.

use std::path::PathBuf;

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// A running program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its file name, on Linux cut to 15 characters.
    pub name: String,
    /// Its file, if this user may see it.
    pub file: Option<PathBuf>,
    /// Whether it runs as root. `None`: unknown, as on Windows.
    pub is_root: Option<bool>,
}

/// All of them. Empty, and logged, if the system does not show them.
pub fn running() -> Vec<Running> {
    let Some(system) = processes(ProcessesToUpdate::All) else { return Vec::new() };
    let described = system.processes().values().map(|process| Running {
        name: process.name().to_string_lossy().into_owned(),
        file: process.exe().map(PathBuf::from),
        is_root: is_root(process),
    });
    described.collect()
}

/// The session of this process. Services have session 0.
#[cfg(windows)]
pub fn own_session() -> Option<u32> {
    let own = sysinfo::Pid::from_u32(std::process::id());
    processes(ProcessesToUpdate::Some(&[own]))?.process(own)?.session_id().map(sysinfo::Pid::as_u32)
}

fn processes(which: ProcessesToUpdate<'_>) -> Option<System> {
    let mut system = System::new().inspect_err(|error| log::warn!("Cannot list processes: {error:?}")).ok()?;
    let what = ProcessRefreshKind::nothing().without_tasks().with_exe(UpdateKind::Always).with_user(UpdateKind::Always);
    system.refresh_processes_specifics(which, true, what);
    Some(system)
}

#[cfg(unix)]
fn is_root(process: &sysinfo::Process) -> Option<bool> {
    process.effective_user_id().map(|user| **user == 0)
}

#[cfg(not(unix))]
fn is_root(_: &sysinfo::Process) -> Option<bool> {
    None
}
