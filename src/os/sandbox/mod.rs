//! Sandboxes this process for good before it reads an untrusted demo. Whatever the demo makes it do then, the kernel
//! allows it one file to read, one directory to write, no network, no other programs, and limited resources.
//!
//! On Linux: resource limits, Landlock for files, TCP, and signals, and seccomp for all other system calls. On other
//! Unix systems: resource limits only. On Windows the parent process limits the child's memory and nothing else
//! (`job.rs`).

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod files;
#[cfg(windows)]
mod job;
#[cfg(unix)]
mod limits;
mod memory;

use std::io;
use std::path::Path;
use std::sync::Once;

#[cfg(windows)]
pub use job::MemoryLimit;
pub use memory::child_memory_bytes;

/// What a sandboxed process may still do.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The one file it may read, besides its own directory.
    pub reads: &'a Path,
    /// The one directory in which it may read and write files.
    pub writes: &'a Path,
    /// Resource limits.
    pub limits: ResourceLimits,
}

/// Resource limits. The kernel sends `SIGXCPU` on excess CPU time and `SIGXFSZ` on a file that grows too large, and
/// refuses excess memory, on which a Rust program aborts (`SIGABRT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Bytes that it may map.
    pub memory_bytes: u64,
    /// CPU time in seconds.
    pub cpu_seconds: u64,
    /// Maximum size of each file it writes.
    pub file_bytes: u64,
}

/// Enters the sandbox; open files stay open. Must be called while there is only one thread: Landlock applies to the
/// calling thread and those it starts later. Without Landlock in the kernel the rest still applies, and [`missing`]
/// says so. On an error the process must not continue.
#[cfg(target_os = "linux")]
pub fn enter(policy: &Policy<'_>) -> io::Result<()> {
    limits::apply(policy.limits)?;
    limits::die_with_parent()?;
    files::enclose(policy.reads, policy.writes)?;
    // Last: it forbids the calls used above.
    calls::restrict()
}

/// Enters the sandbox as far as this system supports it: resource limits.
#[cfg(all(unix, not(target_os = "linux")))]
pub fn enter(policy: &Policy<'_>) -> io::Result<()> {
    limits::apply(policy.limits)
}

/// A no-op on this system: see [`missing`].
#[cfg(not(unix))]
pub fn enter(_policy: &Policy<'_>) -> io::Result<()> {
    Ok(())
}

/// Describes the sandbox on this machine.
#[cfg(target_os = "linux")]
pub fn strength() -> String {
    let memory = format!("{} MiB of memory", child_memory_bytes() >> 20);
    match files::landlock_abi() {
        Some(abi) => format!("Landlock (ABI {abi}), seccomp, {memory}"),
        None => format!("seccomp, {memory}; {}", missing().unwrap_or_default()),
    }
}

/// Describes the sandbox on this machine.
#[cfg(not(target_os = "linux"))]
pub fn strength() -> String {
    missing().unwrap_or_default().to_owned()
}

/// What the sandbox fails to prevent on this machine; `None` if it is complete.
#[cfg(target_os = "linux")]
pub fn missing() -> Option<&'static str> {
    files::landlock_abi().is_none().then_some(
        "the kernel has no Landlock, so a demo that exploits the renderer could read this user's files. Use Linux \
         5.13 or later, and do not disable Landlock with the boot parameter lsm=",
    )
}

/// What the sandbox fails to prevent on this machine; `None` if it is complete.
#[cfg(not(target_os = "linux"))]
pub fn missing() -> Option<&'static str> {
    Some(
        "this system has neither Landlock nor seccomp, so a demo that exploits the renderer could read this user's \
         files and use the network. Run render nodes on Linux",
    )
}

/// Logs [`missing`], once.
pub fn warn_if_weak() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        if let Some(words) = missing() {
            log::warn!("Demos are parsed without a full sandbox: {words}.");
        }
    });
}
