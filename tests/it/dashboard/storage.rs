//! The page Storage.

use std::time::Duration;

use dinkem_appliance::app::upkeep::{retention, storage};
use dinkem_appliance::domain::job::Renderer;
use dinkem_appliance::domain::rates::FootageKind;
use dinkem_appliance::domain::retention::{DAY_MS, Kind, Limits};
use serde_json::Value;

use crate::support::dashboard::Dashboard;
use crate::support::worker::Worker;

const KIND: FootageKind = FootageKind { renderer: Renderer::Builtin, resolution: 1080, fps: 30 };

/// A dashboard whose account `one` has a clip of 10 days.
fn with_clip() -> Dashboard {
    let dashboard = Dashboard::start();
    let keys = dashboard.appliance.account("one");
    let worker = Worker::new(&dashboard.appliance.app);
    worker.complete_job(&worker.caller(&keys.metered), KIND);
    dashboard.appliance.clock.advance(Duration::from_secs(10 * 86_400));
    let mut dashboard = dashboard;
    dashboard.sign_in(false);
    dashboard
}

fn rule(dashboard: &Dashboard, account: Option<&str>) -> Option<Limits> {
    retention::limits(&dashboard.appliance.app, Kind::Clips, account).unwrap()
}

fn days(days: i64) -> Option<Limits> {
    Some(Limits { max_age_ms: Some(days * DAY_MS), max_bytes: None })
}

/// The hidden fields of a form that was shown.
fn hidden(done: &Value) -> Vec<(String, String)> {
    let show = done["show"].as_str().unwrap();
    let fields = show.split("<input type=\"hidden\" name=\"").skip(1);
    fields
        .map(|field| {
            let (name, rest) = field.split_once("\" value=\"").unwrap();
            (name.to_owned(), rest.split('"').next().unwrap().to_owned())
        })
        .collect()
}

fn confirm(dashboard: &Dashboard, action: &str, shown: &Value) -> Value {
    let fields = hidden(shown);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    dashboard.done(action, &fields)
}

fn undo(dashboard: &Dashboard, done: &Value) -> Value {
    let fields = done["undo"]["fields"].as_object().unwrap();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    dashboard.done(done["undo"]["action"].as_str().unwrap(), &fields)
}

/// What the page shows after a measurement.
fn measured(dashboard: &Dashboard) -> String {
    dashboard.html("storage");
    storage::measure(&dashboard.appliance.app);
    dashboard.html("storage")
}

#[test]
fn page_shows_files_by_kind_and_by_account_as_measured() {
    let dashboard = with_clip();
    let html = dashboard.html("storage");
    assert!(html.contains("are being measured") && html.contains("No rules"), "{html}");
    let html = measured(&dashboard);
    for text in
        ["Clips", "Posters", "Uploaded demos", "Archive of jobs", "Database", "Free", "as of ", "<svg class=\"disk\""]
    {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(html.contains("data-key=\"account-one\""), "{html}");
}

#[test]
fn measurement_is_kept_for_a_minute() {
    let dashboard = with_clip();
    measured(&dashboard);
    dashboard.html("storage");
    assert!(!storage::measure(&dashboard.appliance.app), "it is new");
    dashboard.appliance.clock.advance(storage::MEASURED);
    assert!(!storage::measure(&dashboard.appliance.app), "nobody looks");
    assert!(dashboard.html("storage").contains("1 min ago"), "the old one is shown meanwhile");
    assert!(storage::measure(&dashboard.appliance.app));
    assert!(dashboard.html("storage").contains("just now"));
}

#[test]
fn rule_is_set_in_two_steps_and_undone() {
    let dashboard = with_clip();
    let shown = dashboard.done("storage.preview", &[("kind", "clips"), ("max_age", "7"), ("max_bytes", "500GB")]);
    let show = shown["show"].as_str().unwrap();
    assert!(show.contains("This deletes 1 clip, ") && show.contains("at most 7 days and 500.0 GB"), "{show}");
    assert_eq!(rule(&dashboard, None), None, "the preview sets nothing");
    let done = confirm(&dashboard, "storage.set_rule", &shown);
    let set = Some(Limits { max_age_ms: Some(7 * DAY_MS), max_bytes: Some(500_000_000_000) });
    assert_eq!(rule(&dashboard, None), set);
    assert!(dashboard.html("storage").contains("being counted"));
    assert!(measured(&dashboard).contains("1 clip, "));
    undo(&dashboard, &done);
    assert_eq!(rule(&dashboard, None), None);
}

#[test]
fn account_may_keep_everything_and_is_asked_about_before_that_ends() {
    let dashboard = with_clip();
    confirm(
        &dashboard,
        "storage.set_rule",
        &dashboard.done("storage.preview", &[("kind", "clips"), ("max_age", "7d")]),
    );
    let own = [("kind", "clips"), ("account", "one")];
    let shown = dashboard.done("storage.preview", &[own[0], own[1], ("keep", "1")]);
    assert!(shown["show"].as_str().unwrap().contains("Nothing goes now."));
    confirm(&dashboard, "storage.set_rule", &shown);
    assert_eq!(rule(&dashboard, Some("one")), Some(Limits::default()));

    let asked = dashboard.done("storage.remove_rule", &own);
    let show = asked["show"].as_str().unwrap();
    assert!(show.contains("Remove the rule?") && show.contains("This deletes 1 clip, "), "{show}");
    assert_eq!(rule(&dashboard, Some("one")), Some(Limits::default()));
    let done = confirm(&dashboard, "storage.remove_rule", &asked);
    assert_eq!(rule(&dashboard, Some("one")), None);
    undo(&dashboard, &done);
    assert_eq!(rule(&dashboard, Some("one")), Some(Limits::default()));

    let done = dashboard.done("storage.remove_rule", &[("kind", "clips")]);
    assert_eq!(rule(&dashboard, None), None, "removed at once: nothing is lost");
    undo(&dashboard, &done);
    assert_eq!(rule(&dashboard, None), days(7));
}

#[test]
fn wrong_limits_name_their_field() {
    let dashboard = with_clip();
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("kind", "clips")], "max_age"),
        (&[("kind", "clips"), ("max_age", "3m")], "max_age"),
        (&[("kind", "clips"), ("max_bytes", "500 apples")], "max_bytes"),
        (&[("kind", "clips"), ("max_age", "3"), ("keep", "1")], "keep"),
        (&[("kind", "jobs"), ("max_age", "2h")], "max_age"),
        (&[("kind", "posters"), ("max_age", "3")], "kind"),
    ];
    for (fields, field) in cases {
        dashboard.act("storage.preview", fields).expect(400).expect_bad_field(field);
    }
    assert_eq!(dashboard.act("storage.preview", &[("kind", "clips"), ("account", "x"), ("keep", "1")]).status, 404);
}

#[test]
fn read_only_key_sees_rules_and_changes_none() {
    let mut dashboard = with_clip();
    dashboard.done("storage.set_rule", &[("kind", "clips"), ("max_age_ms", "86400000")]);
    dashboard.sign_in(true);
    assert!(!dashboard.html("storage").contains("data-action"));
    for action in ["storage.preview", "storage.set_rule", "storage.remove_rule"] {
        assert_eq!(dashboard.act(action, &[("kind", "clips")]).status, 403);
    }
    assert_eq!(rule(&dashboard, None), days(1));
}
