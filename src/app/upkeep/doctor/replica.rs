//! The replica of the store for a standby.

use crate::app::App;
use crate::app::upkeep::doctor::Fault;
use crate::app::upkeep::replica;

/// Seconds that the replica may be behind before doctor says so.
const REPLICA_BEHIND_SECONDS: u64 = 60;

/// What doctor says about the replica, if anything is wrong with it.
pub fn fault(app: &App) -> Option<Fault> {
    let socket = app.settings.replica_socket.as_deref()?;
    match replica::synced_at(socket, &app.store.folder.store()) {
        Err(why) => Some(Fault::new(
            "replica_gone",
            format!(
                "The store is not being replicated: Litestream, on {}, does not say that it is. {why}",
                socket.display()
            ),
            "See `systemctl status dinkem-appliance-litestream` and docs/standby.md. Until then, what is written here is lost \
             with this machine.",
        )),
        Ok(at) => {
            let seconds = (app.clock.now_ms() - at) / 1_000;
            (seconds > REPLICA_BEHIND_SECONDS.cast_signed()).then(|| {
                Fault::new(
                    "replica_behind",
                    format!("The replica is {seconds} seconds behind: what was written since then is lost with this machine."),
                    "Litestream cannot reach the replica, or not fast enough: see `journalctl -u dinkem-appliance-litestream`.",
                )
            })
        }
    }
}
