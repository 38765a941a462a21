//! The container image: built without a daemon, unpacked and run by an OCI runtime as a cluster would run it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::farms::packaging;
use crate::support::process::{Appliance, BINARY};
use crate::support::quick;
use crate::support::slurm::text;
use crate::support::tools::{have, is_gate, skip};
use crate::support::wait::until;

/// The image's unprivileged user.
const USER: u64 = 65532;

/// An unpacked image.
struct Image {
    folder: tempfile::TempDir,
    /// SHA-256 of the archive.
    digest: String,
    config: Value,
}

impl Image {
    /// Builds the image around the tests' binary; `None` if that is impossible here, which is printed.
    fn build(test: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            assert!(!is_gate(), "the gate runs as root");
            skip(&format!("{test}: unpacking an image needs root"));
            return None;
        }
        if !["dpkg-deb", "buildah", "umoci", "runc"].iter().all(|program| have(program, test)) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let built = run(Command::new(packaging("oci/build.sh")).args(["--program", BINARY]).arg(folder.path()));
        let archive = PathBuf::from(built.lines().last().unwrap());
        let digest = run(Command::new("sha256sum").arg(&archive))[..64].to_owned();
        let layout = folder.path().join("layout");
        fs::create_dir(&layout).unwrap();
        run(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&layout));
        let read = |path: &Path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
        let blob = |digest: &Value| read(&layout.join("blobs").join(digest.as_str().unwrap().replace(':', "/")));
        let index = read(&layout.join("index.json"));
        let config = blob(&blob(&index["manifests"][0]["digest"])["config"]["digest"]);
        let image = format!("{}:dinkem-appliance:{}", layout.display(), env!("CARGO_PKG_VERSION"));
        // Checks every digest.
        run(Command::new("umoci").args(["unpack", "--image", &image]).arg(folder.path().join("bundle")));
        Some(Self { folder, digest, config })
    }

    /// A container with a read-only root file system, no capabilities, the host's network and this folder as its volume.
    fn start(&self, name: &str, arguments: &[&str], variables: &[String], volume: &Path) -> Container {
        let bundle = self.folder.path().join(name);
        fs::create_dir(&bundle).unwrap();
        let made = fs::read(self.folder.path().join("bundle/config.json")).unwrap();
        let mut config: Value = serde_json::from_slice(&made).unwrap();
        config["root"] = json!({ "path": self.folder.path().join("bundle/rootfs"), "readonly": true });
        let process = &mut config["process"];
        process["terminal"] = json!(false);
        process["capabilities"] = json!({});
        let list = process["args"].as_array_mut().unwrap();
        list.truncate(1);
        list.extend(arguments.iter().map(|argument| json!(argument)));
        process["env"].as_array_mut().unwrap().extend(variables.iter().map(|variable| json!(variable)));
        for mount in config["mounts"].as_array_mut().unwrap() {
            if mount["destination"] == "/var/lib/dinkem" {
                *mount = json!({"destination": "/var/lib/dinkem", "type": "bind", "source": volume, "options": ["bind", "rw"]});
            }
        }
        let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != "network");
        config["linux"]["resources"] = json!({});
        fs::write(bundle.join("config.json"), config.to_string()).unwrap();

        let state = self.folder.path().join("runc");
        let log = bundle.join("log");
        let file = fs::File::create(&log).unwrap();
        let mut command = Command::new("runc");
        command.arg("--root").arg(&state).args(["run", "--bundle"]).arg(&bundle).arg(name);
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Container { runtime: command.spawn().unwrap(), state, name: name.to_owned(), log }
    }

    /// A folder that anybody may write to, as a volume often is.
    fn volume(&self, name: &str) -> PathBuf {
        let volume = self.folder.path().join(name);
        fs::create_dir(&volume).unwrap();
        fs::set_permissions(&volume, fs::Permissions::from_mode(0o777)).unwrap();
        volume
    }
}

/// A running container, which is removed when it is dropped.
struct Container {
    runtime: Child,
    state: PathBuf,
    name: String,
    log: PathBuf,
}

impl Container {
    /// Waits for its end, which must be a success; its output.
    fn wait(mut self) -> String {
        let status = until("the container to end", || self.runtime.try_wait().unwrap());
        let log = fs::read_to_string(&self.log).unwrap();
        assert!(status.success(), "{log}");
        log
    }

    fn stop(&self) {
        run(Command::new("runc").arg("--root").arg(&self.state).args(["kill", &self.name, "TERM"]));
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Command::new("runc").arg("--root").arg(&self.state).args(["delete", "--force", &self.name]).output();
        let _ = self.runtime.wait();
    }
}

/// Runs a command that must succeed: its standard output.
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn image_is_reproducible_and_says_how_to_run_it() {
    let Some(image) = Image::build("the container image") else { return };
    assert_eq!(Image::build("the container image").unwrap().digest, image.digest);
    let config = &image.config["config"];
    assert_eq!(config["User"], format!("{USER}:{USER}"));
    assert_eq!(config["Entrypoint"], json!(["/usr/bin/dinkem-appliance"]));
    assert_eq!(config["Volumes"], json!({"/var/lib/dinkem": {}}));
    assert_eq!(config["ExposedPorts"], json!({"8443/tcp": {}}));
    assert_eq!(config["Labels"]["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));
    let root = image.folder.path().join("bundle/rootfs");
    let roots = fs::read_to_string(root.join("etc/ssl/certs/ca-certificates.crt")).unwrap();
    assert!(roots.matches("BEGIN CERTIFICATE").count() > 100, "certificates of public authorities");
    assert!(!root.join("bin/sh").exists() && !root.join("usr/bin/sh").exists(), "no shell");
    let version = image.start("version", &["--version"], &[], &image.volume("none")).wait();
    assert!(version.starts_with("dinkem-appliance "), "{version}");
}

#[test]
fn node_in_a_container_renders_as_an_unprivileged_user_on_a_read_only_file_system() {
    let Some(image) = Image::build("a node in a container") else { return };
    let files = quick::server();
    let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let id = appliance.submit(&key, &quick::job(&files));
    let token = appliance.admin(&["nodes", "token"])["join_token"].as_str().unwrap().to_owned();
    let variables = [format!("DINKEM_JOIN={token}"), "DINKEM_NAME=container".into(), "DINKEM_IDLE_EXIT=2".into()];
    let log = image.start("node", &["node"], &variables, &image.volume("node-volume")).wait();
    assert!(log.contains(&format!("job {id} is done")), "{log}");
    appliance.wait_for_clip(&key, &id);
}

#[test]
fn server_in_a_container_serves_from_its_volume_and_stops_when_asked() {
    let Some(image) = Image::build("the server in a container") else { return };
    let volume = image.volume("server-volume");
    let variables = ["DINKEM_LISTEN=127.0.0.1:0", "DINKEM_DASHBOARD_LISTEN=127.0.0.1:0"].map(str::to_owned);
    let server = image.start("server", &["serve", "--port-file", "/var/lib/dinkem/port"], &variables, &volume);
    until("the server", || fs::read_to_string(volume.join("port")).ok().filter(|text| !text.is_empty()));
    let health = image.start("health", &["admin", "healthcheck"], &[], &volume).wait();
    assert!(health.starts_with("ready"), "{health}");
    server.stop();
    server.wait();
}
