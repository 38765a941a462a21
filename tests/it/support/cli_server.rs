//! `serve` as a process beside the calls of a [`Cli`], on a free port of loopback, over the home's own data directory and, unless its flags
//! say otherwise, HTTPS.

use std::io::{BufRead, BufReader};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::os::address::Addresses;
use dinkem_appliance::os::http::{Client, ClientOptions, Method, Request};
use serde_json::Value;

use super::cli::Cli;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that is killed when it goes out of scope.
pub struct CliServer {
    child: Child,
    client: Client,
    /// `https://127.0.0.1:port`.
    pub url: String,
}

impl CliServer {
    pub fn start(cli: &Cli, flags: &[&str]) -> Self {
        let line = [&["serve", "--listen", "127.0.0.1:0"], flags].concat();
        let mut child = cli.command(&[], &line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("the server ended").unwrap();
            if let Some(rest) = line.strip_prefix("Listening on ") {
                break rest.split(':').take(2).collect::<Vec<_>>().join(":");
            }
        };
        let is_https = !flags.contains(&"--plain-http");
        // The pipe must still be emptied.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let options = ClientOptions {
            addresses: Addresses::Any,
            ca_pem: is_https.then(|| cli.run(&["admin", "tls", "export"]).out),
            redirects: 0,
            connect_timeout: PATIENCE,
            stall_timeout: PATIENCE,
        };
        Self {
            child,
            client: Client::new(options).unwrap(),
            url: format!("{}://{address}", if is_https { "https" } else { "http" }),
        }
    }

    /// A GET: status and JSON.
    pub fn get(&self, path: &str, key: &str) -> (u16, Value) {
        let (url, key) = (format!("{}{path}", self.url), Secret::new(key));
        let answer = self.client.send(Request { bearer: Some(&key), ..Request::new(Method::GET, &url, PATIENCE) });
        let answer = answer.unwrap();
        (answer.status, answer.json(1 << 20).unwrap())
    }

    /// Asks it to stop as a service manager does, and waits until it has.
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
