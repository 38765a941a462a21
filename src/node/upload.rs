//! Uploads a finished video and its poster to the server, resuming interrupted uploads for as long as the lease is
//! valid.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use log::info;
use sha2::{Digest, Sha256 as Hasher};

use crate::domain::clip::POSTER_BYTES;
use crate::domain::error::Error;
use crate::domain::failure::{Failure, FailureCode};
use crate::domain::job::Stage;
use crate::domain::sha256::Sha256;
use crate::node::context::{NODE_RETRY_FIRST_MS, NODE_RETRY_MOST_MS};

use crate::wire::node::CompleteRequest;

use crate::node::api::{Part, Server, Trouble, Uploaded};
use crate::node::lease::{Ended, Hold, Leave};

/// Delivers the files of one lease.
pub struct Delivery<'a> {
    pub server: &'a Server,
    pub lease: i64,
    pub hold: &'a Hold<'a>,
}

/// First bytes of a JPEG.
const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];

/// Whether a renderer has left a poster that the server accepts: a file of its own, not a link or a pipe, small enough,
/// and a JPEG. A clip can do without one.
fn is_poster(path: &Path) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|file| file.is_file() && file.len() <= POSTER_BYTES);
    let mut head = [0; JPEG.len()];
    is_file && File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == JPEG
}

impl Delivery<'_> {
    /// Uploads video and poster and completes the lease; the job is then done. `pov_verified`: for the game, whether it is
    /// proven that the video shows the player's own view.
    pub fn deliver(&self, video: &Path, poster: &Path, pov_verified: Option<bool>) -> Result<(), Ended> {
        self.hold.report(Stage::Uploading, 0.0);
        let sha256 = sha256_of(video).map_err(|error| unreadable(&error))?;
        self.send_video(video)?;
        if is_poster(poster) {
            self.again(|| {
                let mut file = File::open(poster).map_err(|error| Trouble::Refused(internal(&error)))?;
                let bytes = file.metadata().map_err(|error| Trouble::Refused(internal(&error)))?.len();
                self.server.upload(self.lease, Part::Poster, 0, &mut file, bytes)
            })?;
        }
        // Servers of older versions do not know these fields; they have no jobs for the game either.
        let log = pov_verified.and_then(|_| self.hold.log());
        let request = CompleteRequest { video_sha256: sha256, pov_verified, log };
        self.again(|| self.server.complete(self.lease, &request))
    }

    fn send_video(&self, path: &Path) -> Result<(), Ended> {
        let mut file = File::open(path).map_err(|error| unreadable(&error))?;
        let length = file.metadata().map_err(|error| unreadable(&error))?.len();
        let mut offset = 0;
        let mut broken = false;
        // The lease bounds the retries: a server that stores nothing would otherwise be sent the video forever.
        while offset < length || broken {
            self.hold.check()?;
            if broken {
                offset = self.again(|| self.server.uploaded_bytes(self.lease))?;
                broken = false;
            }
            if offset > length {
                return Err(Failure::here(
                    FailureCode::RenderFailed,
                    "The server already has more bytes than the video is long.",
                )
                .into());
            }
            file.seek(SeekFrom::Start(offset)).map_err(|error| unreadable(&error))?;
            let mut from = Watched { file: &mut file, sent: offset, length, hold: self.hold };
            match self.server.upload(self.lease, Part::Video, offset, &mut from, length - offset) {
                Ok(Uploaded::To(bytes) | Uploaded::GoOnAt(bytes)) => offset = bytes,
                Err(Trouble::Away(error)) => {
                    info!("Lease {}: the upload was interrupted and will be resumed: {error}", self.lease);
                    self.hold.pause(first_wait())?;
                    broken = true;
                }
                Err(trouble) => return Err(self.given_up(trouble)),
            }
        }
        Ok(())
    }

    /// Retries a call until the server answers it or the lease ends.
    fn again<T>(&self, mut call: impl FnMut() -> Result<T, Trouble>) -> Result<T, Ended> {
        let mut wait = first_wait();
        loop {
            match call() {
                Ok(done) => return Ok(done),
                Err(Trouble::Away(error)) => {
                    info!("Lease {}: trying again: {error}", self.lease);
                    self.hold.pause(wait)?;
                    wait = (wait * 2).min(Duration::from_millis(NODE_RETRY_MOST_MS));
                }
                Err(trouble) => return Err(self.given_up(trouble)),
            }
        }
    }

    fn given_up(&self, trouble: Trouble) -> Ended {
        match trouble {
            Trouble::Lost | Trouble::Unknown => Leave::Lost.into(),
            Trouble::Away(error) | Trouble::Refused(error) => {
                info!("Lease {}: the server refused the video: {error}", self.lease);
                Failure::here(FailureCode::RenderFailed, "The server did not accept the rendered video.").into()
            }
        }
    }
}

fn first_wait() -> Duration {
    Duration::from_millis(NODE_RETRY_FIRST_MS)
}

fn internal(error: &io::Error) -> Error {
    Error::internal("Cannot read the rendered files.", error)
}

fn unreadable(error: &io::Error) -> Failure {
    info!("Cannot read a rendered file: {error}");
    Failure::here(FailureCode::NodeFailed, "The render node could not read the rendered video.")
}

fn sha256_of(path: &Path) -> io::Result<String> {
    let mut hash = Hasher::new();
    let mut file = File::open(path)?;
    let mut chunk = vec![0; 256 * 1024];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(Sha256::from(hash.finalize()).to_string()),
            count => hash.update(&chunk[..count]),
        }
    }
}

/// Reports upload progress, and fails the upload when the lease ends.
struct Watched<'a> {
    file: &'a mut File,
    sent: u64,
    length: u64,
    hold: &'a Hold<'a>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.hold.check().map_err(|_| io::Error::other("the lease is over"))?;
        let count = self.file.read(buffer)?;
        self.sent += count as u64;
        self.hold.report(Stage::Uploading, self.sent as f64 / self.length as f64);
        Ok(count)
    }
}
