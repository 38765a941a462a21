//! Backups: one file with everything needed to resume an appliance. A backup is made while the server runs, and is
//! read back and checked before it is reported as good. [`restore`] replaces a data directory with a backup.
//!
//! Contents, in this order: a description, the store, small files (CA, certificates, credentials of built-in nodes),
//! archived jobs, uploaded demos, and videos if requested. Caches are left out, and what lies in the bucket is listed.

mod description;
mod file;
mod restore;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use crate::app::audit::Entry;
use crate::app::clips::bucket as clips;
use crate::app::demos::bucket as demos;
use crate::app::demos::files::{StoredDemo, is_local};
use crate::app::{App, audit};
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::LeaseId;
use crate::domain::operator::Operator;
use crate::domain::sha256::Sha256;
use crate::domain::wording::size;
use crate::os::room::{DISK_RESERVE_BYTES, Room};
use crate::os::scratch::Scratch;
use crate::os::{archive, files};
use crate::store::copies::Copy;
use crate::store::{self, STORE};

use crate::app::upkeep::backup::description::Description;
use crate::app::upkeep::backup::file::{BUCKET_CLIPS, BUCKET_DEMOS, BackupFile};
pub use crate::app::upkeep::backup::restore::{Restored, restore};
use crate::app::upkeep::bucket;

/// Prefix of the scratch folder next to the backup.
const SCRATCH: &str = ".dinkem-backup-";
/// The action in the audit log.
const MADE: &str = "backup.make";
/// Rows read at a time.
const PAGE: u32 = 1_000;

/// A completed and verified backup.
#[derive(Debug)]
pub struct Backup {
    /// Its size.
    pub bytes: u64,
    /// When the store was copied, Unix time in milliseconds. The backup contains everything acknowledged before then.
    pub made_at_ms: i64,
    /// Accounts in it.
    pub accounts: u64,
    /// Jobs in it.
    pub jobs: u64,
    /// Uploaded demos in it.
    pub demos: u64,
    /// Number of uploaded demos that lie in the bucket: their keys and checksums are in the backup, the demos are not.
    pub demos_in_bucket: u64,
    /// Number of clips whose video is included; `None` if videos were not requested.
    pub videos: Option<u64>,
    /// Number of clips that lie in the bucket: their keys and checksums are in the backup, the videos are not.
    pub in_bucket: u64,
    /// Files that the store refers to but that are missing or damaged, and are therefore not included.
    pub left_out: Vec<String>,
}

/// Backs up everything, with videos if `videos` is set. Never overwrites an existing file. Removes scratch folders
/// that killed backups left in the same directory.
pub fn make(app: &App, to: &Path, videos: bool) -> Result<Backup> {
    if to.exists() {
        return Err(already_exists(to));
    }
    let parent = files::folder_of(to);
    let unwritable = |error| unwritable(to, error);
    let scratch = Scratch::new_in(parent, SCRATCH).map_err(unwritable)?;
    let made_at_ms = app.clock.now_ms();
    let room = room_for(app, parent);
    // The disk holds the store twice: the copy, and the one read back for the check.
    let store_bytes = fs::metadata(app.store.folder.store()).map_or(0, |file| file.len());
    room.part().need_exactly(store_bytes.saturating_mul(2)).map_err(|error| no_room(to, error))?;
    let copy_path = scratch.path().join(STORE);
    app.store.copy_to(&copy_path)?;
    let copy = Copy::open(&copy_path)?;
    let description = Description::of(&copy, made_at_ms, videos)?;

    let path = scratch.path().join("backup");
    let mut packer = Packer {
        app,
        archive: archive::Writer::create(&path).map_err(unwritable)?,
        room,
        to,
        files: 0,
        left_out: Vec::new(),
    };
    packer.pack_small(&description, &copy_path)?;
    packer.pack_archives(&copy)?;
    let (demos, demos_in_bucket) = packer.pack_demos(&copy)?;
    let in_bucket = packer.list_bucket(&copy)?;
    let packed = if videos { Some(packer.pack_videos(&copy, &in_bucket)?) } else { None };
    let Packer { archive, files, left_out, .. } = packer;
    drop(copy);
    let bytes = archive.finish().map_err(unwritable)?;
    check(&path, scratch.path(), files)?;
    name(&path, to)?;
    let Description { accounts, jobs, .. } = description;
    let in_bucket = in_bucket.len() as u64;
    Ok(Backup { bytes, made_at_ms, accounts, jobs, demos, demos_in_bucket, videos: packed, in_bucket, left_out })
}

/// Records in the audit log that a backup was made, for the dashboard, which cannot know other disks.
pub fn note(app: &App, operator: &Operator, to: &Path, made: &Backup) -> Result<()> {
    let path = std::path::absolute(to).unwrap_or_else(|_| to.to_owned()).display().to_string();
    let details = size(made.bytes);
    audit::change(app, operator, move |tx, log| log.note(tx, MADE, &path, &details))
}

/// The latest backup that was recorded, if it is among the latest changes.
pub fn last(app: &App) -> Result<Option<Entry>> {
    audit::last(app, MADE)
}

/// Test-restores the backup to a scratch folder: reads back every byte, opens the store and checks it.
fn check(path: &Path, scratch: &Path, files: u64) -> Result<()> {
    let copy = scratch.join("restored.db");
    // The description counts as a file.
    let mut seen = 1;
    let backup = BackupFile::read(path, |name, content| {
        seen += 1;
        if name == STORE { files::write_new(&copy, content) } else { Ok(()) }
    })?;
    let copy = Copy::open(&copy)?;
    if seen != files || !backup.description.fits(&copy)? {
        return Err(Error::internal("The backup failed verification and was deleted.", "it lacks rows or files"));
    }
    Ok(())
}

/// Durably renames the finished backup, unless the target exists by now.
fn name(path: &Path, to: &Path) -> Result<()> {
    let named = match fs::hard_link(path, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(already_exists(to)),
        // Not every file system supports hard links.
        Err(_) if !to.exists() => fs::rename(path, to),
        other => other,
    };
    named.and_then(|()| to.parent().map_or(Ok(()), files::sync_dir)).map_err(|error| unwritable(to, error))
}

/// Adds files to a backup.
struct Packer<'a> {
    app: &'a App,
    archive: archive::Writer,
    room: Arc<Room>,
    to: &'a Path,
    files: u64,
    left_out: Vec<String>,
}

impl Packer<'_> {
    fn pack_small(&mut self, description: &Description, store: &Path) -> Result<()> {
        let text = description.text()?;
        self.add(description::NAME, text.len() as u64, &mut text.as_bytes())?;
        self.pack(STORE, store)?;
        let folder = &self.app.store.folder;
        let names = folder.small_files().map_err(|error| unreadable(folder.path(), error))?;
        names.into_iter().try_for_each(|name| self.pack(&name, &folder.path().join(&name)).map(drop))
    }

    /// Packs the files of archived jobs, up to the length that the copied store knows: the server may append to them. A
    /// file that was moved away is left out.
    fn pack_archives(&mut self, copy: &Copy) -> Result<()> {
        for archive in copy.read(store::job_archive::all)? {
            let path = self.app.store.folder.job_archive(archive.month);
            let name = name_in("archive", &path);
            match File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file))) {
                Ok((bytes, file)) if bytes >= archive.bytes => {
                    self.add(&name, archive.bytes, &mut file.take(archive.bytes))?;
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unreadable(&path, error)),
                _ => self.left_out.push(name),
            }
        }
        Ok(())
    }

    /// Packs the demos in the data directory, and lists those in the bucket by key, length and checksum; how many of each.
    fn pack_demos(&mut self, copy: &Copy) -> Result<(u64, u64)> {
        let mut there = HashMap::new();
        if let Some(bucket) = &self.app.clip_files.bucket {
            bucket::each(self.app, bucket, demos::FOLDER, |object| {
                there.extend(demos::demo_of(bucket, &object.key).map(|sha256| ((sha256, object.bytes), object.key)));
                Ok(())
            })?;
        }
        let (mut after, mut packed, mut listed, mut lines) = (None, 0, 0, String::new());
        loop {
            let page = copy.read(|db| store::demos::contents(db, after.as_ref(), PAGE))?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (hash, bytes) in page {
                let is_local = is_local(self.app, &StoredDemo { sha256: hash, bytes });
                match there.get(&(hash, bytes)).filter(|_| !is_local) {
                    Some(key) => {
                        lines.push_str(&in_bucket(key, bytes, &hash));
                        listed += 1;
                    }
                    None => {
                        let path = self.app.store.folder.demo(&hash);
                        packed += u64::from(self.pack_if_whole("demos", &path, &hash)?);
                    }
                }
            }
        }
        if listed > 0 {
            self.add(BUCKET_DEMOS, lines.len() as u64, &mut lines.as_bytes())?;
        }
        Ok((packed, listed))
    }

    /// Lists the clips that lie in the bucket, by key, length and checksum; their leases.
    fn list_bucket(&mut self, copy: &Copy) -> Result<HashSet<LeaseId>> {
        let (mut leases, mut lines) = (HashSet::new(), String::new());
        let files = &self.app.clip_files;
        let Some(bucket) = &files.bucket else { return Ok(leases) };
        let mut there = HashMap::new();
        bucket::each(self.app, bucket, clips::FOLDER, |object| {
            if let Some(lease) = bucket::lease_of_video(self.app, bucket, &object) {
                there.insert(lease, object.bytes);
            }
            Ok(())
        })?;
        let mut after = None;
        loop {
            let page = copy.read(|db| store::clips::page(db, after, PAGE))?;
            let Some(last) = page.last() else { break };
            after = Some(last.job);
            for clip in page.iter().filter(|clip| there.get(&clip.lease) == Some(&clip.bytes)) {
                if !files.has_video(clip.lease, clip.bytes) {
                    let key = bucket.key(&files.video_name(clip.lease));
                    lines.push_str(&in_bucket(&key, clip.bytes, &clip.sha256));
                    leases.insert(clip.lease);
                }
            }
        }
        if !leases.is_empty() {
            self.add(BUCKET_CLIPS, lines.len() as u64, &mut lines.as_bytes())?;
        }
        Ok(leases)
    }

    /// A clip that was deleted in the meantime has no files and does not count as left out.
    fn pack_videos(&mut self, copy: &Copy, in_bucket: &HashSet<LeaseId>) -> Result<u64> {
        let (mut after, mut packed) = (None, 0);
        loop {
            let page = copy.read(|db| store::clips::page(db, after, PAGE))?;
            let Some(last) = page.last() else { return Ok(packed) };
            after = Some(last.job);
            for clip in page {
                let files = &self.app.clip_files;
                let is_gone = !self.app.store.read(|db| store::leases::keeps_files(db, clip.lease))?;
                if is_gone || in_bucket.contains(&clip.lease) {
                    continue;
                }
                if self.pack_if_whole("clips", &files.video(clip.lease), &clip.sha256)? {
                    packed += 1;
                    let poster = files.poster(clip.lease);
                    if poster.is_file() {
                        self.pack(&name_in("clips", &poster), &poster)?;
                    }
                }
            }
        }
    }

    /// Packs a file if its hash matches. Otherwise the file is reported as left out.
    fn pack_if_whole(&mut self, folder: &str, path: &Path, sha256: &Sha256) -> Result<bool> {
        let (mark, name) = (self.archive.mark(), name_in(folder, path));
        if path.is_file() && self.pack(&name, path)? == *sha256 {
            return Ok(true);
        }
        if self.archive.is_past(&mark) {
            self.files -= 1;
            self.archive.back_to(mark).map_err(|error| unwritable(self.to, error))?;
        }
        self.left_out.push(name);
        Ok(false)
    }

    fn pack(&mut self, name: &str, path: &Path) -> Result<Sha256> {
        let mut file = File::open(path).map_err(|error| unreadable(path, error))?;
        let bytes = file.metadata().map_err(|error| unreadable(path, error))?.len();
        self.add(name, bytes, &mut file)
    }

    fn add(&mut self, name: &str, bytes: u64, content: &mut dyn Read) -> Result<Sha256> {
        self.room.part().need_exactly(bytes).map_err(|error| no_room(self.to, error))?;
        self.files += 1;
        self.archive.add(name, bytes, content).map_err(|error| unwritable(self.to, error))
    }
}

/// The disk that the backup is written to. The disk reserve applies only to the data directory's own disk.
fn room_for(app: &App, to: &Path) -> Arc<Room> {
    let is_ours = files::on_same_disk(app.data_dir(), to);
    if is_ours { Arc::clone(&app.room) } else { Room::of(to, 0) }
}

fn no_room(to: &Path, error: Error) -> Error {
    let message = format!(
        "Not enough disk space for the backup {}: {} MiB of the data directory's disk stay free. Write it to another \
         disk, or free some space.",
        to.display(),
        DISK_RESERVE_BYTES >> 20
    );
    Error { message, ..error }
}

/// A line about a clip or a demo that lies in the bucket.
fn in_bucket(key: &str, bytes: u64, sha256: &Sha256) -> String {
    format!("{key}\t{bytes}\t{sha256}\n")
}

fn name_in(folder: &str, path: &Path) -> String {
    format!("{folder}/{}", path.file_name().unwrap_or_default().to_string_lossy())
}

fn already_exists(to: &Path) -> Error {
    let message = format!("{} already exists, and backups are never overwritten. Choose another name.", to.display());
    Error::conflict(ErrorCode::BackupExists, message)
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::internal(format!("{} could not be read for the backup.", path.display()), error)
}

fn unwritable(to: &Path, error: io::Error) -> Error {
    Error::internal(format!("Could not write the backup {}. Check the free disk space.", to.display()), error)
}
