//! The data directory: what lies where, who may read it, and the lock that keeps a second server out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::id::LeaseId;
use crate::os::clock::pause;

/// How often the lock is tried for: a child that is being started holds it for a moment after its server has let go.
const LOCK_TRIES: u32 = 20;
/// How long to wait in between.
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// The data directory of an appliance.
#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// Makes the directory and its subdirectories where they are missing, for the owner's eyes only.
    pub fn create(path: &Path) -> Result<Self> {
        let folder = Self(path.to_owned());
        for path in [path, &folder.clips(), &folder.demos(), &folder.indexings(), &folder.backups()] {
            create_private_folder(path).map_err(|error| {
                Error::new(
                    Kind::Internal,
                    "data_dir",
                    format!("The data directory {} cannot be created.", path.display()),
                )
                .because(error)
            })?;
        }
        Ok(folder)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The database.
    pub fn store(&self) -> PathBuf {
        self.0.join("store.db")
    }

    /// Published clips and uploads on their way to become one.
    pub fn clips(&self) -> PathBuf {
        self.0.join("clips")
    }

    /// The video uploaded under a lease. Never renamed.
    pub fn video(&self, lease: LeaseId) -> PathBuf {
        self.clips().join(format!("{lease}.mp4"))
    }

    /// The poster uploaded under a lease.
    pub fn poster(&self, lease: LeaseId) -> PathBuf {
        self.clips().join(format!("{lease}.jpg"))
    }

    /// Uploaded demos, by content.
    pub fn demos(&self) -> PathBuf {
        self.0.join("demos")
    }

    /// An uploaded demo.
    pub fn demo(&self, sha256: &[u8; 32]) -> PathBuf {
        self.demos().join(hex(sha256))
    }

    /// Work directories of demos that are being read.
    pub fn indexings(&self) -> PathBuf {
        self.0.join("indexing")
    }

    /// Where an uploaded demo is read.
    pub fn indexing(&self, sha256: &[u8; 32]) -> PathBuf {
        self.indexings().join(hex(sha256))
    }

    /// Copies of the store that were made before a migration.
    pub fn backups(&self) -> PathBuf {
        self.0.join("backups")
    }

    /// Takes the server's lock. It is held until the file is dropped, and by nobody after a crash.
    pub fn lock(&self) -> Result<File> {
        let path = self.0.join("lock");
        let unusable = |error| Error::internal(format!("The lock file {} cannot be used.", path.display()), error);
        let file =
            open_private(OpenOptions::new().write(true).create(true).truncate(false), &path).map_err(unusable)?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => pause(LOCK_RETRY),
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
        Err(Error::conflict(
            "data_dir_in_use",
            format!("Another server already works on {}. Stop it, or use another --data-dir.", self.0.display()),
        ))
    }
}

fn hex(sha256: &[u8; 32]) -> String {
    sha256.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Opens a file with the given options; a new one is for the owner's eyes only.
pub fn open_private(options: &mut OpenOptions, path: &Path) -> std::io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

fn create_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}
