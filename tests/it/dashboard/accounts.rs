//! The pages Accounts and Account.

use std::time::Duration;

use dinkem_appliance::app::accounts::{self, dinks, keys};
use dinkem_appliance::app::webhooks;
use dinkem_appliance::app::{App, audit};
use dinkem_appliance::domain::account::AccountStatus;
use serde_json::Value;

use crate::support::client::Request;
use crate::support::dashboard::Dashboard;

/// An account's name that is markup in every place where it is not escaped.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&<b>";

fn app(dashboard: &Dashboard) -> &App {
    &dashboard.appliance.app
}

fn status(dashboard: &Dashboard, name: &str) -> AccountStatus {
    accounts::show(app(dashboard), name).unwrap().account.status
}

/// The words of an account's page behind `/operator/view/`.
fn page(dashboard: &Dashboard, name: &str) -> String {
    format!("accounts/{}", accounts::show(app(dashboard), name).unwrap().account.public_id)
}

/// Whether a key is accepted.
fn is_accepted(dashboard: &Dashboard, key: &str) -> bool {
    dashboard.appliance.send(&Request::get("/api/account").key(key)).status == 200
}

/// The key that a dialog shows after this id.
fn shown(done: &Value, id: &str) -> String {
    let html = done["show"].as_str().unwrap();
    let (_, rest) = html.split_once(&format!("id=\"{id}\">")).unwrap_or_else(|| panic!("{id}: {html}"));
    rest.split('<').next().unwrap().to_owned()
}

fn last_action(dashboard: &Dashboard) -> String {
    audit::list(app(dashboard), 1).unwrap().remove(0).action
}

#[test]
fn read_only_key_sees_the_pages_without_buttons_and_may_change_nothing() {
    let mut dashboard = Dashboard::start();
    dashboard.appliance.inactive_account("studio");
    assert!(dashboard.html("accounts").contains("data-action=\"accounts.activate\""));
    dashboard.sign_in(true);
    for page in ["accounts".to_owned(), page(&dashboard, "studio")] {
        let html = dashboard.html(&page);
        assert!(html.contains("studio") && !html.contains("data-action"), "{html}");
    }
    for action in ["accounts.activate", "accounts.deactivate", "accounts.rename", "accounts.quota", "webhook.test"] {
        let refused = dashboard.act(action, &[("account", "studio"), ("name", "other")]).expect(403);
        assert_eq!(refused.json()["code"], "not_allowed", "{action}");
    }
    assert_eq!(status(&dashboard, "studio"), AccountStatus::Inactive);
}

#[test]
fn new_account_shows_its_keys_once_and_waits_to_be_activated() {
    let dashboard = Dashboard::start();
    assert!(dashboard.html("accounts").contains("There is no account yet"));
    let refused = dashboard.act("accounts.create", &[("name", "studio")]).expect(400);
    assert_eq!(refused.json()["field"], "code");
    dashboard.act("accounts.create", &[("name", "studio"), ("code", "0123456789abcdef")]).expect(403);
    assert!(accounts::list(app(&dashboard)).unwrap().is_empty());

    let done = dashboard.done_with_code("accounts.create", &[("name", "studio")]);
    let (metered, reserved) = (shown(&done, "new-metered-key"), shown(&done, "new-reserved-key"));
    let path = format!("/operator/{}", page(&dashboard, "studio"));
    assert_eq!(done["go_to"], path.as_str());
    let html = dashboard.html("accounts") + &dashboard.html(&page(&dashboard, "studio"));
    assert!(html.contains("Waiting to be activated") && !html.contains(&metered) && !html.contains(&reserved));

    assert!(!is_accepted(&dashboard, &metered));
    let done = dashboard.done("accounts.activate", &[("account", "studio")]);
    assert!(is_accepted(&dashboard, &metered));
    assert_eq!(done["undo"]["action"], "accounts.deactivate");
    assert!(!dashboard.html("accounts").contains("Waiting to be activated"));
    dashboard.done("accounts.deactivate", &[("account", "studio")]);
    assert_eq!(status(&dashboard, "studio"), AccountStatus::Deactivated);

    dashboard.done("accounts.create_without_keys", &[("name", "bare")]);
    assert!(keys::list(app(&dashboard), "bare").unwrap().is_empty());
    assert!(dashboard.html(&page(&dashboard, "bare")).contains("It has no keys"));
    let taken = dashboard.act("accounts.create_without_keys", &[("name", "bare")]).expect(409);
    assert_eq!(taken.json()["code"], "name_taken");
}

#[test]
fn renamed_account_keeps_its_page_and_keys() {
    let dashboard = Dashboard::start();
    let keys = dashboard.appliance.account("studio");
    dashboard.appliance.account("other");
    let page = page(&dashboard, "studio");
    let taken = dashboard.act("accounts.rename", &[("account", "studio"), ("name", "other")]).expect(409);
    assert_eq!(taken.json()["code"], "name_taken");
    dashboard.act("accounts.rename", &[("account", "studio"), ("name", "-x")]).expect(400);
    let done = dashboard.done("accounts.rename", &[("account", "studio"), ("name", "north studio")]);
    assert_eq!(last_action(&dashboard), "account.rename");
    assert!(dashboard.html(&page).contains("Account north studio"));
    assert!(is_accepted(&dashboard, &keys.metered));
    let undo = &done["undo"]["fields"];
    let back = |name: &str| undo[name].as_str().unwrap();
    dashboard.done("accounts.rename", &[("account", back("account")), ("name", back("name"))]);
    assert!(dashboard.html(&page).contains("Account studio"));
}

#[test]
fn names_from_outside_are_escaped_on_every_page() {
    let dashboard = Dashboard::start();
    dashboard.appliance.inactive_account(HOSTILE);
    let own = page(&dashboard, HOSTILE);
    dashboard.done_with_code("dinks.set", &[("account", HOSTILE), ("dinks", "2")]);
    let statement = "usage/statement?account=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%22%27%26%3Cb%3E";
    for page in ["accounts", &own, "usage", statement, "accounts?name=%22%3E%3Cimg%20src%3Dx"] {
        let html = dashboard.html(page);
        assert!(!html.contains("<img") && !html.contains("\"'&<b>"), "{page}: {html}");
    }
    assert!(dashboard.html(&own).contains("&lt;img src=x"));
    dashboard.done("accounts.activate", &[("account", HOSTILE)]);
    let done =
        dashboard.done_with_code("keys.rotate", &[("account", HOSTILE), ("class", "metered"), ("overlap", "0s")]);
    assert!(!done["show"].as_str().unwrap().contains("<img"));
    assert_eq!(status(&dashboard, HOSTILE), AccountStatus::Active);
}

#[test]
fn accounts_are_filtered_and_paged_by_name() {
    let dashboard = Dashboard::start();
    for number in 0..60 {
        let name = format!("studio {number:02}");
        accounts::create(app(&dashboard), &crate::support::operator(), &name, false).unwrap();
    }
    accounts::activate(app(&dashboard), &crate::support::operator(), Some("studio 07")).unwrap();
    let rows = |page: &str| {
        let html = dashboard.html(page);
        let table =
            html.split_once("<tbody>").map_or(String::new(), |(_, rest)| rest.split("</tbody>").next().unwrap().into());
        (table.matches("<tr").count(), html)
    };
    let (first, html) = rows("accounts");
    assert!(first == 50 && html.contains("/operator/accounts?after=studio+49"), "{html}");
    let (second, html) = rows("accounts?after=studio+49");
    assert!(second == 10 && html.contains("studio 59") && !html.contains("More accounts"), "{html}");
    assert_eq!(rows("accounts?name=STUDIO%201").0, 10);
    let (active, html) = rows("accounts?status=active");
    assert!(active == 1 && html.contains("studio 07"), "{html}");
    assert!(rows("accounts?name=nobody").1.contains("No account matches these filters."));
    assert!(rows("accounts?status=inactive").1.contains("/operator/accounts?status=inactive&amp;after=studio+50"));
}

#[test]
fn keys_are_minted_rotated_with_an_overlap_and_revoked() {
    let dashboard = Dashboard::start();
    let old = dashboard.appliance.account("studio");
    let page = page(&dashboard, "studio");
    dashboard.act("keys.rotate", &[("account", "studio"), ("class", "metered"), ("overlap", "24h")]).expect(400);
    let done =
        dashboard.done_with_code("keys.rotate", &[("account", "studio"), ("class", "metered"), ("overlap", "24h")]);
    let new = shown(&done, "new-metered-key");
    assert!(is_accepted(&dashboard, &old.metered) && is_accepted(&dashboard, &new));
    assert!(dashboard.html(&page).contains("valid until"));
    dashboard.appliance.clock.advance(Duration::from_secs(24 * 3_600));
    assert!(!is_accepted(&dashboard, &old.metered) && is_accepted(&dashboard, &new));

    // The dashboard's own key has expired by now.
    let mut dashboard = dashboard;
    dashboard.sign_in(false);
    let live = keys::list(app(&dashboard), "studio").unwrap();
    let live = live.iter().find(|key| key.class.as_str() == "metered" && key.revoked_at_ms.is_none()).unwrap();
    let id = live.id.to_string();
    dashboard.done("keys.revoke", &[("key", &id)]);
    assert!(!is_accepted(&dashboard, &new));
    let html = dashboard.html(&page);
    assert!(html.contains("revoked") && html.contains("data-opens=\"mint\""), "{html}");
    let done = dashboard.done_with_code("keys.mint", &[("account", "studio")]);
    assert!(is_accepted(&dashboard, &shown(&done, "new-metered-key")));
    for overlap in ["91d", "x", "-1h"] {
        let fields = [("account", "studio"), ("class", "metered"), ("overlap", overlap)];
        let code = dashboard.code();
        let refused = dashboard.act("keys.rotate", &[&fields[..], &[("code", &code)]].concat()).expect(400);
        assert_eq!(refused.json()["field"], "overlap", "{overlap}");
    }
}

#[test]
fn leaked_key_is_identified_and_never_echoed() {
    let dashboard = Dashboard::start();
    let keys = dashboard.appliance.account("studio");
    let answer = dashboard.act("keys.identify", &[("key", &keys.metered)]).expect(200);
    let done = answer.json();
    assert!(done["show"].as_str().unwrap().contains("It is a key of studio"), "{done}");
    assert_eq!(done["go_to"], format!("/operator/{}", page(&dashboard, "studio")).as_str());
    let unknown = "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234";
    let refused = dashboard.act("keys.identify", &[("key", unknown)]).expect(404);
    let malformed = dashboard.act("keys.identify", &[("key", "not a key")]).expect(400);
    for (answer, key) in [(&answer, keys.metered.as_str()), (&refused, unknown), (&malformed, "not a key")] {
        assert!(!answer.text().contains(key), "{}", answer.text());
    }
}

#[test]
fn dinks_are_set_with_a_fresh_code_and_undone() {
    let dashboard = Dashboard::start();
    dashboard.appliance.account("studio");
    let held = || accounts::show(app(&dashboard), "studio").unwrap().account.dinks;
    dashboard.act("dinks.set", &[("account", "studio"), ("dinks", "2")]).expect(400);
    let code = dashboard.code();
    dashboard.done("dinks.set", &[("account", "studio"), ("dinks", "2"), ("code", &code)]);
    dashboard.act("dinks.set", &[("account", "studio"), ("dinks", "3"), ("code", &code)]).expect(403);
    assert_eq!(held(), 2);
    let code = dashboard.code();
    let unlikely = [("account", "studio"), ("dinks", "200"), ("code", code.as_str())];
    assert_eq!(dashboard.act("dinks.set", &unlikely).expect(409).json()["code"], "not_confirmed");
    dashboard.done_with_code("dinks.set", &[("account", "studio"), ("dinks", "200"), ("yes", "yes")]);
    assert_eq!(held(), 200);
    dashboard.done_with_code("dinks.undo", &[("account", "studio")]);
    assert_eq!(held(), 2);
    let html = dashboard.html(&page(&dashboard, "studio"));
    assert!(html.contains("undone") && html.contains("More are sold than there are slots"), "{html}");
    assert_eq!(dinks::show(app(&dashboard)).unwrap().history.len(), 2);
}

#[test]
fn quota_of_demos_is_set_and_taken_back() {
    let dashboard = Dashboard::start();
    dashboard.appliance.account("studio");
    let page = page(&dashboard, "studio");
    assert!(dashboard.html(&page).contains("the server's limit"));
    let done = dashboard.done("accounts.quota", &[("account", "studio"), ("size", "100GB")]);
    assert!(dashboard.html(&page).contains("100.0 GB"), "{}", dashboard.html(&page));
    assert_eq!(done["undo"]["fields"]["size"], "");
    let done = dashboard.done("accounts.quota", &[("account", "studio")]);
    assert_eq!(done["undo"]["fields"]["size"], "100000000000b");
    assert!(dashboard.html(&page).contains("the server's limit"));
    for size in ["much", "1000TB", "5"] {
        dashboard.act("accounts.quota", &[("account", "studio"), ("size", size)]).expect(400).expect_bad_field("size");
    }
}

#[test]
fn webhook_is_set_tested_replayed_and_removed() {
    let dashboard = Dashboard::start();
    dashboard.appliance.account("studio");
    let page = page(&dashboard, "studio");
    let of = |fields: &[(&'static str, &'static str)]| [&[("account", "studio")], fields].concat();
    dashboard.act("webhook.set", &of(&[("url", "http://10.0.0.7/hook")])).expect(400);
    let done = dashboard.done_with_code("webhook.set", &of(&[("url", "http://10.0.0.7/hook")]));
    let secret = shown(&done, "webhook-secret");
    assert!(secret.starts_with("whsec_") && done["message"].as_str().unwrap().contains("private"), "{done}");
    let html = dashboard.html(&page);
    assert!(html.contains("http://10.0.0.7/hook") && !html.contains(&secret), "{html}");
    let done = dashboard.done_with_code("webhook.set", &of(&[("url", "http://10.0.0.8/hook")]));
    assert_eq!(done["show"], Value::Null, "the secret stays");
    let done = dashboard.done_with_code("webhook.set", &of(&[("url", "http://10.0.0.8/hook"), ("rotate", "yes")]));
    assert_ne!(shown(&done, "webhook-secret"), secret);

    dashboard.done("webhook.allow", &of(&[("host", "10.0.0.0/8")]));
    assert!(dashboard.html(&page).contains("10.0.0.0/8"));
    dashboard.done("webhook.disallow", &of(&[("host", "10.0.0.0/8")]));
    dashboard.act("webhook.allow", &of(&[("host", "http://x/")])).expect(400).expect_bad_field("host");
    assert!(dashboard.html(&page).contains("public hosts only"));

    dashboard.done("webhook.test", &of(&[]));
    let found = webhooks::operator::show(app(&dashboard), "studio", 5).unwrap();
    let id = found.deliveries[0].public_id.to_string();
    assert!(dashboard.html(&page).contains(&format!("delivery-{id}")));
    dashboard.done("webhook.replay", &[("delivery", &id)]);
    assert_eq!(last_action(&dashboard), "webhook.replay");
    dashboard.done("webhook.remove", &of(&[]));
    assert!(webhooks::operator::show(app(&dashboard), "studio", 5).unwrap().webhook.is_none());
    dashboard.act("webhook.test", &of(&[])).expect(404);
}

#[test]
fn page_of_an_unknown_account_says_so() {
    let dashboard = Dashboard::start();
    for id in ["3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234", "studio"] {
        let answer = dashboard.view(&format!("accounts/{id}")).expect(404);
        assert!(answer.text().contains("There is no"), "{}", answer.text());
    }
}

#[test]
fn stale_page_changes_its_own_account_even_after_names_were_swapped() {
    let dashboard = Dashboard::start();
    let app = app(&dashboard);
    for name in ["one", "two"] {
        dashboard.appliance.account(name);
    }
    // What the buttons of the page of "one" send.
    let id = accounts::show(app, "one").unwrap().account.public_id.to_string();
    assert!(dashboard.html(&page(&dashboard, "one")).contains(&format!("name=\"account\" value=\"{id}\"")));
    let operator = crate::support::operator();
    accounts::rename(app, &operator, "one", "former one").unwrap();
    accounts::rename(app, &operator, "two", "one").unwrap();
    dashboard.done("accounts.deactivate", &[("account", &id)]);
    assert_eq!(status(&dashboard, "former one"), AccountStatus::Deactivated);
    assert_eq!(status(&dashboard, "one"), AccountStatus::Active);
}

#[test]
fn code_of_a_refused_change_works_again_and_that_of_a_change_that_was_made_does_not() {
    let dashboard = Dashboard::start();
    let code = dashboard.code();
    let create = |name: &str| dashboard.act("accounts.create", &[("name", name), ("code", &code)]);
    create(" ").expect(400);
    create("studio").expect(200);
    assert_eq!(create("another").expect(403).json()["code"], "sign_in_refused");
    let late = dashboard.code();
    dashboard.act("accounts.create", &[("name", ""), ("code", &late)]).expect(400);
    dashboard.appliance.clock.advance(Duration::from_secs(120));
    dashboard.act("accounts.create", &[("name", "late"), ("code", &late)]).expect(403);
}
