//! Durable files, private files and directories, and free disk space.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use super::rights;
use crate::domain::error::{Error, Kind};
use crate::domain::error_code::ErrorCode;
use crate::domain::sha256::{Hashing, Sha256};

/// Bytes read at a time: 64 KiB. To clear a larger buffer takes longer than to hash a small file.
const CHUNK: usize = 64 * 1024;

/// Replaces a file atomically and durably: writes and syncs a temporary file next to it, renames it, and syncs the
/// directory. After a crash the file has either its old or its new content. Only the owner can read it.
pub fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let written = write_new(&beside, &mut &*content).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // Do not leave a partial file behind on a full disk.
        let _gone = fs::remove_file(&beside);
    }
    written?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// The same for a file without secrets, which everyone can read whatever the umask.
pub fn write_public_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = replacement(path)?;
    beside.write_all(content)?;
    #[cfg(unix)]
    beside.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    sync_dir(folder_of(path))
}

/// Writes and syncs a new file, but not its directory entry. Only the owner can read it.
pub fn write_new(path: &Path, content: &mut dyn Read) -> io::Result<()> {
    let mut file = create_private(path)?;
    io::copy(content, &mut file)?;
    file.sync_all()
}

/// Appends to a file that has `at` bytes of content, and syncs it; whatever an interrupted call left after them is cut
/// off. The first call, with `at` 0, creates the file, which only the owner can read.
pub fn append_durably(path: &Path, at: u64, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(at == 0).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    if file.metadata()?.len() < at {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("it has less than {at} bytes")));
    }
    file.set_len(at)?;
    file.seek(io::SeekFrom::End(0))?;
    file.write_all(content)?;
    file.sync_all()?;
    if at == 0 { path.parent().map_or(Ok(()), sync_dir) } else { Ok(()) }
}

/// Hard-links a file, or copies it where the file system has no links.
pub fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| write_new(to, &mut File::open(from)?))
}

/// SHA-256 and length of a file.
pub fn hash(path: &Path) -> io::Result<(Sha256, u64)> {
    hash_of(File::open(path)?)
}

/// SHA-256 and length of what can still be read.
pub fn hash_of(mut content: impl Read) -> io::Result<(Sha256, u64)> {
    let mut hashing = Hashing::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        match content.read(&mut chunk)? {
            0 => {
                let bytes = hashing.bytes();
                return Ok((hashing.done(), bytes));
            }
            read => hashing.add(&chunk[..read]),
        }
    }
}

/// Opens an empty file for writing that only its owner can read. An existing file is removed first.
pub fn create_private(path: &Path) -> io::Result<File> {
    remove(path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Creates a file that occupies `bytes` on disk; its content is unspecified. Removed again if it does not fit.
pub fn reserve_file(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = create_private(path)?;
    let filled = allocate(&mut file, bytes).and_then(|()| file.sync_all());
    if filled.is_err() {
        drop(file);
        let _gone = fs::remove_file(path);
    }
    filled
}

#[cfg(target_os = "linux")]
fn allocate(file: &mut File, bytes: u64) -> io::Result<()> {
    match rustix::fs::fallocate(&*file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        // Not every file system supports this.
        Err(rustix::io::Errno::OPNOTSUPP) => fill(file, bytes),
        allocated => Ok(allocated?),
    }
}

#[cfg(not(target_os = "linux"))]
fn allocate(file: &mut File, bytes: u64) -> io::Result<()> {
    fill(file, bytes)
}

fn fill(file: &mut File, bytes: u64) -> io::Result<()> {
    io::copy(&mut io::repeat(0x5a).take(bytes), file).map(drop)
}

/// Whether two paths are on the same file system. False if either does not exist or the system cannot tell.
#[cfg(unix)]
pub fn on_same_disk(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let disk = |path: &Path| fs::metadata(path).ok().map(|found| found.dev());
    disk(one).is_some_and(|one| disk(other) == Some(one))
}

/// Whether two paths are on the same file system. False if either does not exist or the system cannot tell.
#[cfg(not(unix))]
pub fn on_same_disk(one: &Path, other: &Path) -> bool {
    let disk = |path: &Path| fs::canonicalize(path).ok()?.components().next().map(|drive| drive.as_os_str().to_owned());
    disk(one).is_some_and(|one| disk(other) == Some(one))
}

/// Removes a file if it exists.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Creates a directory and its missing parents, accessible only to the owner. Leaves an existing directory as it is.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Like [`create_private_dir`], for a directory that will hold secrets. An existing empty directory is made private;
/// a non-empty one that others can access is left as it is, and the result is true.
pub fn claim_private_dir(path: &Path) -> io::Result<bool> {
    create_private_dir(path)?;
    let found = fs::metadata(path)?;
    if !rights::is_open_to_others(&found) {
        return Ok(false);
    }
    let is_empty = fs::read_dir(path)?.next().is_none();
    if is_empty {
        rights::close_to_others(path, &found)?;
    }
    Ok(!is_empty)
}

/// Opens a file to be read and synced. Windows requires write access for this.
pub fn open_to_sync(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(cfg!(windows)).open(path)
}

/// Syncs a file's content to disk.
pub fn sync(path: &Path) -> io::Result<()> {
    open_to_sync(path)?.sync_all()
}

/// Syncs a directory's entries. A no-op on Windows, where the file system journals them.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    // `Path::parent` of a bare file name is the empty path.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Creates a temporary directory in `folder`, accessible only to the owner whatever the umask, removed on drop.
pub fn private_tempdir_in(folder: &Path, prefix: &str) -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let dir = builder.tempdir_in(folder)?;
    // The umask may have removed even the owner's permissions: restore them.
    #[cfg(unix)]
    fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(dir)
}

/// Removes everything inside a directory, or creates it if missing. Only its owner can access it afterwards.
pub fn empty_dir(path: &Path) -> io::Result<()> {
    create_private_dir(path)?;
    let found = fs::metadata(path)?;
    if rights::is_open_to_others(&found) {
        rights::close_to_others(path, &found)?;
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
    }
    Ok(())
}

/// Whether the path is a mount point, so that it can be neither moved nor replaced.
#[cfg(target_os = "linux")]
pub fn is_mount_point(path: &Path) -> io::Result<bool> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE)?;
    if found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) {
        return Ok(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    }
    is_on_another_disk(path)
}

/// Whether the path is a mount point, so that it can be neither moved nor replaced.
#[cfg(not(target_os = "linux"))]
pub fn is_mount_point(path: &Path) -> io::Result<bool> {
    is_on_another_disk(path)
}

/// Whether the path is on a different file system than its parent.
#[cfg(unix)]
fn is_on_another_disk(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::symlink_metadata(path)?.dev() != fs::metadata(folder_of(path))?.dev())
}

/// Whether the path is on a different file system than its parent. On Windows that needs a link,
/// which is checked elsewhere.
#[cfg(not(unix))]
fn is_on_another_disk(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// The error for a user-specified file that cannot be read.
pub fn cannot_read(path: &Path, error: &io::Error) -> Error {
    let message = if path.is_dir() {
        format!("{} is a directory; specify a file.", path.display())
    } else {
        format!("Cannot read {}: {error}.", path.display())
    };
    Error::new(Kind::Invalid, ErrorCode::UnreadableFile, message)
}

/// Opens a user-specified file for reading. Directories, which some systems open as well, are refused.
pub fn open_named(path: &Path) -> Result<File, Error> {
    let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
    if path.is_dir() { Err(cannot_read(path, &io::ErrorKind::IsADirectory.into())) } else { Ok(file) }
}

/// A temporary file next to `path`, to be renamed over it once complete. Has this user's default permissions.
pub fn replacement(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".dinkem-").suffix(".part");
    // Like any new file: the umask takes away what it must.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder_of(path))
}

/// The directory that contains a path.
pub fn folder_of(path: &Path) -> &Path {
    // `Path::parent` of a bare file name is the empty path.
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Free bytes available to unprivileged users on the file system of `path`; `None` if unknown.
#[cfg(unix)]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Free bytes available to unprivileged users on the file system of `path`; `None` if unknown.
#[cfg(not(unix))]
pub fn free_bytes(path: &Path) -> Option<u64> {
    fs4::available_space(path).ok()
}

/// Bytes of the whole file system of `path`; `None` if unknown.
#[cfg(unix)]
pub fn total_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    disk.f_blocks.checked_mul(disk.f_frsize)
}

/// Bytes of the whole file system of `path`; `None` if unknown.
#[cfg(not(unix))]
pub fn total_bytes(path: &Path) -> Option<u64> {
    fs4::total_space(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durable_write_replaces_the_file_and_leaves_no_temporary_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.json");
        for content in ["old and longer", "new"] {
            write_durably(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn append_cuts_off_what_an_interrupted_one_left_and_refuses_a_short_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs");
        append_durably(&path, 0, b"one").unwrap();
        append_durably(&path, 3, b"and a torn end").unwrap();
        append_durably(&path, 3, b"two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "onetwo");
        assert_eq!(append_durably(&path, 7, b"three").unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        fs::remove_file(&path).unwrap();
        assert_eq!(append_durably(&path, 6, b"three").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn private_files_and_directories_are_accessible_only_to_their_owner() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        create_private_dir(&inner).unwrap();
        let file = inner.join("key");
        // A file that others can read is replaced, not written to.
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        write_durably(&file, b"secret").unwrap();
        for (path, mode) in [(&inner, 0o700), (&file, 0o600)] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
        }
    }

    #[cfg(unix)]
    #[test]
    fn private_directory_is_closed_while_empty_and_reported_if_open_and_not_empty() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let open = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!((claim_private_dir(&path).unwrap(), mode()), (false, 0o700), "a missing one is created");
        open(0o755);
        assert_eq!((claim_private_dir(&path).unwrap(), mode()), (false, 0o700), "an empty one is made private");
        fs::write(path.join("store.db"), "").unwrap();
        for (given, is_open) in [(0o700, false), (0o500, false), (0o755, true), (0o710, true), (0o701, true)] {
            open(given);
            assert_eq!((claim_private_dir(&path).unwrap(), mode()), (is_open, given));
        }
    }

    #[test]
    fn empty_dir_removes_the_content_or_creates_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let work = dir.path().join("work");
        for _ in 0..2 {
            empty_dir(&work).unwrap();
            assert_eq!(fs::read_dir(&work).unwrap().count(), 0);
            fs::create_dir_all(work.join("a/b")).unwrap();
            fs::write(work.join("c"), "left over").unwrap();
        }
    }

    #[test]
    fn free_bytes_are_known_for_an_existing_path() {
        assert!(free_bytes(Path::new("/")).is_some_and(|free| free > 0));
        assert_eq!(free_bytes(Path::new("/no/such/place")), None);
        assert!(total_bytes(Path::new("/")) >= free_bytes(Path::new("/")));
        assert_eq!(total_bytes(Path::new("/no/such/place")), None);
    }
}
