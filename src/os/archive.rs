//! Single-file archive: a plain tar whose last entry is the SHA-256 of everything before it. Any `tar` can read it,
//! and a missing or changed byte is detected wherever it is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256 as Hasher};
use tar::{EntryType, Header};

use super::files;
use crate::domain::sha256::Sha256;

/// Tar block size: each header is one block, and contents are padded to whole blocks.
const BLOCK: u64 = 512;
/// Name of the last entry.
const DIGEST: &str = "SHA256";
/// Bytes from the last entry's header to the end: header, content, two empty blocks.
const TAIL: u64 = 4 * BLOCK;
/// Copy buffer size.
const CHUNK: usize = 256 * 1024;

/// Writes an archive.
pub struct Writer {
    file: File,
    hasher: Hasher,
    bytes: u64,
}

/// A position in an archive being written, to roll back to.
pub struct Mark {
    hasher: Hasher,
    bytes: u64,
}

impl Writer {
    /// Creates a new archive file that only its owner can read.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: files::create_private(path)?, hasher: Hasher::new(), bytes: 0 })
    }

    /// Adds a file of exactly `bytes` bytes and returns the SHA-256 of its content. If the content has a different
    /// length this fails, and the caller must roll back with [`Self::back_to`].
    pub fn add(&mut self, name: &str, bytes: u64, content: &mut dyn Read) -> io::Result<Sha256> {
        self.put(header(name, bytes)?.as_bytes())?;
        let (mut hasher, mut chunk, mut left) = (Hasher::new(), vec![0; CHUNK], bytes);
        while left > 0 {
            let most = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let part = &mut chunk[..most];
            match content.read(part) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    hasher.update(&part[..read]);
                    self.put(&part[..read])?;
                    left -= read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.put(&[0; BLOCK as usize][..padding(bytes)])?;
        Ok(hasher.finalize().into())
    }

    /// The position at which the next entry begins.
    pub fn mark(&self) -> Mark {
        Mark { hasher: self.hasher.clone(), bytes: self.bytes }
    }

    /// Whether anything was added after `mark`.
    pub fn is_past(&self, mark: &Mark) -> bool {
        self.bytes > mark.bytes
    }

    /// Discards everything added after `mark`.
    pub fn back_to(&mut self, mark: Mark) -> io::Result<()> {
        self.file.set_len(mark.bytes)?;
        self.file.seek(SeekFrom::Start(mark.bytes))?;
        (self.hasher, self.bytes) = (mark.hasher, mark.bytes);
        Ok(())
    }

    /// Writes the trailer and syncs the archive to disk. Returns its length.
    pub fn finish(mut self) -> io::Result<u64> {
        let tail = tail(self.hasher.clone())?;
        self.put(&tail)?;
        self.file.sync_all()?;
        Ok(self.bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// Reads every entry in order: name, length, content. Fails with `InvalidData` if the archive is damaged, which may
/// be detected only at its end: to act on nothing but an intact archive, read it twice.
pub fn read(file: &mut File, mut each: impl FnMut(&str, u64, &mut dyn Read) -> io::Result<()>) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    let body = length.checked_sub(TAIL).ok_or_else(damaged)?;
    file.seek(SeekFrom::Start(0))?;
    let mut hashing = Hashing { inner: &mut *file, hasher: Hasher::new() };
    {
        let mut archive = tar::Archive::new((&mut hashing).take(body));
        for entry in archive.entries()?.raw(true) {
            let mut entry = entry?;
            if entry.header().entry_type() != EntryType::Regular {
                return Err(damaged());
            }
            let name = String::from_utf8(entry.path_bytes().into_owned()).map_err(|_| damaged())?;
            let bytes = entry.size();
            each(&name, bytes, &mut entry)?;
        }
    }
    // Even if the tar appears to end early, hash up to where the trailer must be.
    let read = hashing.inner.stream_position()?;
    io::copy(&mut (&mut hashing).take(body.saturating_sub(read)), &mut io::sink())?;
    let Hashing { inner, hasher } = hashing;
    let mut end = Vec::new();
    inner.read_to_end(&mut end)?;
    if end == tail(hasher)? { Ok(()) } else { Err(damaged()) }
}

/// The name of the first entry, or `None` if the file is not a tar.
pub fn first_name(file: &mut File) -> io::Result<Option<String>> {
    let mut block = [0; BLOCK as usize];
    file.seek(SeekFrom::Start(0))?;
    match file.read_exact(&mut block) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let header = Header::from_byte_slice(&block);
    let name = header.as_ustar().map(|_| header.path_bytes().into_owned());
    Ok(name.and_then(|name| String::from_utf8(name).ok()))
}

/// The trailer for the given hash of everything before it.
fn tail(hasher: Hasher) -> io::Result<Vec<u8>> {
    let content = format!("{}\n", Sha256::from(hasher.finalize()));
    let mut tail = header(DIGEST, content.len() as u64)?.as_bytes().to_vec();
    tail.extend(content.as_bytes());
    tail.resize(TAIL as usize, 0);
    Ok(tail)
}

fn header(name: &str, bytes: u64) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(0);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    Ok(header)
}

fn padding(bytes: u64) -> usize {
    ((BLOCK - bytes % BLOCK) % BLOCK) as usize
}

fn damaged() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Hashes everything read through it.
struct Hashing<'f> {
    inner: &'f mut File,
    hasher: Hasher,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const ENTRIES: [(&str, usize); 5] =
        [("first.json", 3), ("empty", 0), ("a/block", 512), ("a/more", 513), ("z", 700)];

    fn content(name: &str, bytes: usize) -> Vec<u8> {
        name.bytes().cycle().take(bytes).collect()
    }

    fn write(path: &Path) {
        let mut writer = Writer::create(path).unwrap();
        for (name, bytes) in ENTRIES {
            let content = content(name, bytes);
            let mark = writer.mark();
            assert!(writer.add("too short", bytes as u64 + 1, &mut content.as_slice()).is_err());
            writer.back_to(mark).unwrap();
            let hash = writer.add(name, bytes as u64, &mut content.as_slice()).unwrap();
            assert_eq!(hash, <Sha256>::from(Hasher::digest(&content)));
        }
        assert_eq!(writer.finish().unwrap(), fs::metadata(path).unwrap().len());
    }

    fn entries(path: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut found = Vec::new();
        read(&mut File::open(path)?, |name, _, content| {
            let mut whole = Vec::new();
            content.read_to_end(&mut whole)?;
            found.push((name.to_owned(), whole));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn added_entries_are_read_back_and_rolled_back_ones_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("archive");
        write(&path);
        let expected: Vec<_> =
            ENTRIES.iter().map(|(name, bytes)| ((*name).to_owned(), content(name, *bytes))).collect();
        assert_eq!(entries(&path).unwrap(), expected);
        assert_eq!(first_name(&mut File::open(&path).unwrap()).unwrap().as_deref(), Some("first.json"));
    }

    #[test]
    fn any_changed_byte_and_any_truncation_is_detected() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("archive");
        write(&path);
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            for bit in [0x01, 0x80] {
                let mut bad = good.clone();
                bad[at] ^= bit;
                fs::write(&path, &bad).unwrap();
                assert!(entries(&path).is_err(), "bit {bit:#x} of byte {at}");
            }
        }
        for length in (0..good.len()).step_by(97).chain([good.len() - 1]) {
            fs::write(&path, &good[..length]).unwrap();
            assert!(entries(&path).is_err(), "the first {length} bytes");
        }
        fs::write(&path, [&good[..], &[0]].concat()).unwrap();
        assert!(entries(&path).is_err(), "one byte too many");
    }
}
