//! A clock that was wrong when certificates were created, and is corrected while the server runs.

use std::fs;
use std::time::Duration;

use dinkem_appliance::app::tls::names::Names;
use dinkem_appliance::app::tls::{Certificates, Source, Watch};
use dinkem_appliance::app::upkeep::doctor::{self, Examination};
use dinkem_appliance::os::certificates::{self, Facts, Validity};
use dinkem_appliance::os::random::FakeRandom;

use crate::support::test_app::{START_MS, TestApp};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const TWO_YEARS: Duration = Duration::from_secs(2 * 365 * 24 * 3_600);

fn names() -> Names {
    Names::of(Some("box"), &[], None)
}

fn own(test: &TestApp) -> Certificates {
    Certificates::open(&test.app, &Source::Own, &names(), None).unwrap()
}

fn valid_from(certificates: &Certificates) -> u64 {
    Facts::read(&certificates.pair().certificate).unwrap().valid.from
}

fn doctor(test: &TestApp) -> Vec<&'static str> {
    let examination = Examination {
        data_dir: test.dir.path().to_owned(),
        host: None,
        certificate: None,
        clock: test.clock.clone(),
        random: test.random.clone(),
        storage: None,
        replica_socket: None,
        fix: false,
    };
    doctor::examine(&examination).unwrap().iter().map(|fault| fault.code).filter(|code| *code != "clock").collect()
}

/// One pass of the server: renew, then check.
fn pass(test: &TestApp, certificates: &mut Certificates, watch: &mut Watch) -> Vec<String> {
    certificates.refresh(&test.app, &names()).unwrap();
    watch.look(&test.app, certificates)
}

#[test]
fn certificate_issued_with_a_fast_clock_is_reissued_once_the_clock_is_corrected() {
    let test = TestApp::start();
    drop(own(&test));
    test.clock.advance(TWO_YEARS);
    let (mut certificates, mut watch) = (own(&test), Watch::default());
    assert_eq!(pass(&test, &mut certificates, &mut watch), Vec::<String>::new());
    assert!(valid_from(&certificates) > START_MS as u64 / 1_000 + 86_400);

    test.clock.set(START_MS);
    assert_eq!(doctor(&test), ["certificate_not_yet_valid"], "until the server's next pass");
    let warnings = pass(&test, &mut certificates, &mut watch);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("jumped back"), "{warnings:?}");
    assert!(valid_from(&certificates) <= START_MS as u64 / 1_000);
    assert_eq!(doctor(&test), Vec::<&str>::new());
}

#[test]
fn ca_created_with_a_fast_clock_is_reported_at_once_and_then_hourly() {
    let test = TestApp::start();
    test.clock.advance(TWO_YEARS);
    let (mut certificates, mut watch) = (own(&test), Watch::default());
    assert_eq!(pass(&test, &mut certificates, &mut watch), Vec::<String>::new());
    assert_eq!(doctor(&test), Vec::<&str>::new());

    test.clock.set(START_MS);
    let warnings = pass(&test, &mut certificates, &mut watch).join("\n");
    assert!(warnings.contains("jumped back") && warnings.contains("not valid before 2028-"), "{warnings}");
    assert!(warnings.contains("restart the server"), "{warnings}");
    assert_eq!(doctor(&test), ["certificate_not_yet_valid"]);
    let mut hours = 0;
    for _ in 0..150 {
        test.clock.advance(Duration::from_secs(60));
        hours += pass(&test, &mut certificates, &mut watch).len();
    }
    assert_eq!(hours, 2);
    // The suggested restart.
    let (mut certificates, mut watch) = (own(&test), Watch::default());
    assert_eq!(pass(&test, &mut certificates, &mut watch), Vec::<String>::new());
    assert_eq!(doctor(&test), Vec::<&str>::new());
}

#[test]
fn custom_certificate_validity_is_checked_regularly() {
    let test = TestApp::start();
    let now = START_MS as u64 / 1_000;
    let valid = Validity { from: now + 3_600, until: now + 2 * 86_400 };
    let random = FakeRandom::default();
    let authority = certificates::authority("studio", &["lan"], &[], valid, &random).unwrap();
    let pair = certificates::server(&["clips.lan"], &[], valid, ("studio", &authority.key), &random).unwrap();
    let [certificate, key] = ["cert.pem", "cert.key"].map(|name| test.dir.path().join(name));
    fs::write(&certificate, &pair.certificate).unwrap();
    fs::write(&key, &pair.key).unwrap();
    let mut certificates = Certificates::open(&test.app, &Source::Files { certificate, key }, &names(), None).unwrap();
    assert_eq!(certificates.validity(), Some(valid));
    let mut watch = Watch::default();
    let mut warnings_after = |after: Duration| {
        test.clock.advance(after);
        pass(&test, &mut certificates, &mut watch).join("\n")
    };
    assert!(warnings_after(Duration::ZERO).contains("not valid before"));
    assert_eq!(warnings_after(Duration::from_secs(5)), "");
    assert_eq!(warnings_after(Duration::from_secs(3_600)), "The server's certificate is valid again.");
    assert!(warnings_after(DAY * 2).contains("expired at"));
}
