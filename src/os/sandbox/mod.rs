//! Shuts this process in, for good, before it looks at a stranger's bytes: whatever they make of it then, it has one
//! file to read, one directory to write, no network, no other program and so much of the machine, by the kernel's word.
//!
//! On Linux: limits of resources, Landlock for files, TCP and signals, seccomp for all other system calls. Elsewhere on
//! Unix: the limits. On Windows a process is shut in by the one that starts it, and only its memory (`job.rs`).

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod files;
#[cfg(windows)]
mod job;
mod memory;
#[cfg(unix)]
mod room;

use std::io;
use std::path::Path;
use std::sync::Once;

#[cfg(windows)]
pub use job::MemoryLimit;
pub use memory::child_memory_bytes;

/// What a process that is shut in may still do.
#[derive(Clone, Copy, Debug)]
pub struct Walls<'a> {
    /// The one file that it may read, besides its own directory.
    pub reads: &'a Path,
    /// The one directory whose files it may read and write.
    pub writes: &'a Path,
    /// How much of the machine it may take.
    pub room: Room,
}

/// How much of the machine a process may take. The kernel ends one that takes more: a processor's time with `SIGXCPU`, a
/// longer file with `SIGXFSZ`; memory it does not get, which ends a Rust program with `SIGABRT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that it may map.
    pub memory_bytes: u64,
    /// Seconds of processors' time.
    pub cpu_seconds: u64,
    /// Bytes of each file that it writes.
    pub file_bytes: u64,
}

/// Shuts the process in: what it has open stays open, all else is as `walls` say. To be called first thing, as long as
/// there is one thread: Landlock binds the calling thread and those that it starts. Where the kernel has no Landlock
/// the rest is done, and [`missing`] tells. An error means that the process must not go on.
#[cfg(target_os = "linux")]
pub fn enter(walls: &Walls<'_>) -> io::Result<()> {
    room::limit(walls.room)?;
    room::die_with_parent()?;
    files::enclose(walls.reads, walls.writes)?;
    // Last: the calls that all this takes are not among those that stay.
    calls::restrict()
}

/// Shuts the process in as far as this system lets it: its share of the machine.
#[cfg(all(unix, not(target_os = "linux")))]
pub fn enter(walls: &Walls<'_>) -> io::Result<()> {
    room::limit(walls.room)
}

/// Does nothing here: [`missing`] tells.
#[cfg(not(unix))]
pub fn enter(_walls: &Walls<'_>) -> io::Result<()> {
    Ok(())
}

/// What of the walls this machine has, in words.
#[cfg(target_os = "linux")]
pub fn strength() -> String {
    let memory = format!("{} MiB of memory", child_memory_bytes() >> 20);
    match files::landlock_abi() {
        Some(abi) => format!("Landlock (ABI {abi}), seccomp, {memory}"),
        None => format!("seccomp, {memory}; {}", missing().unwrap_or_default()),
    }
}

/// What of the walls this machine has, in words.
#[cfg(not(target_os = "linux"))]
pub fn strength() -> String {
    missing().unwrap_or_default().to_owned()
}

/// What a process that is shut in can still do on this machine and should not; `None`: nothing.
#[cfg(target_os = "linux")]
pub fn missing() -> Option<&'static str> {
    files::landlock_abi().is_none().then_some(
        "the kernel has no Landlock, so a demo that takes over its renderer could read the files of this user: Linux 5.13 \
         or later has it, where the boot parameter lsm= does not leave it out",
    )
}

/// What a process that is shut in can still do on this machine and should not; `None`: nothing.
#[cfg(not(target_os = "linux"))]
pub fn missing() -> Option<&'static str> {
    Some(
        "this system has no Landlock and no seccomp, so a demo that takes over its renderer could read the files of this \
         user and use the network: run render nodes on Linux",
    )
}

/// Says [`missing`] in the log, once.
pub fn warn_if_weak() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        if let Some(words) = missing() {
            log::warn!("Demos are not read in a full sandbox: {words}.");
        }
    });
}
