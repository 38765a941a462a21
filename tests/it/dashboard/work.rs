//! The pages about work: Overview, Jobs, Job, Nodes and Node; and Health.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::nodes::tokens;
use dinkem_appliance::app::upkeep::{backup, findings, promote};
use dinkem_appliance::app::{App, Settings, accounts, jobs, nodes};
use dinkem_appliance::domain::job::{JobStatus, Renderer};
use dinkem_appliance::domain::rates::FootageKind;
use dinkem_appliance::os::clock::FakeClock;
use dinkem_appliance::os::random::FakeRandom;
use dinkem_appliance::os::room::{DISK_RESERVE_BYTES, Room};
use uuid::Uuid;

use crate::support::appliance::Appliance;
use crate::support::dashboard::Dashboard;
use crate::support::operator;
use crate::support::worker::Worker;

const KIND: FootageKind = FootageKind { renderer: Renderer::Builtin, resolution: 1080, fps: 30 };

fn status(dashboard: &Dashboard, id: Uuid) -> JobStatus {
    jobs::operator::show(&dashboard.appliance.app, id).unwrap().info.job.status
}

#[test]
fn empty_appliance_says_what_to_do_next() {
    let dashboard = Dashboard::start();
    for (page, says) in [
        ("overview", ["No node has joined yet.", "No job was submitted yet"]),
        ("jobs", ["No job was submitted yet", "dinkem-appliance submit"]),
        ("nodes", ["No node has joined yet", "nodes.token"]),
    ] {
        let html = dashboard.html(page);
        assert!(says.iter().all(|part| html.contains(part)), "{page}: {html}");
    }
}

#[test]
fn overview_changes_within_a_second_and_at_once_after_a_change_of_the_operator() {
    let dashboard = Dashboard::start();
    let worker = Worker::new(&dashboard.appliance.app);
    accounts::create(&dashboard.appliance.app, &operator(), "Studio Ragnar", false).unwrap();
    let keys = dashboard.appliance.account("one");
    let html = dashboard.html("overview");
    assert!(html.contains("Studio Ragnar") && html.contains("No jobs are waiting."), "{html}");
    worker.submit(&worker.caller(&keys.metered), KIND);
    assert!(dashboard.html("overview").contains("No jobs are waiting."), "it is shared by all dashboards for a second");
    dashboard.appliance.clock.advance(Duration::from_secs(1));
    assert!(dashboard.html("overview").contains("Why 1 job waits"));
    dashboard.done("accounts.activate", &[("account", "Studio Ragnar")]);
    assert!(!dashboard.html("overview").contains("Studio Ragnar"), "it no longer needs the operator");
}

#[test]
fn job_is_followed_cancelled_and_retried() {
    let dashboard = Dashboard::start();
    let worker = Worker::new(&dashboard.appliance.app);
    let keys = dashboard.appliance.account("one");
    let caller = worker.caller(&keys.metered);
    let id = worker.submit(&caller, KIND);
    let (page, text) = (format!("jobs/{id}"), id.to_string());
    assert!(dashboard.html(&page).contains("1st in line"));
    let done = dashboard.done("jobs.cancel", &[("id", &text)]);
    assert_eq!((status(&dashboard, id), done["undo"]["action"].as_str()), (JobStatus::Cancelled, Some("jobs.retry")));
    dashboard.done("jobs.retry", &[("id", done["undo"]["fields"]["id"].as_str().unwrap())]);
    assert_eq!(status(&dashboard, id), JobStatus::Queued);
    let grant = worker.claim();
    assert!(dashboard.html(&page).contains("Rendering"));
    worker.complete(&grant);
    let html = dashboard.html(&page);
    assert!(html.contains("<video controls") && html.contains("clips.delete"), "{html}");
    assert_eq!(dashboard.act("jobs.retry", &[("id", &text)]).expect(409).json()["code"], "cannot_retry");
    assert_eq!(dashboard.act("jobs.cancel", &[("id", "x")]).status, 404);
}

#[test]
fn filters_and_pages_of_jobs_show_each_job_once() {
    let dashboard = Dashboard::start();
    let worker = Worker::new(&dashboard.appliance.app);
    let (one, two) = (dashboard.appliance.account("one"), dashboard.appliance.account("two"));
    let (one, two) = (worker.caller(&one.metered), worker.caller(&two.metered));
    let mut ids: Vec<_> = (0..120).map(|_| worker.submit(&one, KIND)).collect();
    let other = worker.submit(&two, KIND);
    ids.push(other);
    let (mut shown, mut page) = (Vec::new(), Some("jobs".to_owned()));
    while let Some(path) = page {
        let html = dashboard.html(&path);
        shown.extend(html.split("<tr data-key=\"").skip(1).map(|row| Uuid::try_parse(&row[..36]).unwrap()));
        let next = html.split_once("<p class=\"pager\"><a class=\"btn\" href=\"/operator/").map(|(_, rest)| rest);
        page = next.and_then(|rest| rest.split('"').next()).map(|path| path.replace("&amp;", "&"));
    }
    ids.reverse();
    assert_eq!(shown, ids);
    let found = |query: &str| dashboard.html(&format!("jobs?{query}")).contains(&other.to_string());
    for (query, expected) in [
        ("account=two", true),
        ("account=one&status=queued", false),
        ("status=unfinished", true),
        ("status=failed", false),
        ("player=76561198000000001&account=two", false),
        ("from=2000-01-01&account=two", true),
        ("to=2000-01-01", false),
    ] {
        assert_eq!(found(query), expected, "{query}");
    }
    let short = &other.simple().to_string()[24..];
    assert!(found(&format!("q={short}")), "the search finds it by its short id");
    for wrong in ["player=5", "from=yesterday", "code=bored"] {
        assert_eq!(dashboard.view(&format!("jobs?{wrong}")).status, 400, "{wrong}");
    }
}

#[test]
fn node_is_added_drained_resumed_and_removed() {
    let dashboard = Dashboard::start();
    let app = &dashboard.appliance.app;
    dashboard.appliance.node("render-<b>1");
    let shown = dashboard.done("nodes.token", &[]);
    assert!(shown["show"].as_str().unwrap().contains("| dinkem-appliance node --join -"), "{shown}");
    let id = nodes::list(app).unwrap()[0].node.public_id.to_string();
    let html = dashboard.html(&format!("nodes/{id}"));
    assert!(html.contains("Node render-&lt;b&gt;1") && !html.contains("<b>1"), "{html}");
    let done = dashboard.done("nodes.drain", &[("id", &id)]);
    assert_eq!(done["undo"]["action"], "nodes.resume");
    assert!(nodes::list(app).unwrap().iter().any(|info| info.node.draining));
    dashboard.done("nodes.resume", &[("id", &id)]);
    assert!(!nodes::list(app).unwrap().iter().any(|info| info.node.draining));
    let done = dashboard.done("nodes.remove", &[("id", &id)]);
    assert_eq!(done["go_to"], "/operator/nodes");
    assert_eq!(dashboard.view(&format!("nodes/{id}")).status, 404);
}

#[test]
fn join_token_for_a_farm_is_created_listed_and_revoked() {
    let dashboard = Dashboard::start();
    let fields = [("uses", "200"), ("for", "30d"), ("name_prefix", "slurm-<b>"), ("ephemeral", "yes")];
    let shown = dashboard.done("nodes.token", &fields);
    assert!(shown["show"].as_str().unwrap().contains("for 200 machines, within 30d"), "{shown}");
    let token = tokens::list(&dashboard.appliance.app).unwrap().remove(0);
    assert_eq!((token.uses, &*token.name_prefix, token.ephemeral), (200, "slurm-<b>", true));
    let html = dashboard.html("nodes");
    assert!(html.contains("0 of 200") && html.contains("slurm-&lt;b&gt;…"), "{html}");
    dashboard.done("nodes.revoke_token", &[("id", &token.id.to_string())]);
    assert!(!dashboard.html("nodes").contains("Join tokens"));
    for (field, text) in [("uses", "many"), ("uses", "100001"), ("for", "367d"), ("for", "long"), ("name_prefix", "\n")]
    {
        let refused = dashboard.act("nodes.token", &[(field, text)]);
        assert_eq!((refused.status, &refused.json()["field"]), (400, &field.into()), "{field} {text:?}");
    }
}

#[test]
fn health_shows_what_doctor_found_and_the_last_backup() {
    let dashboard = Dashboard::start();
    let app = &dashboard.appliance.app;
    let html = dashboard.html("health");
    assert!(html.contains("No backup was made yet"), "{html}");
    findings::look(app, &findings::Subject { host: None, certificate: None });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nightly.tar");
    let admin = App::beside(app.data_dir(), app.clock.clone(), app.random.clone()).unwrap();
    let made = backup::make(&admin, &file, false).unwrap();
    backup::note(&admin, &operator(), &file, &made).unwrap();
    let html = dashboard.html("health");
    assert!(html.contains("nightly.tar") && html.contains("Checked"), "{html}");
    dashboard.done("health.look_again", &[]);
}

#[test]
fn health_shows_the_time_whose_jobs_a_failover_may_have_lost() {
    let took_over = |data: &Path| {
        let (clock, random) = (Arc::new(FakeClock::at(1_795_000_000_000)), Arc::new(FakeRandom::default()));
        drop(App::serve(data, Settings::default(), clock.clone(), random.clone()).unwrap());
        clock.advance(Duration::from_secs(60));
        promote::promote(&App::beside(data, clock, random).unwrap(), &operator()).unwrap();
        Room::of(data, DISK_RESERVE_BYTES)
    };
    let dashboard = Dashboard::of(Appliance::start_with_disk(took_over));
    findings::look(&dashboard.appliance.app, &findings::Subject::default());
    let html = dashboard.html("health");
    assert!(html.contains("took the place of another") && html.contains("lost_in_failover"), "{html}");
    let dashboard = Dashboard::start();
    findings::look(&dashboard.appliance.app, &findings::Subject::default());
    assert!(!dashboard.html("health").contains("lost_in_failover"));
}
