//! Finished clips that the server has not taken yet. They are on disk before the first try to deliver them, so that they
//! outlive an outage of the server as well as the end of the node.
//!
//! Each has a directory of its own, named after its lease: the video, perhaps the poster, and a note, written last.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use log::{info, warn};
use serde::{Deserialize, Serialize};

use crate::domain::clip::POSTER_BYTES;
use crate::domain::epoch::LeaseName;
use crate::domain::key::Secret;
use crate::domain::sha256::Sha256;
use crate::os::files;
use crate::wire::node::CompleteRequest;

/// Clips of earlier runs that a node keeps when it starts; older ones are dropped.
const OUTBOX_CLIPS: usize = 64;
/// Bytes of their videos: 16 GiB.
const OUTBOX_BYTES: u64 = 16 << 30;
/// How long a finished clip is kept for the server: 3 days.
pub const OUTBOX_TIME: Duration = Duration::from_hours(72);
/// Limit on the size of a note.
const NOTE_BYTES: u64 = 64 * 1024;

const VIDEO: &str = "clip.mp4";
const POSTER: &str = "clip.jpg";
const NOTE: &str = "clip.json";

/// First bytes of a JPEG.
const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];

/// What a renderer has made, in its work directory.
pub struct Made {
    pub video: PathBuf,
    /// A clip can do without one.
    pub poster: PathBuf,
    /// For the game: whether it is proven that the video shows the player's own view.
    pub pov_verified: Option<bool>,
    /// For the game: the end of the renderer's log.
    pub log: Option<String>,
    /// Bytes of the parts in which it is uploaded past the server; `None`: to the server.
    pub part_bytes: Option<u64>,
    /// PEM of the CA certificates to trust there; `None`: the platform's.
    pub bucket_ca: Option<String>,
}

/// What the node remembers of a finished clip.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    #[serde(with = "crate::wire::lease")]
    lease: LeaseName,
    job: String,
    /// SHA-256 of the node's key: a server that knows no epochs has leases with the numbers of another's.
    node: String,
    video_bytes: u64,
    video_sha256: String,
    pov_verified: Option<bool>,
    log: Option<String>,
    /// As in [`Made`].
    #[serde(default)]
    part_bytes: Option<u64>,
    #[serde(default)]
    bucket_ca: Option<String>,
    /// Unix time in milliseconds.
    finished_at_ms: i64,
}

/// A finished clip in the outbox.
#[derive(Debug)]
pub struct Parcel {
    dir: PathBuf,
    note: Note,
}

/// The node's outbox.
pub struct Outbox {
    dir: PathBuf,
    /// As in a [`Note`].
    node: String,
    /// Those of earlier runs that nobody delivers yet, the oldest last.
    left: Mutex<Vec<Parcel>>,
}

impl Outbox {
    /// The outbox in `dir`. What cannot be delivered any more is dropped: damaged, of another node, too old, or too much.
    pub fn open(dir: PathBuf, key: &Secret, now_ms: i64) -> io::Result<Self> {
        files::create_private_dir(&dir)?;
        let outbox = Self { dir, node: Sha256::of(key.reveal()).to_string(), left: Mutex::default() };
        let mut found = Vec::new();
        for entry in fs::read_dir(&outbox.dir)? {
            let dir = entry?.path();
            match outbox.read(&dir, now_ms) {
                Ok(parcel) => found.push(parcel),
                Err(why) => drop_entry(&dir, &why),
            }
        }
        found.sort_by_key(|parcel| std::cmp::Reverse(parcel.note.finished_at_ms));
        let mut bytes = 0_u64;
        let fits = |parcel: &Parcel, count: usize| {
            bytes = bytes.saturating_add(parcel.note.video_bytes);
            count < OUTBOX_CLIPS && bytes <= OUTBOX_BYTES
        };
        let kept = take_while(&mut found, fits);
        found.iter().for_each(|parcel| drop_entry(&parcel.dir, "there are too many"));
        *outbox.lock() = kept;
        Ok(outbox)
    }

    /// Moves what a renderer has made into the outbox, and syncs it.
    pub fn keep(&self, lease: LeaseName, job: &str, made: Made, now_ms: i64) -> io::Result<Parcel> {
        let dir = self.dir_of(lease);
        files::empty_dir(&dir)?;
        let video = dir.join(VIDEO);
        fs::rename(&made.video, &video)?;
        files::sync(&video)?;
        if is_poster(&made.poster) {
            let poster = dir.join(POSTER);
            fs::rename(&made.poster, &poster)?;
            files::sync(&poster)?;
        }
        let (sha256, video_bytes) = files::hash(&video)?;
        let Made { pov_verified, log, part_bytes, bucket_ca, .. } = made;
        let (job, node, video_sha256) = (job.to_owned(), self.node.clone(), sha256.to_string());
        let note = Note {
            lease,
            job,
            node,
            video_bytes,
            video_sha256,
            pov_verified,
            log,
            part_bytes,
            bucket_ca,
            finished_at_ms: now_ms,
        };
        files::write_durably(&dir.join(NOTE), &serde_json::to_vec(&note)?)?;
        files::sync_dir(&self.dir)?;
        Ok(Parcel { dir, note })
    }

    /// The oldest clip of an earlier run that nobody delivers yet, if it is still intact.
    pub fn next(&self) -> Option<Parcel> {
        loop {
            let parcel = self.lock().pop()?;
            match files::hash(&parcel.video()) {
                Ok((sha256, _)) if sha256.to_string() == parcel.note.video_sha256 => return Some(parcel),
                Ok(_) => drop_entry(&parcel.dir, "its video is damaged"),
                Err(error) => drop_entry(&parcel.dir, &format!("its video cannot be read: {error}")),
            }
        }
    }

    /// Removes the clip of a lease, if there is one: the server has it, or does not want it.
    pub fn remove(&self, lease: LeaseName) {
        let dir = self.dir_of(lease);
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                warn!("The finished clip {} could not be removed: {error}", dir.display());
            }
            _ => {}
        }
    }

    fn dir_of(&self, lease: LeaseName) -> PathBuf {
        self.dir.join(lease.to_string())
    }

    /// The clip in `dir`, or why it cannot be delivered.
    fn read(&self, dir: &Path, now_ms: i64) -> Result<Parcel, String> {
        let mut text = Vec::new();
        File::open(dir.join(NOTE))
            .and_then(|file| file.take(NOTE_BYTES).read_to_end(&mut text))
            .map_err(|error| format!("it is incomplete: {error}"))?;
        let note: Note = serde_json::from_slice(&text).map_err(|error| format!("its note is damaged: {error}"))?;
        if self.dir_of(note.lease) != dir || note.node != self.node {
            return Err("it is another node's".to_owned());
        }
        let parcel = Parcel { dir: dir.to_owned(), note };
        if parcel.time_left(now_ms).is_zero() {
            return Err("it is too old".to_owned());
        }
        let video = fs::symlink_metadata(parcel.video()).map_err(|error| format!("it has no video: {error}"))?;
        if !video.is_file() || video.len() != parcel.note.video_bytes {
            return Err("its video is damaged".to_owned());
        }
        Ok(parcel)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Parcel>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parcel {
    /// The lease that it is delivered under.
    pub fn lease(&self) -> LeaseName {
        self.note.lease
    }

    /// The id of its job.
    pub fn job(&self) -> &str {
        &self.note.job
    }

    pub fn video(&self) -> PathBuf {
        self.dir.join(VIDEO)
    }

    /// The poster, if it has one.
    pub fn poster(&self) -> Option<PathBuf> {
        Some(self.dir.join(POSTER)).filter(|path| is_poster(path))
    }

    /// Bytes of the parts in which it is uploaded past the server; `None`: to the server.
    pub fn part_bytes(&self) -> Option<u64> {
        self.note.part_bytes.filter(|bytes| *bytes > 0)
    }

    /// PEM of the CA certificates to trust there; `None`: the platform's.
    pub fn bucket_ca(&self) -> Option<String> {
        self.note.bucket_ca.clone()
    }

    /// What completes its lease.
    pub fn completion(&self) -> CompleteRequest {
        let Note { video_sha256, pov_verified, log, .. } = &self.note;
        // Servers of older versions do not know these fields; they have no jobs for the game either.
        let log = pov_verified.and(log.clone());
        CompleteRequest { video_sha256: video_sha256.clone(), pov_verified: *pov_verified, log, upload: None }
    }

    /// How much longer it is kept.
    pub fn time_left(&self, now_ms: i64) -> Duration {
        let age_ms = now_ms.saturating_sub(self.note.finished_at_ms);
        // A clock that was set back makes no clip younger than new.
        OUTBOX_TIME.saturating_sub(Duration::from_millis(u64::try_from(age_ms).unwrap_or(0)))
    }
}

/// Takes elements from the front while `fits`, which is also told how many there are already.
fn take_while(found: &mut Vec<Parcel>, mut fits: impl FnMut(&Parcel, usize) -> bool) -> Vec<Parcel> {
    let count = found.iter().enumerate().take_while(|(count, parcel)| fits(parcel, *count)).count();
    found.drain(..count).collect()
}

/// Whether this is a poster that the server accepts: a file of its own, not a link or a pipe, small enough, and a JPEG.
fn is_poster(path: &Path) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|file| file.is_file() && file.len() <= POSTER_BYTES);
    let mut head = [0; JPEG.len()];
    is_file && File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == JPEG
}

fn drop_entry(path: &Path, why: &str) {
    warn!("The finished clip {} is dropped: {why}.", path.display());
    let is_dir = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    if let Err(error) = if is_dir { fs::remove_dir_all(path) } else { fs::remove_file(path) } {
        info!("It could not be removed: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::LeaseId;

    const DAY_MS: i64 = 24 * 3_600_000;

    fn open(dir: &Path, now_ms: i64) -> Outbox {
        Outbox::open(dir.join("outbox"), &Secret::new("key"), now_ms).unwrap()
    }

    fn name(lease: i64) -> LeaseName {
        LeaseName::numbered(LeaseId(lease))
    }

    fn keep(outbox: &Outbox, dir: &Path, lease: i64, now_ms: i64) {
        let (video, poster) = (dir.join("made.mp4"), dir.join("made.jpg"));
        fs::write(&video, format!("video {lease}")).unwrap();
        fs::write(&poster, b"\xff\xd8\xffjpeg").unwrap();
        let made = Made {
            video,
            poster,
            pov_verified: Some(true),
            log: Some("the end".into()),
            part_bytes: None,
            bucket_ca: None,
        };
        outbox.keep(name(lease), "job", made, now_ms).unwrap();
    }

    fn leases(outbox: &Outbox) -> Vec<i64> {
        std::iter::from_fn(|| outbox.next()).map(|parcel| parcel.lease().lease.0).collect()
    }

    #[test]
    fn kept_clips_are_there_after_a_restart_oldest_first() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = open(dir.path(), 0);
        (1..=3).for_each(|lease| keep(&outbox, dir.path(), lease, lease));
        assert_eq!(leases(&outbox), [0; 0], "only those of earlier runs");
        outbox.remove(name(2));
        outbox.remove(name(4));
        let outbox = open(dir.path(), 10);
        let first = outbox.next().unwrap();
        assert_eq!((first.lease(), first.job()), (name(1), "job"));
        assert_eq!(fs::read(first.video()).unwrap(), b"video 1");
        assert_eq!(fs::read(first.poster().unwrap()).unwrap(), b"\xff\xd8\xffjpeg");
        let completion = first.completion();
        assert_eq!(completion.video_sha256, Sha256::of("video 1").to_string());
        assert_eq!((completion.pov_verified, completion.log.as_deref()), (Some(true), Some("the end")));
        assert_eq!(leases(&outbox), [3]);
    }

    #[test]
    fn what_cannot_be_delivered_any_more_is_dropped() {
        type Case = (&'static str, fn(&Path));
        let cases: [Case; 8] = [
            ("no note", |dir| fs::remove_file(dir.join(NOTE)).unwrap()),
            ("half a note", |dir| fs::write(dir.join(NOTE), "{\"lease\": 7").unwrap()),
            ("no video", |dir| fs::remove_file(dir.join(VIDEO)).unwrap()),
            ("a shorter video", |dir| fs::write(dir.join(VIDEO), "vid").unwrap()),
            ("another video", |dir| fs::write(dir.join(VIDEO), "audio 7").unwrap()),
            ("another lease's", |dir| fs::rename(dir, dir.with_file_name("8")).unwrap()),
            ("a directory for a video", |dir| {
                fs::remove_file(dir.join(VIDEO)).unwrap();
                fs::create_dir(dir.join(VIDEO)).unwrap();
            }),
            ("a file for a directory", |dir| {
                fs::remove_dir_all(dir).unwrap();
                fs::write(dir, "x").unwrap();
            }),
        ];
        for (what, spoil) in cases {
            let dir = tempfile::tempdir().unwrap();
            let outbox = open(dir.path(), 0);
            keep(&outbox, dir.path(), 7, 0);
            spoil(&outbox.dir_of(name(7)));
            assert_eq!(leases(&open(dir.path(), 0)), [0; 0], "{what}");
            assert_eq!(fs::read_dir(&outbox.dir).unwrap().count(), 0, "{what}");
        }
    }

    #[test]
    fn clips_of_another_node_too_old_ones_and_too_many_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = open(dir.path(), 0);
        (1..=66).for_each(|lease| keep(&outbox, dir.path(), lease, lease));
        keep(&outbox, dir.path(), 100, 2 * DAY_MS);
        assert_eq!(leases(&open(dir.path(), 2 * DAY_MS)), (4..=66).chain([100]).collect::<Vec<_>>());
        assert_eq!(leases(&open(dir.path(), 4 * DAY_MS)), [100]);
        Outbox::open(dir.path().join("outbox"), &Secret::new("another key"), 2 * DAY_MS).unwrap();
        assert_eq!(fs::read_dir(&outbox.dir).unwrap().count(), 0);
    }
}
