//! Render nodes that stop, are stopped, hoard, share a key or are not there.

#[cfg(target_os = "linux")]
mod interrupted;
mod leave;
mod no_nodes;
mod paths;
mod room;
mod shared_key;
mod words;

use std::sync::Arc;

use dinkem_appliance::app::upkeep::doctor::{self, Fault, Patient};
use dinkem_appliance::os::random::FakeRandom;

use crate::support::appliance::Appliance;

/// What the doctor finds beside a running appliance.
fn faults(appliance: &Appliance) -> Vec<Fault> {
    let patient = Patient {
        data_dir: appliance.app.data_dir().to_owned(),
        host: None,
        certificate: None,
        clock: appliance.clock.clone(),
        random: Arc::new(FakeRandom::default()),
        fix: false,
    };
    doctor::examine(&patient).unwrap()
}
