//! Attacks that broke the stock tiny_http server, run against the real binary over HTTP and HTTPS, on loopback and with
//! a healthy client and node beside them. The attacks themselves belong to the transport
//! (`crates/transport/tests/hostile`). This is a separate test binary because cargo runs test binaries one after the
//! other, so that nothing else competes for the CPU.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, missing_docs, reason = "tests")]
#![allow(dead_code, reason = "only a part of the support is used here")]

mod authenticated;
mod demo_bombs;
mod forged_video;
mod healthy_node;
#[path = "../../crates/transport/tests/hostile/mod.rs"]
mod hostile;
#[path = "../it/support/mod.rs"]
mod support;
mod test_server;

use hostile::bystander::{Bystander, unharmed_beside};
use hostile::client::Wire;
use hostile::target::Target;
use hostile::{alone, attacks, descriptors, smuggling};
use test_server::{Scheme, TestServer};

/// The server's memory limit in MiB.
const MEMORY_MIB: u64 = 200;
/// Timeouts short enough for a test and long enough for a healthy client on a busy machine; leases that outlast every
/// attack.
const FLAGS: [&str; 14] = [
    "--head-seconds",
    "2",
    "--tls-handshake-seconds",
    "2",
    "--body-idle-seconds",
    "2",
    "--body-window-seconds",
    "2",
    "--answer-stall-seconds",
    "2",
    "--drain-seconds",
    "3",
    "--lease-seconds",
    "600",
];
const BOTH_SCHEMES: [Scheme; 2] = [Scheme::Http, Scheme::Https];

/// Runs an attack against servers of these schemes.
fn attack_servers(what: &str, schemes: &[Scheme], attack: impl Fn(&TestServer, &Target)) {
    attack_servers_with(what, None, &[], schemes, attack);
}

/// The same with a limit on open files and more flags.
fn attack_servers_with(
    what: &str,
    files: Option<u32>,
    flags: &[&str],
    schemes: &[Scheme],
    attack: impl Fn(&TestServer, &Target),
) {
    let _alone = alone();
    descriptors(12_000);
    for scheme in schemes {
        let mut server = TestServer::start(*scheme, files, &[&FLAGS, flags].concat());
        let target = server.target.clone();
        // Without free descriptors no one can open a connection: there, only the client is checked.
        let bystanders = || match files {
            Some(_) => vec![Bystander::of(&target)],
            None => vec![Bystander::of(&target), healthy_node::start(&server)],
        };
        unharmed_beside(&format!("{what}, {scheme:?}"), &target, bystanders, || attack(&server, &target));
        let (memory, peak) = server.memory_mib();
        eprintln!("{what}, {scheme:?}: memory {memory} MiB, at most {peak}");
        assert!(peak < MEMORY_MIB, "{what}, {scheme:?}: {peak} MiB");
        target.is_serving();
        server.appliance.server().signal("TERM");
        let (status, log) = server.appliance.server().wait();
        assert!(status.success(), "{what}, {scheme:?}: {status}: {}", log.last().unwrap());
    }
}

#[test]
fn survives_hundreds_of_slow_request_heads() {
    attack_servers("slow heads x640", &BOTH_SCHEMES, |_, target| attacks::slow_heads(target, 640));
}

#[test]
fn survives_hundreds_of_slow_bodies() {
    attack_servers("slow bodies x640", &BOTH_SCHEMES, |_, target| attacks::slow_bodies(target, 640));
}

#[test]
fn survives_hundreds_of_stalled_downloads() {
    attack_servers("stalled downloads x320", &BOTH_SCHEMES, |server, _| {
        attacks::stalled_downloads(&server.with_clip(), 320);
    });
}

#[test]
fn survives_thousands_of_idle_connections() {
    attack_servers("idle connections x5000", &BOTH_SCHEMES, |_, target| attacks::idle_connections(target, 5_000));
}

#[test]
fn survives_hundreds_of_unfinished_tls_handshakes() {
    attack_servers("unfinished TLS handshakes x640", &[Scheme::Https], |_, target| {
        attacks::unfinished_tls_handshakes(target, 640)
    });
}

#[test]
fn survives_unsupported_http_2() {
    attack_servers("h2c x500", &BOTH_SCHEMES, |_, target| attacks::http_2(target, 500));
}

#[test]
fn survives_more_connections_than_file_descriptors() {
    attack_servers_with("out of descriptors", Some(400), &[], &BOTH_SCHEMES, |_, target| {
        attacks::out_of_descriptors(target, 1_000)
    });
}

#[test]
fn rejects_endless_request_heads() {
    attack_servers("endless heads", &BOTH_SCHEMES, |_, target| attacks::heads_without_end(target));
}

#[test]
fn rejects_huge_content_lengths() {
    attack_servers("length bombs", &BOTH_SCHEMES, |_, target| attacks::length_bombs(target));
}

#[test]
fn rejects_ambiguous_request_framing() {
    attack_servers("smuggling", &BOTH_SCHEMES, |_, target| smuggling::ambiguous_requests(target));
}

#[test]
fn client_still_sending_its_body_reads_an_early_401() {
    attack_servers("early 401, 4 GB", &BOTH_SCHEMES, |_, target| attacks::early_answer(target));
}

#[test]
fn survives_endless_pipelining() {
    attack_servers("endless pipelining", &BOTH_SCHEMES, |_, target| {
        attacks::pipelining(target, || {});
    });
}

#[test]
fn clip_truncated_while_being_sent_ends_as_an_incomplete_response() {
    attack_servers("a reader that fails midway", &BOTH_SCHEMES, |server, _| {
        let target = server.with_clip();
        let clips = server.appliance.data_dir().join("clips");
        let videos = server.appliance.videos().into_iter().map(|name| clips.join(name));
        let (whole, path) = videos.map(|path| (std::fs::metadata(&path).unwrap().len(), path)).max().unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        let mut wire = Wire::open_narrow(target.address, target.tls.clone()).unwrap();
        wire.send(target.get(&target.download)).unwrap();
        wire.read_some().unwrap();
        file.set_len(whole / 2).unwrap();
        let answer = wire.answer("GET").unwrap();
        assert!(!answer.complete && (answer.body.len() as u64) < whole, "{} of {whole}", answer.body.len());
        // Restore the length for the next scheme.
        file.set_len(whole).unwrap();
    });
}

#[test]
fn videos_with_false_lengths_are_rejected() {
    attack_servers("videos with false lengths", &BOTH_SCHEMES, |server, _| {
        authenticated::videos_with_false_lengths(server)
    });
}

#[test]
fn upload_that_outlives_its_lease_cannot_change_the_clip() {
    attack_servers("a write that outlives its lease", &BOTH_SCHEMES, |server, _| {
        authenticated::upload_that_outlives_its_lease(server)
    });
}

#[test]
fn hundreds_of_concurrent_completions_publish_one_clip() {
    attack_servers("completions x220", &BOTH_SCHEMES, |server, _| authenticated::concurrent_completions(server, 220));
}

#[test]
fn concurrent_uploads_cannot_exceed_the_quota() {
    attack_servers_with("uploads at the quota x40", None, &["--max-demos-mib", "1"], &BOTH_SCHEMES, |server, _| {
        authenticated::concurrent_uploads(server, 40, 600 << 10);
    });
}

#[test]
fn survives_trickling_uploads_of_one_account() {
    attack_servers("trickling uploads x70", &BOTH_SCHEMES, |server, _| authenticated::trickling_uploads(server, 70));
}

#[test]
fn survives_many_waiting_claims_of_one_node() {
    attack_servers("claims of one node x120", &BOTH_SCHEMES, |server, _| {
        authenticated::claims_of_one_node(server, 120)
    });
}

#[test]
fn decompression_bombs_are_too_large() {
    attack_servers("decompression bombs", &BOTH_SCHEMES, |server, _| authenticated::decompression_bombs(server));
}
