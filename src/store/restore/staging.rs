//! The staging area for a restored data directory, set up after every name to be replaced was checked.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::domain::epoch::Epoch;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::files;
use crate::store::data_dir::DataDir;
use crate::store::epochs;
use crate::store::restore::plan::{self, Plan};
use crate::store::restore::{FOLDERS, PART, PLACES, READY, Stuck, at, links};

/// The staging area.
pub struct Staging {
    folder: PathBuf,
    /// Directories whose content is replaced in place.
    pub(in crate::store) behind: Vec<&'static str>,
}

impl Staging {
    /// Where to stage the file for this path relative to the data directory (`clips/7.mp4`).
    pub fn path(&self, below: &str) -> PathBuf {
        let (first, rest) = below.split_once('/').unwrap_or((below, ""));
        if !self.is_behind(first) {
            return self.folder.join(PART).join(below);
        }
        let part = links::part(&self.folder.join(first));
        if rest.is_empty() { part } else { part.join(rest) }
    }

    /// The same for a path in the data directory.
    pub fn of(&self, path: &Path) -> PathBuf {
        self.path(&path.strip_prefix(&self.folder).unwrap_or(path).to_string_lossy().replace('\\', "/"))
    }

    /// Stages the file `epoch` for the staged store, whose highest lease number and progress these are.
    pub fn write_epoch(&self, epoch: Epoch, numbers: (i64, i64)) -> Result<()> {
        let part = DataDir::at(&self.folder.join(PART));
        epochs::file::write(&part, &part.store(), epoch, numbers)
    }

    /// Whether this name is a link or a mount point, so that its content is staged on the disk behind it.
    pub fn is_behind(&self, name: &str) -> bool {
        self.behind.contains(&name)
    }

    /// The plan for what was staged. `aside` is the name of the directories for the old data; a number is appended if
    /// it is taken.
    pub(in crate::store) fn plan(&self, aside: &str) -> Plan {
        let is_unused = |aside: &str| {
            let folders = self.behind.iter().map(|name| self.folder.join(name)).chain([self.folder.clone()]);
            folders.into_iter().all(|folder| !folder.join(aside).exists())
        };
        let numbered = (2..).map(|number| format!("{aside}-{number}"));
        let aside = [aside.to_owned()].into_iter().chain(numbered).find(|aside| is_unused(aside));
        let staged = PLACES.iter().map(|(name, _)| *name).filter(|name| self.path(name).exists());
        Plan { aside: aside.unwrap_or_default(), names: staged.map(|name| (name, self.is_behind(name))).collect() }
    }
}

/// Removes what an abandoned restore has unpacked. Once the restore has started moving files, all of it is needed.
impl Drop for Staging {
    fn drop(&mut self) {
        if self.folder.join(READY).join(plan::FILE).exists() {
            return;
        }
        // Leftovers are removed when the next restore begins.
        let _ = fs::remove_dir_all(self.folder.join(PART));
        for name in &self.behind {
            let _ = links::discard(&self.folder.join(name));
        }
    }
}

/// Creates an empty staging area. Checks every name to be replaced, so that a name that cannot be replaced is an error
/// before anything is touched.
pub fn begin(folder: &DataDir) -> Result<Staging> {
    let staging = Staging { folder: folder.path().to_owned(), behind: places(folder.path())? };
    let begun = || -> Result<(), Stuck> {
        let part = folder.path().join(PART);
        files::empty_dir(&part).map_err(at(&part))?;
        // No restore is unfinished, so this can only be a leftover of an earlier one.
        let ready = folder.path().join(READY);
        match fs::remove_dir_all(&ready) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(at(&ready)(error)),
            _ => {}
        }
        staging.behind.iter().try_for_each(|name| links::begin(&folder.path().join(name)))
    };
    begun().map_err(|Stuck(path, error)| {
        let message = format!("Cannot write to {}. Nothing was changed.", path.display());
        Error::internal(message, error)
    })?;
    Ok(staging)
}

/// The directories whose content is replaced in place. A file that cannot be moved is refused.
fn places(folder: &Path) -> Result<Vec<&'static str>> {
    let mut behind = Vec::new();
    for (name, companions) in PLACES {
        for part in companions.iter().chain([&name]) {
            let path = folder.join(part);
            let found = match fs::symlink_metadata(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                found => found.map_err(|error| unmovable(&path, "cannot be inspected", Some(&error)))?,
            };
            let stays = found.is_symlink()
                || files::is_mount_point(&path)
                    .map_err(|error| unmovable(&path, "cannot be inspected", Some(&error)))?;
            match (stays, FOLDERS.contains(&name) && path.is_dir()) {
                (false, _) => {}
                (true, true) => behind.push(name),
                (true, false) => return Err(unmovable(&path, "is a link or a mount point", None)),
            }
        }
    }
    let real = |name: &&'static str| fs::canonicalize(folder.join(name)).ok();
    for (at, name) in behind.iter().enumerate() {
        if behind[..at].iter().any(|other| real(other) == real(name)) {
            return Err(unmovable(&folder.join(name), "is the same directory as another one", None));
        }
    }
    Ok(behind)
}

fn unmovable(path: &Path, why: &str, error: Option<&io::Error>) -> Error {
    let message = format!(
        "{0} {why}, so it cannot be replaced. Nothing was changed. Put an ordinary file or directory there, then \
         restore again.",
        path.display()
    );
    let refused = Error::conflict(ErrorCode::RestoreBlocked, message);
    match error {
        Some(error) => refused.because(error),
        None => refused,
    }
}
