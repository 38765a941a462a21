//! The replica of the store for a standby: how far it is behind, as Litestream says on its socket.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::app::App;
use crate::os::local_http;
use crate::wire::litestream;

/// When the replica last had everything, Unix time in milliseconds; 0 if nothing is known.
#[derive(Default)]
pub struct Known(AtomicI64);

/// Seconds since the replica last had everything that the store had; `None` without `--replica-socket`. Counts on while
/// Litestream is away. What is lost with this machine is at most what was written in this time.
pub fn lag_seconds(app: &App) -> Option<f64> {
    let socket = app.settings.replica_socket.as_deref()?;
    let now = app.clock.now_ms();
    let known = &app.replica.0;
    match synced_at(socket, &app.store.folder.store()) {
        Ok(at) => known.store(at, Ordering::Relaxed),
        // Never heard of: it counts from the first question on.
        Err(_) => drop(known.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed)),
    }
    let behind_ms = (now - known.load(Ordering::Relaxed)).max(0);
    Some(behind_ms as f64 / 1_000.0)
}

/// When the replica last had everything, Unix time in milliseconds. The error is a sentence.
pub(in crate::app::upkeep) fn synced_at(socket: &Path, store: &Path) -> Result<i64, String> {
    let answer = local_http::get(socket, "/list").map_err(|error| format!("It does not answer: {error}."))?;
    let store = fs::canonicalize(store).map_err(|error| format!("The store cannot be found: {error}."))?;
    let is_ours = |path: &str| fs::canonicalize(path).is_ok_and(|path| path == store);
    litestream::last_sync(&answer, is_ours).map_err(str::to_owned)
}
