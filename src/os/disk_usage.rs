//! What files take on a disk.

use std::path::Path;
use std::{fs, io};

/// What some files take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many.
    pub files: u64,
    /// Their total length.
    pub bytes: u64,
}

impl Usage {
    /// All files below a directory; nothing if there is none. Symbolic links are not followed.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let mut usage = Self::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                match entry.metadata() {
                    Ok(found) if found.is_dir() => folders.push(entry.path()),
                    Ok(found) => usage.add(found.len()),
                    // Removed since the directory was read.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(usage)
    }

    /// Adds a file.
    pub fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_subdirectories_count_and_a_missing_directory_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        for (name, bytes) in [("one", 1), ("a/two", 20), ("a/b/three", 300)] {
            fs::write(dir.path().join(name), vec![0; bytes]).unwrap();
        }
        assert_eq!(Usage::of(dir.path()).unwrap(), Usage { files: 3, bytes: 321 });
        assert_eq!(Usage::of(&dir.path().join("none")).unwrap(), Usage::default());
    }
}
