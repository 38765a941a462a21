//! Hostile clients, and a healthy one beside them, for any HTTP server: this crate's tests attack a rouille site, the
//! product's tests its real binary.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "each test binary uses only a part of it")]

pub mod attacks;
pub mod bystander;
pub mod client;
pub mod smuggling;
pub mod target;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine; reaching it is a failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

static ALONE: Mutex<()> = Mutex::new(());

/// Keeps tests that measure from disturbing each other.
pub fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a condition of the server.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// A memory figure (`VmRSS`, `VmHWM`) of a process (a pid or `self`) in MiB; 0 if unavailable.
pub fn memory_mib(process: &str, figure: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(figure)).unwrap_or_default();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap_or(0) / 1024
}

/// Raises the limit on open files and returns it.
#[cfg(unix)]
pub fn descriptors(wanted: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let current = now.maximum.map_or(wanted, |most| most.min(wanted)).max(now.current.unwrap_or(wanted));
    setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: now.maximum }).unwrap();
    current
}

#[cfg(not(unix))]
pub fn descriptors(wanted: u64) -> u64 {
    wanted
}

/// Runs `step` every few milliseconds on a thread of its own until dropped.
pub struct Every {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Every {
    pub fn millis(millis: u64, mut step: impl FnMut() + Send + 'static) -> Every {
        let (stop, stopped): (Sender<()>, Receiver<()>) = channel();
        let pace = Duration::from_millis(millis);
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(pace) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                step();
            }
        });
        Every { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Every {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
