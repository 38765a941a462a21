//! Follows a log file that another program writes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// Bytes read at once.
const READ_BYTES: u64 = 256 * 1024;
/// Maximum length of a line; longer ones are split.
const LINE_BYTES: usize = 4 * 1024;

/// A file that grows, and how much of it was read.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    at: u64,
    rest: Vec<u8>,
}

impl Tail {
    /// Follows a file that may not exist yet, from its start.
    pub fn new(path: PathBuf) -> Self {
        Self { path, at: 0, rest: Vec::new() }
    }

    /// The lines that were added since the last call. A file that became shorter is read again from its start.
    pub fn lines(&mut self) -> Vec<String> {
        // Windows may deny access for a moment while the file is written; the next call gets the lines.
        if let Err(error) = self.read()
            && error.kind() != io::ErrorKind::NotFound
        {
            log::debug!("Cannot read {}: {error}", self.path.display());
        }
        let mut lines = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n').or(self.overlong()) {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            lines.push(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned());
        }
        lines
    }

    fn overlong(&self) -> Option<usize> {
        (self.rest.len() > LINE_BYTES).then_some(LINE_BYTES)
    }

    fn read(&mut self) -> io::Result<()> {
        let mut file = File::open(&self.path)?;
        if file.metadata()?.len() < self.at {
            self.at = 0;
            self.rest.clear();
        }
        file.seek(SeekFrom::Start(self.at))?;
        self.at += file.take(READ_BYTES).read_to_end(&mut self.rest)? as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_arrive_once_complete_and_a_new_file_is_read_from_its_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("console.log");
        let mut tail = Tail::new(path.clone());
        assert!(tail.lines().is_empty());
        std::fs::write(&path, "one\r\ntw").unwrap();
        assert_eq!(tail.lines(), ["one"]);
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"o\n\nthree").unwrap();
        assert_eq!(tail.lines(), ["two", ""]);
        std::fs::write(&path, "new\n").unwrap();
        assert_eq!(tail.lines(), ["new"]);
    }

    #[test]
    fn endless_line_is_split() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("console.log");
        std::fs::write(&path, vec![b'x'; 3 * LINE_BYTES]).unwrap();
        let lines = Tail::new(path).lines();
        assert!(lines.len() >= 2 && lines.iter().all(|line| line.len() <= LINE_BYTES + 1));
    }
}
