//! The log: filters, line format and destination.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Duration;

use env_logger::Target;
use log::LevelFilter;

use crate::http::server::TRANSPORT_LOG;
use crate::os::log_queue::LogQueue;
use crate::wire::escape::plain;

/// How long exit waits for a log whose reader is stuck.
const END_WAIT: Duration = Duration::from_secs(1);

/// Pending log lines to write before exit.
static QUEUE: OnceLock<LogQueue> = OnceLock::new();

/// Logs to standard error.
pub fn start(level: LevelFilter) -> io::Result<()> {
    start_to(level, Target::Stderr)
}

/// Logs to `out` on a separate thread, because a server must not block on its log. Finish with [`end`].
pub fn start_queued(level: LevelFilter, out: impl Write + Send + 'static) -> io::Result<()> {
    let queue = LogQueue::new(out)?;
    // Only one logger can be installed; a second is ignored.
    let queue = QUEUE.get_or_init(|| queue);
    start_to(level, Target::Pipe(Box::new(queue.clone())))
}

/// Flushes all queued lines. Call before exit: lines still queued are lost.
pub fn end() {
    if let Some(queue) = QUEUE.get() {
        queue.close(END_WAIT);
    }
}

/// Formats lines as time, severity and escaped text. Dependencies may only log warnings and errors.
fn start_to(level: LevelFilter, target: Target) -> io::Result<()> {
    env_logger::Builder::new()
        .filter_level(level.min(LevelFilter::Warn))
        .filter_module(env!("CARGO_CRATE_NAME"), level)
        .filter_module(TRANSPORT_LOG, level)
        // It logs each refused certificate, which the caller reports as well.
        .filter_module("rustls_platform_verifier", LevelFilter::Off)
        .format(|out, record| {
            let words = plain(&record.args().to_string());
            writeln!(out, "{} {:5} {words}", out.timestamp_millis(), record.level())
        })
        .target(target)
        .try_init()
        .map_err(io::Error::other)
}
