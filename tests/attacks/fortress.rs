//! The real binary as something to attack: a server with an account, a node's key, and a large clip to download.

use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::hostile::client::Wire;
use super::hostile::memory_mib;
use super::hostile::target::{Target, trusting};
use crate::support::appliance::good_job;
use crate::support::client::Ask;
use crate::support::process::Appliance;
use crate::support::video::CLIP;

/// Bytes of the clip: more than all buffers between a server and a client that doesn't read.
const CLIP_BYTES: usize = 32 << 20;

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

/// A server under attack.
pub struct Fortress {
    pub appliance: Appliance,
    pub target: Target,
    key: String,
    clip: OnceCell<String>,
}

impl Fortress {
    /// A server with these flags, which may open so many files.
    pub fn start(scheme: Scheme, files: Option<u32>, flags: &[&str]) -> Self {
        let is_https = scheme == Scheme::Https;
        let appliance = Appliance::start_over(is_https, files, flags);
        let tls = is_https
            .then(|| trusting(&std::fs::read_to_string(appliance.data_dir().join("tls/authority.pem")).unwrap()));
        let key = appliance.account("studio");
        let target = Target {
            address: appliance.address.parse().unwrap(),
            tls: tls.clone(),
            authorization: format!("Authorization: Bearer {key}\r\n"),
            small: "/api/account".into(),
            upload: "/api/demos".into(),
            uploaded: 201,
            refusing: "/api/demos".into(),
            download: String::new(),
        };
        Self { appliance, target, key, clip: OnceCell::new() }
    }

    /// Asks once, over TLS where the server speaks it: status and JSON.
    pub fn call(&self, ask: &Ask) -> (u16, Value) {
        let mut wire = Wire::open(self.target.address, self.target.tls.clone()).unwrap();
        wire.send(ask.bytes()).unwrap();
        let answer = wire.answer("POST").unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    /// Its memory in MiB: what it is now, what it was at most.
    pub fn memory_mib(&mut self) -> (u64, u64) {
        let id = self.appliance.server().id().to_string();
        (memory_mib(&id, "VmRSS"), memory_mib(&id, "VmHWM"))
    }

    /// Itself, with a large clip to download.
    pub fn with_clip(&self) -> Target {
        let download = self.clip.get_or_init(|| self.publish()).clone();
        Target { download, ..self.target.clone() }
    }

    /// Submits, claims and delivers a clip, as a client and a node do. The path of its video.
    fn publish(&self) -> String {
        let key = &self.key;
        let good = |ask: Ask| {
            let (status, answer) = self.call(&ask);
            assert!((200..300).contains(&status), "{status}: {answer}");
            answer
        };
        let id = good(Ask::post("/api/clips").key(key).json(good_job().to_string()))["id"].clone();
        let token = self.appliance.admin(&["nodes", "token"])["join_token"].as_str().unwrap().to_owned();
        let secret = dinkem_appliance::wire::ticket::JoinTicket::decode(&token).unwrap().secret;
        let joined = good(Ask::post("/api/node/join").json(json!({"join_token": secret, "name": "n"}).to_string()));
        let node = joined["node_key"].as_str().unwrap();
        let claim = json!({"wait_seconds": 0, "renderers": ["builtin"], "slots": 1}).to_string();
        let lease = good(Ask::post("/api/node/claims").key(node).json(claim))["lease"].clone();
        let video = padded();
        good(Ask::put(&format!("/api/node/leases/{lease}/video?offset=0")).key(node).body(&video));
        let sha256: String = Sha256::digest(&video).iter().map(|byte| format!("{byte:02x}")).collect();
        let body = json!({"video_sha256": sha256}).to_string();
        good(Ask::post(&format!("/api/node/leases/{lease}/complete")).key(node).json(body));
        let job = good(Ask::get(&format!("/api/clips/{}", id.as_str().unwrap())).key(key));
        let url = job["clip"]["url"].as_str().unwrap();
        format!("/{}", url.splitn(4, '/').nth(3).unwrap())
    }
}

/// A true video, made long by a box that players pass over.
fn padded() -> Arc<[u8]> {
    let filler = CLIP_BYTES - CLIP.len();
    let head = [&u32::try_from(filler).unwrap().to_be_bytes()[..], b"free"].concat();
    let mut video = [&CLIP[..], &head].concat();
    video.resize(CLIP_BYTES, 0);
    video.into()
}
