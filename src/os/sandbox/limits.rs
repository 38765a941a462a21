//! Resource limits of this process.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};

use super::ResourceLimits;

/// Open files, including pipes, of such a child.
const CHILD_FILES: u64 = 64;
/// Processes and threads of the user that runs such a child: the kernel counts them per user. The child itself may not
/// start any process.
const CHILD_USER_TASKS: u64 = 16_384;

/// Added niceness, so that rendering does not starve a server on the same machine.
const NICE: i32 = 5;
/// Seconds between `SIGXCPU` and the kill.
const CPU_GRACE_SECONDS: u64 = 5;

/// Limits this process. Existing lower limits stay.
pub(super) fn apply(limits: ResourceLimits) -> io::Result<()> {
    // A service manager's sandbox may refuse this. Rendering then just has normal priority.
    let _nicer = nice(NICE);
    at_most(Resource::As, limits.memory_bytes, 0)?;
    at_most(Resource::Cpu, limits.cpu_seconds, CPU_GRACE_SECONDS)?;
    at_most(Resource::Fsize, limits.file_bytes, 0)?;
    at_most(Resource::Nofile, CHILD_FILES, 0)?;
    // Does not apply to root.
    at_most(Resource::Nproc, CHILD_USER_TASKS, 0)?;
    at_most(Resource::Core, 0, 0)
}

fn at_most(resource: Resource, most: u64, grace: u64) -> io::Result<()> {
    let now = getrlimit(resource);
    let tighter = |now: Option<u64>, most: u64| Some(now.map_or(most, |now| now.min(most)));
    let maximum = tighter(now.maximum, most.saturating_add(grace));
    let current = tighter(now.current, most);
    Ok(setrlimit(resource, Rlimit { current, maximum })?)
}

/// Kills this process when the thread that started it ends.
#[cfg(target_os = "linux")]
pub(super) fn die_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?)
}
