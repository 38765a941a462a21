//! Work that is done, fails or is cancelled when the test says so: one job at a time, by a node that renders anything.

use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::leases::{self, Grant};
use dinkem_appliance::app::{App, auth, jobs, nodes};
use dinkem_appliance::domain::failure::{Failure, FailureCode, Retry};
use dinkem_appliance::domain::job::{Caller, JobSpec, Renderer};
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::rates::FootageKind;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::test_app::spec;
use super::video;

/// The node and the appliance it works for.
pub struct Worker {
    app: Arc<App>,
    node: Node,
}

impl Worker {
    pub fn new(app: &Arc<App>) -> Self {
        let token = nodes::token(app).unwrap();
        Self { app: app.clone(), node: nodes::join(app, &token, "worker").unwrap().node }
    }

    /// Who calls with this key.
    pub fn caller(&self, key: &str) -> Caller {
        auth::authenticate(&self.app, &[&format!("Bearer {key}")]).unwrap()
    }

    /// A waiting job of this kind.
    pub fn submit(&self, caller: &Caller, kind: FootageKind) -> Uuid {
        let FootageKind { renderer, resolution, fps } = kind;
        let spec = JobSpec { renderer, resolution, fps, ..spec() };
        jobs::submit(&self.app, caller, spec).unwrap().job.public_id
    }

    /// The node takes the job that waits.
    pub fn claim(&self) -> Grant {
        leases::claim(&self.app, &self.node, &Renderer::ALL, 1, Duration::ZERO).unwrap().expect("a job waits")
    }

    /// The node ends its job well.
    pub fn complete(&self, grant: &Grant) {
        let spec = &grant.job.job.spec;
        let video = video::of(spec.resolution, spec.fps);
        leases::append_video(&self.app, &self.node, grant.lease.id, 0, &mut &video[..]).unwrap();
        leases::complete(&self.app, &self.node, grant.lease.id, Sha256::digest(video).into()).unwrap();
    }

    /// The node gives its job up.
    pub fn fail(&self, grant: &Grant, retry: Retry) {
        let failure = Failure { code: FailureCode::RenderFailed, message: "x".into(), retry };
        leases::fail(&self.app, &self.node, grant.lease.id, failure, None).unwrap();
    }

    /// A job from its submission to its clip.
    pub fn complete_job(&self, caller: &Caller, kind: FootageKind) -> Uuid {
        let id = self.submit(caller, kind);
        self.complete(&self.claim());
        id
    }

    /// A job that fails for good.
    pub fn fail_job(&self, caller: &Caller, kind: FootageKind) {
        self.submit(caller, kind);
        self.fail(&self.claim(), Retry::Never);
    }

    /// A job that is cancelled before a node takes it; a finished one loses its clip.
    pub fn remove(&self, caller: &Caller, id: Uuid) {
        jobs::remove(&self.app, caller, id).unwrap();
    }
}
