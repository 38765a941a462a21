//! Clients with and without the exported CA certificate.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::cli::Cli;
use crate::support::cli_server::CliServer;
use crate::support::client::{Answer, Request, connect};
use crate::support::process::{Appliance, Process};
use crate::support::tools::{have, skip};
use crate::support::wait::until;

const JOB: &str = r#"{"demo_url":"https://example.com/demo.dem","steam64_id":"76561198000000000","round":5}"#;

/// Submits [`JOB`] with Python's strictest checks (its default from 3.13 on); prints status and job.
const PYTHON: &str = "
import ssl, sys, urllib.request
url, ca, key, body = sys.argv[1:]
context = ssl.create_default_context(cafile=ca or None)
context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
headers = {'Authorization': 'Bearer ' + key, 'Content-Type': 'application/json'}
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
answer = opener.open(urllib.request.Request(url, body.encode(), headers))
print(answer.status, answer.read().decode())
";
const REQUESTS: &str = "
import sys
try:
    import requests
except ImportError:
    sys.exit(77)
url, ca, key, body = sys.argv[1:]
session = requests.Session()
session.trust_env = False
headers = {'Authorization': 'Bearer ' + key, 'Content-Type': 'application/json'}
answer = session.post(url, data=body, headers=headers, verify=ca or True)
print(answer.status_code, answer.text)
";
const NODE: &str = "
const [url, ca, key, body] = process.argv.slice(1);
const headers = {'Authorization': 'Bearer ' + key, 'Content-Type': 'application/json'};
fetch(url, {method: 'POST', headers, body}).then(async answer => console.log(answer.status, await answer.text()));
";

/// Runs a client with this CA or none: whether it succeeded, and its output. `None` if it is not installed.
fn call(client: &str, url: &str, ca: &str, key: &str) -> Option<(bool, String)> {
    let mut command = match client {
        "curl" => Command::new("curl"),
        "node" => Command::new("node"),
        _ => Command::new("python3"),
    };
    let bearer = format!("Authorization: Bearer {key}");
    match client {
        "curl" => {
            command.args(["-sS", "--noproxy", "*", "-d", JOB, "-H", "Content-Type: application/json"]);
            command.args(["-H", &bearer, "-w", "\n%{http_code}", url]);
            if !ca.is_empty() {
                command.args(["--cacert", ca]);
            }
        }
        "python" => drop(command.args(["-c", PYTHON, url, ca, key, JOB])),
        "requests" => drop(command.args(["-c", REQUESTS, url, ca, key, JOB])),
        "node" => {
            command.args(["-e", NODE, url, ca, key, JOB]);
            if !ca.is_empty() {
                command.env("NODE_EXTRA_CA_CERTS", ca);
            }
        }
        other => panic!("{other}"),
    }
    let output = command.output().unwrap();
    if output.status.code() == Some(77) {
        return None;
    }
    Some((output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap()))
}

#[test]
fn clients_trust_the_server_only_with_the_exported_ca() {
    let appliance = Appliance::start(&[]);
    let key = appliance.account("studio");
    let ca = appliance.ca_file();
    let ca = ca.to_str().unwrap();
    let port = appliance.address.rsplit_once(':').unwrap().1;
    for (client, program) in [("curl", "curl"), ("python", "python3"), ("requests", "python3"), ("node", "node")] {
        if !have(program, &format!("HTTPS with {client}")) {
            continue;
        }
        for host in ["127.0.0.1", "localhost"] {
            let url = format!("https://{host}:{port}/api/clips");
            let Some((good, printed)) = call(client, &url, ca, &key) else {
                skip(&format!("HTTPS with {client}: it is not installed"));
                break;
            };
            assert!(
                good && printed.contains("202") && printed.contains(r#""status":"queued""#),
                "{client} {host}: {printed}"
            );
            let (good, printed) = call(client, &url, "", &key).unwrap();
            assert!(!good && printed.to_lowercase().contains("certificate"), "{client} {host} without it: {printed}");
        }
    }
    let (_, list) = appliance.call("GET", "/api/clips", &key, None);
    assert!(list["clips"].as_array().unwrap().iter().all(|job| job["status"] == "queued"));
}

#[test]
fn ca_certificate_is_the_same_in_export_show_and_ca_pem() {
    let cli = Cli::new();
    let before = cli.run(&["admin", "tls", "export"]);
    assert_eq!(before.status, 0, "works before the first start: {before:?}");
    let server = CliServer::start(&cli, &[]);
    let exported = cli.run(&["admin", "tls", "export"]);
    assert_eq!((exported.status, &exported.out), (0, &before.out), "{exported:?}");
    let file = cli.run(&["admin", "tls", "export", "-o", "ca.pem", "--json"]);
    let pem = std::fs::read_to_string(cli.home().join("ca.pem")).unwrap();
    assert_eq!((file.json()["certificate"].as_str(), exported.out.trim()), (Some(pem.as_str()), pem.trim()));

    let (status, media_type, handed_out) = server.get_text("/ca.pem");
    assert_eq!((status, media_type.as_str(), handed_out), (200, "application/x-pem-file", pem.clone()));

    let shown = cli.run(&["admin", "tls", "show", "--json"]).json();
    let fingerprint = shown["fingerprint"].as_str().unwrap();
    assert_eq!(file.json()["fingerprint"], fingerprint);
    assert!(cli.run(&["admin", "tls", "show"]).out.contains(fingerprint));
    assert!(shown["names"].as_array().unwrap().contains(&json!("localhost")), "{shown}");
    assert_eq!(shown["valid_until"].as_str().map(str::len), Some("2036-11-20T09:16:00.000Z".len()), "{shown}");
    until("the fingerprint in the server's log", || server.line().filter(|line| line.contains(fingerprint)));
    if have("openssl", "the CA's fingerprint") {
        let file = cli.home().join("ca.pem");
        let line = ["x509", "-noout", "-fingerprint", "-sha256", "-in", file.to_str().unwrap()];
        let output = Command::new("openssl").args(line).output().unwrap();
        assert!(String::from_utf8(output.stdout).unwrap().trim().ends_with(&format!("={fingerprint}")));
    }
}

#[test]
fn join_token_contains_server_url_ca_and_secret() {
    let appliance = Appliance::start(&[]);
    let token = appliance.admin(&["nodes", "token"])["join_token"].as_str().unwrap().to_owned();
    let ticket: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
    let members: Vec<_> = ticket.as_object().unwrap().keys().collect();
    assert_eq!(members, ["ca", "secret", "server"]);
    let authority = std::fs::read_to_string(appliance.ca_file()).unwrap();
    assert_eq!((&ticket["server"], &ticket["ca"]), (&json!(appliance.url("")), &json!(authority)));
    assert_eq!(ticket["secret"].as_str().map(str::len), Some(36));

    let plain = Appliance::start_plain(&[]);
    let token = plain.admin(&["nodes", "token"])["join_token"].as_str().unwrap().to_owned();
    let ticket: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
    assert_eq!((&ticket["server"], &ticket["ca"]), (&json!(plain.url("")), &Value::Null));
}

#[test]
fn node_trusts_only_the_ca_in_its_join_token() {
    let appliance = Appliance::start(&[]);
    let state = appliance.scratch().join("n");
    let state = state.to_str().unwrap();
    let token = || appliance.admin(&["nodes", "token"])["join_token"].as_str().unwrap().to_owned();
    let joined = |count| {
        until("the node", || {
            (appliance.admin(&["nodes", "list"])["nodes"].as_array().unwrap().len() == count).then_some(())
        })
    };
    let node = Process::start(&["node", "--join", &token(), "--state-dir", state]);
    joined(1);
    // The server lists the node shortly before the node has saved its state.
    until("the node's state", || Path::new(state).join("node.json").exists().then_some(()));
    drop(node);

    // Another appliance's token, which contains another CA.
    let other = Appliance::start(&[]);
    let foreign = other.admin(&["nodes", "token"])["join_token"].as_str().unwrap().to_owned();
    let elsewhere = appliance.scratch().join("elsewhere");
    let line = ["node", "--join", &foreign, "--server", &appliance.url(""), "--state-dir", elsewhere.to_str().unwrap()];
    let (status, _, printed) = crate::support::process::run(&line);
    assert!(!status.success() && printed.contains("not trusted") && printed.contains("admin nodes token"), "{printed}");
    assert!(!elsewhere.join("node.json").exists());

    // The CA is replaced: the node says that it trusts the old one, and joins again with a new token.
    let mut appliance = appliance;
    appliance.server().kill();
    std::fs::remove_dir_all(appliance.data_dir().join("tls")).unwrap();
    appliance.restart();
    let node = Process::start(&["node", "--state-dir", state]);
    let message = until("the node's error", || node.line().filter(|line| line.contains("not trusted")));
    assert!(message.contains("CA or host name has changed") && message.contains("join again"), "{message}");
    drop(node);
    let token = appliance.admin(&["nodes", "token"])["join_token"].as_str().unwrap().to_owned();
    let _node = Process::start(&["node", "--join", &token, "--state-dir", state]);
    until("the node", || (appliance.admin(&["nodes", "list"])["nodes"].as_array().unwrap().len() == 2).then_some(()));
}

#[test]
fn submit_finds_the_local_ca_and_says_what_to_do_without_one() {
    let cli = Cli::new();
    let server = CliServer::start(&cli, &[]);
    let made = cli.run(&["admin", "account", "create", "studio", "--json"]).json();
    assert_eq!(cli.run(&["admin", "activate"]).status, 0);
    let key = [("DINKEM_API_KEY", made["metered_key"].as_str().unwrap())];
    let demo = "https://demos.lan/x.dem";
    let args = ["submit", demo, "--player", "76561197991272318", "--round", "1", "--server"];
    let output = cli.run_in(&key, &[&args[..], &[&server.url]].concat());
    assert!(output.status == 0 && output.out.contains("/api/clips/"), "{output:?}");

    let elsewhere = Cli::new();
    let output = elsewhere.run_in(&key, &[&args[..], &[&server.url]].concat());
    assert_eq!((output.status, output.out.as_str()), (1, ""), "{output:?}");
    for part in ["not trusted", "--ca FILE", "admin tls export", "/ca.pem", "fingerprint"] {
        assert!(output.err.contains(part), "{part}: {output:?}");
    }
    std::fs::write(elsewhere.home().join("ca.pem"), cli.run(&["admin", "tls", "export"]).out).unwrap();
    let output = elsewhere.run_in(&key, &[&args[..], &[&server.url, "--ca", "ca.pem"]].concat());
    assert_eq!(output.status, 0, "{output:?}");

    let plain = server.url.replace("https://", "http://");
    let output = cli.run_in(&key, &[&args[..], &[&plain]].concat());
    assert!(output.status == 1 && output.err.contains("This port speaks HTTPS"), "{output:?}");
}

#[test]
fn plain_http_to_the_https_port_gets_an_explanation() {
    let appliance = Appliance::start(&[]);
    // The transport responds by itself, without a request id.
    let mut stream = connect(appliance.address.parse().unwrap());
    stream.write_all(&Request::get("/healthz").bytes()).unwrap();
    let answer = Answer::read(stream, false).expect(400);
    assert!(answer.text().contains("https://"), "{}", answer.text());
}
