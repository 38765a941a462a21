//! The data directory: layout, permissions, and the lock that prevents a second server.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::month::Month;
use crate::domain::sha256::Sha256;
use crate::os::clock::pause;
use crate::os::files;

/// The database's name.
pub const STORE: &str = "store.db";
/// The file next to the database by which a server recognizes its store.
pub const EPOCH: &str = "epoch";
/// The same file of older versions.
pub const SERVED: &str = "served";
/// Files that a restored appliance needs besides the store, demos and clips, so that clients and nodes can still
/// reach it.
const SMALL_FILES: [&str; 3] = ["server-url", "server-local-url", "server-ca.pem"];
/// Directory of archived jobs.
const ARCHIVE: &str = "archive";
/// How the name of a file in it begins; the month follows.
const JOBS: &str = "jobs-";
/// How it ends: JSON lines, compressed.
const JSON_LINES: &str = ".jsonl.gz";
/// Directory of the CA and the server certificate.
const TLS: &str = "tls";
/// Directory with the state of the embedded nodes.
const LOCAL_NODES: &str = "local-nodes";
/// The file with an embedded node's identity; the rest of its directory is a cache.
const NODE_STATE: &str = "node.json";

/// Attempts to take the lock: a child being spawned holds it briefly after its server has released it.
const LOCK_TRIES: u32 = 20;
/// Pause between two attempts.
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// The data directory of an appliance.
#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// Creates the directory and its subdirectories if missing, accessible only to the owner. An existing store in a
    /// directory open to others is refused.
    pub fn create(path: &Path) -> Result<Self> {
        let folder = Self(path.to_owned());
        let unusable = |path: &Path, error| {
            let message = format!("The data directory {} cannot be created.", path.display());
            Error::new(Kind::Internal, ErrorCode::DataDir, message).because(error)
        };
        if files::claim_private_dir(path).map_err(|error| unusable(path, error))? {
            let message = format!(
                "The data directory {0} holds keys and is accessible to other users. Make it private: chmod 700 {0}",
                path.display()
            );
            return Err(Error::new(Kind::Forbidden, ErrorCode::DataDirOpen, message));
        }
        for path in [&folder.clips(), &folder.demos(), &folder.indexings(), &folder.backups(), &folder.archive()] {
            files::create_private_dir(path).map_err(|error| unusable(path, error))?;
        }
        Ok(folder)
    }

    /// An existing directory; creates nothing.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The database.
    pub fn store(&self) -> PathBuf {
        self.0.join(STORE)
    }

    /// The database's write-ahead log.
    pub fn log(&self) -> PathBuf {
        log_of(&self.store())
    }

    /// The index of the write-ahead log.
    pub fn index(&self) -> PathBuf {
        self.store().with_extension("db-shm")
    }

    /// The file by which a server recognizes its store.
    pub fn epoch(&self) -> PathBuf {
        self.0.join(EPOCH)
    }

    /// The same file of older versions.
    pub fn served(&self) -> PathBuf {
        self.0.join(SERVED)
    }

    /// Published clips and in-flight uploads.
    pub fn clips(&self) -> PathBuf {
        self.0.join("clips")
    }

    /// Uploaded demos, by content.
    pub fn demos(&self) -> PathBuf {
        self.0.join("demos")
    }

    /// An uploaded demo.
    pub fn demo(&self, sha256: &Sha256) -> PathBuf {
        self.demos().join(sha256.to_string())
    }

    /// Work directories of demos being indexed.
    pub fn indexings(&self) -> PathBuf {
        self.0.join("indexing")
    }

    /// The work directory for indexing an uploaded demo.
    pub fn indexing(&self, sha256: &Sha256) -> PathBuf {
        self.indexings().join(sha256.to_string())
    }

    /// Files of archived jobs.
    pub fn archive(&self) -> PathBuf {
        self.0.join(ARCHIVE)
    }

    /// The file of jobs that finished in a month and were archived.
    pub fn job_archive(&self, month: Month) -> PathBuf {
        self.archive().join(format!("{JOBS}{month}{JSON_LINES}"))
    }

    /// Copies of the store that were made before a migration.
    pub fn backups(&self) -> PathBuf {
        self.0.join("backups")
    }

    /// State and caches of the embedded nodes.
    pub fn local_nodes(&self) -> PathBuf {
        self.0.join(LOCAL_NODES)
    }

    /// The small files that a restored appliance needs, as paths relative to the directory: its URLs, its CA and
    /// certificates, and the identities of its embedded nodes.
    pub fn small_files(&self) -> io::Result<Vec<String>> {
        let mut found: Vec<String> = SMALL_FILES.iter().map(|name| (*name).to_owned()).collect();
        found.extend(names(&self.0.join(TLS))?.into_iter().map(|name| format!("{TLS}/{name}")));
        let nodes = names(&self.0.join(LOCAL_NODES))?.into_iter();
        found.extend(nodes.map(|node| format!("{LOCAL_NODES}/{node}/{NODE_STATE}")));
        found.retain(|path| is_small_file(path) && self.0.join(path).is_file());
        found.sort();
        Ok(found)
    }

    /// Waits for the demo lock, held until the file is dropped. It must be held while a demo's row and file are created
    /// or removed together, because the server and `admin` may do so concurrently.
    pub fn lock_demos(&self) -> Result<File> {
        let path = self.0.join("demos.lock");
        open_private(OpenOptions::new().write(true).create(true).truncate(false), &path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| Error::internal(format!("The lock file {} cannot be used.", path.display()), error))
    }

    /// Takes the server lock, held until the file is dropped or the process dies.
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
            ErrorCode::DataDirInUse,
            format!("Another server is already using {}. Stop it, or use another --data-dir.", self.0.display()),
        ))
    }
}

/// Whether a path below the data directory names a [`DataDir::job_archive`].
pub fn is_job_archive(path: &str) -> bool {
    let name = path.strip_prefix(ARCHIVE).and_then(|path| path.strip_prefix('/'));
    name.and_then(|name| name.strip_prefix(JOBS)?.strip_suffix(JSON_LINES))
        .is_some_and(|month| Month::parse(month).is_ok())
}

/// Whether a path names one of the [`DataDir::small_files`].
pub fn is_small_file(path: &str) -> bool {
    let plain = |name: &str| {
        let characters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        characters && !name.is_empty() && !name.starts_with('.')
    };
    match path.split('/').collect::<Vec<_>>()[..] {
        [name] => SMALL_FILES.contains(&name),
        [TLS, name] => plain(name) && !name.ends_with(".new"),
        [LOCAL_NODES, node, NODE_STATE] => plain(node),
        _ => false,
    }
}

/// The names in a directory; empty if it does not exist.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// The write-ahead log beside a database.
pub fn log_of(store: &Path) -> PathBuf {
    store.with_extension("db-wal")
}

/// Opens a file with the given options; a new file is accessible only to the owner.
pub fn open_private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_small_files_are_accepted() {
        let cases = [
            ("server-url", true),
            ("tls/authority.key", true),
            ("local-nodes/1/node.json", true),
            ("lock", false),
            ("store.db", false),
            ("tls", false),
            ("tls/", false),
            ("tls/..", false),
            ("tls/server.key.new", false),
            ("tls/a/b", false),
            ("/etc/passwd", false),
            ("../server-url", false),
            ("local-nodes/../node.json", false),
            ("local-nodes/1/cache", false),
            ("tls/a\\b", false),
            ("tls/a:b", false),
        ];
        for (path, known) in cases {
            assert_eq!(is_small_file(path), known, "{path}");
        }
    }
}
