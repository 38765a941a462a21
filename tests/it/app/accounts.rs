//! Accounts, keys, dinks and nodes as `admin` changes them and requests see them.

use std::time::Duration;

use dinkem_appliance::app::accounts::{auth, dinks, keys};
use dinkem_appliance::app::{accounts, nodes};
use dinkem_appliance::domain::account::AccountStatus;
use dinkem_appliance::domain::error::{Error, Kind};
use dinkem_appliance::domain::id::KeyId;
use dinkem_appliance::domain::join_token::JOIN_TOKEN_SECONDS;
use dinkem_appliance::domain::key::{KeyClass, Secret};
use dinkem_appliance::domain::node::{NODE_GONE_SECONDS, NodeState};

use crate::support::test_app::{BUILTIN, TestApp, bearer, spec};

const MALFORMED: &str = "Missing or invalid API key";
const REFUSED: &str = "Invalid API key";

#[track_caller]
fn assert_refused<T>(answer: Result<T, Error>, kind: Kind, code: &str) -> String {
    let error = answer.err().expect("it must be refused");
    assert_eq!((error.kind, error.code.as_str()), (kind, code), "{error}");
    error.message
}

#[test]
fn admin_change_applies_to_the_next_request() {
    let test = TestApp::start();
    let admin = test.admin();
    let (account, new) = accounts::create(&admin, &crate::support::operator(), "studio", true).unwrap();
    let (metered, reserved) = (new.metered.unwrap(), new.reserved.unwrap());
    assert_eq!((account.status, account.dinks), (AccountStatus::Inactive, 0));
    let refused = |key: &Secret| assert_refused(test.authenticate(key), Kind::Unauthorized, "invalid_key");

    assert_eq!(refused(&metered), REFUSED, "the account is not active yet");
    assert_eq!(accounts::activate(&admin, &crate::support::operator(), None).unwrap().name, "studio");
    let caller = test.authenticate(&metered).unwrap();
    assert_eq!((caller.account.name.as_str(), caller.class), ("studio", KeyClass::Metered));

    let message = assert_refused(test.authenticate(&reserved), Kind::Forbidden, "no_reserved_capacity");
    assert_eq!(message, "No reserved capacity provisioned");
    dinks::set(&admin, &crate::support::operator(), "studio", 2).unwrap();
    let caller = test.authenticate(&reserved).unwrap();
    assert_eq!((caller.account.dinks, caller.class), (2, KeyClass::Reserved));
    dinks::set(&admin, &crate::support::operator(), "studio", 0).unwrap();
    assert_refused(test.authenticate(&reserved), Kind::Forbidden, "no_reserved_capacity");

    accounts::deactivate(&admin, &crate::support::operator(), "studio").unwrap();
    assert_eq!(refused(&metered), REFUSED);
    assert_eq!(refused(&reserved), REFUSED, "an inactive account is reported before missing dinks");
    accounts::activate(&admin, &crate::support::operator(), Some("studio")).unwrap();
    keys::revoke(&admin, &crate::support::operator(), test.authenticate(&metered).unwrap().key).unwrap();
    assert_eq!(refused(&metered), REFUSED);
}

#[test]
fn exactly_one_well_formed_authorization_header_is_required() {
    let test = TestApp::start();
    let (_, new) = accounts::create(&test.app, &crate::support::operator(), "studio", true).unwrap();
    accounts::activate(&test.app, &crate::support::operator(), None).unwrap();
    let key = new.metered.unwrap();
    let (good, unknown) = (bearer(&key), bearer(&Secret::new("3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234")));
    let cases: [(&[&str], &str); 6] = [
        (&[], MALFORMED),
        (&["Bearer"], MALFORMED),
        (&["Basic c3R1ZGlv"], MALFORMED),
        (&[&good, &good], MALFORMED),
        (&[&unknown, &good], MALFORMED),
        (&[&unknown], REFUSED),
    ];
    for (headers, message) in cases {
        let error = auth::authenticate(&test.app, headers).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (Kind::Unauthorized, message), "{headers:?}");
    }
    assert!(auth::authenticate(&test.app, &[&good.to_uppercase()]).is_ok(), "either case");
}

#[test]
fn account_names_are_unique_and_activate_without_a_name_needs_exactly_one_inactive_account() {
    let test = TestApp::start();
    let app = &test.app;
    assert_refused(accounts::activate(app, &crate::support::operator(), None), Kind::NotFound, "nobody_waiting");
    accounts::create(app, &crate::support::operator(), "first", false).unwrap();
    assert_refused(accounts::create(app, &crate::support::operator(), "first", true), Kind::Conflict, "name_taken");
    assert_refused(accounts::create(app, &crate::support::operator(), " x", true), Kind::Invalid, "invalid_field");
    accounts::create(app, &crate::support::operator(), "second", false).unwrap();
    let several =
        assert_refused(accounts::activate(app, &crate::support::operator(), None), Kind::Conflict, "several_waiting");
    assert!(several.contains("first, second"), "{several}");
    accounts::activate(app, &crate::support::operator(), Some("first")).unwrap();
    assert_eq!(accounts::activate(app, &crate::support::operator(), None).unwrap().name, "second");
    assert_refused(accounts::activate(app, &crate::support::operator(), None), Kind::NotFound, "nobody_waiting");
    assert_refused(accounts::deactivate(app, &crate::support::operator(), "third"), Kind::NotFound, "not_found");
    accounts::deactivate(app, &crate::support::operator(), "first").unwrap();
    assert_refused(accounts::activate(app, &crate::support::operator(), None), Kind::NotFound, "nobody_waiting");
    let names: Vec<_> =
        accounts::list(app).unwrap().into_iter().map(|account| (account.name, account.status)).collect();
    assert_eq!(names, [("first".into(), AccountStatus::Deactivated), ("second".into(), AccountStatus::Active)]);
}

#[test]
fn mint_creates_only_missing_keys_and_revocation_is_final() {
    let test = TestApp::start();
    let app = &test.app;
    accounts::create(app, &crate::support::operator(), "studio", false).unwrap();
    let (_, both) = keys::mint(app, &crate::support::operator(), "studio").unwrap();
    assert!(both.metered.is_some() && both.reserved.is_some());
    let actual = assert_refused(keys::mint(app, &crate::support::operator(), "studio"), Kind::Conflict, "keys_exist");
    assert!(actual.contains("rotate"), "{actual}");

    let listed = keys::list(app, "studio").unwrap();
    let metered = listed.iter().find(|key| key.class == KeyClass::Metered).unwrap();
    let revoked = keys::revoke(app, &crate::support::operator(), metered.id).unwrap();
    assert_eq!(revoked.revoked_at_ms, Some(test.now_ms()));
    test.clock.advance(Duration::from_secs(5));
    assert_eq!(
        keys::revoke(app, &crate::support::operator(), metered.id).unwrap().revoked_at_ms,
        revoked.revoked_at_ms,
        "the first revocation time stays"
    );
    let (_, one) = keys::mint(app, &crate::support::operator(), "studio").unwrap();
    assert!(one.metered.is_some() && one.reserved.is_none());
    assert_ne!(one.metered, both.metered);
    assert_eq!(keys::list(app, "studio").unwrap().len(), 3);
    assert_refused(keys::revoke(app, &crate::support::operator(), KeyId(99)), Kind::NotFound, "not_found");
    assert_refused(keys::mint(app, &crate::support::operator(), "nobody"), Kind::NotFound, "not_found");
}

#[test]
fn dinks_show_lists_history_and_compares_sold_dinks_with_live_slots() {
    let test = TestApp::start();
    let app = &test.app;
    for name in ["a", "b"] {
        accounts::create(app, &crate::support::operator(), name, false).unwrap();
    }
    dinks::set(app, &crate::support::operator(), "a", 3).unwrap();
    test.clock.advance(Duration::from_secs(1));
    dinks::set(app, &crate::support::operator(), "b", 2).unwrap();
    dinks::set(app, &crate::support::operator(), "a", 1).unwrap();
    let node = test.node("n");
    test.claim(&node);
    let shown = dinks::show(app).unwrap();
    assert_eq!((shown.sold, shown.live_slots), (3, 1));
    let history: Vec<_> = shown.history.iter().map(|line| (line.account.as_str(), line.dinks)).collect();
    assert_eq!(history, [("a", 1), ("b", 2), ("a", 3)]);
    assert_eq!(shown.history[0].at_ms - shown.history[2].at_ms, 1_000);
}

#[test]
fn join_token_works_once_and_expires_after_an_hour() {
    let test = TestApp::start();
    let admin = test.admin();
    let token = nodes::token(&admin, &crate::support::operator()).unwrap();
    let joined = nodes::join(&test.app, &token, "render").unwrap();
    let node = auth::authenticate_node(&test.app, &[&bearer(&joined.key)]).unwrap();
    assert_eq!((node.id, node.name.as_str()), (joined.node.id, "render"));
    assert_refused(nodes::join(&test.app, &token, "render"), Kind::Forbidden, "join_token_refused");

    let late = nodes::token(&admin, &crate::support::operator()).unwrap();
    test.clock.advance(Duration::from_secs(JOIN_TOKEN_SECONDS));
    assert_refused(nodes::join(&test.app, &late, "render"), Kind::Forbidden, "join_token_refused");
    let good = nodes::token(&admin, &crate::support::operator()).unwrap();
    assert_refused(nodes::join(&test.app, &good, ""), Kind::Invalid, "invalid_field");
    assert_eq!(
        nodes::join(&test.app, &good, "render").unwrap().node.name,
        "render-2",
        "a bad name does not consume the token"
    );

    // A node's key does not work for an account, nor the other way round.
    assert_refused(test.authenticate(&joined.key), Kind::Unauthorized, "invalid_key");
    let (_, new) = accounts::create(&test.app, &crate::support::operator(), "studio", true).unwrap();
    let key = bearer(&new.metered.unwrap());
    assert_refused(auth::authenticate_node(&test.app, &[&key]), Kind::Unauthorized, "invalid_key");
}

#[test]
fn admin_in_another_process_sees_whether_a_node_is_up_or_gone() {
    let test = TestApp::start();
    let admin = test.admin();
    let joined = nodes::join(&test.app, &nodes::token(&admin, &crate::support::operator()).unwrap(), "render").unwrap();
    let states = || nodes::list(&admin).unwrap().iter().map(|info| info.state).collect::<Vec<_>>();
    let gone = Duration::from_secs(NODE_GONE_SECONDS);
    for _ in 0..3 {
        test.clock.advance(gone / 2);
        auth::authenticate_node(&test.app, &[&bearer(&joined.key)]).unwrap();
    }
    assert_eq!(states(), [NodeState::Up]);
    test.clock.advance(gone);
    assert_eq!(states(), [NodeState::Gone]);
    let (metered, _) = test.account("studio");
    let job = dinkem_appliance::app::jobs::submit(&test.app, &metered, spec()).unwrap();
    assert_eq!(job.waiting_because.as_deref(), Some("no render node is connected"));
    let node = auth::authenticate_node(&test.app, &[&bearer(&joined.key)]).unwrap();
    test.claim(&node).unwrap();
    let listed = nodes::list(&admin).unwrap().remove(0);
    assert_eq!((listed.state, listed.leases, listed.node.offer.slots), (NodeState::Up, 1, 1));
    assert_eq!(listed.node.offer.renderers, BUILTIN);
}
