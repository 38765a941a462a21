//! The real binary under attack: a server with an account, a node key and a large clip to download.

use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::{Value, json};

use super::hostile::client::Wire;
use super::hostile::memory_mib;
use super::hostile::target::{Target, trusting};
use crate::support::appliance::good_job;
use crate::support::client::Request;
use crate::support::hash::sha256_hex;
use crate::support::process::Appliance;
use crate::support::video::CLIP;

/// Size of the clip: more than all buffers between the server and a client that does not read.
const CLIP_BYTES: usize = 32 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

pub struct TestServer {
    pub appliance: Appliance,
    pub target: Target,
    /// The key of the account "studio".
    pub key: String,
    clip: OnceCell<String>,
}

impl TestServer {
    /// Starts a server with these flags and an optional limit on open files.
    pub fn start(scheme: Scheme, files: Option<u32>, flags: &[&str]) -> Self {
        let is_https = scheme == Scheme::Https;
        let appliance = Appliance::start_configured(is_https, files, flags);
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

    /// Sends a request, over TLS if the server uses it: status and JSON.
    pub fn call(&self, request: &Request) -> (u16, Value) {
        let mut wire = Wire::open(self.target.address, self.target.tls.clone()).unwrap();
        wire.send(request.bytes()).unwrap();
        let answer = wire.answer("POST").unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    /// Current and peak memory in MiB.
    pub fn memory_mib(&mut self) -> (u64, u64) {
        let id = self.appliance.server().id().to_string();
        (memory_mib(&id, "VmRSS"), memory_mib(&id, "VmHWM"))
    }

    /// The target with a large clip to download.
    pub fn with_clip(&self) -> Target {
        let download = self.clip.get_or_init(|| self.publish()).clone();
        Target { download, ..self.target.clone() }
    }

    /// Sends a request that must succeed; the JSON.
    fn call_ok(&self, request: &Request) -> Value {
        let (status, answer) = self.call(request);
        assert!((200..300).contains(&status), "{status}: {answer}");
        answer
    }

    /// Joins a node; its key.
    pub fn node(&self, name: &str) -> String {
        let token = self.appliance.admin(&["nodes", "token"])["join_token"].as_str().unwrap().to_owned();
        let secret = dinkem_appliance::wire::join_token::JoinTicket::decode(&token).unwrap().secret;
        let joined = self
            .call_ok(&Request::post("/api/node/join").json(json!({"join_token": secret, "name": name}).to_string()));
        joined["node_key"].as_str().unwrap().to_owned()
    }

    /// Submits a job and claims it for this node: the job's id and the lease.
    pub fn claimed_job(&self, node: &str) -> (String, Value) {
        let id = self.call_ok(&Request::post("/api/clips").key(&self.key).json(good_job().to_string()))["id"].clone();
        let claim = json!({"wait_seconds": 0, "renderers": ["builtin"], "slots": 64}).to_string();
        let lease = self.call_ok(&Request::post("/api/node/claims").key(node).json(claim))["lease"].clone();
        (id.as_str().unwrap().to_owned(), lease)
    }

    /// Uploads a video and completes the lease; the response to the completion.
    pub fn deliver(&self, node: &str, lease: &Value, video: &Arc<[u8]>) -> (u16, Value) {
        self.call_ok(&Request::put(&format!("/api/node/leases/{lease}/video?offset=0")).key(node).body(video));
        let body = json!({"video_sha256": sha256_hex(video)}).to_string();
        self.call(&Request::post(&format!("/api/node/leases/{lease}/complete")).key(node).json(body))
    }

    pub fn files(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.appliance.data_dir().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    /// Cancels a job, or deletes its clip.
    pub fn cancel(&self, id: &str) {
        self.call_ok(&Request::delete(&format!("/api/clips/{id}")).key(&self.key));
    }

    pub fn job(&self, id: &str) -> Value {
        self.call_ok(&Request::get(&format!("/api/clips/{id}")).key(&self.key))
    }

    /// Publishes a clip; the path of its video.
    pub fn publish(&self) -> String {
        let node = self.node("n");
        let (id, lease) = self.claimed_job(&node);
        assert_eq!(self.deliver(&node, &lease, &padded()).0, 200);
        path_of(self.job(&id)["clip"]["url"].as_str().unwrap())
    }
}

/// Sends a request; `None` if the connection ends without a response.
pub fn try_call(target: &Target, request: &Request) -> Option<(u16, Value)> {
    let mut wire = Wire::open(target.address, target.tls.clone()).ok()?;
    // A request that is refused early cannot be sent completely.
    let _sent = wire.send(request.bytes());
    let answer = wire.answer("POST")?;
    Some((answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null)))
}

pub fn path_of(url: &str) -> String {
    format!("/{}", url.splitn(4, '/').nth(3).unwrap())
}

/// A valid video, padded with a box that players skip.
pub fn padded() -> Arc<[u8]> {
    let filler = CLIP_BYTES - CLIP.len();
    let head = [&u32::try_from(filler).unwrap().to_be_bytes()[..], b"free"].concat();
    let mut video = [&CLIP[..], &head].concat();
    video.resize(CLIP_BYTES, 0);
    video.into()
}
