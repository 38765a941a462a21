//! A node that completes, fails or drops jobs on command, one at a time.

use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::accounts::auth;
use dinkem_appliance::app::leases::Grant;
use dinkem_appliance::app::{App, jobs, leases, nodes};
use dinkem_appliance::domain::failure::{Failure, FailureCode, Retry};
use dinkem_appliance::domain::job::{Caller, JobSpec, Renderer};
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::rates::FootageKind;
use dinkem_appliance::domain::sha256::Sha256;
use uuid::Uuid;

use super::test_app::spec;
use super::video;

pub struct Worker {
    app: Arc<App>,
    node: Node,
}

impl Worker {
    pub fn new(app: &Arc<App>) -> Self {
        let token = nodes::token(app, &crate::support::operator()).unwrap();
        Self { app: app.clone(), node: nodes::join(app, &token, "worker").unwrap().node }
    }

    /// The caller with this key.
    pub fn caller(&self, key: &str) -> Caller {
        auth::authenticate(&self.app, &[&format!("Bearer {key}")]).unwrap()
    }

    /// Submits a job for this kind of footage.
    pub fn submit(&self, caller: &Caller, kind: FootageKind) -> Uuid {
        let FootageKind { renderer, resolution, fps } = kind;
        let spec = JobSpec { renderer, resolution, fps, ..spec() };
        jobs::submit(&self.app, caller, spec).unwrap().job.public_id
    }

    /// Claims the queued job.
    pub fn claim(&self) -> Grant {
        leases::claim(&self.app, &self.node, &Renderer::ALL, 1, Duration::ZERO).unwrap().expect("a job waits")
    }

    /// Uploads a video and completes the job.
    pub fn complete(&self, grant: &Grant) {
        let spec = &grant.job.job.spec;
        let video = video::of(spec.resolution, spec.fps);
        leases::append_video(&self.app, &self.node, grant.lease.id, 0, &mut &video[..]).unwrap();
        leases::complete(&self.app, &self.node, grant.lease.id, Sha256::of(video).into()).unwrap();
    }

    /// Fails the job.
    pub fn fail(&self, grant: &Grant, retry: Retry) {
        let failure = Failure { code: FailureCode::RenderFailed, message: "x".into(), retry };
        leases::fail(&self.app, &self.node, grant.lease.id, failure.into()).unwrap();
    }

    /// Submits, claims and completes a job.
    pub fn complete_job(&self, caller: &Caller, kind: FootageKind) -> Uuid {
        let id = self.submit(caller, kind);
        self.complete(&self.claim());
        id
    }

    /// Submits and claims a job, and fails it permanently.
    pub fn fail_job(&self, caller: &Caller, kind: FootageKind) {
        self.submit(caller, kind);
        self.fail(&self.claim(), Retry::Never);
    }

    /// Cancels a job, or deletes the clip of a finished one.
    pub fn remove(&self, caller: &Caller, id: Uuid) {
        jobs::remove(&self.app, caller, id).unwrap();
    }
}
