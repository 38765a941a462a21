//! A log of bounded size: a file that is put aside when it is full, and so many old ones.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The log's current file. Each write is whole lines, and goes to one file.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    /// Closed only while files change their names: Windows renames no open file.
    file: Option<File>,
    bytes: u64,
    most_bytes: u64,
    old_files: u32,
}

impl LogFile {
    /// Goes on with the log at `path`, whose directory must exist. A file of `most_bytes` is put aside as `NAME.1`, the
    /// one before as `NAME.2`, and so on; the one after `old_files` goes.
    pub fn open(path: &Path, most_bytes: u64, old_files: u32) -> io::Result<Self> {
        let file = append(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file: Some(file), bytes, most_bytes, old_files })
    }

    fn aside(&self, number: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        name.into()
    }

    /// Begins a new file. When somebody holds one of the names, the lines go on into the old file for as long again.
    fn turn(&mut self) -> io::Result<()> {
        self.file = None;
        self.bytes = 0;
        for number in (1..self.old_files).rev() {
            let old = self.aside(number);
            if old.exists() {
                let _ = fs::rename(old, self.aside(number + 1));
            }
        }
        let _ = fs::rename(&self.path, self.aside(1));
        self.file = Some(append(&self.path)?);
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.file.is_none() || (self.bytes > 0 && self.bytes + line.len() as u64 > self.most_bytes) {
            self.turn()?;
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
    fn a_full_file_is_put_aside_and_the_oldest_goes() {
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
    fn a_log_that_is_opened_again_goes_on_and_counts_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        for line in ["one\n", "two\n", "three\n"] {
            LogFile::open(&path, 8, 3).unwrap().write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(lines(&path), "three\n");
        assert_eq!(lines(&folder.path().join("server.log.1")), "one\ntwo\n");
    }

    #[test]
    fn a_name_that_cannot_be_taken_costs_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        // A directory with something in it is a name that no file can take.
        fs::create_dir_all(folder.path().join("server.log.1/held")).unwrap();
        let mut log = LogFile::open(&path, 8, 1).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(lines(&path), "one\ntwo\nthree\n");
    }
}
