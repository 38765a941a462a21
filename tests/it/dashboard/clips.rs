//! The page Clips and demos.

use std::collections::BTreeSet;

use dinkem_appliance::app::upkeep::storage;
use dinkem_appliance::app::{audit, demos, jobs};
use dinkem_appliance::domain::job::{Caller, JobSpec, Renderer};
use dinkem_appliance::domain::rates::FootageKind;
use dinkem_appliance::domain::sha256::Sha256;
use uuid::Uuid;

use crate::support::appliance::Keys;
use crate::support::client::Request;
use crate::support::dashboard::Dashboard;
use crate::support::test_app::spec;
use crate::support::worker::Worker;

const KIND: FootageKind = FootageKind { renderer: Renderer::Builtin, resolution: 1080, fps: 30 };
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&amp;";

fn render(dashboard: &Dashboard, worker: &Worker, keys: &Keys, count: usize) -> Vec<Uuid> {
    let caller = worker.caller(&keys.metered);
    let render = |_| {
        // Some in the same millisecond.
        dashboard.appliance.clock.advance(std::time::Duration::from_micros(400));
        worker.complete_job(&caller, KIND)
    };
    (0..count).map(render).collect()
}

fn upload(dashboard: &Dashboard, caller: &Caller, content: u8) -> Sha256 {
    let mut demo = b"PBDEMS2\0".to_vec();
    demo.resize(64, content);
    demos::receive(&dashboard.appliance.app, caller, &mut &demo[..]).unwrap().sha256
}

/// The values of an attribute that begin with this.
fn values<'a>(html: &'a str, beginning: &str) -> Vec<&'a str> {
    html.split(beginning).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The address of the next page.
fn next(html: &str) -> Option<String> {
    let link = html.split_once("<p class=\"pager\"><a class=\"btn\" href=\"")?.1;
    Some(link.split('"').next()?.trim_start_matches("/operator/").replace("&amp;", "&"))
}

/// All rows of a list, page by page.
fn walk(dashboard: &Dashboard, first: &str, row: &str) -> Vec<Vec<String>> {
    let (mut pages, mut page) = (Vec::new(), Some(first.to_owned()));
    while let Some(path) = page {
        let html = dashboard.html(&path);
        pages.push(values(&html, row).into_iter().map(str::to_owned).collect());
        page = next(&html);
    }
    pages
}

fn actions(dashboard: &Dashboard) -> Vec<String> {
    audit::list(&dashboard.appliance.app, 10).unwrap().into_iter().map(|entry| entry.action).collect()
}

#[test]
fn empty_lists_say_what_to_do() {
    let dashboard = Dashboard::start();
    for (page, says) in [("clips", "No clip yet."), ("clips?show=demos", "No demo has been uploaded.")] {
        let html = dashboard.html(page);
        assert!(html.contains(says) && html.contains("dinkem-appliance submit"), "{html}");
    }
    assert_eq!(dashboard.view("clips?account=nobody").status, 404);
}

#[test]
fn paging_shows_each_clip_once_newest_first() {
    let dashboard = Dashboard::start();
    let worker = Worker::new(&dashboard.appliance.app);
    let (one, two) = (dashboard.appliance.account("one"), dashboard.appliance.account("two & co"));
    let mut all = render(&dashboard, &worker, &one, 52);
    let of_two = render(&dashboard, &worker, &two, 3);
    all.extend(&of_two);
    let ids = |ids: &[Uuid]| ids.iter().rev().map(Uuid::to_string).collect::<Vec<_>>();
    let pages = walk(&dashboard, "clips", "data-key=\"clip-");
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 5]);
    assert_eq!(pages.concat(), ids(&all));
    assert_eq!(walk(&dashboard, "clips?account=two+%26+co", "data-key=\"clip-").concat(), ids(&of_two));
    let pages = walk(&dashboard, "clips?account=one", "data-key=\"clip-");
    assert_eq!((pages.len(), pages.concat()), (2, ids(&all[..52])));

    let html = dashboard.html("clips");
    assert!(html.len() < 100_000, "{} bytes", html.len());
    let tokens: BTreeSet<_> = values(&html, "src=\"/clips/").into_iter().collect();
    assert_eq!(tokens.len(), 50);
    let video = Request::get(&format!("/clips/{}", tokens.first().unwrap()));
    assert_eq!(dashboard.request(video).expect(200).header("Content-Type"), Some("video/mp4"));
    assert!(html.contains("preload=\"none\""));
}

#[test]
fn clip_is_pinned_and_unpinned_by_undo() {
    let dashboard = Dashboard::start();
    let worker = Worker::new(&dashboard.appliance.app);
    let keys = dashboard.appliance.account("one");
    let id = render(&dashboard, &worker, &keys, 2)[0].to_string();
    let done = dashboard.done("clips.pin", &[("id", &id)]);
    assert_eq!(walk(&dashboard, "clips?pinned=1", "data-key=\"clip-").concat(), [id.as_str()]);
    assert!(dashboard.html("clips").contains(">pinned</span>"));
    let undo = &done["undo"];
    dashboard.done(undo["action"].as_str().unwrap(), &[("id", undo["fields"]["id"].as_str().unwrap())]);
    assert!(dashboard.html("clips?pinned=1").contains("No clip matches."));
    assert_eq!(actions(&dashboard)[..2], ["clips.unpin", "clips.pin"]);
}

#[test]
fn clip_is_deleted_after_saying_what_is_lost() {
    let dashboard = Dashboard::start();
    let worker = Worker::new(&dashboard.appliance.app);
    let keys = dashboard.appliance.account("one");
    let id = render(&dashboard, &worker, &keys, 1)[0];
    let fields = [("id", &*id.to_string())];
    let shown = dashboard.done("clips.ask_delete", &fields);
    let show = shown["show"].as_str().unwrap();
    assert!(show.contains("URL stops working") && show.contains("stays done and billed"), "{show}");
    dashboard.html("clips");
    assert!(jobs::get(&dashboard.appliance.app, &worker.caller(&keys.metered), id).unwrap().job.clip.is_some());
    dashboard.done("clips.delete", &fields);
    assert!(jobs::get(&dashboard.appliance.app, &worker.caller(&keys.metered), id).unwrap().job.clip.is_none());
    assert_eq!(dashboard.act("clips.delete", &fields).expect(409).json()["code"], "no_clip");
    assert!(dashboard.html("clips").contains("No clip yet."));
}

#[test]
fn demos_of_all_accounts_are_listed_once_and_deleted_unless_needed() {
    let dashboard = Dashboard::start();
    let app = &dashboard.appliance.app;
    let worker = Worker::new(app);
    let (one, two) = (dashboard.appliance.account("one"), dashboard.appliance.account("two"));
    let (one, two) = (worker.caller(&one.metered), worker.caller(&two.metered));
    let mut hashes: Vec<_> = (0..52).map(|content| upload(&dashboard, &one, content)).collect();
    hashes.push(upload(&dashboard, &two, 0));
    let pages = walk(&dashboard, "clips?show=demos", "data-key=\"demo-");
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 3]);
    assert_eq!(pages.concat().iter().collect::<BTreeSet<_>>().len(), 53);
    assert_eq!(walk(&dashboard, "clips?show=demos&account=two", "data-key=\"demo-").concat().len(), 1);
    assert!(dashboard.html("clips?show=demos").contains("waiting to be indexed"));

    let demo_url = format!("https://any.host/api/demos/{}", hashes[0]);
    jobs::submit(app, &two, JobSpec { demo_url, ..spec() }).unwrap();
    let html = dashboard.html("clips?show=demos&account=two");
    assert!(html.contains("needed by 1 job") && !html.contains("demos.ask_delete"), "{html}");
    let hash = hashes[0].to_string();
    let refused = dashboard.act("demos.delete", &[("sha256", &hash), ("account", "two")]).expect(409);
    assert!(refused.text().contains("1 unfinished job needs this demo"), "{}", refused.text());
    let shown = dashboard.done("demos.ask_delete", &[("sha256", &hash), ("account", "one")]);
    assert!(shown["show"].as_str().unwrap().contains("Delete this demo?"));
    dashboard.done("demos.delete", &[("sha256", &hash), ("account", "one")]);
    assert_eq!(walk(&dashboard, "clips?show=demos", "data-key=\"demo-").concat().len(), 52);
}

#[test]
fn totals_by_account_appear_once_measured() {
    let dashboard = Dashboard::start();
    let worker = Worker::new(&dashboard.appliance.app);
    let keys = dashboard.appliance.account("one");
    render(&dashboard, &worker, &keys, 2);
    assert!(dashboard.html("clips").contains("are being measured"));
    assert!(storage::measure(&dashboard.appliance.app));
    assert!(dashboard.html("clips").contains("data-l=\"clips\">2</td>"));
    assert!(!storage::measure(&dashboard.appliance.app), "nobody has asked for a newer one");
}

#[test]
fn read_only_key_sees_clips_without_buttons_and_changes_nothing() {
    let mut dashboard = Dashboard::start();
    let worker = Worker::new(&dashboard.appliance.app);
    let keys = dashboard.appliance.account("one");
    let id = render(&dashboard, &worker, &keys, 1)[0].to_string();
    upload(&dashboard, &worker.caller(&keys.metered), 1);
    dashboard.sign_in(true);
    for page in ["clips", "clips?show=demos"] {
        let html = dashboard.html(page);
        assert!(!html.contains("data-action"), "{html}");
    }
    for action in ["clips.pin", "clips.ask_delete", "clips.delete"] {
        assert_eq!(dashboard.act(action, &[("id", &id)]).status, 403);
    }
}

#[test]
fn hostile_names_are_text() {
    let dashboard = Dashboard::start();
    let worker = Worker::new(&dashboard.appliance.app);
    let keys = dashboard.appliance.account(HOSTILE);
    render(&dashboard, &worker, &keys, 1);
    let hash = upload(&dashboard, &worker.caller(&keys.metered), 1).to_string();
    dashboard.html("clips");
    storage::measure(&dashboard.appliance.app);
    let shown = dashboard.done("demos.ask_delete", &[("sha256", &hash), ("account", HOSTILE)]);
    let pages = ["clips", "clips?show=demos", "storage"].map(|page| dashboard.html(page));
    for html in pages.iter().map(String::as_str).chain(shown["show"].as_str()) {
        assert!(!html.contains("<img src=x") && html.contains("&lt;img src=x"), "{html}");
    }
}
