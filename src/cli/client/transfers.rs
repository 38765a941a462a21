//! Uploads of demos and downloads of clips.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256 as Hasher};

use super::{Api, LONG, SHORT, client, refusal};
use crate::cli::progress::Progress;
use crate::cli::{interrupted, target};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::sha256::Sha256;
use crate::os::files;
use crate::os::http::{Body, Method, Request, Response};
use crate::os::stop::StopFlag;
use crate::wire::demo::UploadedView;
use crate::wire::job::JobView;

/// Maximum length of a file name that the server suggests.
const NAME_CHARS: usize = 120;

impl Api {
    /// Uploads a demo unless the account has uploaded it before, and returns its URL for a job.
    pub fn upload_if_missing(&self, demo: &Path, progress: &mut Progress, stop: &StopFlag) -> Result<String> {
        progress.show("hashing the demo", 0.0);
        let (sha256, _) = files::hash(demo).map_err(|error| files::cannot_read(demo, &error))?;
        let url = self.url(&format!("/api/demos/{sha256}"));
        let response = self.send(Request { bearer: Some(&self.key), ..Request::new(Method::GET, &url, SHORT) })?;
        match response.status {
            200 | 202 => Ok(url),
            // Never uploaded, or unreadable: an upload makes the server read it again.
            404 | 422 => self.upload(demo, progress, stop),
            _ => Err(refusal(response)),
        }
    }

    /// Uploads a demo and returns its URL for a job.
    pub fn upload(&self, demo: &Path, progress: &mut Progress, stop: &StopFlag) -> Result<String> {
        let mut file = files::open_named(demo)?;
        let bytes = file.metadata().map_err(|error| files::cannot_read(demo, &error))?.len();
        let mut body = Counted { inner: &mut file, done: 0, bytes, stage: "uploading the demo", progress, stop };
        let answer: Result<UploadedView> = self.ask(Request {
            content_type: Some("application/octet-stream"),
            body: Body::Stream(&mut body, Some(bytes)),
            ..Request::new(Method::POST, &self.url("/api/demos"), LONG)
        });
        match answer {
            Err(_) if stop.stopped() => {
                Err(interrupted("Interrupted: the demo was not uploaded, and no job was submitted."))
            }
            answer => Ok(answer?.demo_url),
        }
    }

    /// Downloads a finished clip, verifies its hash and returns its path. `place` decides on the path, given the file
    /// name that the server suggests. An existing file is replaced.
    pub fn download(
        &self,
        job: &JobView,
        place: impl FnOnce(&str) -> Result<PathBuf>,
        progress: &mut Progress,
        stop: &StopFlag,
    ) -> Result<PathBuf> {
        let Some(clip) = &job.clip else {
            return Err(Error::conflict(
                ErrorCode::NoClip,
                format!("Job {} has no clip: it is {}.", job.id, without(job)),
            ));
        };
        let mut response = self.send(Request::new(Method::GET, &format!("{}?download=1", clip.url), LONG))?;
        if response.status == 302
            && let Some(address) = response.header("location")
        {
            // The clip lies in a bucket, which has other certificates than the appliance. The address needs no key.
            response = client(None)?.send(Request::new(Method::GET, address, LONG))?;
        }
        if response.status != 200 {
            return Err(refusal(response));
        }
        let to = place(&suggested_name(&response).unwrap_or_else(|| format!("{}.mp4", job.id)))?;
        let cannot = |error: io::Error| target::unwritable(&to, &error);
        let mut file = files::replacement(&to).map_err(cannot)?;
        let mut reader = response.into_reader();
        let mut body =
            Counted { inner: &mut reader, done: 0, bytes: clip.bytes, stage: "downloading the clip", progress, stop };
        let mut hash = Hasher::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = body.read(&mut buffer).map_err(|error| {
                if stop.stopped() {
                    return interrupted(format!("Interrupted: the clip was not downloaded; it is at {}.", clip.url));
                }
                Error::new(Kind::Unavailable, ErrorCode::Unreachable, "The clip's download was interrupted. Try again.")
                    .because(error)
            })?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            file.write_all(&buffer[..read]).map_err(cannot)?;
        }
        if Sha256::from(hash.finalize()).to_string() != clip.sha256 {
            let message = "The downloaded clip does not match its SHA-256. Try again.";
            return Err(Error::new(Kind::Unavailable, ErrorCode::BadAnswer, message));
        }
        file.persist(&to).map_err(|error| cannot(error.error))?;
        Ok(to)
    }
}

/// The state of a job without a clip.
fn without(job: &JobView) -> &str {
    if job.status == "done" { "done, but its clip was deleted" } else { &job.status }
}

fn suggested_name(response: &Response) -> Option<String> {
    file_name(response.header("content-disposition")?)
}

/// The file name in a `Content-Disposition` header, if it is a plain one: it must not lead out of a directory.
fn file_name(header: &str) -> Option<String> {
    let (_, rest) = header.split_once("filename=\"")?;
    let (name, _) = rest.split_once('"')?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_good = name.len() <= NAME_CHARS && name.ends_with(".mp4") && !name.starts_with(['.', '-']);
    (is_good && name.chars().all(is_plain)).then(|| name.to_owned())
}

/// A request body that reports progress, and fails when cancelled.
struct Counted<'a> {
    inner: &'a mut dyn Read,
    done: u64,
    bytes: u64,
    stage: &'a str,
    progress: &'a mut Progress,
    stop: &'a StopFlag,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.stopped() {
            return Err(io::Error::other("interrupted"));
        }
        let read = self.inner.read(buffer)?;
        self.done += read as u64;
        self.progress.show(self.stage, self.done as f64 / self.bytes.max(1) as f64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggested_file_name_is_used_only_if_it_is_plain() {
        for (header, name) in [
            ("attachment; filename=\"ropz-de_nuke-round-2.mp4\"", Some("ropz-de_nuke-round-2.mp4")),
            ("attachment", None),
            ("attachment; filename=\"../x.mp4\"", None),
            ("attachment; filename=\"C:\\x.mp4\"", None),
            ("attachment; filename=\".bashrc.mp4\"", None),
            ("attachment; filename=\"-o.mp4\"", None),
            ("attachment; filename=\"x.sh\"", None),
            ("attachment; filename=\"\u{1b}x.mp4\"", None),
            ("attachment; filename=\"x.mp4", None),
        ] {
            assert_eq!(file_name(header).as_deref(), name, "{header:?}");
        }
        let long = format!("attachment; filename=\"{}.mp4\"", "x".repeat(NAME_CHARS));
        assert_eq!(file_name(&long), None);
    }
}
