//! todo
use super::{App, jobs::JobInfo};
use crate::domain::{
    error::{Error, Result},
    failure::Failure,
    id::LeaseId,
    job::Renderer,
    lease::{Lease, Progress},
    node::Node,
};
use std::io::Read;
use std::time::Duration;
/// A claim that got a job.
pub struct Grant {
    pub lease: Lease,
    pub expires_in_ms: u64,
    pub job: JobInfo,
    pub uploaded_demo: Option<([u8; 32], u64)>,
}
/// Waits up to `wait` for a job that the node can take. Returns `None` at once when `app.stopping()`.
pub fn claim(_app: &App, _node: &Node, _renderers: &[Renderer], _slots: u32, _wait: Duration) -> Result<Option<Grant>> {
    todo!()
}
/// New expiry in ms from now, or Conflict with code `cancelled` or `lost`.
pub fn heartbeat(_app: &App, _node: &Node, _lease: LeaseId, _progress: Progress) -> Result<u64> {
    todo!()
}
/// The uploaded demo of this lease's job: an open file and its length.
pub fn open_demo(_app: &App, _node: &Node, _lease: LeaseId) -> Result<(std::fs::File, u64)> {
    todo!()
}
/// Why an upload stopped.
pub enum UploadError {
    /// The offset is not the file's length; this is.
    WrongOffset(u64),
    /// Anything else.
    Failed(Error),
}
/// Appends to the lease's video at `offset`; the file's new length. A body that breaks off keeps what has arrived.
pub fn append_video(
    _app: &App,
    _node: &Node,
    _lease: LeaseId,
    _offset: u64,
    _body: &mut dyn Read,
) -> std::result::Result<u64, UploadError> {
    todo!()
}
/// Stores the lease's poster; its length.
pub fn put_poster(_app: &App, _node: &Node, _lease: LeaseId, _body: &mut dyn Read) -> Result<u64> {
    todo!()
}
/// Checks and publishes. The same call again answers the same.
pub fn complete(_app: &App, _node: &Node, _lease: LeaseId, _video_sha256: [u8; 32]) -> Result<()> {
    todo!()
}
pub fn fail(_app: &App, _node: &Node, _lease: LeaseId, _failure: Failure) -> Result<()> {
    todo!()
}
