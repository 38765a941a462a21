//! File permissions. On Windows, which has no permission bits, these checks find nothing wrong.

use std::fs::Metadata;
use std::io;
use std::path::Path;

/// Permission bits of the group and of others.
#[cfg(unix)]
const OTHERS: u32 = 0o077;
/// Permission bits of everybody else.
#[cfg(unix)]
const EVERYONE: u32 = 0o007;

/// Whether anyone but the owner has any access.
#[cfg(unix)]
pub fn is_open_to_others(file: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(file) & OTHERS != 0
}

/// Whether anyone but the owner has any access.
#[cfg(not(unix))]
pub fn is_open_to_others(_: &Metadata) -> bool {
    false
}

/// Whether every user has some access, not only the owner and the group.
#[cfg(unix)]
pub fn is_open_to_everyone(file: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(file) & EVERYONE != 0
}

/// Whether every user has some access, not only the owner and the group.
#[cfg(not(unix))]
pub fn is_open_to_everyone(_: &Metadata) -> bool {
    false
}

/// Whether two files have the same owner.
#[cfg(unix)]
pub fn is_same_owner(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    one.uid() == other.uid()
}

/// Whether two files have the same owner.
#[cfg(not(unix))]
pub fn is_same_owner(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// Removes all permissions of group and others, keeping the owner's.
#[cfg(unix)]
pub fn close_to_others(path: &Path, file: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(file.mode() & 0o7777 & !OTHERS))
}

/// Removes all permissions of group and others, keeping the owner's.
#[cfg(not(unix))]
pub fn close_to_others(_: &Path, _: &Metadata) -> io::Result<()> {
    Ok(())
}
