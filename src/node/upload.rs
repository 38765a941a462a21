//! Delivers a finished clip to the server, resuming interrupted uploads, until the server has it or does not want it.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::Path;

use crate::domain::epoch::LeaseName;
use crate::domain::error::Error;
use crate::domain::error_code::ErrorCode;
use crate::domain::failure::{Failure, FailureCode};
use crate::domain::job::Stage;
use log::info;

use crate::node::api::{Part, Server, Trouble, Uploaded};
use crate::node::direct::{Direct, Watched};
use crate::node::lease::{Ended, Hold, Leave};
use crate::node::outbox::Parcel;
use crate::node::outlast::{FIRST_WAIT, outlast};
use crate::wire::node::CompleteRequest;

/// Delivers the clip of one lease.
pub struct Delivery<'a> {
    pub server: &'a Server,
    pub lease: LeaseName,
    pub hold: &'a Hold<'a>,
}

impl Delivery<'_> {
    /// Uploads video and poster and completes the lease; the job is then done.
    pub fn deliver(&self, parcel: &Parcel) -> Result<(), Ended> {
        self.hold.report(Stage::Uploading, 0.0);
        let (video, part_bytes) = (parcel.video(), parcel.part_bytes());
        let direct = |part_bytes| Direct {
            server: self.server,
            lease: self.lease,
            hold: self.hold,
            part_bytes,
            ca_pem: parcel.bucket_ca(),
        };
        let upload = part_bytes.map(|part_bytes| direct(part_bytes).send(&video)).transpose()?.flatten();
        if upload.is_none() {
            self.send_video(&video)?;
        }
        if let Some(poster) = parcel.poster() {
            self.again(|| {
                let mut file = File::open(&poster).map_err(|error| Trouble::Refused(internal(&error)))?;
                let bytes = file.metadata().map_err(|error| Trouble::Refused(internal(&error)))?.len();
                self.server.upload(self.lease, Part::Poster, 0, &mut file, bytes)
            })?;
        }
        let (request, mut is_gone) = (CompleteRequest { upload, ..parcel.completion() }, false);
        self.again(|| match self.server.complete(self.lease, &request) {
            // The bucket has lost the upload, for example because the server was away for days.
            Err(Trouble::Refused(error)) if request.upload.is_some() && error.code == ErrorCode::VideoMissing => {
                is_gone = true;
                Ok(())
            }
            other => other,
        })?;
        if !is_gone {
            return Ok(());
        }
        self.send_video(&video)?;
        let request = parcel.completion();
        self.again(|| self.server.complete(self.lease, &request))
    }

    fn send_video(&self, path: &Path) -> Result<(), Ended> {
        let mut file = File::open(path).map_err(|error| unreadable(&error))?;
        let length = file.metadata().map_err(|error| unreadable(&error))?.len();
        let mut offset = 0;
        let mut broken = false;
        // The server ends a lease without progress, so one that stores nothing is not sent the video forever.
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
                    self.hold.pause(FIRST_WAIT)?;
                    broken = true;
                }
                Err(trouble) => return Err(self.given_up(trouble)),
            }
        }
        Ok(())
    }

    /// Repeats a call while the server is away; a refusal ends the delivery.
    fn again<T>(&self, call: impl FnMut() -> Result<T, Trouble>) -> Result<T, Ended> {
        outlast(self.lease, self.hold, call)?.map_err(|trouble| self.given_up(trouble))
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

fn internal(error: &io::Error) -> Error {
    Error::internal("Cannot read the rendered files.", error)
}

fn unreadable(error: &io::Error) -> Failure {
    info!("Cannot read a rendered file: {error}");
    Failure::here(FailureCode::NodeFailed, "The render node could not read the rendered video.")
}
