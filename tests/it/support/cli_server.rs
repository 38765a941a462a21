//! `serve` as a process beside a [`Cli`], on a free loopback port with the home's data directory; HTTPS unless the
//! flags say otherwise.

use std::io::{BufRead, BufReader};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::os::address::Addresses;
use dinkem_appliance::os::http::{Client, ClientOptions, Method, Request};
use serde_json::Value;

use super::cli::Cli;

const TIMEOUT: Duration = Duration::from_secs(60);

/// A server that is killed when it goes out of scope.
pub struct CliServer {
    child: Child,
    client: Client,
    lines: Receiver<String>,
    /// `https://127.0.0.1:port`.
    pub url: String,
}

impl CliServer {
    pub fn start(cli: &Cli, flags: &[&str]) -> Self {
        let authority = || cli.run(&["admin", "tls", "export"]).out;
        Self::start_as(cli, flags, || (!flags.contains(&"--plain-http")).then(authority))
    }

    /// The same with a custom certificate named in `flags`, whose CA is given as PEM.
    pub fn start_trusting(cli: &Cli, flags: &[&str], authority: &[u8]) -> Self {
        Self::start_as(cli, flags, || Some(String::from_utf8(authority.to_vec()).unwrap()))
    }

    fn start_as(cli: &Cli, flags: &[&str], authority: impl FnOnce() -> Option<String>) -> Self {
        let no_dashboard: &[&str] =
            if flags.contains(&"--dashboard-listen") { &[] } else { &["--dashboard-listen", "off"] };
        let line = [&["serve", "--listen", "127.0.0.1:0"], no_dashboard, flags].concat();
        let mut child = cli.command(&[], &line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (send, lines) = channel();
        // Keep draining the pipe even when nobody reads the lines.
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| drop(send.send(line))));
        let address = loop {
            let line = lines.recv_timeout(TIMEOUT).expect("the server exited");
            if let Some(rest) = line.strip_prefix("Listening on ") {
                break rest.split(':').take(2).collect::<Vec<_>>().join(":");
            }
        };
        let authority = authority();
        let scheme = if authority.is_some() { "https" } else { "http" };
        let options = ClientOptions {
            addresses: Addresses::Any,
            ca_pem: authority,
            redirects: 0,
            connect_timeout: TIMEOUT,
            stall_timeout: TIMEOUT,
            body_timeout: None,
        };
        Self { child, client: Client::new(options).unwrap(), lines, url: format!("{scheme}://{address}") }
    }

    pub fn line(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    pub fn get_text(&self, path: &str) -> (u16, String, String) {
        let answer = self.client.send(Request::new(Method::GET, &format!("{}{path}", self.url), TIMEOUT)).unwrap();
        let media_type = answer.header("content-type").unwrap_or_default().to_owned();
        (answer.status, media_type, String::from_utf8(answer.bytes(1 << 20).unwrap()).unwrap())
    }

    pub fn get(&self, path: &str, key: &str) -> (u16, Value) {
        let (url, key) = (format!("{}{path}", self.url), Secret::new(key));
        let answer = self.client.send(Request { bearer: Some(&key), ..Request::new(Method::GET, &url, TIMEOUT) });
        let answer = answer.unwrap();
        (answer.status, answer.json(1 << 20).unwrap())
    }

    /// Sends SIGTERM and waits for the exit.
    #[cfg(unix)]
    pub fn terminate(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for CliServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
