//! What broke the stock server, played on the real binary, plain and over TLS: bounded, on loopback, with a healthy
//! client beside it. The attacks themselves are the transport's own (`crates/tiny_http/tests/hostile`). A test binary of
//! its own, since cargo runs one after the other: here nothing else of the suite takes the processors.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, missing_docs, reason = "tests")]
#![allow(dead_code, reason = "only a part of the support is used here")]

mod authenticated;
mod demo_bombs;
mod forged_video;
mod healthy_node;
#[path = "../../crates/tiny_http/tests/hostile/mod.rs"]
mod hostile;
#[path = "../it/support/mod.rs"]
mod support;
mod test_server;

use hostile::bystander::{Bystander, unharmed_beside};
use hostile::client::Wire;
use hostile::target::Target;
use hostile::{alone, attacks, descriptors, smuggling};
use test_server::{Scheme, TestServer};

/// What the server may take at most, in MiB.
const MEMORY_MIB: u64 = 200;
/// Waits short enough for a test, long enough for a healthy client on a busy machine; leases that outlive any of them.
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
const BOTH: [Scheme; 2] = [Scheme::Http, Scheme::Https];

/// Plays an attack on servers of these schemes.
fn attack_servers(what: &str, schemes: &[Scheme], attack: impl Fn(&TestServer, &Target)) {
    attack_servers_with(what, None, &[], schemes, attack);
}

/// The same on a server that may open so many files and has these flags besides.
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
        // Without descriptors nobody can open a connection: there only the client is asked, as before.
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
fn slow_heads_by_the_hundreds() {
    attack_servers("slow heads x640", &BOTH, |_, target| attacks::slow_heads(target, 640));
}

#[test]
fn slow_bodies_by_the_hundreds() {
    attack_servers("slow bodies x640", &BOTH, |_, target| attacks::slow_bodies(target, 640));
}

#[test]
fn stalled_downloads_by_the_hundreds() {
    attack_servers("stalled downloads x320", &BOTH, |server, _| {
        attacks::stalled_downloads(&server.with_clip(), 320);
    });
}

#[test]
fn idle_connections_by_the_thousands() {
    attack_servers("idle connections x5000", &BOTH, |_, target| attacks::idle_connections(target, 5_000));
}

#[test]
fn half_handshakes_by_the_hundreds() {
    attack_servers("half handshakes x640", &[Scheme::Https], |_, target| attacks::half_handshakes(target, 640));
}

#[test]
fn http_2_that_is_not_spoken() {
    attack_servers("h2c x500", &BOTH, |_, target| attacks::http_2(target, 500));
}

#[test]
fn more_connections_than_descriptors() {
    attack_servers_with("out of descriptors", Some(400), &[], &BOTH, |_, target| {
        attacks::out_of_descriptors(target, 1_000)
    });
}

#[test]
fn heads_without_end() {
    attack_servers("heads without end", &BOTH, |_, target| attacks::heads_without_end(target));
}

#[test]
fn length_bombs() {
    attack_servers("length bombs", &BOTH, |_, target| attacks::length_bombs(target));
}

#[test]
fn requests_that_can_be_read_two_ways() {
    attack_servers("smuggling", &BOTH, |_, target| smuggling::doubtful_requests(target));
}

#[test]
fn an_early_answer_is_read_by_a_client_that_sends_on() {
    attack_servers("early 401, 4 GB", &BOTH, |_, target| attacks::early_answer(target));
}

#[test]
fn pipelining_without_end() {
    attack_servers("pipelining without end", &BOTH, |_, target| {
        attacks::pipelining(target, || {});
    });
}

#[test]
fn a_clip_that_is_cut_short_while_it_is_sent_never_looks_whole() {
    attack_servers("a reader that fails midway", &BOTH, |server, _| {
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
        // As long as before, for the next time.
        file.set_len(whole).unwrap();
    });
}

#[test]
fn videos_that_lie_about_their_length() {
    attack_servers("videos that lie", &BOTH, |server, _| authenticated::videos_that_lie(server));
}

#[test]
fn a_write_that_outlives_its_lease() {
    attack_servers("a write that outlives its lease", &BOTH, |server, _| {
        authenticated::a_write_that_outlives_its_lease(server)
    });
}

#[test]
fn completions_by_the_hundreds() {
    attack_servers("completions x220", &BOTH, |server, _| authenticated::completions_by_the_hundreds(server, 220));
}

#[test]
fn uploads_at_the_quota() {
    attack_servers_with("uploads at the quota x40", None, &["--max-demos-mib", "1"], &BOTH, |server, _| {
        authenticated::uploads_at_the_quota(server, 40, 600 << 10);
    });
}

#[test]
fn trickling_uploads_of_one_account() {
    attack_servers("trickling uploads x70", &BOTH, |server, _| authenticated::trickling_uploads(server, 70));
}

#[test]
fn waiting_claims_of_one_node() {
    attack_servers("claims of one node x120", &BOTH, |server, _| authenticated::claims_of_one_node(server, 120));
}

#[test]
fn demos_that_explode_when_they_are_read() {
    attack_servers("demos that explode", &BOTH, |server, _| authenticated::demos_that_explode(server));
}
