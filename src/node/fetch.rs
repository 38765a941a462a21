//! Gets a job's demo onto the node's disk, unpacked: from the server where it was uploaded, else from its URL.
//!
//! The URL comes from a stranger: addresses, size, time and speed have limits, and what cannot be a demo is given up
//! after its first bytes. Nothing of its content is parsed here: a packed demo is unpacked by a child. Whoever named the
//! URL is told which host failed, and why only where all of it happened on the public internet: otherwise a studio's
//! network could be mapped with jobs. The operator finds the cause in the attempt's log.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use log::info;

use crate::domain::error::Error;
use crate::domain::failure::{Failure, FailureCode, Retry};
use crate::domain::limits;
use crate::os::address::Addresses;
use crate::os::http::{ADDRESS_REFUSED, BAD_URL, Client, ClientOptions, Method, Request, Response};
use crate::os::room::{Part, Room};
use crate::render::command::Space;
use crate::render::demo::kind;
use crate::wire::node::{ClaimAnswer, FetchPolicy};

use crate::node::api::{Server, Trouble};
use crate::node::cache::{DemoCache, HeldDemo, Remembered};
use crate::node::lease::{Ended, Hold};
use crate::node::meter::Meter;
use crate::node::unpack::{Unpacker, disk_failed, no_room};

/// What a fetch needs of its node.
pub struct Fetcher<'a> {
    /// The server, for uploaded demos.
    pub server: &'a Server,
    /// Where demos are kept.
    pub cache: &'a DemoCache,
    /// The disk of the cache.
    pub room: &'a Arc<Room>,
    /// Networks allowed besides the server's.
    pub extra_allow: &'a [IpNet],
    /// This program, which unpacks in a child.
    pub program: &'a Path,
}

impl Fetcher<'_> {
    /// The demo of this claim.
    pub fn get(&self, claim: &ClaimAnswer, hold: &Hold<'_>) -> Result<HeldDemo<'_>, Ended> {
        match &claim.uploaded_demo {
            Some(uploaded) => match self.cache.get(&uploaded.sha256) {
                Some(held) => Ok(held),
                None => self.uploaded(claim, &uploaded.sha256, hold),
            },
            None => self.addressed(claim, hold),
        }
    }

    fn uploaded(&self, claim: &ClaimAnswer, sha256: &str, hold: &Hold<'_>) -> Result<HeldDemo<'_>, Ended> {
        let mut wait = Duration::from_millis(limits::NODE_RETRY_FIRST_MS);
        let answer = loop {
            match self.server.demo(claim.lease, claim.fetch_policy.max_seconds) {
                Ok(answer) => break answer,
                Err(Trouble::Away(error)) => {
                    info!("Lease {}: the demo is not to be had yet: {error}", claim.lease);
                    hold.pause(wait)?;
                    wait = (wait * 2).min(Duration::from_millis(limits::NODE_RETRY_MOST_MS));
                }
                Err(Trouble::Lost | Trouble::Unknown) => return Err(crate::node::lease::Leave::Lost.into()),
                Err(Trouble::Refused(error)) => {
                    info!("Lease {}: no demo: {error}", claim.lease);
                    return Err(
                        Failure::here(FailureCode::FetchFailed, "The server did not hand over the demo.").into()
                    );
                }
            }
        };
        let held = self.keep(claim, answer, hold).map_err(|ended| match ended {
            Ended::Failed(failure) if failure.code == FailureCode::FetchFailed => {
                let message = format!("The render node could not get the uploaded demo. {}", failure.message);
                Failure { message, ..failure }.into()
            }
            ended => ended,
        })?;
        if held.sha256 != sha256 {
            return Err(Failure::here(FailureCode::FetchFailed, "The uploaded demo did not arrive whole.").into());
        }
        Ok(held)
    }

    fn addressed(&self, claim: &ClaimAnswer, hold: &Hold<'_>) -> Result<HeldDemo<'_>, Ended> {
        let url = claim.job.demo_url.as_str();
        let client = client(&claim.fetch_policy, self.extra_allow).map_err(|error| {
            info!("Lease {}: no client to fetch with: {error}", claim.lease);
            Failure::here(FailureCode::NodeFailed, "The render node could not prepare the fetch.")
        })?;
        let known = self.cache.remembered(url);
        let answer = client.send(Request {
            headers: &validators(known.as_ref()),
            ..Request::new(Method::GET, url, seconds(claim.fetch_policy.max_seconds))
        });
        let told = |failure: Failure| told(url, failure, client.contacted_only_public(), hold);
        let answer = answer.map_err(|error| told(unanswered(&error)))?;
        match (answer.status, known.and_then(|known| self.cache.get(&known.sha256))) {
            (304, Some(held)) => return Ok(held),
            (200, _) => {}
            (status, _) => return Err(told(error_answer(status)).into()),
        }
        let (etag, last_modified) = (header(&answer, "etag"), header(&answer, "last-modified"));
        let held = self.keep(claim, answer, hold).map_err(|ended| match ended {
            Ended::Failed(failure) if failure.code == FailureCode::FetchFailed => told(failure).into(),
            ended => ended,
        })?;
        if etag.is_some() || last_modified.is_some() {
            self.cache.remember(url, Remembered { etag, last_modified, sha256: held.sha256.clone() });
        }
        Ok(held)
    }

    /// Room for a demo that needs at least and at most so many bytes. What is cached and not in use makes room for it.
    fn room(&self, least: u64, most: u64) -> Result<Part, Ended> {
        let budget = self.room.budget(least, most).or_else(|_| {
            self.cache.shrink(0);
            self.room.budget(least, most)
        });
        budget.map_err(|error| disk_failed(&error).into())
    }

    /// Reads an answer's body through all limits onto the disk, has it unpacked if it is packed, and takes it into the
    /// cache.
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
                // Most likely the disk is full: the next job finds room.
                self.cache.shrink(0);
            }
        })
    }

    /// Writes an answer's body to `to`.
    fn fetch(&self, claim: &ClaimAnswer, answer: Response, to: &Path, hold: &Hold<'_>) -> Result<Fetched, Ended> {
        let expected = answer.length();
        let mut meter = Meter::new(answer.into_reader(), expected, &claim.fetch_policy, hold);
        let head = meter.head()?;
        if let Some(words) = kind::why_no_demo(&head) {
            let message = format!("What was fetched {words}.");
            return Err(Failure::for_good(FailureCode::DemoUnreadable, message).into());
        }
        let is_packed = kind::is_packed(&head);
        let ratio = if is_packed { limits::UNPACK_ORDINARY_RATIO } else { 1 };
        let least = expected.unwrap_or_default().saturating_mul(ratio);
        let room = self.room(least, claim.fetch_policy.max_unpacked_bytes)?;
        let written = File::create(to).and_then(|mut file| {
            // A byte more than there is room for tells that it does not fit.
            let mut body = (&head[..]).chain(&mut meter).take(room.bytes().saturating_add(1));
            io::copy(&mut body, &mut file)
        });
        let written = written.map_err(|error| disk_failed(&error)).and_then(|bytes| {
            if bytes > room.bytes() { Err(no_room(&"it is longer than there is room for")) } else { Ok(bytes) }
        });
        // What was wrong with the source comes before what its failing looked like here.
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
        // The same bytes may have come from elsewhere meanwhile.
        if let Some(held) = self.cache.get(&fetched.sha256) {
            return Ok(held);
        }
        let folder = Scratch(self.cache.unpacking(claim.lease));
        // The packed bytes lie beside the plain ones until these are whole.
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

/// An answer's body on the disk.
struct Fetched {
    sha256: String,
    is_packed: bool,
    bytes: u64,
    /// What it and its unpacked form may take of the disk.
    room: Part,
}

/// A file or directory that goes away, where it was not moved away before.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // One of the two fails, both where nothing is left; the next start sweeps what stays.
        let _ = fs::remove_file(&self.0);
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A client that keeps to the server's policy and to what this node's operator allows besides.
fn client(policy: &FetchPolicy, extra_allow: &[IpNet]) -> Result<Client, Error> {
    let mut allow = extra_allow.to_vec();
    for net in &policy.allow {
        let net = net.parse().map_err(|error| Error::internal("The server's fetch policy cannot be read.", error))?;
        allow.push(net);
    }
    Client::new(ClientOptions {
        addresses: Addresses::Guarded { allow },
        ca_pem: None,
        redirects: limits::FETCH_REDIRECTS,
        connect_timeout: seconds(limits::FETCH_CONNECT_SECONDS.min(policy.max_seconds)),
        stall_timeout: seconds(limits::FETCH_STALL_SECONDS.min(policy.max_seconds)),
    })
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn header(answer: &Response, name: &str) -> Option<String> {
    answer.header(name).map(str::to_owned)
}

/// Asks for the demo only if it is another one than is known.
fn validators(known: Option<&Remembered>) -> Vec<(&'static str, &str)> {
    let Some(known) = known else { return Vec::new() };
    let headers = [("If-None-Match", &known.etag), ("If-Modified-Since", &known.last_modified)];
    headers.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
}

/// The failure for a fetch that got no answer at all: its message is for [`told`].
fn unanswered(error: &Error) -> Failure {
    let retry = if [ADDRESS_REFUSED, BAD_URL].contains(&error.code) { Retry::Never } else { Retry::Elsewhere };
    Failure { code: FailureCode::FetchFailed, message: error.to_string(), retry }
}

/// The failure for an answer that holds no demo: its message is for [`told`]. What a server says of the request is
/// final, its own trouble is not.
fn error_answer(status: u16) -> Failure {
    let retry = if matches!(status, 408 | 425 | 429 | 500..) { Retry::Elsewhere } else { Retry::Never };
    let message = format!("Its server answered with status {status}.");
    Failure { code: FailureCode::FetchFailed, message, retry }
}

/// The same failure as the client is told of it, the whole cause kept for the operator.
fn told(url: &str, failure: Failure, is_public: bool, hold: &Hold<'_>) -> Failure {
    info!("A demo could not be fetched from {}: {}", host_of(url), failure.message);
    hold.keep_log(&format!("Fetching from {}: {}", host_of(url), failure.message));
    Failure { message: sentence(host_of(url), &failure.message, is_public), ..failure }
}

fn sentence(host: &str, cause: &str, is_public: bool) -> String {
    match is_public {
        true => format!("The demo could not be fetched from {host}. {cause}"),
        false => format!("The demo could not be fetched from {host}."),
    }
}

/// The host of a URL that was checked when its job was submitted: without port and path, which the client knows, and
/// without anything secret.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let server = authority.rsplit('@').next().unwrap_or_default();
    let end = server.find(']').map(|bracket| bracket + 1).or_else(|| server.find(':')).unwrap_or(server.len());
    &server[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::Kind;

    #[test]
    fn the_cause_of_a_failed_fetch_is_told_only_where_all_of_it_was_public() {
        let cause = "Its server answered with status 404.";
        let said = sentence("files.example", cause, true);
        assert_eq!(said, "The demo could not be fetched from files.example. Its server answered with status 404.");
        assert_eq!(sentence("nas", cause, false), "The demo could not be fetched from nas.");
    }

    #[test]
    fn a_failed_fetch_names_the_host_alone() {
        let cases = [
            ("https://files.example/a.dem", "files.example"),
            ("http://files.example:8080?token=secret", "files.example"),
            ("http://[fd00::1]:9/a.dem", "[fd00::1]"),
            ("http://user:pw@nas/a", "nas"),
            ("http://nas", "nas"),
        ];
        for (url, host) in cases {
            assert_eq!(host_of(url), host, "{url}");
        }
    }

    #[test]
    fn what_a_server_says_of_the_request_is_final_and_its_own_trouble_is_not() {
        let cases = [(301, "never"), (404, "never"), (410, "never"), (429, "elsewhere"), (503, "elsewhere")];
        for (status, retry) in cases {
            assert_eq!(error_answer(status).retry.as_str(), retry, "{status}");
        }
        for (code, retry) in [(ADDRESS_REFUSED, "never"), (BAD_URL, "never"), ("unreachable", "elsewhere")] {
            assert_eq!(unanswered(&Error::new(Kind::Unavailable, code, "No.")).retry.as_str(), retry, "{code}");
        }
    }
}
