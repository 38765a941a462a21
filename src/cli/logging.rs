//! The program's log: what goes into it, how a line looks, and where it goes.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Duration;

use env_logger::Target;
use log::LevelFilter;

use crate::cli::escape::plain;
use crate::http::server::TRANSPORT_LOG;
use crate::os::log_queue::LogQueue;

/// How long the end of the program waits for a log that nobody reads.
const END_WAIT: Duration = Duration::from_secs(1);

/// What has to be written before the program ends.
static QUEUE: OnceLock<LogQueue> = OnceLock::new();

/// Logs to standard error.
pub fn start(level: LevelFilter) -> io::Result<()> {
    start_to(level, Target::Stderr)
}

/// Logs to `out`, by a thread of its own: for what serves, which must not wait for its log. Ends with [`end`].
pub fn start_queued(level: LevelFilter, out: impl Write + Send + 'static) -> io::Result<()> {
    let queue = LogQueue::new(out)?;
    // There is one log: a second would not be heard of.
    let queue = QUEUE.get_or_init(|| queue);
    start_to(level, Target::Pipe(Box::new(queue.clone())))
}

/// Waits until every line is out. Before the program ends: of what is queued, no line comes after.
pub fn end() {
    if let Some(queue) = QUEUE.get() {
        queue.close(END_WAIT);
    }
}

/// Log lines: time, severity, words made harmless. Other people's code may only warn.
fn start_to(level: LevelFilter, target: Target) -> io::Result<()> {
    env_logger::Builder::new()
        .filter_level(level.min(LevelFilter::Warn))
        .filter_module(env!("CARGO_CRATE_NAME"), level)
        .filter_module(TRANSPORT_LOG, level)
        .format(|out, record| {
            let words = plain(&record.args().to_string());
            writeln!(out, "{} {:5} {words}", out.timestamp_millis(), record.level())
        })
        .target(target)
        .try_init()
        .map_err(io::Error::other)
}
