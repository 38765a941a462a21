//! The life of a key, and the audit that tells of it.

use std::time::Duration;

use dinkem_appliance::app::accounts::{dinks, keys};
use dinkem_appliance::app::{accounts, audit, nodes};
use dinkem_appliance::domain::error::{Error, Kind};
use dinkem_appliance::domain::id::KeyId;
use dinkem_appliance::domain::key::{KeyClass, Secret};

use crate::support::office::Office;

const HOUR: Duration = Duration::from_secs(3_600);
const NO_OVERLAP: Duration = Duration::ZERO;

/// An active account with dinks: its metered and its reserved key.
fn account(office: &Office, name: &str) -> (Secret, Secret) {
    let (_, new) = accounts::create(&office.app, &crate::support::operator(), name, true).unwrap();
    accounts::activate(&office.app, &crate::support::operator(), Some(name)).unwrap();
    dinks::set(&office.app, &crate::support::operator(), name, 1).unwrap();
    (new.metered.unwrap(), new.reserved.unwrap())
}

fn code<T>(answer: Result<T, Error>) -> (Kind, &'static str) {
    answer.err().map(|error| (error.kind, error.code)).expect("it is refused")
}

/// The account's keys as class and whether each is live.
fn lives(office: &Office, name: &str) -> Vec<(KeyClass, bool)> {
    let now = office.now_ms();
    keys::list(&office.app, name).unwrap().iter().map(|key| (key.class, key.is_live(now))).collect()
}

#[test]
fn a_rotated_key_ends_at_once_and_only_the_one_of_its_class() {
    let office = Office::open();
    let (metered, reserved) = account(&office, "studio");
    let (_, new) =
        keys::rotate(&office.admin(), &crate::support::operator(), "studio", KeyClass::Metered, NO_OVERLAP).unwrap();
    let successor = new.metered.unwrap();
    assert!(new.reserved.is_none() && successor != metered);
    assert_eq!(code(office.call(&metered)), (Kind::Unauthorized, "invalid_key"));
    assert_eq!(office.call(&successor).unwrap().class, KeyClass::Metered);
    assert_eq!(office.call(&reserved).unwrap().class, KeyClass::Reserved);
}

#[test]
fn an_overlap_lets_both_keys_in_until_its_last_millisecond() {
    let office = Office::open();
    let (old, _) = account(&office, "studio");
    let (_, new) =
        keys::rotate(&office.app, &crate::support::operator(), "studio", KeyClass::Metered, 24 * HOUR).unwrap();
    let new = new.metered.unwrap();
    office.clock.advance(24 * HOUR - Duration::from_millis(1));
    assert!(office.call(&old).is_ok() && office.call(&new).is_ok());
    office.clock.advance(Duration::from_millis(1));
    assert_eq!(code(office.call(&old)), (Kind::Unauthorized, "invalid_key"));
    assert!(office.call(&new).is_ok());
}

#[test]
fn a_second_rotation_never_lengthens_the_life_of_an_older_key() {
    let office = Office::open();
    let (first, _) = account(&office, "studio");
    let rotate = |overlap| {
        keys::rotate(&office.app, &crate::support::operator(), "studio", KeyClass::Metered, overlap)
            .unwrap()
            .1
            .metered
            .unwrap()
    };
    let second = rotate(HOUR);
    let third = rotate(24 * HOUR);
    office.clock.advance(HOUR);
    assert!(office.call(&first).is_err() && office.call(&second).is_ok() && office.call(&third).is_ok());
    let fourth = rotate(NO_OVERLAP);
    for old in [&first, &second, &third] {
        assert!(office.call(old).is_err(), "without an overlap all older keys end");
    }
    assert!(office.call(&fourth).is_ok());
}

#[test]
fn a_key_in_its_overlap_is_revoked_at_once_and_one_that_has_ended_keeps_its_time() {
    let office = Office::open();
    let (old, _) = account(&office, "studio");
    keys::rotate(&office.app, &crate::support::operator(), "studio", KeyClass::Metered, 24 * HOUR).unwrap();
    let id = keys::identify(&office.app, old.reveal()).unwrap().1.id;
    let revoked = keys::revoke(&office.app, &crate::support::operator(), id).unwrap();
    assert_eq!(revoked.revoked_at_ms, Some(office.now_ms()));
    assert!(office.call(&old).is_err());
    office.clock.advance(HOUR);
    assert_eq!(
        keys::revoke(&office.app, &crate::support::operator(), id).unwrap().revoked_at_ms,
        revoked.revoked_at_ms
    );
    assert_eq!(
        code(keys::revoke(&office.app, &crate::support::operator(), KeyId(4_711))),
        (Kind::NotFound, "not_found")
    );
}

#[test]
fn there_is_something_to_rotate_only_where_a_key_of_the_class_lives() {
    let office = Office::open();
    accounts::create(&office.app, &crate::support::operator(), "studio", false).unwrap();
    let rotate = |class| keys::rotate(&office.app, &crate::support::operator(), "studio", class, HOUR);
    assert_eq!(code(rotate(KeyClass::Metered)), (Kind::Conflict, "no_live_key"));
    keys::mint(&office.app, &crate::support::operator(), "studio").unwrap();
    rotate(KeyClass::Metered).unwrap();
    assert_eq!(
        code(keys::mint(&office.app, &crate::support::operator(), "studio")),
        (Kind::Conflict, "keys_exist"),
        "both in overlap are live"
    );
    assert_eq!(
        lives(&office, "studio"),
        [(KeyClass::Reserved, true), (KeyClass::Metered, true), (KeyClass::Metered, true)]
    );
    assert_eq!(
        code(keys::rotate(&office.app, &crate::support::operator(), "nobody", KeyClass::Metered, HOUR)),
        (Kind::NotFound, "not_found")
    );
}

#[test]
fn a_found_key_is_recognised_live_or_not_in_either_case() {
    let office = Office::open();
    let (metered, _) = account(&office, "studio");
    account(&office, "another");
    let found = |text: &str| keys::identify(&office.app, text);
    for text in [metered.reveal().to_owned(), format!("  {}\r\n", metered.reveal().to_uppercase())] {
        let (account, key) = found(&text).unwrap();
        assert_eq!(
            (account.name.as_str(), key.class, key.is_live(office.now_ms())),
            ("studio", KeyClass::Metered, true)
        );
    }
    keys::rotate(&office.app, &crate::support::operator(), "studio", KeyClass::Metered, NO_OVERLAP).unwrap();
    assert!(!found(metered.reveal()).unwrap().1.is_live(office.now_ms()));
    assert_eq!(code(found("3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234")), (Kind::NotFound, "not_found"));
    for text in ["", "\n", "hello", "Bearer 3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234"] {
        let error = found(text).unwrap_err();
        assert_eq!((error.kind, error.message.contains("3f8c")), (Kind::Invalid, false), "{text:?}");
    }
}

#[test]
fn when_a_key_was_used_is_written_down_now_and_then_and_only_when_it_was_accepted() {
    let office = Office::open();
    let (metered, reserved) = account(&office, "studio");
    dinks::set(&office.app, &crate::support::operator(), "studio", 0).unwrap();
    let used = || {
        let of = |class| keys::list(&office.app, "studio").unwrap().into_iter().find(|key| key.class == class).unwrap();
        [of(KeyClass::Metered).used_at_ms, of(KeyClass::Reserved).used_at_ms]
    };
    office.call(&metered).unwrap();
    office.clock.advance(HOUR);
    office.call(&metered).unwrap();
    let last = office.now_ms();
    assert!(office.call(&reserved).is_err());
    assert_eq!(used(), [None, None], "no request waits for it");
    office.clock.advance(HOUR);
    keys::write_uses(&office.app).unwrap();
    assert_eq!(used(), [Some(last), None]);
    keys::write_uses(&office.app).unwrap();
    assert_eq!(used(), [Some(last), None]);
}

#[test]
fn every_change_is_in_the_audit_in_its_order_and_no_secret_is() {
    let office = Office::open();
    let admin = office.admin();
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
        "nothing is changed"
    );
    let token = nodes::token(&admin, &crate::support::operator()).unwrap();
    accounts::deactivate(&admin, &crate::support::operator(), "studio").unwrap();

    let entries = audit::list(&office.app, 100).unwrap();
    let told: Vec<_> = entries.iter().rev().map(|entry| (entry.action.as_str(), entry.subject.as_str())).collect();
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
    assert_eq!(told, expected);
    assert!(entries.iter().all(|entry| !entry.actor.is_empty() && entry.at_ms == office.now_ms()));
    let all = format!("{entries:?}");
    for secret in [new.metered, new.reserved, rotated.reserved, Some(token)] {
        assert!(!all.contains(secret.unwrap().reveal()));
    }
    assert_eq!(audit::list(&office.app, 2).unwrap(), entries[..2], "the latest first, as many as asked for");
}
