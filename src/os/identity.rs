//! File identity, to tell a file from a copy of it: inode number and creation time.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
#[cfg(unix)]
use std::time::UNIX_EPOCH;

/// A file's identity as far as the file system provides it. Survives renaming the file or its parent directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    inode: Option<u64>,
    /// Nanoseconds since 1970.
    created: Option<u128>,
}

impl Identity {
    /// The identity of the file at `path`.
    pub fn of(path: &Path) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        Ok(Self { inode: inode(&file), created: created(&file) })
    }

    /// Whether it may be the same file. If both creation times are known they decide, because inode numbers are
    /// reused and some file systems assign new ones at each mount.
    pub fn may_be(&self, other: &Self) -> bool {
        let same = |one: Option<u128>, other: Option<u128>| Some(one? == other?);
        let by_inode = || same(self.inode.map(u128::from), other.inode.map(u128::from));
        same(self.created, other.created).or_else(by_inode).unwrap_or(true)
    }
}

/// Two fields, each a number or `-`.
impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |number: Option<u128>| number.map_or("-".to_owned(), |number| number.to_string());
        write!(f, "{} {}", word(self.inode.map(u128::from)), word(self.created))
    }
}

impl Identity {
    /// Parses the `Display` form.
    pub fn parse(text: &str) -> Option<Self> {
        let (inode, created) = text.split_once(' ')?;
        let word = |word: &str| if word == "-" { Some(None) } else { word.parse::<u128>().ok().map(Some) };
        let inode = word(inode)?.map(u64::try_from).transpose().ok()?;
        Some(Self { inode, created: word(created)? })
    }
}

#[cfg(unix)]
fn created(file: &Metadata) -> Option<u128> {
    let created = file.created().ok()?;
    created.duration_since(UNIX_EPOCH).ok().map(|created| created.as_nanos())
}

/// Any program on Windows can change it, and not every file system keeps it, so it proves nothing.
#[cfg(not(unix))]
fn created(_: &Metadata) -> Option<u128> {
    None
}

#[cfg(unix)]
fn inode(file: &Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::ino(file))
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creation_time_decides_then_inode_and_unknown_values_match() {
        let file = |inode, created| Identity { inode, created };
        let (known, other) = (file(Some(7), Some(100)), file(Some(8), Some(200)));
        let cases = [
            (known, known, true),
            (known, other, false),
            (known, file(Some(7), Some(200)), false),
            (known, file(Some(8), Some(100)), true),
            (known, file(Some(7), None), true),
            (known, file(Some(8), None), false),
            (known, file(None, None), true),
            (file(None, Some(100)), file(Some(7), None), true),
        ];
        for (one, two, same) in cases {
            assert_eq!((one.may_be(&two), two.may_be(&one)), (same, same), "{one:?} {two:?}");
            assert_eq!(Identity::parse(&one.to_string()), Some(one));
        }
        for text in ["", "7", "7 x", "-1 -", "99999999999999999999 -"] {
            assert_eq!(Identity::parse(text), None, "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn renamed_file_keeps_its_identity_and_a_copy_has_another() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a"), "x").unwrap();
        let first = Identity::of(&at("a")).unwrap();
        fs::rename(at("a"), at("b")).unwrap();
        fs::write(at("b"), "longer").unwrap();
        assert!(first.may_be(&Identity::of(&at("b")).unwrap()));
        fs::copy(at("b"), at("c")).unwrap();
        assert!(!first.may_be(&Identity::of(&at("c")).unwrap()));
    }
}
