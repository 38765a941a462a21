//! Checks that a lease is of this store, live, and the calling node's.

use crate::app::App;
use crate::domain::epoch::LeaseName;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::{JobId, LeaseId, NodeId};
use crate::store;
use crate::store::leases::LeaseState;

/// A lease's name for nodes.
pub fn name(app: &App, lease: LeaseId) -> LeaseName {
    app.epochs.name(lease)
}

/// The number of the lease with this name; one of another epoch is an error like a lease that has ended.
pub fn named(app: &App, name: &LeaseName) -> Result<LeaseId> {
    if app.epochs.knows(name) { Ok(name.lease) } else { Err(not_live(None)) }
}

/// The job of a live lease of this node.
pub(in crate::app) fn live_job(app: &App, node: NodeId, lease: LeaseId) -> Result<JobId> {
    match app.store.read(|db| store::leases::find(db, lease, node))? {
        Some((job, LeaseState::Live)) => Ok(job),
        found => Err(not_live(found.map(|(_, state)| state))),
    }
}

/// The error for a node whose lease is not live, or not its own.
pub(in crate::app) fn not_live(state: Option<LeaseState>) -> Error {
    match state {
        Some(LeaseState::Cancelled) => {
            Error::conflict(ErrorCode::Cancelled, "The job was cancelled. Stop working on it.")
        }
        _ => {
            Error::conflict(ErrorCode::Lost, "The lease has ended or belongs to another node. Stop working on the job.")
        }
    }
}
