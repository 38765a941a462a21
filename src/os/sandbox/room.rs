//! The share of the machine that a process may take.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};

use super::Room;
use crate::domain::limits;

/// What a child's priority is lowered by: rendering never starves the server beside it.
const NICE: i32 = 5;
/// Seconds between the signal for used-up processor time and the kill.
const CPU_GRACE_SECONDS: u64 = 5;

/// Limits this process. A limit that is tighter already stays.
pub(super) fn limit(room: Room) -> io::Result<()> {
    // A service's sandbox may refuse it: then the scheduler's fairness must do.
    let _nicer = nice(NICE);
    at_most(Resource::As, room.memory_bytes, 0)?;
    at_most(Resource::Cpu, room.cpu_seconds, CPU_GRACE_SECONDS)?;
    at_most(Resource::Fsize, room.file_bytes, 0)?;
    at_most(Resource::Nofile, limits::CHILD_FILES, 0)?;
    // Root is not bound by this one.
    at_most(Resource::Nproc, limits::CHILD_USER_TASKS, 0)?;
    at_most(Resource::Core, 0, 0)
}

fn at_most(resource: Resource, most: u64, grace: u64) -> io::Result<()> {
    let now = getrlimit(resource);
    let tighter = |now: Option<u64>, most: u64| Some(now.map_or(most, |now| now.min(most)));
    let maximum = tighter(now.maximum, most.saturating_add(grace));
    let current = tighter(now.current, most);
    Ok(setrlimit(resource, Rlimit { current, maximum })?)
}

/// The process dies with the thread that started it.
#[cfg(target_os = "linux")]
pub(super) fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?)
}
