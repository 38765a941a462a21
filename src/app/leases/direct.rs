//! Uploads of videos that go past the server, straight into the bucket, in parts whose addresses a node gets under its
//! lease.

use crate::app::App;
use crate::app::leases::live::live_job;
use crate::domain::error::{Error, Result};
use crate::domain::id::LeaseId;
use crate::domain::node::Node;
use crate::domain::sha256::Sha256;

/// Bytes of each part but the last: 64 MiB, so that the parts of the largest video fit into a request's body.
pub const PART_BYTES: u64 = 64 << 20;
/// What a node may upload to.
#[derive(Debug)]
pub struct Parts {
    /// The upload's id.
    pub upload: String,
    /// An address for each part, in order.
    pub addresses: Vec<String>,
}

/// Bytes of each part of a direct upload; `None` if videos are uploaded to the server.
pub fn part_bytes(app: &App) -> Option<u64> {
    app.clip_files.bucket_for_new().map(|_| PART_BYTES)
}

/// PEM of the only CA certificates that a node is to trust at the bucket's addresses; `None`: those of its platform.
pub fn bucket_ca(app: &App) -> Option<String> {
    app.clip_files.bucket.as_ref().and_then(|bucket| bucket.bucket.ca_pem()).map(str::to_owned)
}

/// Addresses for the parts with these hashes; of the upload that was begun before, or of a new one.
pub fn parts(app: &App, node: &Node, lease: LeaseId, upload: Option<String>, hashes: &[Sha256]) -> Result<Parts> {
    live_job(app, node.id, lease)?;
    let files = &app.clip_files;
    let bucket =
        files.bucket_for_new().ok_or_else(|| Error::not_found("This server takes videos itself: upload it there."))?;
    let name = files.video_name(lease);
    let upload = match upload {
        Some(upload) => upload,
        None => {
            let upload = bucket.begin(lease, &name)?;
            // The lease may have ended meanwhile: then nobody would end the upload.
            if let Err(error) = live_job(app, node.id, lease) {
                files.remove(lease);
                return Err(error);
            }
            upload
        }
    };
    let addresses = bucket.addresses(&name, &upload, hashes)?;
    Ok(Parts { upload, addresses })
}
