//! What broke the stock server, played on the real binary, plain and over TLS: bounded, on loopback, with a healthy
//! client beside it. The attacks themselves are the transport's own (`crates/transport/tests/hostile`). A test binary of
//! its own, since cargo runs one after the other: here nothing else of the suite takes the processors.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, missing_docs, reason = "tests")]
#![allow(dead_code, reason = "only a part of the support is used here")]

mod demo_bombs;
mod forged_video;
mod fortress;
mod honest_node;
#[path = "../../crates/transport/tests/hostile/mod.rs"]
mod hostile;
mod known;
#[path = "../it/support/mod.rs"]
mod support;

use fortress::{Fortress, Scheme};
use hostile::bystander::{Bystander, unharmed_beside};
use hostile::client::Wire;
use hostile::target::Target;
use hostile::{alone, attacks, descriptors, smuggling};

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
fn beset(what: &str, schemes: &[Scheme], attack: impl Fn(&Fortress, &Target)) {
    beset_within(what, None, &[], schemes, attack);
}

/// The same on a server that may open so many files and has these flags besides.
fn beset_within(
    what: &str,
    files: Option<u32>,
    flags: &[&str],
    schemes: &[Scheme],
    attack: impl Fn(&Fortress, &Target),
) {
    let _alone = alone();
    descriptors(12_000);
    for scheme in schemes {
        let mut fortress = Fortress::start(*scheme, files, &[&FLAGS, flags].concat());
        let target = fortress.target.clone();
        // Without descriptors nobody can open a connection: there only the client is asked, as before.
        let bystanders = || match files {
            Some(_) => vec![Bystander::of(&target)],
            None => vec![Bystander::of(&target), honest_node::at_work(&fortress)],
        };
        unharmed_beside(&format!("{what}, {scheme:?}"), &target, bystanders, || attack(&fortress, &target));
        let (memory, peak) = fortress.memory_mib();
        eprintln!("{what}, {scheme:?}: memory {memory} MiB, at most {peak}");
        assert!(peak < MEMORY_MIB, "{what}, {scheme:?}: {peak} MiB");
        target.is_serving();
        fortress.appliance.server().signal("TERM");
        let (status, log) = fortress.appliance.server().ended();
        assert!(status.success(), "{what}, {scheme:?}: {status}: {}", log.last().unwrap());
    }
}

#[test]
fn slow_heads_by_the_hundreds() {
    beset("slow heads x640", &BOTH, |_, target| attacks::slow_heads(target, 640));
}

#[test]
fn slow_bodies_by_the_hundreds() {
    beset("slow bodies x640", &BOTH, |_, target| attacks::slow_bodies(target, 640));
}

#[test]
fn stalled_downloads_by_the_hundreds() {
    beset("stalled downloads x320", &BOTH, |fortress, _| {
        attacks::stalled_downloads(&fortress.with_clip(), 320);
    });
}

#[test]
fn idle_connections_by_the_thousands() {
    beset("idle connections x5000", &BOTH, |_, target| attacks::idle_connections(target, 5_000));
}

#[test]
fn half_handshakes_by_the_hundreds() {
    beset("half handshakes x640", &[Scheme::Https], |_, target| attacks::half_handshakes(target, 640));
}

#[test]
fn http_2_that_is_not_spoken() {
    beset("h2c x500", &BOTH, |_, target| attacks::http_2(target, 500));
}

#[test]
fn more_connections_than_descriptors() {
    beset_within("out of descriptors", Some(400), &[], &BOTH, |_, target| attacks::out_of_descriptors(target, 1_000));
}

#[test]
fn heads_without_end() {
    beset("heads without end", &BOTH, |_, target| attacks::heads_without_end(target));
}

#[test]
fn length_bombs() {
    beset("length bombs", &BOTH, |_, target| attacks::length_bombs(target));
}

#[test]
fn requests_that_can_be_read_two_ways() {
    beset("smuggling", &BOTH, |_, target| smuggling::ambiguous_requests(target));
}

#[test]
fn an_early_answer_is_read_by_a_client_that_sends_on() {
    beset("early 401, 4 GB", &BOTH, |_, target| attacks::early_answer(target));
}

#[test]
fn pipelining_without_end() {
    beset("pipelining without end", &BOTH, |_, target| {
        attacks::pipelining(target, || {});
    });
}

#[test]
fn a_clip_that_is_cut_short_while_it_is_sent_never_looks_whole() {
    beset("a reader that fails midway", &BOTH, |fortress, _| {
        let target = fortress.with_clip();
        let clips = fortress.appliance.data_dir().join("clips");
        let videos = fortress.appliance.videos().into_iter().map(|name| clips.join(name));
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
    beset("videos that lie", &BOTH, |fortress, _| known::videos_that_lie(fortress));
}

#[test]
fn a_write_that_outlives_its_lease() {
    beset("a write that outlives its lease", &BOTH, |fortress, _| known::a_write_that_outlives_its_lease(fortress));
}

#[test]
fn completions_by_the_hundreds() {
    beset("completions x220", &BOTH, |fortress, _| known::completions_by_the_hundreds(fortress, 220));
}

#[test]
fn uploads_at_the_quota() {
    beset_within("uploads at the quota x40", None, &["--max-demos-mib", "1"], &BOTH, |fortress, _| {
        known::uploads_at_the_quota(fortress, 40, 600 << 10);
    });
}

#[test]
fn trickling_uploads_of_one_account() {
    beset("trickling uploads x70", &BOTH, |fortress, _| known::trickling_uploads(fortress, 70));
}

#[test]
fn waiting_claims_of_one_node() {
    beset("claims of one node x120", &BOTH, |fortress, _| known::claims_of_one_node(fortress, 120));
}

#[test]
fn demos_that_explode_when_they_are_read() {
    beset("demos that explode", &BOTH, |fortress, _| known::demos_that_explode(fortress));
}
