//! Checks that a lease is live and belongs to the calling node.

use crate::app::App;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::{JobId, LeaseId, NodeId};
use crate::store;
use crate::store::leases::LeaseState;

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
