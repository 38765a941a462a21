//! Paths of clip files: each video and poster is named after the lease it was uploaded under and is never renamed.
//! All of their names are built here: `7f3a9c1e-42.mp4`, or `42.mp4` for leases from before the first epoch.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::app::stored_files;
use crate::domain::clip::VideoFacts;
use crate::domain::epoch::{Epochs, LeaseName};
use crate::domain::error::Result;
use crate::domain::id::LeaseId;
use crate::domain::sha256::Sha256;
use crate::os::disk_usage::Usage;
use crate::os::files;
use crate::render::video;
use crate::store::{DataDir, open_private};

/// The extensions of a lease's files; the last is a poster that is still being written.
const EXTENSIONS: [&str; 3] = ["mp4", "jpg", "jpg.new"];

/// The videos and posters of an appliance, including uploads in progress.
#[derive(Clone, Debug)]
pub struct ClipFiles(PathBuf, Arc<Epochs>);

impl ClipFiles {
    /// The clip files in a data directory whose store has these epochs.
    pub fn of(folder: &DataDir, epochs: Arc<Epochs>) -> Self {
        Self(folder.clips(), epochs)
    }

    /// The name of a lease's file with this extension.
    pub fn name(&self, lease: LeaseId, extension: &str) -> String {
        format!("{}.{extension}", self.1.name(lease))
    }

    /// The video uploaded under a lease.
    pub fn video(&self, lease: LeaseId) -> PathBuf {
        self.0.join(self.name(lease, "mp4"))
    }

    /// The poster uploaded under a lease.
    pub fn poster(&self, lease: LeaseId) -> PathBuf {
        self.0.join(self.name(lease, "jpg"))
    }

    /// The lease that a file name belongs to; `None` for other files.
    pub fn lease_of(name: &str) -> Option<LeaseName> {
        let (lease, extension) = name.split_once('.')?;
        if EXTENSIONS.contains(&extension) { LeaseName::parse(lease) } else { None }
    }

    /// Whether a file name is that of a video or a poster.
    pub fn is_published_name(name: &str) -> bool {
        Self::lease_of(name).is_some_and(|name| name.lease.0 > 0) && !name.ends_with(".new")
    }

    /// Every file that belongs to a lease; `None`: to one of another store.
    pub fn all(&self) -> io::Result<Vec<(Option<LeaseId>, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            if let Some(name) = entry.file_name().to_str().and_then(Self::lease_of) {
                let is_ours = self.1.name(name.lease) == name;
                found.push((is_ours.then_some(name.lease), entry.path()));
            }
        }
        Ok(found)
    }

    /// What the videos and the posters take, including uploads in progress.
    pub fn usage(&self) -> io::Result<(Usage, Usage)> {
        let (mut videos, mut posters) = (Usage::default(), Usage::default());
        for (_, path) in self.all()? {
            let is_video = path.extension().is_some_and(|extension| extension == "mp4");
            let kind = if is_video { &mut videos } else { &mut posters };
            // Deleted since the directory was read.
            kind.add(fs::metadata(&path).map_or(0, |file| file.len()));
        }
        Ok((videos, posters))
    }

    /// The video, open for appending, and its length.
    pub fn append(&self, lease: LeaseId) -> io::Result<(File, u64)> {
        with_length(open_private(OpenOptions::new().append(true).create(true), &self.video(lease))?)
    }

    /// Stores a poster durably; an earlier one is replaced.
    pub fn put_poster(&self, lease: LeaseId, poster: &[u8]) -> io::Result<()> {
        files::write_durably(&self.poster(lease), poster)
    }

    /// The uploaded video's SHA-256 and length.
    pub fn hash_video(&self, lease: LeaseId) -> io::Result<(Sha256, u64)> {
        files::hash(&self.video(lease))
    }

    /// Checks the uploaded video's structure; a different width, height or frame rate is an error.
    pub fn check_video(&self, lease: LeaseId, width: u32, height: u32, fps: u32) -> Result<VideoFacts> {
        video::check(&self.video(lease), width, height, fps)
    }

    /// Syncs the video's content and directory entry to disk. Posters are synced when they are stored.
    pub fn publish(&self, lease: LeaseId) -> io::Result<()> {
        files::sync(&self.video(lease))?;
        files::sync_dir(&self.0)
    }

    /// Deletes an uploaded video that was refused.
    pub fn discard_video(&self, lease: LeaseId) -> io::Result<()> {
        fs::remove_file(self.video(lease))
    }

    /// The video, open for reading, and its length.
    pub fn open_video(&self, lease: LeaseId) -> io::Result<(File, u64)> {
        with_length(File::open(self.video(lease))?)
    }

    /// The poster, open for reading, and its length.
    pub fn open_poster(&self, lease: LeaseId) -> io::Result<(File, u64)> {
        with_length(File::open(self.poster(lease))?)
    }

    /// Whether the video exists and has this length.
    pub fn has_video(&self, lease: LeaseId, bytes: u64) -> bool {
        fs::metadata(self.video(lease)).is_ok_and(|file| file.len() == bytes)
    }

    /// Deletes both files. Call it only after the commit that drops the last reference to them.
    pub fn remove(&self, lease: LeaseId) {
        for path in [self.video(lease), self.poster(lease)] {
            stored_files::remove(&path);
        }
    }
}

fn with_length(file: File) -> io::Result<(File, u64)> {
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_is_read_from_file_name() {
        let cases = [
            ("17.mp4", Some("17")),
            ("17.jpg", Some("17")),
            ("17.jpg.new", Some("17")),
            ("7f3a9c1e-17.mp4", Some("7f3a9c1e-17")),
            ("17.mov", None),
            ("a-17.mp4", None),
            ("17", None),
            ("x.mp4", None),
            (".mp4", None),
        ];
        for (name, lease) in cases {
            let found = ClipFiles::lease_of(name).map(|name| name.to_string());
            assert_eq!(found.as_deref(), lease, "{name}");
        }
    }
}
