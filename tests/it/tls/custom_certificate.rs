//! Custom certificates: served as they are, reloaded when they change, never replaced by a broken one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use dinkem_appliance::os::certificates::{self, Facts, Pair, Validity};
use dinkem_appliance::os::random::SystemRandom;
use serde_json::Value;

use crate::support::cli::Cli;
use crate::support::cli_server::CliServer;
use crate::support::tools::have;
use crate::support::wait::until;

/// A studio's own CA.
struct Studio {
    authority: Pair,
    valid: Validity,
}

impl Studio {
    fn new() -> Self {
        let now = 1_794_000_000;
        let valid = Validity { from: now, until: now + 20 * 365 * 24 * 3_600 };
        let networks = ["127.0.0.0/8".parse().unwrap()];
        let authority = certificates::authority("studio", &["localhost", "lan"], &networks, valid, &SystemRandom);
        Self { authority: authority.unwrap(), valid }
    }

    /// Issues a certificate for localhost and another name.
    fn issue(&self, name: &str) -> Pair {
        let signer = ("studio", self.authority.key.as_slice());
        let loopback = ["127.0.0.1".parse().unwrap()];
        certificates::server(&["localhost", name], &loopback, self.valid, signer, &SystemRandom).unwrap()
    }
}

fn put(home: &Path, pair: &Pair) {
    fs::write(home.join("cert.pem"), &pair.certificate).unwrap();
    fs::write(home.join("cert.key"), &pair.key).unwrap();
}

/// The names in the certificate that the server currently presents.
fn shown(server: &CliServer) -> Vec<String> {
    let address = server.url.trim_start_matches("https://");
    let output = Command::new("openssl").args(["s_client", "-connect", address]).stdin(Stdio::null()).output().unwrap();
    Facts::read(&output.stdout).map(|facts| facts.dns).unwrap_or_default()
}

const FLAGS: [&str; 4] = ["--tls-cert", "cert.pem", "--tls-key", "cert.key"];

#[test]
fn changed_custom_certificate_is_reloaded_and_a_broken_one_ignored() {
    let (cli, studio) = (Cli::new(), Studio::new());
    if !have("openssl", "checking the server's certificate") {
        return;
    }
    put(cli.home(), &studio.issue("a.lan"));
    let server = CliServer::start_trusting(&cli, &FLAGS, &studio.authority.certificate);
    assert_eq!(shown(&server), ["localhost", "a.lan"]);

    fs::write(cli.home().join("cert.key"), "no key").unwrap();
    until("the server's error", || server.line().filter(|line| line.contains("The previous certificate stays in use")));
    assert_eq!(shown(&server), ["localhost", "a.lan"]);
    fs::remove_file(cli.home().join("cert.key")).unwrap();
    let message = until("the server's error", || server.line().filter(|line| line.contains("cannot be read")));
    assert!(message.contains("--tls-key"), "{message}");

    put(cli.home(), &studio.issue("b.lan"));
    until("the new certificate", || (shown(&server) == ["localhost", "b.lan"]).then_some(()));
    assert_eq!(server.get("/healthz", "").0, 200);
}

#[test]
fn custom_certificate_sets_the_url_and_nodes_trust_system_roots() {
    let (cli, studio) = (Cli::new(), Studio::new());
    put(cli.home(), &studio.issue("a.lan"));
    fs::write(cli.home().join("studio.pem"), &studio.authority.certificate).unwrap();
    let server = CliServer::start_trusting(&cli, &FLAGS, &studio.authority.certificate);
    let (status, _, _) = server.get_text("/ca.pem");
    assert_eq!(status, 404);
    let port = server.url.rsplit_once(':').unwrap().1;
    let token = cli.run(&["admin", "nodes", "token", "--json"]).json();
    let ticket = dinkem_appliance::wire::join_token::JoinTicket::decode(token["join_token"].as_str().unwrap()).unwrap();
    assert_eq!((ticket.server, ticket.ca), (Some(format!("https://localhost:{port}")), None));

    // As if the studio's CA were installed in the system.
    let line = ["node", "--join", token["join_token"].as_str().unwrap(), "--idle-exit", "1", "--state-dir", "n"];
    let stranger = cli.run(&line);
    assert!(stranger.status == 1 && stranger.err.contains("this machine's trust store"), "{stranger:?}");
    let output = cli.run_in(&[("SSL_CERT_FILE", "studio.pem")], &line);
    assert_eq!(output.status, 0, "{output:?}");
    let nodes: Value = cli.run(&["admin", "nodes", "list", "--json"]).json();
    assert_eq!(nodes["nodes"].as_array().map(Vec::len), Some(1));
    let shown = cli.run(&["admin", "tls", "show"]);
    assert!(
        shown.status == 1 && shown.err.contains("no complete certificate authority"),
        "no CA was created: {shown:?}"
    );
}

#[test]
fn invalid_certificate_or_key_files_are_refused_at_startup() {
    let (cli, studio) = (Cli::new(), Studio::new());
    let line = [&["serve", "--listen", "127.0.0.1:0"], &FLAGS[..]].concat();
    let (one, other) = (studio.issue("a.lan"), studio.issue("b.lan"));
    let cases = [
        (None, "cert.pem cannot be read"),
        (Some(Pair { certificate: b"nonsense".to_vec(), key: one.key.clone() }), "no certificate"),
        (Some(Pair { certificate: one.certificate.clone(), key: b"nonsense".to_vec() }), "must be PEM"),
        (Some(Pair { certificate: one.certificate.clone(), key: other.key }), "belong together"),
    ];
    for (pair, message) in cases {
        if let Some(pair) = pair {
            put(cli.home(), &pair);
        }
        let output = cli.run(&line);
        assert_eq!((output.status, output.out.as_str()), (1, ""), "{output:?}");
        let last = output.err.lines().last().unwrap_or_default();
        assert!(last.starts_with("error: ") && last.contains(message), "{message}: {output:?}");
    }
}
