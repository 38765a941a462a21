//! Who may read a file: its owner alone, or others too. Where rights are no part of a file (Windows), nothing is said.

use std::fs::Metadata;
use std::io;
use std::path::Path;

/// Bits of a mode for the group and for everybody.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

/// Whether anybody but its owner may do anything with it.
#[cfg(unix)]
pub fn is_open_to_others(file: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(file) & OTHERS != 0
}

/// Whether anybody but its owner may do anything with it.
#[cfg(not(unix))]
pub fn is_open_to_others(_: &Metadata) -> bool {
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

/// Leaves its owner's rights as they are and takes those of all others.
#[cfg(unix)]
pub fn close_to_others(path: &Path, file: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(file.mode() & 0o7777 & !OTHERS))
}

/// Leaves its owner's rights as they are and takes those of all others.
#[cfg(not(unix))]
pub fn close_to_others(_: &Path, _: &Metadata) -> io::Result<()> {
    Ok(())
}
