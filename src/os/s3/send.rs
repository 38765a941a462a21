//! Sends requests to the bucket: repeats those that failed for the moment, and says clearly why one failed for good.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::clock;
use crate::os::http::{Body, Method, Request, Response};
use crate::os::s3::{Bucket, xml};

/// How often a request is sent before it fails.
pub const ATTEMPTS: u32 = 5;
/// Wait before the second attempt; doubles from one to the next. Half of each wait is random, so that many servers and
/// threads do not come back at once.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long a signed address of our own requests is valid.
const VALID: Duration = Duration::from_mins(15);
/// Limit on the size of the store's XML: 4 MiB; a page of a listing has at most 1,000 keys.
const XML_BYTES: u64 = 4 << 20;

/// A request to the bucket.
pub(super) struct Ask<'a> {
    /// What is done, for messages: "write", "list".
    pub what: &'static str,
    pub method: Method,
    /// The full key; empty for the bucket itself.
    pub key: &'a str,
    pub query: &'a [(&'a str, &'a str)],
    /// Headers in lower case; they are signed.
    pub headers: &'a [(&'a str, &'a str)],
    pub media_type: Option<&'a str>,
    pub content: Content<'a>,
    /// Timeout of each attempt, with its body.
    pub timeout: Duration,
}

/// The body of a request; sent again from its start at each attempt.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    Nothing,
    Bytes(&'a [u8]),
    /// The whole file, which has this many bytes.
    File(&'a File, u64),
}

/// What the store's error answer says.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: u16,
    /// S3's code, such as `NoSuchKey`; empty if the answer has none.
    pub code: String,
}

impl Bucket {
    /// Sends a request until the store takes it, refuses it, or [`ATTEMPTS`] have failed. Statuses below 400 are answers;
    /// the others are refusals.
    pub(super) fn ask(&self, ask: &Ask<'_>) -> Result<Result<Response, Refusal>> {
        let mut wait = FIRST_WAIT;
        let mut last = None;
        for attempt in 1..=ATTEMPTS {
            if self.is_over.load(Ordering::SeqCst) {
                return Err(self.away(ask.what, "the server is shutting down"));
            }
            if attempt > 1 {
                clock::pause(self.jittered(wait)?);
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            match self.send_once(ask)? {
                Ok(answer) if answer.status < 400 => return Ok(Ok(answer)),
                Ok(answer) => {
                    let refusal = refusal(answer);
                    if !is_passing(&refusal) {
                        return Ok(Err(refusal));
                    }
                    last = Some(self.away(ask.what, &format!("status {} {}", refusal.status, refusal.code)));
                }
                Err(error) => {
                    if matches!(error.code, ErrorCode::UntrustedServer | ErrorCode::BadUrl | ErrorCode::AddressRefused)
                    {
                        return Err(self.refused(ask.what, &error.message, "Check endpoint in [storage]."));
                    }
                    last = Some(self.away(ask.what, &error.to_string()));
                }
            }
        }
        Err(last.unwrap_or_else(|| self.away(ask.what, "it was never sent")))
    }

    /// One attempt. The outer error is ours, the inner one the network's.
    fn send_once(&self, ask: &Ask<'_>) -> Result<Result<Response>> {
        // Signed anew each time: an address expires.
        let url = self.signed(&ask.method, ask.key, ask.query, ask.headers, VALID)?;
        let request = Request {
            headers: ask.headers,
            content_type: ask.media_type,
            ..Request::new(ask.method.clone(), &url, ask.timeout)
        };
        Ok(match ask.content {
            Content::Nothing => self.client.send(request),
            Content::Bytes(bytes) => self.client.send(Request { body: Body::Bytes(bytes), ..request }),
            Content::File(mut file, bytes) => {
                file.seek(SeekFrom::Start(0))
                    .map_err(|error| Error::internal("A file for the bucket could not be read.", error))?;
                let mut content = file.take(bytes);
                self.client.send(Request { body: Body::Stream(&mut content, Some(bytes)), ..request })
            }
        })
    }

    /// The same, where a refusal is an error.
    pub(super) fn plain(&self, ask: &Ask<'_>) -> Result<Response> {
        self.ask(ask)?.map_err(|refusal| self.explain(ask.what, &refusal))
    }

    /// The text of an XML answer.
    pub(super) fn xml(&self, what: &'static str, answer: Response) -> Result<String> {
        let bytes = answer.bytes(XML_BYTES).map_err(|error| self.away(what, &error.to_string()))?;
        String::from_utf8(bytes)
            .map_err(|_| self.refused(what, "its answer is not text", "Check endpoint in [storage]."))
    }

    /// The error for a bucket that cannot be used at the moment.
    pub(super) fn away(&self, what: &str, why: &str) -> Error {
        let message = "The storage of clips and demos is not available at the moment; try again shortly.";
        Error::new(Kind::Unavailable, ErrorCode::StorageUnavailable, message).because(format!(
            "could not {what} in bucket {}: {}",
            self.name(),
            why.trim_end()
        ))
    }

    /// The error for an object that was written but is not found yet.
    pub fn not_there_yet(&self) -> Error {
        self.away("look at an object", "it was written but is not found yet")
    }

    fn refused(&self, what: &str, why: &str, fix: &str) -> Error {
        let message = format!("The bucket {} did not let the server {what}: {why}. {fix}", self.name());
        Error::new(Kind::Internal, ErrorCode::BucketRefused, message)
    }

    /// The error for a refusal: what failed, why, what to do.
    pub(super) fn explain(&self, what: &str, refusal: &Refusal) -> Error {
        let (why, fix) = match refusal.code.as_str() {
            "RequestTimeTooSkewed" => {
                let message = format!(
                    "The bucket {} did not let the server {what}: this machine's clock and the store's differ too much. \
                     Set the clock, best by NTP.",
                    self.name()
                );
                return Error::new(Kind::Internal, ErrorCode::ClockSkew, message);
            }
            "NoSuchBucket" => ("there is no such bucket", "Create it, or correct bucket in [storage]."),
            "AccessDenied" => ("the credentials lack the right", "Give them the rights that docs/s3.md lists."),
            "InvalidAccessKeyId" => ("it does not know the access key", "Check the credentials."),
            "SignatureDoesNotMatch" => ("the signature is wrong", "Check the secret key, and region in [storage]."),
            "AuthorizationHeaderMalformed" | "AuthorizationQueryParametersError" => {
                ("the signature is for another region", "Check region in [storage].")
            }
            "NotImplemented" => {
                ("the store does not offer that", "Use a store that does; docs/s3.md lists what is needed.")
            }
            "PermanentRedirect" => ("the bucket is elsewhere", "Check endpoint and region in [storage]."),
            "ExpiredToken" => ("the credentials have expired", "Renew them."),
            "QuotaExceeded" | "XMinioStorageFull" => ("its storage is full", "Make room in it."),
            // A HEAD's refusal has no code.
            "" if refusal.status == 403 => {
                ("it is forbidden", "Check the credentials, and that they have the rights that docs/s3.md lists.")
            }
            code => {
                let why = format!("it answered with status {} {code}", refusal.status);
                return self.refused(what, why.trim_end(), "Its own log may say more.");
            }
        };
        self.refused(what, why, fix)
    }

    /// Between half of a wait and the whole.
    fn jittered(&self, wait: Duration) -> Result<Duration> {
        let half = wait / 2;
        let share = (self.random.bits()? >> 64) as u64 as f64 / u64::MAX as f64;
        Ok(half + half.mul_f64(share))
    }
}

/// Whether the same request may succeed later: an overloaded or failing store.
fn is_passing(refusal: &Refusal) -> bool {
    matches!(refusal.status, 408 | 429 | 500..=599) && refusal.code != "NotImplemented"
        || matches!(refusal.code.as_str(), "SlowDown" | "RequestTimeout" | "OperationAborted")
}

fn refusal(answer: Response) -> Refusal {
    let status = answer.status;
    let text = answer.bytes(XML_BYTES).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    Refusal { status, code: xml::code(&text).unwrap_or_default() }
}
