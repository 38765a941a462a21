//! Fetches a job's demo and unpacks it: an uploaded demo from the bucket or the server, any other from its URL.
//!
//! The URL is untrusted: addresses, size, time and speed are limited, and a file that cannot be a demo is rejected
//! after its first bytes. Its content is not parsed here; a child process unpacks packed demos. The client learns which
//! host failed, but the cause only if every address contacted was public: otherwise jobs could be used to scan the
//! studio's network. The attempt's log always has the cause for the operator.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use log::{info, warn};

use crate::domain::demo::UNPACK_ORDINARY_RATIO;
use crate::domain::error::{Error, Kind};
use crate::domain::error_code::ErrorCode;
use crate::domain::failure::{Failure, FailureCode, Retry};
use crate::node::meter::FETCH_STALL_SECONDS;
use crate::os::address::Addresses;
use crate::os::http::{Client, ClientOptions, Method, Request, Response};
use crate::os::room::{Part, Room};
use crate::os::url::host_of;
use crate::render::command::Space;
use crate::render::demo::kind;
use crate::wire::node::{ClaimAnswer, FetchPolicy};

use crate::node::api::{Server, Trouble};
use crate::node::cache::{DemoCache, HeldDemo, Remembered};
use crate::node::join::server_client;
use crate::node::lease::{Ended, Hold, Leave};
use crate::node::meter::Meter;
use crate::node::outlast::outlast;
use crate::node::unpack::{Unpacker, disk_failed, no_room};

/// Timeout for resolving and connecting while fetching, in seconds.
const FETCH_CONNECT_SECONDS: u64 = 10;
/// Redirects followed while fetching.
const FETCH_REDIRECTS: u32 = 5;

pub struct Fetcher<'a> {
    pub server: &'a Server,
    pub cache: &'a DemoCache,
    /// Free space on the cache's disk.
    pub room: &'a Arc<Room>,
    /// Networks allowed in addition to those in the server's policy.
    pub extra_allow: &'a [IpNet],
    /// This program, run as a child to unpack demos.
    pub program: &'a Path,
}

impl Fetcher<'_> {
    pub fn get(&self, claim: &ClaimAnswer, hold: &Hold<'_>) -> Result<HeldDemo<'_>, Ended> {
        match &claim.uploaded_demo {
            Some(uploaded) => match self.cache.get(&uploaded.sha256) {
                Some(held) => Ok(held),
                None => self.uploaded(claim, &uploaded.sha256, hold),
            },
            None => self.addressed(claim, hold),
        }
    }

    /// Gets an uploaded demo: from the bucket, if the server says so and the bucket can be reached from here, otherwise from
    /// the server.
    fn uploaded(&self, claim: &ClaimAnswer, sha256: &str, hold: &Hold<'_>) -> Result<HeldDemo<'_>, Ended> {
        let answer = self.ask(claim, true, hold)?;
        if answer.status != 302 {
            return self.keep_uploaded(claim, sha256, answer, hold);
        }
        let found = match follow(&answer, claim) {
            Ok(answer) => self.keep_uploaded(claim, sha256, answer, hold),
            Err(error) => Err(Failure::here(FailureCode::FetchFailed, error.to_string()).into()),
        };
        match found {
            Err(Ended::Failed(failure))
                if matches!(failure.code, FailureCode::FetchFailed | FailureCode::DemoUnreadable) =>
            {
                let why = &failure.message;
                warn!("Lease {}: the demo comes through the server, not from the bucket: {why}", claim.lease);
                let answer = self.ask(claim, false, hold)?;
                self.keep_uploaded(claim, sha256, answer, hold)
            }
            found => found,
        }
    }

    /// Asks the server for the uploaded demo until it answers or the lease ends. `direct`: it may name an address in the
    /// bucket.
    fn ask(&self, claim: &ClaimAnswer, direct: bool, hold: &Hold<'_>) -> Result<Response, Ended> {
        let seconds = claim.fetch_policy.max_seconds;
        match outlast(claim.lease, hold, || self.server.demo(claim.lease, direct, seconds))? {
            Ok(answer) => Ok(answer),
            Err(Trouble::Lost | Trouble::Unknown) => Err(Leave::Lost.into()),
            Err(Trouble::Refused(error) | Trouble::Away(error)) => {
                info!("Lease {}: the server refused to send the uploaded demo: {error}", claim.lease);
                Err(Failure::here(FailureCode::FetchFailed, "The server refused to send the uploaded demo.").into())
            }
        }
    }

    /// Like [`Self::keep`], for an uploaded demo, whose hash is known.
    fn keep_uploaded(
        &self,
        claim: &ClaimAnswer,
        sha256: &str,
        answer: Response,
        hold: &Hold<'_>,
    ) -> Result<HeldDemo<'_>, Ended> {
        let held = self.keep(claim, answer, hold).map_err(|ended| match ended {
            Ended::Failed(failure) if failure.code == FailureCode::FetchFailed => {
                let message = format!("The render node could not get the uploaded demo. {}", failure.message);
                // The demo is good: the server received all of it.
                Failure { message, retry: Retry::Elsewhere, ..failure }.into()
            }
            ended => ended,
        })?;
        if held.sha256 != sha256 {
            return Err(Failure::here(FailureCode::FetchFailed, "The uploaded demo was corrupted in transit.").into());
        }
        Ok(held)
    }

    fn addressed(&self, claim: &ClaimAnswer, hold: &Hold<'_>) -> Result<HeldDemo<'_>, Ended> {
        let url = claim.job.demo_url.as_str();
        let client = client(&claim.fetch_policy, self.extra_allow).map_err(|error| {
            info!("Lease {}: cannot set up the HTTP client: {error}", claim.lease);
            Failure::here(FailureCode::NodeFailed, "The render node could not set up the download.")
        })?;
        let known = self.cache.remembered(url);
        let answer = client.send(Request {
            headers: &validators(known.as_ref()),
            ..Request::new(Method::GET, url, seconds(claim.fetch_policy.max_seconds))
        });
        let for_client = |failure: Failure| for_client(url, failure, client.contacted_only_public(), hold);
        let answer = answer.map_err(|error| for_client(unanswered(&error)))?;
        match (answer.status, known.and_then(|known| self.cache.get(&known.sha256))) {
            (304, Some(held)) => return Ok(held),
            (200, _) => {}
            (status, _) => return Err(for_client(error_answer(status)).into()),
        }
        let (etag, last_modified) = (header(&answer, "etag"), header(&answer, "last-modified"));
        let held = self.keep(claim, answer, hold).map_err(|ended| match ended {
            Ended::Failed(failure) if failure.code == FailureCode::FetchFailed => for_client(failure).into(),
            ended => ended,
        })?;
        if etag.is_some() || last_modified.is_some() {
            self.cache.remember(url, Remembered { etag, last_modified, sha256: held.sha256.clone() });
        }
        Ok(held)
    }

    /// Reserves disk space for a demo of between `least` and `most` bytes, evicting unused demos if necessary.
    fn room(&self, least: u64, most: u64) -> Result<Part, Ended> {
        let budget = self.room.budget(least, most).or_else(|_| {
            self.cache.shrink(0);
            self.room.budget(least, most)
        });
        budget.map_err(|error| disk_failed(&error).into())
    }

    /// Downloads the body, unpacks it if it is packed, and adds the demo to the cache.
    fn keep(&self, claim: &ClaimAnswer, answer: Response, hold: &Hold<'_>) -> Result<HeldDemo<'_>, Ended> {
        let part = Scratch(self.cache.part(claim.lease));
        let kept = self.fetch(claim, answer, &part.0, hold).and_then(|fetched| {
            if fetched.is_packed {
                self.unpacked(claim, &fetched, &part.0, hold)
            } else {
                self.plain(claim, &fetched, &part.0)
            }
        });
        kept.inspect_err(|ended| {
            let is_the_disks = |failure: &Failure| {
                failure.code == FailureCode::NodeFailed
                    || (failure.code == FailureCode::DemoTooLarge && failure.retry == Retry::Elsewhere)
            };
            if matches!(ended, Ended::Failed(failure) if is_the_disks(failure)) {
                // The disk is probably full: make room for the next job.
                self.cache.shrink(0);
            }
        })
    }

    /// Writes an answer's body to `to`.
    fn fetch(&self, claim: &ClaimAnswer, answer: Response, to: &Path, hold: &Hold<'_>) -> Result<Fetched, Ended> {
        let expected = answer.length();
        let mut meter = Meter::new(answer.into_reader(), expected, &claim.fetch_policy, hold);
        let head = meter.head()?;
        if let Some(why) = kind::why_not_a_demo(&head) {
            let message = format!("The fetched file {why}.");
            return Err(Failure::for_good(FailureCode::DemoUnreadable, message).into());
        }
        let is_packed = kind::is_packed(&head);
        let ratio = if is_packed { UNPACK_ORDINARY_RATIO } else { 1 };
        let least = expected.unwrap_or_default().saturating_mul(ratio);
        let room = self.room(least, claim.fetch_policy.max_unpacked_bytes)?;
        let written = File::create(to).and_then(|mut file| {
            // One byte beyond the reserved space shows that it does not fit.
            let mut body = (&head[..]).chain(&mut meter).take(room.bytes().saturating_add(1));
            io::copy(&mut body, &mut file)
        });
        let written = written.map_err(|error| disk_failed(&error)).and_then(|bytes| {
            if bytes > room.bytes() { Err(no_room(&"it is larger than the free space")) } else { Ok(bytes) }
        });
        // A failure of the source also fails the write; report the source's, which is the cause.
        let sha256 = meter.finish(written.is_ok())?;
        Ok(Fetched { sha256, is_packed, bytes: written?, room })
    }

    fn plain(&self, claim: &ClaimAnswer, fetched: &Fetched, part: &Path) -> Result<HeldDemo<'_>, Ended> {
        let most = claim.fetch_policy.max_unpacked_bytes;
        if fetched.bytes > most {
            let message = format!("The demo is larger than {} MiB.", most >> 20);
            return Err(Failure::for_good(FailureCode::DemoTooLarge, message).into());
        }
        self.put(&fetched.sha256, part)
    }

    fn unpacked(
        &self,
        claim: &ClaimAnswer,
        fetched: &Fetched,
        part: &Path,
        hold: &Hold<'_>,
    ) -> Result<HeldDemo<'_>, Ended> {
        // Another slot may have fetched the same file meanwhile.
        if let Some(held) = self.cache.get(&fetched.sha256) {
            return Ok(held);
        }
        let folder = Scratch(self.cache.unpacking(claim.lease));
        // The packed file stays on the disk until unpacking is done.
        let room = fetched.room.bytes().saturating_sub(fetched.bytes);
        let space = Space { most_bytes: claim.fetch_policy.max_unpacked_bytes, room };
        let plain = Unpacker { program: self.program, space, hold }.unpack(part, &folder.0)?;
        self.put(&fetched.sha256, &plain)
    }

    fn put(&self, sha256: &str, plain: &Path) -> Result<HeldDemo<'_>, Ended> {
        let kept = fs::metadata(plain).and_then(|file| self.cache.put(sha256, plain, file.len()));
        kept.map_err(|error| disk_failed(&error).into())
    }
}

/// A downloaded file, not yet unpacked.
struct Fetched {
    sha256: String,
    is_packed: bool,
    bytes: u64,
    /// Disk space reserved for it and its unpacked form.
    room: Part,
}

/// A file or directory that is removed on drop, unless it has been moved away.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // At least one of these fails; the next start removes anything left behind.
        let _ = fs::remove_file(&self.0);
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Reads an uploaded demo from the bucket. Errors never contain the address.
fn follow(answer: &Response, claim: &ClaimAnswer) -> Result<Response, Error> {
    let bad = |why: &str| Error::new(Kind::Unavailable, ErrorCode::BadAnswer, format!("The bucket {why}."));
    let address = answer.header("location").ok_or_else(|| bad("has no address"))?;
    let request = Request::new(Method::GET, address, seconds(claim.fetch_policy.max_seconds));
    let answer = server_client(claim.bucket_ca.clone())?.send(request)?;
    if answer.status == 200 { Ok(answer) } else { Err(bad(&format!("answered with status {}", answer.status))) }
}

/// A client restricted to the addresses that the server's policy and this node's operator allow.
fn client(policy: &FetchPolicy, extra_allow: &[IpNet]) -> Result<Client, Error> {
    let mut allow = extra_allow.to_vec();
    for net in &policy.allow {
        let net = net.parse().map_err(|error| Error::internal("Cannot parse the server's fetch policy.", error))?;
        allow.push(net);
    }
    Client::new(ClientOptions {
        addresses: Addresses::Guarded { allow, private: true },
        ca_pem: None,
        redirects: FETCH_REDIRECTS,
        connect_timeout: seconds(FETCH_CONNECT_SECONDS.min(policy.max_seconds)),
        stall_timeout: seconds(FETCH_STALL_SECONDS.min(policy.max_seconds)),
        body_timeout: None,
    })
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn header(answer: &Response, name: &str) -> Option<String> {
    answer.header(name).map(str::to_owned)
}

/// Conditional-request headers: the body is sent only if the demo has changed.
fn validators(known: Option<&Remembered>) -> Vec<(&'static str, &str)> {
    let Some(known) = known else { return Vec::new() };
    let headers = [("If-None-Match", &known.etag), ("If-Modified-Since", &known.last_modified)];
    headers.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
}

/// The failure for a fetch without an answer. Its message must pass through [`for_client`].
fn unanswered(error: &Error) -> Failure {
    let retry = if [ErrorCode::AddressRefused, ErrorCode::BadUrl].contains(&error.code) {
        Retry::Never
    } else {
        Retry::Elsewhere
    };
    Failure { code: FailureCode::FetchFailed, message: error.to_string(), retry }
}

/// The failure for an error answer. Its message must pass through [`for_client`]. Client errors and redirects are
/// final; server errors are worth a retry.
fn error_answer(status: u16) -> Failure {
    let retry = if matches!(status, 408 | 425 | 429 | 500..) { Retry::Elsewhere } else { Retry::Never };
    let message = format!("The server answered with status {status}.");
    Failure { code: FailureCode::FetchFailed, message, retry }
}

/// Logs the failure with its cause for the operator, and returns it as the client may see it.
fn for_client(url: &str, failure: Failure, is_public: bool, hold: &Hold<'_>) -> Failure {
    // Nothing else of the URL is shown: it may contain secrets. The URL was validated at submission, so it has a host.
    let host = host_of(url).unwrap_or_else(|| "its server".to_owned());
    info!("Cannot fetch a demo from {host}: {}", failure.message);
    hold.keep_log(&format!("Fetching from {host}: {}", failure.message));
    Failure { message: message(&host, &failure.message, is_public), ..failure }
}

fn message(host: &str, cause: &str, is_public: bool) -> String {
    match is_public {
        true => format!("The demo could not be fetched from {host}. {cause}"),
        false => format!("The demo could not be fetched from {host}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_of_a_failed_fetch_is_shown_only_for_public_addresses() {
        let cause = "The server answered with status 404.";
        let public = message("files.example", cause, true);
        assert_eq!(public, "The demo could not be fetched from files.example. The server answered with status 404.");
        assert_eq!(message("nas", cause, false), "The demo could not be fetched from nas.");
    }

    #[test]
    fn client_errors_are_final_and_server_errors_are_retried() {
        let cases = [(301, "never"), (404, "never"), (410, "never"), (429, "elsewhere"), (503, "elsewhere")];
        for (status, retry) in cases {
            assert_eq!(error_answer(status).retry.as_str(), retry, "{status}");
        }
        for (code, retry) in
            [(ErrorCode::AddressRefused, "never"), (ErrorCode::BadUrl, "never"), (ErrorCode::Unreachable, "elsewhere")]
        {
            assert_eq!(unanswered(&Error::new(Kind::Unavailable, code, "No.")).retry.as_str(), retry, "{code:?}");
        }
    }
}
