//! A backup's file, opened: checked to its last byte before anything of it is used.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::app::clips::files::ClipFiles;
use crate::app::upkeep::backup::description::{self, Description};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::sha256::Sha256;
use crate::os::files::{cannot_read, open_named};
use crate::os::{archive, user};
use crate::store::{STORE, is_small_file};

/// Bytes of a description, with room for what later ones may say.
const DESCRIPTION_BYTES: u64 = 64 * 1024;

/// A backup whose every byte is as it was written.
pub struct BackupFile {
    path: PathBuf,
    file: File,
    /// What it says of itself.
    pub description: Description,
    /// Bytes of all files in it.
    pub bytes: u64,
    /// Bytes of those that are in a folder, by its name.
    pub folders: BTreeMap<String, u64>,
}

impl BackupFile {
    /// Opens and checks it. Refuses what is no backup, a damaged one, and one that this program does not know.
    pub fn open(path: &Path) -> Result<Self> {
        Self::read(path, |_, _| Ok(()))
    }

    /// The same, with every file but the description handed on while it is checked: none of it is good before the end.
    pub fn read(path: &Path, mut each: impl FnMut(&str, &mut dyn Read) -> io::Result<()>) -> Result<Self> {
        let mut file = user::as_caller(|| open_named(path))??;
        let first = archive::first_name(&mut file).map_err(|error| cannot_read(path, &error))?;
        if first.as_deref() != Some(description::NAME) {
            let message =
                format!("{} is no backup of a dinkem-appliance, or its beginning is damaged.", path.display());
            return Err(Error::new(Kind::Invalid, "backup_foreign", message));
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
            let message = format!("{} holds {name}, which no backup of this program holds.", path.display());
            return Err(Error::new(Kind::Invalid, "backup_foreign", message));
        }
        if !has_store {
            return Err(Error::new(Kind::Invalid, "backup_foreign", format!("{} holds no store.", path.display())));
        }
        Ok(Self { path: path.to_owned(), file, description, bytes, folders })
    }

    /// Every file in it but its description, in order: its path below the data directory, and its content.
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
                Err(Error::internal("A file of the backup could not be written. Is there room?", error))
            }
            (Err(error), _) => Err(unreadable(&self.path, error)),
        }
    }
}

/// Whether a name is one of those that a backup has, so that nothing of it can come to lie elsewhere.
fn is_known(name: &str) -> bool {
    if name == STORE || is_small_file(name) {
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
                "{} is damaged: it is not as it was written, or its end is missing. Nothing was touched; take another backup.",
                path.display()
            );
            Error::conflict("backup_damaged", message)
        }
        _ => cannot_read(path, &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_backup_holds_is_taken_from_one() {
        let demo = format!("demos/{}", "0a".repeat(32));
        let cases = [
            ("store.db", true),
            ("server-url", true),
            ("tls/authority.key", true),
            (demo.as_str(), true),
            ("clips/17.mp4", true),
            ("clips/17.jpg", true),
            ("store.db-wal", false),
            ("lock", false),
            ("demos/abc", false),
            ("demos/../store.db", false),
            ("clips/../x.mp4", false),
            ("clips/-1.mp4", false),
            ("clips/+1.mp4", true),
            ("clips/17.jpg.new", false),
            ("/clips/17.mp4", false),
            ("backups/x", false),
        ];
        for (name, known) in cases {
            assert_eq!(is_known(name), known, "{name}");
        }
    }
}
