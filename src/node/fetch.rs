//! Gets a job's demo onto the node's disk, unpacked: from the server where it was uploaded, else from its URL.
//!
//! The URL comes from a stranger: addresses, size, time and speed have limits, and what cannot be a demo is given up
//! after its first bytes. Nothing of its content is parsed here: a packed demo is unpacked by a child.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use log::info;

use crate::domain::error::Error;
use crate::domain::failure::{Failure, FailureCode, Retry};
use crate::domain::limits;
use crate::os::address::Addresses;
use crate::os::http::{ADDRESS_REFUSED, BAD_URL, Client, ClientOptions, Method, Request, Response};
use crate::render::demo::is_packed;
use crate::wire::node::{ClaimAnswer, FetchPolicy};

use super::cache::{DemoCache, HeldDemo, Remembered};
use super::hold::{Ended, Hold};
use super::meter::Meter;
use super::server::{Server, Trouble};
use super::unpack::{Unpacker, disk_failed};

/// What a fetch needs of its node.
pub struct Fetcher<'a> {
    /// The server, for uploaded demos.
    pub server: &'a Server,
    /// Where demos are kept.
    pub cache: &'a DemoCache,
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
                Err(Trouble::Lost | Trouble::Unknown) => return Err(super::hold::Leave::Lost.into()),
                Err(Trouble::Refused(error)) => {
                    info!("Lease {}: no demo: {error}", claim.lease);
                    return Err(
                        Failure::here(FailureCode::FetchFailed, "The server did not hand over the demo.").into()
                    );
                }
            }
        };
        let held = self.keep(claim, answer, hold)?;
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
        let answer = answer.map_err(|error| unanswered(&error))?;
        match (answer.status, known.and_then(|known| self.cache.get(&known.sha256))) {
            (304, Some(held)) => return Ok(held),
            (200, _) => {}
            (status, _) => return Err(error_answer(status).into()),
        }
        let (etag, last_modified) = (header(&answer, "etag"), header(&answer, "last-modified"));
        let held = self.keep(claim, answer, hold)?;
        if etag.is_some() || last_modified.is_some() {
            self.cache.remember(url, Remembered { etag, last_modified, sha256: held.sha256.clone() });
        }
        Ok(held)
    }

    /// Reads an answer's body through all limits onto the disk, has it unpacked if it is packed, and takes it into the
    /// cache.
    fn keep(&self, claim: &ClaimAnswer, answer: Response, hold: &Hold<'_>) -> Result<HeldDemo<'_>, Ended> {
        let part = Scratch(self.cache.part(claim.lease));
        let kept = self.fetch(claim, answer, &part.0, hold).and_then(|(sha256, packed)| {
            if packed { self.unpacked(claim, &sha256, &part.0, hold) } else { self.plain(claim, &sha256, &part.0) }
        });
        kept.inspect_err(|ended| {
            if matches!(ended, Ended::Failed(Failure { code: FailureCode::NodeFailed, .. })) {
                // Most likely the disk is full: the next job finds room.
                self.cache.shrink(0);
            }
        })
    }

    /// Writes an answer's body to `to`: its SHA-256, and whether it is packed.
    fn fetch(
        &self,
        claim: &ClaimAnswer,
        answer: Response,
        to: &Path,
        hold: &Hold<'_>,
    ) -> Result<(String, bool), Ended> {
        let expected = answer.length();
        let mut meter = Meter::new(answer.into_reader(), expected, &claim.fetch_policy, hold);
        let head = meter.head()?;
        if let Some(words) = no_demo(&head) {
            return Err(Failure::for_good(FailureCode::DemoUnreadable, words).into());
        }
        let file = File::create(to).map_err(|error| disk_failed(&error));
        let written = file.and_then(|mut file| {
            io::copy(&mut (&head[..]).chain(&mut meter), &mut file).map_err(|error| disk_failed(&error))
        });
        // What was wrong with the source comes before what its failing looked like here.
        let sha256 = meter.finish(written.is_ok())?;
        written?;
        Ok((sha256, is_packed(&head)))
    }

    fn plain(&self, claim: &ClaimAnswer, sha256: &str, part: &Path) -> Result<HeldDemo<'_>, Ended> {
        let bytes = fs::metadata(part).map_err(|error| disk_failed(&error))?.len();
        let most = claim.fetch_policy.max_unpacked_bytes;
        if bytes > most {
            let message = format!("The demo is larger than {} MiB.", most >> 20);
            return Err(Failure::for_good(FailureCode::DemoTooLarge, message).into());
        }
        self.put(sha256, part)
    }

    fn unpacked(&self, claim: &ClaimAnswer, sha256: &str, part: &Path, hold: &Hold<'_>) -> Result<HeldDemo<'_>, Ended> {
        // The same bytes may have come from elsewhere meanwhile.
        if let Some(held) = self.cache.get(sha256) {
            return Ok(held);
        }
        let folder = Scratch(self.cache.unpacking(claim.lease));
        let unpacker = Unpacker { program: self.program, most_bytes: claim.fetch_policy.max_unpacked_bytes, hold };
        let plain = unpacker.unpack(part, &folder.0)?;
        self.put(sha256, &plain)
    }

    fn put(&self, sha256: &str, plain: &Path) -> Result<HeldDemo<'_>, Ended> {
        let kept = fs::metadata(plain).and_then(|file| self.cache.put(sha256, plain, file.len()));
        kept.map_err(|error| disk_failed(&error).into())
    }
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

/// The failure for a fetch that got no answer at all.
fn unanswered(error: &Error) -> Failure {
    let retry = if [ADDRESS_REFUSED, BAD_URL].contains(&error.code) { Retry::Never } else { Retry::Elsewhere };
    info!("A demo could not be fetched: {error}");
    Failure {
        code: FailureCode::FetchFailed,
        message: format!("The demo could not be fetched. {}", error.message),
        retry,
    }
}

/// The failure for an answer that holds no demo. What a server says of the request is final, its own trouble is not.
fn error_answer(status: u16) -> Failure {
    let retry = if matches!(status, 408 | 425 | 429 | 500..) { Retry::Elsewhere } else { Retry::Never };
    let message = format!("The demo could not be fetched: its server answered with status {status}.");
    Failure { code: FailureCode::FetchFailed, message, retry }
}

/// Why something that begins like this is not a demo, packed or not; `None`: it may be one.
fn no_demo(head: &[u8]) -> Option<&'static str> {
    const PLAIN: &[u8] = b"PBDEMS2\0";
    if head.starts_with(PLAIN) || is_packed(head) {
        None
    } else if head.is_empty() {
        Some("What was fetched is empty, not a demo.")
    } else if head.starts_with(b"HL2DEMO") {
        Some("The demo was recorded by an older Counter-Strike: only demos of Counter-Strike 2 can be read.")
    } else if head.trim_ascii_start().starts_with(b"<") {
        Some("What was fetched is not a CS2 demo but looks like a web page.")
    } else {
        Some("What was fetched is not a CS2 demo (.dem, plain or as .gz, .bz2 or .zst).")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::Kind;

    #[test]
    fn what_cannot_be_a_demo_is_known_by_its_first_bytes() {
        let cases: [(&[u8], &str); 11] = [
            (b"PBDEMS2\0....", ""),
            (&[0x1f, 0x8b, 8], ""),
            (b"BZh9", ""),
            (&[0x28, 0xb5, 0x2f, 0xfd, 0], ""),
            (&[0x50, 0x2a, 0x4d, 0x18], ""),
            (b"PBDEMS", "not a CS2 demo"),
            (b"", "empty"),
            (b"HL2DEMO\0", "older"),
            (b"<!doctype html>", "web page"),
            (b"\n <html>", "web page"),
            (b"PK\x03\x04", "not a CS2 demo"),
        ];
        for (head, words) in cases {
            let said = no_demo(head).unwrap_or_default();
            assert!(said.contains(words) && said.is_empty() == words.is_empty(), "{head:?}: {said:?}");
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
