//! A size-limited log file with rotation.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The current log file. Each write contains whole lines and goes to one file.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    /// `None` only during rotation: Windows cannot rename an open file.
    file: Option<File>,
    bytes: u64,
    most_bytes: u64,
    old_files: u32,
}

impl LogFile {
    /// Opens or continues the log at `path`, whose directory must exist. At `most_bytes` it is rotated to `NAME.1`,
    /// `NAME.1` to `NAME.2`, and so on; only `old_files` rotated files are kept.
    pub fn open(path: &Path, most_bytes: u64, old_files: u32) -> io::Result<Self> {
        let file = append(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file: Some(file), bytes, most_bytes, old_files })
    }

    fn rotated_path(&self, number: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        name.into()
    }

    /// Rotates the files. If one of them is held open by another program, logging continues in the current file, and
    /// the next attempt is made after another `most_bytes`.
    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        self.bytes = 0;
        for number in (1..self.old_files).rev() {
            let old = self.rotated_path(number);
            if old.exists() {
                let _ = fs::rename(old, self.rotated_path(number + 1));
            }
        }
        let _ = fs::rename(&self.path, self.rotated_path(1));
        self.file = Some(append(&self.path)?);
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.file.is_none() || (self.bytes > 0 && self.bytes + line.len() as u64 > self.most_bytes) {
            self.rotate()?;
        }
        if let Some(file) = &mut self.file {
            file.write_all(line)?;
        }
        self.bytes += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn full_file_is_rotated_and_the_oldest_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        let mut log = LogFile::open(&path, 8, 2).unwrap();
        for line in ["one\n", "two\n", "three\n", "four\n", "a line that is longer\n", "six\n"] {
            assert_eq!(log.write(line.as_bytes()).unwrap(), line.len());
        }
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["server.log", "server.log.1", "server.log.2"]);
        assert_eq!(lines(&path), "six\n");
        assert_eq!(lines(&folder.path().join("server.log.1")), "a line that is longer\n");
        assert_eq!(lines(&folder.path().join("server.log.2")), "four\n");
    }

    #[test]
    fn reopened_log_continues_and_counts_existing_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        for line in ["one\n", "two\n", "three\n"] {
            LogFile::open(&path, 8, 3).unwrap().write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(lines(&path), "three\n");
        assert_eq!(lines(&folder.path().join("server.log.1")), "one\ntwo\n");
    }

    #[test]
    fn failed_rotation_loses_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        // A non-empty directory blocks the name.
        fs::create_dir_all(folder.path().join("server.log.1/held")).unwrap();
        let mut log = LogFile::open(&path, 8, 1).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(lines(&path), "one\ntwo\nthree\n");
    }
}
