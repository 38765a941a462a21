//! A primary with a real Litestream, with the package's configuration, and its failover.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::appliance::good_job;
use crate::support::process::{Appliance, run};
use crate::support::tools::have;
use crate::support::wait::until;

/// Clients that submit at the same time.
const CLIENTS: usize = 4;

/// An appliance, and the Litestream that replicates its store into a directory.
pub struct Primary {
    pub appliance: Appliance,
    folder: tempfile::TempDir,
    litestream: Option<Child>,
}

/// A job that was accepted.
pub struct Accepted {
    pub id: String,
    pub at: Instant,
}

impl Primary {
    /// `None` where Litestream is missing, which is printed.
    pub fn start(test: &str, flags: &[&str]) -> Option<Self> {
        if !have("litestream", test) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let appliance = Appliance::start(&[&["--replica-socket", socket.to_str().unwrap()], flags].concat());
        let mut primary = Self { appliance, folder, litestream: None };
        primary.replicate();
        Some(primary)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Starts Litestream with the package's configuration, except that the replica is a directory.
    pub fn replicate(&mut self) {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/deb/litestream.yml");
        let mut config = fs::read_to_string(shipped).unwrap();
        let bucket = "type: s3\n      bucket: dinkem-standby\n      path: store\n      region: us-east-1\n";
        let replica = format!("type: file\n      path: {}\n", self.path("replica"));
        let store = self.appliance.data_dir().join("store.db").display().to_string();
        for (shipped, own) in [
            (bucket, replica),
            ("/var/lib/dinkem-appliance/store.db", store),
            ("/run/dinkem-appliance-litestream/socket", self.path("socket")),
        ] {
            assert!(config.contains(shipped), "{shipped}");
            config = config.replace(shipped, &own);
        }
        fs::write(self.path("litestream.yml"), config).unwrap();
        let log = fs::File::create(self.path("log")).unwrap();
        let mut command = Command::new("litestream");
        command.args(["replicate", "-config", &self.path("litestream.yml")]).env_remove("AWS_CA_BUNDLE");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.litestream = Some(command.spawn().unwrap());
        self.wait_for_replica();
    }

    /// Until the replica has everything that was written up to now.
    pub fn wait_for_replica(&self) {
        until("Litestream", || self.faults().is_empty().then_some(()));
        let start = Instant::now();
        until("the replica", || {
            let passed = start.elapsed().as_secs_f64();
            self.lag().filter(|lag| *lag < passed && *lag < 5.0)
        });
    }

    /// `dinkem_replica_lag_seconds`.
    pub fn lag(&self) -> Option<f64> {
        let (_, page) = self.appliance.raw("GET", "/metrics", None, None);
        let page = String::from_utf8(page).unwrap();
        page.lines().find_map(|line| line.strip_prefix("dinkem_replica_lag_seconds ")?.parse().ok())
    }

    /// The codes that doctor has for the replica.
    pub fn faults(&self) -> Vec<String> {
        let socket = self.path("socket");
        let mut faults = self.appliance.faults(&["--replica-socket", &socket]).0;
        faults.retain(|code| code.starts_with("replica"));
        faults
    }

    pub fn stop_litestream(&mut self, signal: &str) {
        let mut litestream = self.litestream.take().unwrap();
        let status = Command::new("kill").args([&format!("-{signal}"), &litestream.id().to_string()]).status();
        assert!(status.unwrap().success());
        litestream.wait().unwrap();
    }

    /// Kills server and Litestream at the same moment.
    pub fn kill_both(&mut self) {
        let ids = [self.litestream.as_ref().unwrap().id(), self.appliance.server().id()].map(|id| id.to_string());
        assert!(Command::new("kill").arg("-KILL").args(ids).status().unwrap().success());
        self.appliance.server().wait();
        self.stop_litestream("KILL");
    }

    /// Submits from several clients until `enough` jobs are accepted, then lets `end` stop the server.
    pub fn under_load(&mut self, key: &str, enough: usize, end: impl FnOnce(&mut Self)) -> Vec<Accepted> {
        let url = self.appliance.url("/api/clips");
        let ca = self.appliance.ca_file();
        let (count, stop) = (std::sync::Mutex::new(Vec::new()), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    let agent = agent(&ca);
                    while !stop.load(Ordering::Relaxed) {
                        let request = ureq::http::Request::post(&url)
                            .header("Authorization", format!("Bearer {key}"))
                            .header("Content-Type", "application/json")
                            .body(good_job().to_string())
                            .unwrap();
                        let Ok(mut answer) = agent.run(request) else { continue };
                        if answer.status() == 202 {
                            let job = json_of(&mut answer);
                            let id = job["id"].as_str().unwrap().to_owned();
                            count.lock().unwrap().push(Accepted { id, at: Instant::now() });
                        }
                    }
                });
            }
            until("jobs", || (count.lock().unwrap().len() >= enough).then_some(()));
            end(self);
            stop.store(true, Ordering::Relaxed);
        });
        count.into_inner().unwrap()
    }

    /// What an operator does on the standby: it has the certificates and sees the clips, and gets the store alone from the
    /// replica. Here it takes over the place of the dead server.
    pub fn fail_over(&mut self) {
        let data = self.appliance.data_dir();
        for entry in fs::read_dir(&data).unwrap() {
            let path = entry.unwrap().path();
            let stays = ["tls", "clips", "demos"].iter().any(|name| path.ends_with(name));
            match stays {
                true => {}
                false if path.is_dir() => fs::remove_dir_all(path).unwrap(),
                false => fs::remove_file(path).unwrap(),
            }
        }
        let store = data.join("store.db").display().to_string();
        let restored = Command::new("litestream")
            .args(["restore", "-config", &self.path("litestream.yml"), &store])
            .env_remove("AWS_CA_BUNDLE")
            .output()
            .unwrap();
        assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
        let (status, _, err) = run(&[
            "serve",
            "--data-dir",
            data.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
            "--plain-http",
            "loopback",
        ]);
        assert!(!status.success() && err.contains("promote"), "{err}");
        self.appliance.admin(&["promote"]);
        assert_eq!(fs::metadata(&store).unwrap().permissions().mode() & 0o777, 0o600);
        self.appliance.restart();
    }

    /// Those of the accepted jobs that the standby lacks. Each must be answered as lost.
    pub fn lost<'a>(&self, key: &str, accepted: &'a [Accepted]) -> Vec<&'a Accepted> {
        let ca = self.appliance.ca_file();
        let agent = agent(&ca);
        let is_lost = |job: &&Accepted| {
            let request = ureq::http::Request::get(self.appliance.url(&format!("/api/clips/{}", job.id)))
                .header("Authorization", format!("Bearer {key}"))
                .body(())
                .unwrap();
            let mut answer = agent.run(request).unwrap();
            let body = json_of(&mut answer);
            match answer.status().as_u16() {
                200 => false,
                status => {
                    assert_eq!((status, &body["code"]), (404, &json!("lost_in_failover")), "{body}");
                    true
                }
            }
        };
        accepted.iter().filter(is_lost).collect()
    }
}

impl Drop for Primary {
    fn drop(&mut self) {
        if let Some(litestream) = &mut self.litestream {
            let _ = litestream.kill();
            let _ = litestream.wait();
        }
    }
}

fn json_of(answer: &mut ureq::http::Response<ureq::Body>) -> serde_json::Value {
    serde_json::from_slice(&answer.body_mut().read_to_vec().unwrap()).unwrap()
}

fn agent(ca: &Path) -> ureq::Agent {
    let certificate = ureq::tls::Certificate::from_pem(&fs::read(ca).unwrap()).unwrap();
    let roots = ureq::tls::RootCerts::from(vec![certificate]);
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(30)))
        .tls_config(ureq::tls::TlsConfig::builder().root_certs(roots).build())
        .build()
        .into()
}
