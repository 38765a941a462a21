//! Files that survive a power cut, files for nobody else's eyes, and the room that is left on a disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::rights;
use crate::domain::error::{Error, Kind};

/// Writes a whole file so that after a crash there is the old content or the new one, never a mix: a new file beside
/// it, synced, renamed over it, and the directory synced. Readable by its owner only.
pub fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let written = write_new(&beside, &mut &*content).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // On a full disk not even half a file stays.
        let _gone = fs::remove_file(&beside);
    }
    written?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Writes a file that is not there yet, durably but for its name. Readable by its owner only.
pub fn write_new(path: &Path, content: &mut dyn Read) -> io::Result<()> {
    let mut file = create_private(path)?;
    io::copy(content, &mut file)?;
    file.sync_all()
}

/// Gives a file a second name, or makes a copy where the file system has no links.
pub fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| write_new(to, &mut File::open(from)?))
}

/// SHA-256 and length of a file.
pub fn hash(path: &Path) -> io::Result<([u8; 32], u64)> {
    let mut file = File::open(path)?;
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; 256 * 1024];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok((hasher.finalize().into(), bytes)),
            read => {
                hasher.update(&chunk[..read]);
                bytes += read as u64;
            }
        }
    }
}

/// Opens an empty file for writing that only its owner may read; an old one of that name goes.
pub fn create_private(path: &Path) -> io::Result<File> {
    remove(path)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a new file that takes so many bytes of the disk, whatever is in them. Nothing is left of one that does not fit.
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
        // Not every file system can.
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

/// Whether two places are on one disk, as far as the system tells; one that is not there is on none.
#[cfg(unix)]
pub fn on_same_disk(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let disk = |path: &Path| fs::metadata(path).ok().map(|found| found.dev());
    disk(one).is_some_and(|one| disk(other) == Some(one))
}

/// Whether two places are on one disk, as far as the system tells; one that is not there is on none.
#[cfg(not(unix))]
pub fn on_same_disk(one: &Path, other: &Path) -> bool {
    let disk = |path: &Path| fs::canonicalize(path).ok()?.components().next().map(|drive| drive.as_os_str().to_owned());
    disk(one).is_some_and(|one| disk(other) == Some(one))
}

/// Removes a file; one that is not there is no error.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Creates a directory, and what is missing above it, that only its owner may enter. One that exists stays as it is.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The same for a directory that is to hold secrets: an empty one is closed to others. One that holds something and is
/// open to them stays as it is: the answer is true.
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

/// Makes a file's content durable. Windows does it only for who may write.
pub fn sync(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.sync_all()
}

/// Makes the names in a directory durable. Windows has no such call and needs none: its file system keeps a journal
/// of names.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    // `Path::parent` of a bare file name is the empty path.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// A new directory in `folder` that only its owner may enter, whatever the umask, and that goes away with the value.
pub fn private_tempdir_in(folder: &Path, prefix: &str) -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(folder)
}

/// Removes a directory's content but not the directory; creates it when it is missing. Afterwards only its owner may
/// enter it.
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

/// Whether something else is mounted at this very path, so that it can be neither moved nor replaced.
#[cfg(target_os = "linux")]
pub fn is_mount_point(path: &Path) -> io::Result<bool> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE)?;
    if found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) {
        return Ok(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    }
    is_of_another_disk(path)
}

/// Whether something else is mounted at this very path, so that it can be neither moved nor replaced.
#[cfg(not(target_os = "linux"))]
pub fn is_mount_point(path: &Path) -> io::Result<bool> {
    is_of_another_disk(path)
}

/// Whether it lies on another disk than its folder does.
#[cfg(unix)]
fn is_of_another_disk(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::symlink_metadata(path)?.dev() != fs::metadata(folder_of(path))?.dev())
}

/// Whether it lies on another disk than its folder does: Windows has links for that, which say so.
#[cfg(not(unix))]
fn is_of_another_disk(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// The error for a file that a person named and that cannot be read.
pub fn cannot_read(path: &Path, error: &io::Error) -> Error {
    let message = if path.is_dir() {
        format!("{} is a folder: name a file.", path.display())
    } else {
        format!("Could not read {}: {error}.", path.display())
    };
    Error::new(Kind::Invalid, "unreadable_file", message)
}

/// Opens a file that a person named, to be read. A folder, which some systems open as well, is refused.
pub fn open_named(path: &Path) -> Result<File, Error> {
    let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
    if path.is_dir() { Err(cannot_read(path, &io::ErrorKind::IsADirectory.into())) } else { Ok(file) }
}

/// A file beside `path` that takes its place once it is whole, with the rights that any new file of this user has.
pub fn replacement(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".dinkem-").suffix(".part");
    // As for any new file, the umask takes away what it must.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder_of(path))
}

/// The folder that a path's file lies in.
pub fn folder_of(path: &Path) -> &Path {
    // `Path::parent` of a bare file name is the empty path.
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Bytes that are free on the disk of `path` for an ordinary user; `None` where the system does not tell.
#[cfg(unix)]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Bytes that are free on the disk of `path` for an ordinary user; `None` where the system does not tell.
#[cfg(not(unix))]
pub fn free_bytes(path: &Path) -> Option<u64> {
    fs4::available_space(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_durable_file_replaces_the_old_one_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.json");
        for content in ["old and longer", "new"] {
            write_durably(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn private_files_and_directories_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        create_private_dir(&inner).unwrap();
        let file = inner.join("key");
        // A file that others may read is not written into: it is replaced.
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        write_durably(&file, b"secret").unwrap();
        for (path, mode) in [(&inner, 0o700), (&file, 0o600)] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_for_secrets_is_closed_while_it_is_empty_and_refused_when_it_is_not() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let open = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!((claim_private_dir(&path).unwrap(), mode()), (false, 0o700), "a missing one is made");
        open(0o755);
        assert_eq!((claim_private_dir(&path).unwrap(), mode()), (false, 0o700), "an empty one is closed");
        fs::write(path.join("store.db"), "").unwrap();
        for (given, is_open) in [(0o700, false), (0o500, false), (0o755, true), (0o710, true), (0o701, true)] {
            open(given);
            assert_eq!((claim_private_dir(&path).unwrap(), mode()), (is_open, given));
        }
    }

    #[test]
    fn a_directory_is_emptied_or_made() {
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
    fn the_disk_of_a_directory_says_what_is_free() {
        assert!(free_bytes(Path::new("/")).is_some_and(|free| free > 0));
        assert_eq!(free_bytes(Path::new("/no/such/place")), None);
    }
}
