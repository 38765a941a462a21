//! The appliance's own CA: the names it can sign for, renewal, and recovery of damaged files. Verified with OpenSSL.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::App;
use dinkem_appliance::app::tls::names::Names;
use dinkem_appliance::app::tls::{Change, Own};
use dinkem_appliance::os::certificates::{self, Facts, Validity};
use dinkem_appliance::os::clock::FakeClock;
use dinkem_appliance::os::random::FakeRandom;

use crate::support::test_app::{START_MS, TestApp};
use crate::support::tools::have;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The names of a machine called "box" with these addresses besides loopback.
fn names(addresses: &[&str]) -> Names {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Names::of(Some("box"), &addresses, None)
}

fn open(test: &TestApp, names: &Names) -> (Own, Change) {
    Own::open(&test.app, names, None).unwrap()
}

/// OpenSSL's strict verification of the server's certificate for a name or address, at the fake time.
fn verdict(test: &TestApp, own: &Own, name: &str) -> String {
    verdict_of(test.dir.path(), &own.authority_pem(), &own.pair().certificate, test.now_ms(), name)
}

fn verdict_of(scratch: &Path, authority: &str, certificate: &[u8], now_ms: i64, name: &str) -> String {
    let (ca, leaf) = (scratch.join("ca.pem"), scratch.join("leaf.pem"));
    fs::write(&ca, authority).unwrap();
    fs::write(&leaf, certificate).unwrap();
    let flag = if name.parse::<IpAddr>().is_ok() { "-verify_ip" } else { "-verify_hostname" };
    let output = Command::new("openssl")
        .args(["verify", "-x509_strict", "-purpose", "sslserver", "-check_ss_sig", flag, name])
        .args(["-attime", &(now_ms / 1_000).to_string(), "-CAfile"])
        .args([&ca, &leaf])
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    if output.status.success() { "good".into() } else { String::from_utf8(text).unwrap() }
}

#[test]
fn certificate_is_valid_only_for_the_machines_names() {
    if !have("openssl", "checking certificates") {
        return;
    }
    let test = TestApp::start();
    let (own, change) = open(&test, &names(&["10.0.0.5", "2001:db8::7", "198.51.100.7"]));
    assert_eq!(change, Change::Authority);
    for name in ["box", "box.local", "localhost", "127.0.0.1", "::1", "10.0.0.5", "2001:db8::7", "198.51.100.7"] {
        assert_eq!(verdict(&test, &own, name), "good", "{name}");
    }
    for name in ["xbox", "example.com", "10.0.0.6", "127.0.0.2"] {
        assert!(verdict(&test, &own, name).contains("mismatch"), "{name}");
    }
}

#[test]
fn stolen_ca_key_cannot_sign_for_foreign_names() {
    if !have("openssl", "checking certificates") {
        return;
    }
    let test = TestApp::start();
    let (own, _) = open(&test, &names(&["10.0.0.5"]));
    let name = Facts::read(own.authority_pem().as_bytes()).unwrap().name;
    let key = fs::read(test.dir.path().join("tls/authority.key")).unwrap();
    let signer = (name.as_str(), key.as_slice());
    let now = START_MS as u64 / 1_000;
    let valid = Validity { from: now, until: now + 1_000 };
    let random = FakeRandom::default();
    for (name, good) in [("box", true), ("10.9.9.9", true), ("example.com", false), ("8.8.8.8", false)] {
        let address: Vec<IpAddr> = name.parse().into_iter().collect();
        let dns = if address.is_empty() { vec![name] } else { vec![] };
        let leaf = certificates::server(&dns, &address, valid, signer, &random).unwrap();
        let verdict = verdict_of(test.dir.path(), &own.authority_pem(), &leaf.certificate, START_MS, name);
        assert_eq!(verdict == "good", good, "{name}: {verdict}");
        assert!(good || verdict.contains("permitted subtree violation"), "{name}: {verdict}");
    }
}

#[test]
fn certificate_is_renewed_60_days_before_expiry_and_the_ca_stays() {
    let test = TestApp::start();
    let names = names(&["10.0.0.5"]);
    let (mut own, _) = open(&test, &names);
    let authority = own.authority_pem();
    let first = own.pair().clone();
    test.clock.advance(DAY * (397 - 61));
    assert_eq!(own.refresh(&test.app, &names).unwrap(), Change::None);
    test.clock.advance(DAY);
    assert_eq!(own.refresh(&test.app, &names).unwrap(), Change::Server);
    assert!(*own.pair() != first && own.authority_pem() == authority);
    assert_eq!(own.refresh(&test.app, &names).unwrap(), Change::None);
    if have("openssl", "checking certificates") {
        assert_eq!(verdict(&test, &own, "10.0.0.5"), "good");
        test.clock.advance(DAY * 390);
        assert_eq!(verdict(&test, &own, "10.0.0.5"), "good");
        test.clock.advance(DAY * 8);
        assert!(verdict(&test, &own, "10.0.0.5").contains("expired"));
    }
    let renewed = own.pair().clone();
    let (own, change) = open(&test, &names);
    assert!(change == Change::Server && own.authority_pem() == authority && *own.pair() != renewed);
}

#[test]
fn ca_near_expiry_is_recreated_at_startup() {
    let test = TestApp::start();
    let names = names(&[]);
    let (own, _) = open(&test, &names);
    let authority = own.authority_pem();
    test.clock.advance(DAY * (3_650 - 397 - 61));
    assert_eq!(open(&test, &names).0.authority_pem(), authority);
    test.clock.advance(DAY);
    let (other, change) = open(&test, &names);
    assert!(change == Change::Authority && other.authority_pem() != authority);
}

#[test]
fn server_certificate_never_outlives_its_ca_over_ten_years() {
    let test = TestApp::start();
    let names = names(&[]);
    let (mut own, _) = open(&test, &names);
    test.clock.advance(DAY * (3_650 - 300));
    assert_eq!(own.refresh(&test.app, &names).unwrap(), Change::Server);
    test.clock.advance(DAY * 299);
    assert_eq!(own.refresh(&test.app, &names).unwrap(), Change::None, "it already ends with its CA");
    if have("openssl", "checking certificates") {
        assert_eq!(verdict(&test, &own, "box"), "good");
    }
    test.clock.advance(DAY * 2);
    let error = own.refresh(&test.app, &self::names(&["10.0.0.9"])).unwrap_err();
    assert!(error.message.contains("Restart the server"), "{error}");
}

#[test]
fn new_address_reissues_the_certificate_but_not_the_ca() {
    let test = TestApp::start();
    let (mut own, _) = open(&test, &names(&["10.0.0.5"]));
    let authority = own.authority_pem();
    let mut refresh = |addresses: &[&str]| own.refresh(&test.app, &names(addresses)).unwrap();
    assert_eq!(refresh(&["10.0.0.5", "192.168.7.7"]), Change::Server);
    assert_eq!(refresh(&["192.168.7.7"]), Change::None);
    assert_eq!(refresh(&[]), Change::None);
    assert_eq!(refresh(&["fd00::5"]), Change::Server);
    assert_eq!(refresh(&["203.0.113.9"]), Change::None, "the CA may not sign for it");
    assert_eq!(own.authority_pem(), authority);
    if have("openssl", "checking certificates") {
        assert_eq!(verdict(&test, &own, "fd00::5"), "good");
        assert!(verdict(&test, &own, "203.0.113.9").contains("mismatch"));
    }
}

#[test]
fn failed_certificate_write_is_retried() {
    let test = TestApp::start();
    let (mut own, _) = open(&test, &names(&[]));
    let (tls, aside) = (test.dir.path().join("tls"), test.dir.path().join("aside"));
    fs::rename(&tls, &aside).unwrap();
    let before = own.pair().clone();
    let error = own.refresh(&test.app, &names(&["10.0.0.5"])).unwrap_err();
    assert!(error.message.contains("tls") && *own.pair() == before, "{error}");
    fs::rename(&aside, &tls).unwrap();
    assert_eq!(own.refresh(&test.app, &names(&["10.0.0.5"])).unwrap(), Change::Server);
    assert_eq!(open(&test, &names(&["10.0.0.5"])).1, Change::None);
}

#[test]
fn new_host_name_keeps_the_ca_but_a_new_public_url_replaces_it() {
    let test = TestApp::start();
    let (own, _) = open(&test, &names(&[]));
    let authority = own.authority_pem();
    let renamed = Names::of(Some("other"), &[], None);
    let (own, change) = open(&test, &renamed);
    assert_eq!((own.authority_pem(), change), (authority.clone(), Change::None));
    let public = Names::of(Some("other"), &[], Some("clips.studio.lan"));
    let (own, change) = Own::open(&test.app, &public, Some("clips.studio.lan")).unwrap();
    assert!(change == Change::Authority && own.authority_pem() != authority);
    let (_, change) = Own::open(&test.app, &public, Some("clips.studio.lan")).unwrap();
    assert_eq!(change, Change::None);
    let shown = Own::show(test.dir.path()).unwrap().unwrap();
    assert_eq!(
        shown.server.unwrap().names,
        ["other", "other.local", "localhost", "clips.studio.lan", "127.0.0.1", "::1"]
    );
}

#[test]
fn incomplete_files_are_recreated_at_startup_and_an_intact_ca_is_kept() {
    let test = TestApp::start();
    let names = names(&["10.0.0.5"]);
    let tls = test.dir.path().join("tls");
    let (own, _) = open(&test, &names);
    let mut authority = own.authority_pem();
    for (file, change) in [
        ("server.pem", Change::Server),
        ("server.key", Change::Server),
        ("authority.pem", Change::Authority),
        ("authority.key", Change::Authority),
    ] {
        for what in ["gone", "empty", "another's"] {
            let path = tls.join(file);
            match what {
                "gone" => fs::remove_file(path).unwrap(),
                "empty" => fs::write(path, "").unwrap(),
                _ => fs::write(path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap(),
            }
            let (own, repaired) = open(&test, &names);
            assert_eq!(repaired, change, "{file} is {what}");
            assert_eq!(own.authority_pem() == authority, change == Change::Server, "{file} is {what}");
            authority = own.authority_pem();
            assert_eq!(open(&test, &names).1, Change::None, "{file} was {what} and is repaired");
            let pair = own.pair();
            assert!(tiny_http::Certificate::from_pem(&pair.certificate, &pair.key).is_ok(), "{file} was {what}");
        }
    }
}

/// Every file is whole, but they are of two generations: as if the server had crashed while it replaced them.
#[test]
fn crash_between_two_files_is_repaired_at_startup() {
    let names = names(&["10.0.0.5"]);
    let (old, new) = (TestApp::start(), TestApp::start());
    let old_authority = open(&old, &names).0.authority_pem();
    let new_authority = open(&new, &names).0.authority_pem();
    let files = ["authority.key", "authority.pem", "server.key", "server.pem"];
    let [old_tls, new_tls] = [&old, &new].map(|test| test.dir.path().join("tls"));
    for (written, change) in
        [(0, Change::None), (1, Change::Authority), (2, Change::Server), (3, Change::Server), (4, Change::None)]
    {
        let test = TestApp::start();
        let tls = test.dir.path().join("tls");
        fs::create_dir(&tls).unwrap();
        for (at, file) in files.iter().enumerate() {
            let from = if at < written { &new_tls } else { &old_tls };
            fs::copy(from.join(file), tls.join(file)).unwrap();
        }
        let (own, repaired) = open(&test, &names);
        assert_eq!(repaired, change, "{written} files");
        assert_eq!(own.authority_pem() == old_authority, written == 0, "{written} files");
        assert_eq!(own.authority_pem() == new_authority, written >= 2, "{written} files");
        assert_eq!(open(&test, &names).1, Change::None, "{written} files");
        assert_eq!(fs::read_dir(&tls).unwrap().count(), files.len(), "nothing else stays");
    }
}

#[test]
fn ca_created_with_a_fast_clock_is_replaced_at_the_next_start() {
    let test = TestApp::start();
    let names = names(&[]);
    test.clock.advance(DAY * 400);
    let (own, _) = open(&test, &names);
    // The clock is corrected.
    let right = App::beside(test.dir.path(), Arc::new(FakeClock::at(START_MS)), test.random.clone()).unwrap();
    let (repaired, change) = Own::open(&right, &names, None).unwrap();
    assert!(change == Change::Authority && repaired.authority_pem() != own.authority_pem());
    assert_eq!(Own::open(&right, &names, None).unwrap().1, Change::None);
}

#[cfg(unix)]
#[test]
fn key_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let test = TestApp::start();
    open(&test, &names(&[]));
    let mode = |path: &str| fs::metadata(test.dir.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("tls"), mode("tls/authority.key"), mode("tls/server.key")), (0o700, 0o600, 0o600));
}
