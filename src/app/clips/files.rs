//! Paths of clip files: each video and poster is named after the lease it was uploaded under and is never renamed.
//! All of their names are built here: `7f3a9c1e-42.mp4`, or `42.mp4` for leases from before the first epoch.
//!
//! A clip lies in the data directory or in the bucket: it is looked for in this order. What is still being uploaded to the
//! server lies in the data directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::clips::bucket::{ClipBucket, Object, Unfinished};
use crate::app::clips::uploaded::Uploaded;
use crate::app::stored_files;
use crate::domain::epoch::{Epochs, LeaseName};
use crate::domain::error::{Error, Result};
use crate::domain::id::LeaseId;
use crate::os::disk_usage::Usage;
use crate::os::files;
use crate::os::s3::multipart::Part;
use crate::store::{DataDir, open_private};

/// The extensions of a lease's files; the last is a poster that is still being written.
const EXTENSIONS: [&str; 3] = [VIDEO, POSTER, "jpg.new"];
const VIDEO: &str = "mp4";
const POSTER: &str = "jpg";

/// The videos and posters of an appliance, including uploads in progress.
pub struct ClipFiles {
    folder: PathBuf,
    epochs: Arc<Epochs>,
    /// The bucket, if one is configured.
    pub bucket: Option<ClipBucket>,
}

/// Where the content of a clip's file is read.
pub enum Content {
    /// In the data directory.
    File(File),
    /// In the bucket.
    Object(Box<Object>),
}

impl ClipFiles {
    /// The clip files in a data directory whose store has these epochs.
    pub fn of(folder: &DataDir, epochs: Arc<Epochs>) -> Self {
        Self { folder: folder.clips(), epochs, bucket: None }
    }

    /// The name of a lease's file with this extension.
    pub fn name(&self, lease: LeaseId, extension: &str) -> String {
        format!("{}.{extension}", self.epochs.name(lease))
    }

    /// The name of a lease's video, wherever it lies.
    pub fn video_name(&self, lease: LeaseId) -> String {
        self.name(lease, VIDEO)
    }

    /// The name of a lease's poster, wherever it lies.
    pub fn poster_name(&self, lease: LeaseId) -> String {
        self.name(lease, POSTER)
    }

    /// The video uploaded under a lease.
    pub fn video(&self, lease: LeaseId) -> PathBuf {
        self.folder.join(self.name(lease, VIDEO))
    }

    /// The poster uploaded under a lease.
    pub fn poster(&self, lease: LeaseId) -> PathBuf {
        self.folder.join(self.name(lease, POSTER))
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
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if let Some(name) = entry.file_name().to_str().and_then(Self::lease_of) {
                let is_ours = self.epochs.name(name.lease) == name;
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

    /// The bucket, if new clips and demos go there.
    pub fn bucket_for_new(&self) -> Option<&ClipBucket> {
        self.bucket.as_ref().filter(|bucket| bucket.takes_new)
    }

    /// Makes the object of a direct upload, if that has not happened yet; also returns its length. What was uploaded to
    /// the server under the lease is deleted.
    pub fn finish_upload(
        &self,
        lease: LeaseId,
        upload: &str,
        parts: &[Part],
    ) -> Result<(Uploaded<'_>, u64), Unfinished> {
        let bucket = self.bucket_for_new().ok_or(Unfinished::Missing)?;
        let name = self.name(lease, VIDEO);
        let bytes = bucket.finish(lease, &name, upload, parts)?;
        stored_files::remove(&self.video(lease));
        Ok((Uploaded::Object { bucket, name, bytes }, bytes))
    }

    /// The video uploaded under a lease.
    pub fn uploaded(&self, lease: LeaseId) -> io::Result<Uploaded<'_>> {
        match (files::open_to_sync(&self.video(lease)), self.bucket_for_new()) {
            (Err(error), Some(bucket)) if error.kind() == io::ErrorKind::NotFound => {
                let name = self.name(lease, VIDEO);
                let bytes = bucket.length(&name).map_err(io::Error::other)?.ok_or(error)?;
                Ok(Uploaded::Object { bucket, name, bytes })
            }
            (opened, _) => opened.map(Uploaded::File),
        }
    }

    /// Makes the video last: syncs its content and directory entry to disk, or moves video and poster into the bucket.
    /// Posters are synced when they are stored.
    pub fn publish(&self, lease: LeaseId, video: &Uploaded<'_>) -> Result<()> {
        let Some(bucket) = self.bucket_for_new() else {
            let synced = video.sync().and_then(|()| files::sync_dir(&self.folder));
            return synced.map_err(|error| Error::internal("The video could not be synced to disk.", error));
        };
        for (extension, media_type) in [(VIDEO, "video/mp4"), (POSTER, "image/jpeg")] {
            let (name, path) = (self.name(lease, extension), self.folder.join(self.name(lease, extension)));
            match File::open(&path) {
                Ok(file) => bucket.put(&name, &file, media_type)?,
                // Uploaded directly, moved by an earlier call, or a clip without a poster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::internal("The video could not be read.", error)),
            }
            stored_files::remove(&path);
        }
        Ok(())
    }

    /// Deletes an uploaded video that was refused.
    pub fn discard_video(&self, lease: LeaseId) -> Result<()> {
        match fs::remove_file(self.video(lease)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound || self.bucket_for_new().is_none() => {
                return Err(Error::internal("A rejected upload could not be removed.", error));
            }
            _ => {}
        }
        match self.bucket_for_new() {
            Some(bucket) => bucket.bucket.delete(&bucket.key(&self.name(lease, VIDEO))),
            None => Ok(()),
        }
    }

    /// The content of a published video of `bytes` bytes, and its length where it lies. One in the bucket is not looked
    /// at: it was when it was published.
    pub fn open_video(&self, lease: LeaseId, bytes: u64) -> io::Result<(Content, u64)> {
        match (open(&self.video(lease)), &self.bucket) {
            (Err(error), Some(bucket)) if error.kind() == io::ErrorKind::NotFound => {
                Ok((Content::Object(Box::new(Object::of(bucket, bucket.key(&self.name(lease, VIDEO)), bytes))), bytes))
            }
            (opened, _) => opened,
        }
    }

    /// The poster's content and length.
    pub fn open_poster(&self, lease: LeaseId) -> io::Result<(Content, u64)> {
        match (open(&self.poster(lease)), &self.bucket) {
            (Err(error), Some(bucket)) if error.kind() == io::ErrorKind::NotFound => {
                let name = self.name(lease, POSTER);
                let bytes = bucket.poster_length(&name).ok_or(error)?;
                Ok((Content::Object(Box::new(Object::of(bucket, bucket.key(&name), bytes))), bytes))
            }
            (opened, _) => opened,
        }
    }

    /// Whether the data directory has the video, with this length.
    pub fn has_video(&self, lease: LeaseId, bytes: u64) -> bool {
        fs::metadata(self.video(lease)).is_ok_and(|file| file.len() == bytes)
    }

    /// The lease that an object belongs to; `None`: to none of this store.
    pub fn lease_of_object(&self, name: &str) -> Option<LeaseId> {
        let name = Self::lease_of(name).filter(|_| Self::is_published_name(name))?;
        (self.epochs.name(name.lease) == name).then_some(name.lease)
    }

    /// The origin that browsers are sent to for clips, if they are.
    pub fn foreign_origin(&self) -> Option<String> {
        self.bucket.as_ref().filter(|bucket| !bucket.is_proxied).map(|bucket| bucket.bucket.origin())
    }

    /// Deletes both files, wherever they lie. Call it only after the commit that drops the last reference to them.
    pub fn remove(&self, lease: LeaseId) {
        for path in [self.video(lease), self.poster(lease)] {
            stored_files::remove(&path);
        }
        if let Some(bucket) = &self.bucket {
            bucket.doom(lease, [self.name(lease, VIDEO), self.name(lease, POSTER)]);
        }
    }
}

impl Content {
    /// The content from byte `first`, `count` bytes.
    pub fn section(self, first: u64, count: u64) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::File(mut file) => {
                io::Seek::seek(&mut file, io::SeekFrom::Start(first))?;
                Ok(Box::new(file.take(count)))
            }
            Self::Object(object) => Ok(object.section(first, count)),
        }
    }
}

fn open(path: &Path) -> io::Result<(Content, u64)> {
    let (file, bytes) = with_length(File::open(path)?)?;
    Ok((Content::File(file), bytes))
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
