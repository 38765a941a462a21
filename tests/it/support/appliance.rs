//! A server for each test, in this process: a temporary data directory, a fake clock, a free port.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use dinkem_appliance::app::{App, Settings};
use dinkem_appliance::domain::quota::Quotas;
use dinkem_appliance::http::{Running, ServeOptions};
use dinkem_appliance::os::clock::FakeClock;
use dinkem_appliance::os::random::FakeRandom;
use dinkem_appliance::os::room::{DISK_RESERVE_BYTES, Room};
use dinkem_appliance::{app, http};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Answer, Request};

/// A valid Steam ID that is in no demo.
pub const PLAYER: &str = "76561198000000000";

/// The time at which every test starts: 2026-11-23T00:00:00Z, Unix time in milliseconds.
const START_MS: i64 = 1_795_392_000_000;

/// A running appliance.
pub struct Appliance {
    pub app: Arc<App>,
    pub clock: Arc<FakeClock>,
    pub address: SocketAddr,
    running: Option<Running>,
    _data: TempDir,
}

/// An account's two keys in clear.
pub struct Keys {
    pub name: String,
    pub metered: String,
    pub reserved: String,
}

/// A joined node.
pub struct Joined {
    pub key: String,
}

impl Appliance {
    pub fn start() -> Self {
        Self::start_with_public_url(None)
    }

    pub fn start_with_public_url(public_url: Option<&str>) -> Self {
        Self::start_with(|options| options.public_url = public_url.map(str::to_owned))
    }

    /// Default options, except for what `change` changes.
    pub fn start_with(change: impl FnOnce(&mut ServeOptions)) -> Self {
        Self::start_all(START_MS, change, |_| {}, real_disk)
    }

    /// The same, starting at another time. Unix time in milliseconds.
    pub fn start_at(now_ms: i64, change: impl FnOnce(&mut ServeOptions)) -> Self {
        Self::start_all(now_ms, change, |_| {}, real_disk)
    }

    /// The same with other quotas.
    pub fn start_with_quotas(set: impl FnOnce(&mut Quotas)) -> Self {
        Self::start_all(START_MS, |_| {}, set, real_disk)
    }

    /// The same on a fake disk.
    pub fn start_with_disk(disk: impl FnOnce(&Path) -> Arc<Room>) -> Self {
        Self::start_all(START_MS, |_| {}, |_| {}, disk)
    }

    fn start_all(
        now_ms: i64,
        change: impl FnOnce(&mut ServeOptions),
        set: impl FnOnce(&mut Quotas),
        disk: impl FnOnce(&Path) -> Arc<Room>,
    ) -> Self {
        let mut quotas = Quotas::default();
        set(&mut quotas);
        let data = TempDir::new().unwrap();
        let clock = Arc::new(FakeClock::at(now_ms));
        let settings = Settings { quotas, ..Settings::default() };
        let (random, disk) = (Arc::new(FakeRandom::default()), disk(data.path()));
        let app = App::serve_on(data.path(), settings, clock.clone(), random, disk).unwrap();
        let mut options = ServeOptions::on("127.0.0.1:0".parse().unwrap());
        options.hosts = http::Hosts::named(vec!["clips.lan".into()]);
        change(&mut options);
        let running = http::serve(app.clone(), options).unwrap();
        Self { app, clock, address: running.address(), running: Some(running), _data: data }
    }

    /// A new account, not yet active.
    pub fn inactive_account(&self, name: &str) -> Keys {
        let (_, keys) = app::accounts::create(&self.app, &crate::support::operator(), name, true).unwrap();
        let clear = |key: Option<dinkem_appliance::domain::key::Secret>| key.unwrap().reveal().to_owned();
        Keys { name: name.into(), metered: clear(keys.metered), reserved: clear(keys.reserved) }
    }

    /// An active account without dinks.
    pub fn account(&self, name: &str) -> Keys {
        let keys = self.inactive_account(name);
        app::accounts::activate(&self.app, &crate::support::operator(), Some(name)).unwrap();
        keys
    }

    /// An active account with dinks.
    pub fn account_with_dinks(&self, name: &str, dinks: u32) -> Keys {
        let keys = self.account(name);
        app::accounts::dinks::set(&self.app, &crate::support::operator(), name, dinks).unwrap();
        keys
    }

    /// A node that has joined over HTTP.
    pub fn node(&self, name: &str) -> Joined {
        let token = app::nodes::token(&self.app, &crate::support::operator()).unwrap();
        let body = json!({"join_token": token.reveal(), "name": name}).to_string();
        let answer = self.send(&Request::post("/api/node/join").json(body)).expect(201);
        Joined { key: answer.json()["node_key"].as_str().unwrap().to_owned() }
    }

    /// Submits a valid job; its id.
    pub fn job(&self, key: &str) -> String {
        let answer = self.send(&Request::post("/api/clips").key(key).json(good_job().to_string())).expect(202);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Claims without waiting; the response body, or `None` if there was no job.
    pub fn claim(&self, node: &Joined) -> Option<Value> {
        let body = json!({"wait_seconds": 0, "renderers": ["builtin"], "slots": 64}).to_string();
        let answer = self.send(&Request::post("/api/node/claims").key(&node.key).json(body));
        (answer.status == 200).then(|| answer.json())
    }

    #[track_caller]
    pub fn send(&self, request: &Request) -> Answer {
        request.send(self.address)
    }

    /// Starts the dashboard's listener on a free port; its name is `localhost`.
    pub fn serve_dashboard(&self) -> Running {
        let mut options = ServeOptions::on("127.0.0.1:0".parse().unwrap());
        options.hosts = http::Hosts::named(vec!["localhost".into()]);
        http::serve_dashboard(self.app.clone(), options, self.running.as_ref().unwrap()).unwrap()
    }

    /// Stops the server; the number of aborted requests.
    pub fn stop(&mut self) -> usize {
        self.running.take().map_or(0, Running::stop)
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        self.stop();
    }
}

fn real_disk(data: &Path) -> Arc<Room> {
    Room::of(data, DISK_RESERVE_BYTES)
}

/// The smallest valid job.
pub fn good_job() -> Value {
    json!({"demo_url": "https://example.com/demo.dem", "steam64_id": PLAYER, "round": 5})
}
