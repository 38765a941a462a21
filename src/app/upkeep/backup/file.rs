//! An open backup file. It is verified to the last byte before any of it is used.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::app::clips::files::ClipFiles;
use crate::app::upkeep::backup::description::{self, Description};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::sha256::Sha256;
use crate::os::files::{cannot_read, open_named};
use crate::os::{archive, user};
use crate::store::{STORE, is_job_archive, is_small_file};

/// The entry that lists the clips in the bucket: key, length and SHA-256, a clip a line, separated by tabs.
pub const BUCKET_CLIPS: &str = "clips-in-bucket.tsv";
/// The entry that lists the uploaded demos in the bucket, in the same form.
pub const BUCKET_DEMOS: &str = "demos-in-bucket.tsv";
/// Size limit of a description, with room for members that later formats add.
const DESCRIPTION_BYTES: u64 = 64 * 1024;

/// A verified backup.
pub struct BackupFile {
    path: PathBuf,
    file: File,
    /// Its description.
    pub description: Description,
    /// Total size of all files in it, in bytes.
    pub bytes: u64,
    /// Size of the files in each folder, in bytes, by folder name.
    pub folders: BTreeMap<String, u64>,
}

impl BackupFile {
    /// Opens and verifies a backup. Refuses damaged files, unknown formats, and files that are not backups.
    pub fn open(path: &Path) -> Result<Self> {
        Self::read(path, |_, _| Ok(()))
    }

    /// Like [`Self::open`], but passes every file except the description to `each` during verification. Callers must
    /// not rely on the content before this returns.
    pub fn read(path: &Path, mut each: impl FnMut(&str, &mut dyn Read) -> io::Result<()>) -> Result<Self> {
        let mut file = user::as_caller(|| open_named(path))??;
        let first = archive::first_name(&mut file).map_err(|error| cannot_read(path, &error))?;
        if first.as_deref() != Some(description::NAME) {
            let message = format!("{} is not a dinkem-appliance backup, or its beginning is damaged.", path.display());
            return Err(Error::new(Kind::Invalid, ErrorCode::BackupForeign, message));
        }
        let (mut text, mut bytes, mut stranger, mut has_store) = (Vec::new(), 0, None, false);
        let mut folders = BTreeMap::new();
        archive::read(&mut file, |name, length, content| {
            bytes += length;
            if let Some((folder, _)) = name.split_once('/').filter(|_| is_known(name)) {
                *folders.entry(folder.to_owned()).or_default() += length;
            }
            has_store |= name == STORE;
            if name == description::NAME {
                content.take(DESCRIPTION_BYTES).read_to_end(&mut text)?;
                return Ok(());
            }
            if !is_known(name) {
                stranger = Some(name.to_owned());
            }
            each(name, content)
        })
        .map_err(|error| unreadable(path, error))?;
        let description = Description::parse(&text)?;
        if let Some(name) = stranger {
            let message = format!("{} contains {name}, which does not belong in a backup.", path.display());
            return Err(Error::new(Kind::Invalid, ErrorCode::BackupForeign, message));
        }
        if !has_store {
            return Err(Error::new(
                Kind::Invalid,
                ErrorCode::BackupForeign,
                format!("{} contains no store.", path.display()),
            ));
        }
        Ok(Self { path: path.to_owned(), file, description, bytes, folders })
    }

    /// Passes each file except the description to `each`, in order: its path relative to the data directory, and its
    /// content.
    pub fn each(&mut self, mut each: impl FnMut(&str, &mut dyn Read) -> io::Result<()>) -> Result<()> {
        let mut failed = None;
        let read = archive::read(&mut self.file, |name, _, content| {
            if name == description::NAME {
                return Ok(());
            }
            each(name, content).inspect_err(|error| failed = Some(io::Error::new(error.kind(), error.to_string())))
        });
        match (read, failed) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(error)) if error.kind() != ErrorKind::InvalidData => {
                Err(Error::internal("Could not write a file from the backup. Check the free disk space.", error))
            }
            (Err(error), _) => Err(unreadable(&self.path, error)),
        }
    }
}

/// Whether an entry name belongs in a backup. Prevents entries from being written outside the data directory.
fn is_known(name: &str) -> bool {
    if [STORE, BUCKET_CLIPS, BUCKET_DEMOS].contains(&name) || is_small_file(name) || is_job_archive(name) {
        return true;
    }
    match name.split_once('/') {
        Some(("demos", hash)) => Sha256::parse(hash).is_some(),
        Some(("clips", file)) => ClipFiles::is_published_name(file),
        _ => false,
    }
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::Other => {
            let message = format!(
                "{} is damaged: it was altered or truncated. Nothing was changed. Use another backup.",
                path.display()
            );
            Error::conflict(ErrorCode::BackupDamaged, message)
        }
        _ => cannot_read(path, &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_entries_are_accepted() {
        let demo = format!("demos/{}", "0a".repeat(32));
        let cases = [
            ("store.db", true),
            ("server-url", true),
            ("tls/authority.key", true),
            (demo.as_str(), true),
            ("clips/17.mp4", true),
            ("clips/17.jpg", true),
            ("archive/jobs-2026-11.jsonl.gz", true),
            ("archive/jobs-2026-13.jsonl.gz", false),
            ("archive/jobs-../../x.jsonl.gz", false),
            ("jobs-2026-11.jsonl.gz", false),
            ("store.db-wal", false),
            ("lock", false),
            ("demos/abc", false),
            ("demos/../store.db", false),
            ("clips/../x.mp4", false),
            ("clips/-1.mp4", false),
            ("clips/+1.mp4", false),
            ("clips/7f3a9c1e-17.mp4", true),
            ("clips/7f3a9c1-17.mp4", false),
            ("clips/17.jpg.new", false),
            ("/clips/17.mp4", false),
            ("backups/x", false),
        ];
        for (name, known) in cases {
            assert_eq!(is_known(name), known, "{name}");
        }
    }
}
