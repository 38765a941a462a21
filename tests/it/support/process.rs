//! The real binary as processes: a server, nodes, `admin` and a client's requests.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use super::wait::{TIMEOUT, until};

pub const BINARY: &str = env!("CARGO_BIN_EXE_dinkem-appliance");

/// A process that is killed when it is dropped.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts the binary without any `DINKEM_…` variables.
    pub fn start(arguments: &[&str]) -> Self {
        Self::of(clean_command(BINARY, arguments))
    }

    /// The same with a limit on open files, including sockets.
    #[cfg(unix)]
    fn start_with_files(files: u32, arguments: &[&str]) -> Self {
        let limit = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
        Self::of(clean_command("sh", &[&["-c", &limit, BINARY], arguments].concat()))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (send, lines) = channel();
        // Keep draining the pipe even when nobody reads the lines.
        std::thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).for_each(|line| drop(send.send(line)));
        });
        Self { child, lines }
    }

    pub fn line(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// Kills it (SIGKILL) and waits for the exit.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        self.send(name, 1);
    }

    /// Sends a signal twice at once, as `timeout` does.
    #[cfg(unix)]
    pub fn signal_twice(&self, name: &str) {
        self.send(name, 2);
    }

    /// Sends a signal again and again: one that comes right after another is an echo of it.
    #[cfg(unix)]
    pub fn signal_until_exit(&mut self, name: &str) -> ExitStatus {
        until("the process to exit", || {
            let status = self.child.try_wait().unwrap();
            if status.is_none() {
                self.signal(name);
            }
            status
        })
    }

    #[cfg(unix)]
    fn send(&self, name: &str, times: usize) {
        let ids = vec![self.id().to_string(); times];
        let status = Command::new("kill").arg(format!("-{name}")).args(ids).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the exit: status and log.
    pub fn wait(&mut self) -> (ExitStatus, Vec<String>) {
        let status = until("the process to exit", || self.child.try_wait().unwrap());
        (status, self.lines.iter().collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Terminates them all at once.
#[cfg(unix)]
pub fn terminate(processes: &[Process]) {
    terminate_ids(&processes.iter().map(|process| process.id().to_string()).collect::<Vec<_>>());
}

/// The same by their numbers.
#[cfg(unix)]
pub fn terminate_ids(ids: &[String]) {
    assert!(Command::new("kill").arg("-TERM").args(ids).status().unwrap().success());
}

fn clean_command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DINKEM_")) {
        command.env_remove(name);
    }
    command
}

/// Runs the binary: status, standard output, standard error.
pub fn run(arguments: &[&str]) -> (ExitStatus, String, String) {
    let output = clean_command(BINARY, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status, text(output.stdout), text(output.stderr))
}

/// A server process and its data directory, which survives restarts.
pub struct Appliance {
    folder: tempfile::TempDir,
    flags: Vec<String>,
    is_https: bool,
    files: Option<u32>,
    server: Option<Process>,
    /// `127.0.0.1:port`, the same after a restart.
    pub address: String,
}

impl Appliance {
    /// Starts a server on a free loopback port, with short leases unless `flags` say otherwise.
    pub fn start(flags: &[&str]) -> Self {
        Self::start_configured(true, None, flags)
    }

    /// The same over plain HTTP, as a [`super::proxy::Proxy`] needs.
    pub fn start_plain(flags: &[&str]) -> Self {
        Self::start_configured(false, None, flags)
    }

    /// The same with an optional limit on open files.
    pub fn start_configured(is_https: bool, files: Option<u32>, flags: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), is_https, files, flags)
    }

    /// The same over HTTPS, in a folder whose `data` holds a seeded store.
    pub fn start_on(folder: tempfile::TempDir, flags: &[&str]) -> Self {
        Self::start_in(folder, true, None, flags)
    }

    fn start_in(folder: tempfile::TempDir, is_https: bool, files: Option<u32>, flags: &[&str]) -> Self {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let mut appliance = Self { folder, flags, is_https, files, server: None, address: "127.0.0.1:0".into() };
        appliance.restart();
        appliance
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder for the test's own files.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    pub fn server(&mut self) -> &mut Process {
        self.server.as_mut().unwrap()
    }

    /// Starts the server again on the same address.
    pub fn restart(&mut self) {
        self.server = None;
        let port_file = self.folder.path().join("port");
        let _ = std::fs::remove_file(&port_file);
        let (data, port_file_text) = (self.data_dir(), port_file.to_string_lossy().into_owned());
        let mut line = vec!["serve", "--data-dir", data.to_str().unwrap(), "--listen", &self.address];
        line.extend(["--port-file", &port_file_text]);
        if !self.flags.iter().any(|flag| flag == "--lease-seconds") {
            line.extend(["--lease-seconds", "2"]);
        }
        if !self.is_https {
            line.extend(["--plain-http", "loopback"]);
        }
        line.extend(self.flags.iter().map(String::as_str));
        let mut server = match self.files {
            #[cfg(unix)]
            Some(files) => Process::start_with_files(files, &line),
            _ => Process::start(&line),
        };
        let address = until("the port file", || {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("the server exited with {status}: {}", server.lines.iter().collect::<Vec<_>>().join("\n"));
            }
            std::fs::read_to_string(&port_file).ok().filter(|text| !text.trim().is_empty())
        });
        self.address = address.trim().to_owned();
        self.server = Some(server);
    }

    /// `https://…` of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.is_https { "https" } else { "http" }, self.address)
    }

    /// Exports the CA certificate to a file.
    pub fn ca_file(&self) -> PathBuf {
        let file = self.scratch().join("ca.pem");
        self.admin(&["tls", "export", "-o", file.to_str().unwrap()]);
        file
    }

    /// Runs an `admin` command that must succeed; its JSON.
    pub fn admin(&self, arguments: &[&str]) -> Value {
        let data = self.data_dir();
        let mut line = vec!["--json", "--data-dir", data.to_str().unwrap(), "admin"];
        line.extend(arguments);
        let (status, out, err) = run(&line);
        assert!(status.success(), "admin {arguments:?} failed: {err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("admin {arguments:?} printed {out:?}: {error}"))
    }

    /// Runs `admin doctor`, which must find nothing.
    pub fn doctor(&self) {
        assert_eq!(self.admin(&["doctor"]), serde_json::json!({"ok": true, "faults": []}));
    }

    /// Runs `admin doctor`: the codes of open faults and of fixed ones.
    pub fn faults(&self, flags: &[&str]) -> (Vec<String>, Vec<String>) {
        let data = self.data_dir();
        let line = [&["--json", "--data-dir", data.to_str().unwrap(), "admin", "doctor"], flags].concat();
        let (_, out, err) = run(&line);
        let answer: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {err}"));
        let (fixed, open): (Vec<_>, Vec<_>) =
            answer["faults"].as_array().unwrap().iter().partition(|fault| fault["mended"] == true);
        let codes = |faults: Vec<&Value>| faults.iter().map(|fault| fault["code"].as_str().unwrap().into()).collect();
        (codes(open), codes(fixed))
    }

    /// The metered key of a new active account.
    pub fn account(&self, name: &str) -> String {
        let made = self.admin(&["account", "create", name]);
        self.admin(&["activate", name]);
        made["metered_key"].as_str().unwrap().to_owned()
    }

    /// Starts a render node with its state in a folder of this name, connected to `server` (perhaps a proxy) or
    /// directly.
    pub fn node(&self, name: &str, server: Option<&str>) -> Process {
        self.node_with(name, server, &[])
    }

    /// The same with more flags.
    pub fn node_with(&self, name: &str, server: Option<&str>, flags: &[&str]) -> Process {
        let state = self.folder.path().join(name).to_string_lossy().into_owned();
        let joined = Path::new(&state).join("node.json").exists();
        let server = server.map_or_else(|| self.url(""), str::to_owned);
        if joined {
            return Process::start(&[&["node", "--state-dir", &state], flags].concat());
        }
        let token = self.admin(&["nodes", "token"])["join_token"].as_str().unwrap().to_owned();
        let join = ["node", "--join", &token, "--server", &server, "--state-dir", &state, "--name", name];
        Process::start(&[&join, flags].concat())
    }

    /// Sends a request: status and JSON.
    pub fn call(&self, method: &str, path: &str, key: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, bytes) = self.raw(method, path, Some(key), body.map(|body| body.to_string().into_bytes()));
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// Sends a request: status and body.
    pub fn raw(&self, method: &str, path: &str, key: Option<&str>, body: Option<Vec<u8>>) -> (u16, Vec<u8>) {
        let url = if path.starts_with("http") { path.to_owned() } else { self.url(path) };
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(TIMEOUT))
            .tls_config(ureq::tls::TlsConfig::builder().root_certs(self.roots()).build())
            .build()
            .into();
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        if let Some(key) = key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let answer = match body {
            Some(body) => agent.run(request.header("Content-Type", "application/json").body(body).unwrap()),
            None => agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.unwrap();
        let mut bytes = Vec::new();
        answer.body_mut().as_reader().read_to_end(&mut bytes).unwrap();
        (answer.status().as_u16(), bytes)
    }

    /// Only the CA in the data directory is trusted.
    fn roots(&self) -> ureq::tls::RootCerts {
        let pem = std::fs::read(self.data_dir().join("tls/authority.pem")).unwrap_or_default();
        ureq::tls::RootCerts::from(ureq::tls::Certificate::from_pem(&pem).into_iter().collect::<Vec<_>>())
    }

    pub fn submit(&self, key: &str, body: &Value) -> String {
        let (status, job) = self.call("POST", "/api/clips", key, Some(body));
        assert_eq!(status, 202, "{job}");
        job["id"].as_str().unwrap().to_owned()
    }

    pub fn job(&self, key: &str, id: &str) -> Value {
        let (status, job) = self.call("GET", &format!("/api/clips/{id}"), key, None);
        assert_eq!(status, 200, "{job}");
        job
    }

    /// Waits until the job is done, failed or cancelled.
    pub fn wait_for_job(&self, key: &str, id: &str) -> Value {
        until("the job to end", || {
            Some(self.job(key, id)).filter(|job| !["queued", "rendering"].contains(&job["status"].as_str().unwrap()))
        })
    }

    /// Waits until the job is done; panics if it ends otherwise.
    pub fn wait_for_clip(&self, key: &str, id: &str) -> Value {
        let job = self.wait_for_job(key, id);
        assert_eq!(job["status"], "done", "{job:#}");
        job
    }

    /// Number of ledger rows, read from the store's file.
    pub fn ledger_rows(&self) -> i64 {
        self.count("ledger")
    }

    /// Number of rows of a table, perhaps with a condition.
    pub fn count(&self, table: &str) -> i64 {
        self.store().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    /// The store's file, open for reading.
    pub fn store(&self) -> rusqlite::Connection {
        let store = std::fs::read_dir(self.data_dir())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.extension().is_some_and(|extension| extension == "db"))
            .expect("a store in the data directory");
        rusqlite::Connection::open_with_flags(store, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
    }

    pub fn videos(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.data_dir().join("clips"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".mp4"))
            .collect();
        names.sort();
        names
    }
}
