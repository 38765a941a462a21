//! Rotation, revocation and identification of keys, and the audit log.

use std::time::Duration;

use dinkem_appliance::app::accounts::{dinks, keys};
use dinkem_appliance::app::{accounts, audit, nodes};
use dinkem_appliance::domain::error::{Error, Kind};
use dinkem_appliance::domain::id::KeyId;
use dinkem_appliance::domain::key::{KeyClass, Secret};

use crate::support::test_app::TestApp;

const HOUR: Duration = Duration::from_secs(3_600);
const NO_OVERLAP: Duration = Duration::ZERO;

/// An active account with a dink: its metered and its reserved key.
fn account(test: &TestApp, name: &str) -> (Secret, Secret) {
    let (_, new) = accounts::create(&test.app, &crate::support::operator(), name, true).unwrap();
    accounts::activate(&test.app, &crate::support::operator(), Some(name)).unwrap();
    dinks::set(&test.app, &crate::support::operator(), name, 1).unwrap();
    (new.metered.unwrap(), new.reserved.unwrap())
}

fn code<T>(answer: Result<T, Error>) -> (Kind, &'static str) {
    answer.err().map(|error| (error.kind, error.code.as_str())).expect("it must be refused")
}

/// Class of each of the account's keys and whether it is live.
fn key_states(test: &TestApp, name: &str) -> Vec<(KeyClass, bool)> {
    let now = test.now_ms();
    keys::list(&test.app, name).unwrap().iter().map(|key| (key.class, key.is_live(now))).collect()
}

#[test]
fn rotation_ends_only_the_key_of_its_class_at_once() {
    let test = TestApp::start();
    let (metered, reserved) = account(&test, "studio");
    let (_, new) =
        keys::rotate(&test.admin(), &crate::support::operator(), "studio", KeyClass::Metered, NO_OVERLAP).unwrap();
    let successor = new.metered.unwrap();
    assert!(new.reserved.is_none() && successor != metered);
    assert_eq!(code(test.authenticate(&metered)), (Kind::Unauthorized, "invalid_key"));
    assert_eq!(test.authenticate(&successor).unwrap().class, KeyClass::Metered);
    assert_eq!(test.authenticate(&reserved).unwrap().class, KeyClass::Reserved);
}

#[test]
fn both_keys_work_until_the_overlap_ends() {
    let test = TestApp::start();
    let (old, _) = account(&test, "studio");
    let (_, new) =
        keys::rotate(&test.app, &crate::support::operator(), "studio", KeyClass::Metered, 24 * HOUR).unwrap();
    let new = new.metered.unwrap();
    test.clock.advance(24 * HOUR - Duration::from_millis(1));
    assert!(test.authenticate(&old).is_ok() && test.authenticate(&new).is_ok());
    test.clock.advance(Duration::from_millis(1));
    assert_eq!(code(test.authenticate(&old)), (Kind::Unauthorized, "invalid_key"));
    assert!(test.authenticate(&new).is_ok());
}

#[test]
fn second_rotation_never_extends_an_older_key() {
    let test = TestApp::start();
    let (first, _) = account(&test, "studio");
    let rotate = |overlap| {
        keys::rotate(&test.app, &crate::support::operator(), "studio", KeyClass::Metered, overlap)
            .unwrap()
            .1
            .metered
            .unwrap()
    };
    let second = rotate(HOUR);
    let third = rotate(24 * HOUR);
    test.clock.advance(HOUR);
    assert!(
        test.authenticate(&first).is_err() && test.authenticate(&second).is_ok() && test.authenticate(&third).is_ok()
    );
    let fourth = rotate(NO_OVERLAP);
    for old in [&first, &second, &third] {
        assert!(test.authenticate(old).is_err(), "without an overlap all older keys end");
    }
    assert!(test.authenticate(&fourth).is_ok());
}

#[test]
fn key_in_overlap_can_be_revoked_and_the_first_revocation_time_stays() {
    let test = TestApp::start();
    let (old, _) = account(&test, "studio");
    keys::rotate(&test.app, &crate::support::operator(), "studio", KeyClass::Metered, 24 * HOUR).unwrap();
    let id = keys::identify(&test.app, old.reveal()).unwrap().1.id;
    let revoked = keys::revoke(&test.app, &crate::support::operator(), id).unwrap();
    assert_eq!(revoked.revoked_at_ms, Some(test.now_ms()));
    assert!(test.authenticate(&old).is_err());
    test.clock.advance(HOUR);
    assert_eq!(keys::revoke(&test.app, &crate::support::operator(), id).unwrap().revoked_at_ms, revoked.revoked_at_ms);
    assert_eq!(code(keys::revoke(&test.app, &crate::support::operator(), KeyId(4_711))), (Kind::NotFound, "not_found"));
}

#[test]
fn rotation_needs_a_live_key_of_the_class() {
    let test = TestApp::start();
    accounts::create(&test.app, &crate::support::operator(), "studio", false).unwrap();
    let rotate = |class| keys::rotate(&test.app, &crate::support::operator(), "studio", class, HOUR);
    assert_eq!(code(rotate(KeyClass::Metered)), (Kind::Conflict, "no_live_key"));
    keys::mint(&test.app, &crate::support::operator(), "studio").unwrap();
    rotate(KeyClass::Metered).unwrap();
    assert_eq!(
        code(keys::mint(&test.app, &crate::support::operator(), "studio")),
        (Kind::Conflict, "keys_exist"),
        "both keys are live during the overlap"
    );
    assert_eq!(
        key_states(&test, "studio"),
        [(KeyClass::Reserved, true), (KeyClass::Metered, true), (KeyClass::Metered, true)]
    );
    assert_eq!(
        code(keys::rotate(&test.app, &crate::support::operator(), "nobody", KeyClass::Metered, HOUR)),
        (Kind::NotFound, "not_found")
    );
}

#[test]
fn identify_recognises_live_and_ended_keys_in_any_letter_case() {
    let test = TestApp::start();
    let (metered, _) = account(&test, "studio");
    account(&test, "another");
    let found = |text: &str| keys::identify(&test.app, text);
    for text in [metered.reveal().to_owned(), format!("  {}\r\n", metered.reveal().to_uppercase())] {
        let (account, key) = found(&text).unwrap();
        assert_eq!((account.name.as_str(), key.class, key.is_live(test.now_ms())), ("studio", KeyClass::Metered, true));
    }
    keys::rotate(&test.app, &crate::support::operator(), "studio", KeyClass::Metered, NO_OVERLAP).unwrap();
    assert!(!found(metered.reveal()).unwrap().1.is_live(test.now_ms()));
    assert_eq!(code(found("3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234")), (Kind::NotFound, "not_found"));
    for text in ["", "\n", "hello", "Bearer 3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234"] {
        let error = found(text).unwrap_err();
        assert_eq!((error.kind, error.message.contains("3f8c")), (Kind::Invalid, false), "{text:?}");
    }
}

#[test]
fn last_use_is_saved_periodically_and_only_for_accepted_requests() {
    let test = TestApp::start();
    let (metered, reserved) = account(&test, "studio");
    dinks::set(&test.app, &crate::support::operator(), "studio", 0).unwrap();
    let used = || {
        let of = |class| keys::list(&test.app, "studio").unwrap().into_iter().find(|key| key.class == class).unwrap();
        [of(KeyClass::Metered).used_at_ms, of(KeyClass::Reserved).used_at_ms]
    };
    test.authenticate(&metered).unwrap();
    test.clock.advance(HOUR);
    test.authenticate(&metered).unwrap();
    let last = test.now_ms();
    assert!(test.authenticate(&reserved).is_err());
    assert_eq!(used(), [None, None], "requests do not wait for this write");
    test.clock.advance(HOUR);
    keys::write_uses(&test.app).unwrap();
    assert_eq!(used(), [Some(last), None]);
    keys::write_uses(&test.app).unwrap();
    assert_eq!(used(), [Some(last), None]);
}

#[test]
fn audit_log_lists_every_change_in_order_without_secrets() {
    let test = TestApp::start();
    let admin = test.admin();
    let (_, new) = accounts::create(&admin, &crate::support::operator(), "studio", true).unwrap();
    accounts::activate(&admin, &crate::support::operator(), None).unwrap();
    accounts::activate(&admin, &crate::support::operator(), Some("studio")).unwrap();
    dinks::set(&admin, &crate::support::operator(), "studio", 2).unwrap();
    let (_, rotated) = keys::rotate(&admin, &crate::support::operator(), "studio", KeyClass::Reserved, HOUR).unwrap();
    keys::revoke(&admin, &crate::support::operator(), KeyId(1)).unwrap();
    keys::revoke(&admin, &crate::support::operator(), KeyId(1)).unwrap();
    assert_eq!(
        code(keys::mint(&admin, &crate::support::operator(), "studio")),
        (Kind::Conflict, "keys_exist"),
        "a refused command is not logged"
    );
    let token = nodes::token(&admin, &crate::support::operator()).unwrap();
    accounts::deactivate(&admin, &crate::support::operator(), "studio").unwrap();

    let entries = audit::list(&test.app, 100).unwrap();
    let actual: Vec<_> = entries.iter().rev().map(|entry| (entry.action.as_str(), entry.subject.as_str())).collect();
    let fingerprint = dinkem_appliance::domain::key::KeyHash::of(&token).fingerprint();
    let expected = [
        ("account.create", "studio"),
        ("keys.mint", "studio"),
        ("keys.mint", "studio"),
        ("account.activate", "studio"),
        ("dinks.set", "studio"),
        ("keys.rotate", "studio"),
        ("keys.revoke", "studio"),
        ("nodes.token", &fingerprint),
        ("account.deactivate", "studio"),
    ];
    assert_eq!(actual, expected);
    assert!(entries.iter().all(|entry| !entry.actor.is_empty() && entry.at_ms == test.now_ms()));
    let all = format!("{entries:?}");
    for secret in [new.metered, new.reserved, rotated.reserved, Some(token)] {
        assert!(!all.contains(secret.unwrap().reveal()));
    }
    assert_eq!(audit::list(&test.app, 2).unwrap(), entries[..2], "newest first, up to the limit");
}
