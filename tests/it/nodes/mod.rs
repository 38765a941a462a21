//! Render nodes: joining, the agent, claims, leaving, full disks, shared keys, benched and missing nodes.

#[cfg(target_os = "linux")]
mod agent;
mod benched;
mod check;
mod fairness;
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(unix)]
mod game_check;
#[cfg(target_os = "linux")]
mod given_up;
#[cfg(target_os = "linux")]
mod heartbeats;
#[cfg(target_os = "linux")]
mod init;
#[cfg(target_os = "linux")]
mod interrupted;
mod join;
mod join_tokens;
mod leave;
#[cfg(target_os = "linux")]
mod live_frames;
mod machines;
mod no_nodes;
#[cfg(target_os = "linux")]
mod outbox;
mod protocol_versions;
mod sanitized_text;
mod shared_key;
#[cfg(unix)]
mod stopped_idle;
mod waiting;

use std::sync::Arc;

use dinkem_appliance::app::upkeep::doctor::{self, Examination, Fault};
use dinkem_appliance::os::random::FakeRandom;

use crate::support::appliance::Appliance;

/// The faults that `doctor` finds.
fn faults(appliance: &Appliance) -> Vec<Fault> {
    let examination = Examination {
        data_dir: appliance.app.data_dir().to_owned(),
        host: None,
        certificate: None,
        clock: appliance.clock.clone(),
        random: Arc::new(FakeRandom::default()),
        storage: None,
        replica_socket: None,
        fix: false,
    };
    doctor::examine(&examination).unwrap()
}
