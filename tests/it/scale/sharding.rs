//! HAProxy in front of two appliances, with the files of `packaging/scale/haproxy`: `docs/sharding.md`.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::hash::sha256_hex;
use crate::support::process::Appliance;
use crate::support::quick;
use crate::support::tools::have;
use crate::support::wait::{until, until_within};

/// Both appliances and HAProxy.
struct Shards {
    appliances: [Appliance; 2],
    /// With HAProxy's files.
    folder: tempfile::TempDir,
    port: u16,
    haproxy: Option<Child>,
    maps: Child,
}

/// A file of the product.
fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/scale/haproxy").join(name)
}

/// Waits for what must happen within five seconds.
fn soon(what: &str, poll: impl FnMut() -> Option<()>) {
    assert!(until_within(Duration::from_secs(5), poll).is_some(), "{what} took more than five seconds");
}

fn start(program: &Path, arguments: &[&str], log: &Path) -> Child {
    let log = fs::File::create(log).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap()
}

impl Shards {
    /// `None` where a program is missing, which is printed.
    fn start(test: &str) -> Option<Self> {
        if !have("haproxy", test) || !have("python3", test) || !have("openssl", test) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let appliances = ["s1", "s2"].map(|name| {
            let (url, map) = (format!("https://{name}.clips.studio.example"), place(&format!("{name}.map")));
            let flags = ["--public-url", &url, "--shard", name, "--shard-map", &map];
            Appliance::start(
                &[&flags[..], &["--trusted-proxy", "127.0.0.0/8", "--fetch-allow", "127.0.0.0/8"]].concat(),
            )
        });
        // The name's certificate, of the studio's own.
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=clips.studio.example", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &place("key.pem"), "-out", &place("cert.pem")])
            .output();
        assert!(made.unwrap().status.success());
        let pem = ["cert.pem", "key.pem"].map(|name| fs::read_to_string(place(name)).unwrap()).concat();
        fs::write(place("clips.pem"), pem).unwrap();
        fs::write(place("shards.map"), "").unwrap();

        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut config = fs::read_to_string(shipped("haproxy.cfg")).unwrap();
        let mut replace = |shipped: &str, own: &str| {
            assert!(config.contains(shipped), "{shipped}");
            config = config.replace(shipped, own);
        };
        replace("bind :443", &format!("bind 127.0.0.1:{port}"));
        replace("/run/haproxy/admin.sock", &place("admin.sock"));
        replace("/etc/haproxy/clips.pem", &place("clips.pem"));
        replace("/var/lib/dinkem-shards/shards.map", &place("shards.map"));
        for (appliance, (address, ca)) in
            appliances.iter().zip([("10.0.0.11:8443", "s1-ca.pem"), ("10.0.0.12:8443", "s2-ca.pem")])
        {
            replace(address, &appliance.address);
            replace(&format!("/etc/haproxy/{ca}"), appliance.ca_file().to_str().unwrap());
        }
        fs::write(place("haproxy.cfg"), config).unwrap();
        let maps = start(
            &shipped("dinkem-shard-maps"),
            &["--socket", &place("admin.sock"), "--out", &place("shards.map"), &place("s1.map"), &place("s2.map")],
            &folder.path().join("maps.log"),
        );
        let mut shards = Self { appliances, folder, port, haproxy: None, maps };
        shards.restart_haproxy();
        Some(shards)
    }

    fn restart_haproxy(&mut self) {
        self.stop_haproxy();
        let config = self.folder.path().join("haproxy.cfg");
        let log = self.folder.path().join("haproxy.log");
        self.haproxy = Some(start(Path::new("haproxy"), &["-db", "-f", config.to_str().unwrap()], &log));
        until("HAProxy", || TcpStream::connect(("127.0.0.1", self.port)).ok());
    }

    fn stop_haproxy(&mut self) {
        if let Some(mut haproxy) = self.haproxy.take() {
            haproxy.kill().unwrap();
            haproxy.wait().unwrap();
        }
    }

    /// A request through HAProxy with this `Authorization` and `Host`: status and body.
    fn send(&self, method: &str, path: &str, authorization: Option<&str>, host: &str, body: &str) -> (u16, Vec<u8>) {
        let pem = fs::read(self.folder.path().join("cert.pem")).unwrap();
        let roots = ureq::tls::RootCerts::from(vec![ureq::tls::Certificate::from_pem(&pem).unwrap()]);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .tls_config(ureq::tls::TlsConfig::builder().root_certs(roots).build())
            .build()
            .into();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("https://127.0.0.1:{}{path}", self.port))
            .header("Host", host);
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        let mut answer = if body.is_empty() {
            agent.run(request.body(()).unwrap()).unwrap()
        } else {
            agent.run(request.header("Content-Type", "application/json").body(body).unwrap()).unwrap()
        };
        (answer.status().as_u16(), answer.body_mut().read_to_vec().unwrap())
    }

    /// Status and JSON of `GET /api/account`.
    fn account(&self, authorization: Option<&str>) -> (u16, Value) {
        let (status, body) = self.send("GET", "/api/account", authorization, "clips.studio.example", "");
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Until this key's account answers by this name, within five seconds. Three times in a row, because a key that is not
    /// in the map yet goes to both appliances in turns.
    fn reaches(&self, key: &str, name: &str) {
        soon("the key to lead to its appliance", || {
            (0..3).all(|_| self.account(Some(&format!("Bearer {key}"))).1["name"] == *name).then_some(())
        });
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        self.stop_haproxy();
        let _ = self.maps.kill();
        let _ = self.maps.wait();
    }
}

/// Both keys of a new account with dinks.
fn new_account(appliance: &Appliance, name: &str) -> [String; 2] {
    let made = appliance.admin(&["account", "create", name]);
    appliance.admin(&["activate", name]);
    appliance.admin(&["dinks", "set", name, "1"]);
    ["metered_key", "reserved_key"].map(|key| made[key].as_str().unwrap().to_owned())
}

#[test]
fn keys_lead_to_the_appliance_of_their_account_within_five_seconds() {
    let Some(mut shards) = Shards::start("sharding") else { return };
    let [s1, s2] = &shards.appliances;
    let (one, two) = (new_account(s1, "one"), new_account(s2, "two"));
    for (keys, name) in [(&one, "one"), (&two, "two")] {
        for key in keys {
            shards.reaches(key, name);
            for spelling in [format!("bearer   {key}"), format!("BEARER {}", key.to_uppercase())] {
                assert_eq!(shards.account(Some(&spelling)).0, 200, "{spelling:.8}");
            }
        }
    }
    let unknown = "Bearer 3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234";
    for (authorization, error) in [
        (Some(unknown), "Invalid API key"),
        (None, "Missing or invalid API key"),
        (Some("Basic c3R1ZGlv"), "Missing or invalid API key"),
    ] {
        // Both appliances in turns.
        for _ in 0..2 {
            assert_eq!(
                shards.account(authorization),
                (401, serde_json::json!({ "error": error })),
                "{authorization:?}"
            );
        }
    }

    // An overlap keeps both keys; a revoked one is refused.
    let rotated = s2.admin(&["keys", "rotate", "two", "--class", "metered", "--overlap", "1h"]);
    let new = rotated["metered_key"].as_str().unwrap();
    shards.reaches(new, "two");
    shards.reaches(&two[0], "two");
    let keys = s1.admin(&["keys", "list", "one"]);
    let metered = keys["keys"].as_array().unwrap().iter().find(|key| key["class"] == "metered").unwrap();
    s1.admin(&["keys", "revoke", &metered["id"].to_string()]);
    assert_eq!(shards.account(Some(&format!("Bearer {}", one[0]))).0, 401);
    let map = shards.folder.path().join("shards.map");
    soon("the revoked key to leave the map", || (fs::read_to_string(&map).unwrap().lines().count() == 4).then_some(()));

    // After a restart HAProxy knows them from the file.
    shards.restart_haproxy();
    shards.reaches(&one[1], "one");
    shards.reaches(new, "two");
}

#[test]
fn a_damaged_or_missing_map_changes_nothing_and_an_appliance_that_is_away_takes_only_its_accounts_along() {
    let Some(mut shards) = Shards::start("sharding with faults") else { return };
    let (one, two) = (new_account(&shards.appliances[0], "one"), new_account(&shards.appliances[1], "two"));
    shards.reaches(&one[0], "one");
    shards.reaches(&two[0], "two");

    shards.appliances[0].server().kill();
    let map = shards.folder.path().join("s1.map");
    let log = || fs::read_to_string(shards.folder.path().join("maps.log")).unwrap();
    for (damage, said) in [(Some("oops s1\n"), "line 1 is not"), (None, "No such file")] {
        match damage {
            Some(text) => fs::write(&map, text).unwrap(),
            None => fs::remove_file(&map).unwrap(),
        }
        until("the damage to be noticed", || log().contains(said).then_some(()));
        shards.reaches(&two[0], "two");
    }
    let (status, answer) = shards.account(Some(&format!("Bearer {}", one[0])));
    assert_eq!((status, &answer["code"]), (503, &"service_unavailable".into()), "{answer}");
    shards.appliances[0].restart();
    shards.reaches(&one[0], "one");
}

#[test]
fn clips_are_found_under_the_name_of_their_appliance_and_nodes_join_it_directly() {
    let Some(shards) = Shards::start("clips of shards") else { return };
    let files = quick::server();
    for (appliance, name) in shards.appliances.iter().zip(["s1", "s2"]) {
        let [key, _] = new_account(appliance, name);
        let _node = appliance.node("node", None);
        shards.reaches(&key, name);
        let bearer = format!("Bearer {key}");
        let job = quick::job(&files).to_string();
        let (status, made) = shards.send("POST", "/api/clips", Some(&bearer), "clips.studio.example", &job);
        assert_eq!(status, 202, "{}", String::from_utf8_lossy(&made));
        let id = serde_json::from_slice::<Value>(&made).unwrap()["id"].as_str().unwrap().to_owned();
        appliance.wait_for_clip(&key, &id);
        let (_, job) = shards.send("GET", &format!("/api/clips/{id}"), Some(&bearer), "clips.studio.example", "");
        let job: Value = serde_json::from_slice(&job).unwrap();
        let host = format!("{name}.clips.studio.example");
        for url in ["url", "embed_url"].map(|field| job["clip"][field].as_str().unwrap_or_else(|| panic!("{job}"))) {
            let path = url.strip_prefix(&format!("https://{host}")).unwrap();
            assert_eq!(shards.send("GET", path, None, &host, "").0, 200, "{url}");
        }
    }
}

#[test]
fn the_printed_map_has_the_hashes_of_live_keys_only() {
    let appliance = Appliance::start(&[]);
    let made = appliance.admin(&["account", "create", "studio"]);
    let map = || appliance.admin(&["shard-map", "--shard", "s1"])["keys"].as_array().unwrap().clone();
    assert_eq!(map().len(), 2);
    let key = made["metered_key"].as_str().unwrap();
    let hash = sha256_hex(key.as_bytes()).to_uppercase();
    assert!(map().contains(&hash.clone().into()), "{hash}");
    let id = appliance.admin(&["keys", "list", "studio"])["keys"][0]["id"].to_string();
    appliance.admin(&["keys", "revoke", &id]);
    assert_eq!(map().len(), 1);
}
