//! Job search for the operator: filters, pages, and how far a page looks back.

use std::time::Duration;

use dinkem_appliance::app::jobs::search::{self, Cursor, Filter, Hit};
use dinkem_appliance::app::nodes::work;
use dinkem_appliance::app::{jobs, leases};
use dinkem_appliance::domain::failure::{Failure, FailureCode};
use dinkem_appliance::domain::job::{Caller, JobSpec, JobStatus, SteamId};
use dinkem_appliance::domain::node_speed::NodeSpeed;
use dinkem_appliance::store::job_search::{SEARCHED_ENTRIES, SEARCHED_ROWS};
use uuid::Uuid;

use crate::support::test_app::{START_MS, TestApp, spec};

use super::history::{complete, render};

fn submit(test: &TestApp, caller: &Caller, spec: JobSpec) -> Uuid {
    test.clock.advance(Duration::from_secs(1));
    jobs::submit(&test.app, caller, spec).unwrap().job.public_id
}

/// The ids of all pages of this size, and how many pages there are.
fn all(test: &TestApp, filter: &Filter, limit: u32) -> (Vec<Uuid>, usize) {
    let (mut found, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let page = search::page(&test.app, filter, after, limit).unwrap();
        assert!(page.jobs.len() <= limit as usize);
        found.extend(page.jobs.iter().map(|any| any.info.job.public_id));
        pages += 1;
        // As an address holds it.
        after = page.next.map(|next| Cursor::parse(&next.to_string()).unwrap());
        if after.is_none() {
            return (found, pages);
        }
    }
}

fn player(number: u64) -> SteamId {
    SteamId::new(SteamId::FIRST + number).unwrap()
}

#[test]
fn every_filter_finds_its_jobs_alone_and_with_others_on_pages_of_any_size() {
    let test = TestApp::start();
    let (metered, reserved) = test.account("one");
    let (other, _) = test.account("two");
    let node = test.node("n1");
    let url = |url: &str| JobSpec { demo_url: url.into(), ..spec() };
    let sha256 = "0123456789abcdef".repeat(4);
    let uploaded = format!("https://localhost/api/demos/{sha256}");
    let done = submit(&test, &metered, url("https://example.com/a.dem"));
    render(&test, &node);
    let failed = submit(&test, &metered, JobSpec { steam64_id: player(9), ..spec() });
    let lease = test.claim(&node).unwrap().lease.id;
    let failure = Failure::for_good(FailureCode::PlayerNotInDemo, "Not there.");
    leases::fail(&test.app, &node, lease, failure.into()).unwrap();
    let cancelled = submit(&test, &other, spec());
    jobs::remove(&test.app, &other, cancelled).unwrap();
    // It failed once and is queued again.
    let again = submit(&test, &reserved, JobSpec { steam64_id: player(9), ..spec() });
    let lease = test.claim(&node).unwrap().lease.id;
    let failure = Failure::here(FailureCode::RenderFailed, "It broke.");
    leases::fail(&test.app, &node, lease, failure.into()).unwrap();
    let rendering = submit(&test, &reserved, spec());
    let second = test.node("n2");
    assert_eq!(test.claim(&second).unwrap().job.job.public_id, again);
    assert_eq!(test.claim(&node).unwrap().job.job.public_id, rendering);
    let queued = submit(&test, &other, spec());
    let by_hash = Uuid::from_u128(7);
    // Submitting it would need the upload.
    let db = rusqlite::Connection::open(test.dir.path().join("store.db")).unwrap();
    db.execute(
        "INSERT INTO jobs SELECT NULL, ?1, account, key, class, status, renderer, ?2, steam64_id, round, fps, resolution,
            spec_show_xray, cl_draw_only_deathnotices, metadata, failures, losses, failure_code, failure_message,
            failure_retry, ?4, started_at_ms, finished_at_ms, demo_build
        FROM jobs WHERE public_id = ?3",
        rusqlite::params![by_hash.as_bytes(), uploaded, cancelled.as_bytes(), test.now_ms()],
    )
    .unwrap();

    let none = Filter::default;
    let status = |statuses: &[JobStatus]| Filter { statuses: statuses.into(), ..none() };
    let named = |name: &str| Some(name.to_owned());
    use JobStatus::{Cancelled, Done, Failed, Queued, Rendering};
    let cases = [
        ("all", none(), vec![by_hash, queued, rendering, again, cancelled, failed, done]),
        ("account", Filter { account: named("one"), ..none() }, vec![rendering, again, failed, done]),
        ("key", Filter { key: Some(reserved.key), ..none() }, vec![rendering, again]),
        ("foreign key", Filter { key: Some(reserved.key), account: named("two"), ..none() }, vec![]),
        ("node", Filter { node: named("n1"), ..none() }, vec![rendering, again, failed, done]),
        ("node, failed", Filter { node: named("n1"), ..status(&[Failed]) }, vec![failed]),
        ("done", status(&[Done]), vec![done]),
        ("failed", status(&[Failed]), vec![failed]),
        ("unfinished", status(&[Queued, Rendering]), vec![queued, rendering, again]),
        ("without a clip", status(&[Failed, Cancelled]), vec![by_hash, cancelled, failed]),
        ("several", status(&[Cancelled, Queued, Failed]), vec![by_hash, queued, cancelled, failed]),
        ("with done", status(&[Done, Failed]), vec![failed, done]),
        ("unfinished of account", Filter { account: named("two"), ..status(&[Queued, Rendering]) }, vec![queued]),
        ("player", Filter { player: Some(player(9)), ..none() }, vec![again, failed]),
        ("player and account", Filter { player: Some(player(9)), account: named("two"), ..none() }, vec![]),
        ("demo", Filter { demo: named("https://example.com/a.dem"), ..none() }, vec![done]),
        ("part of a demo", Filter { demo: named("https://example.com/a"), ..none() }, vec![]),
        ("uploaded demo", Filter { demo: Some(sha256.to_uppercase()), ..none() }, vec![by_hash]),
        ("code", Filter { code: Some(FailureCode::PlayerNotInDemo), ..none() }, vec![failed]),
        ("code of an attempt", Filter { code: Some(FailureCode::RenderFailed), ..none() }, vec![]),
        ("code, queued", Filter { code: Some(FailureCode::RenderFailed), ..status(&[Queued]) }, vec![]),
    ];
    for (what, filter, expected) in &cases {
        for limit in [1, 2, 50] {
            assert_eq!(&all(&test, filter, limit).0, expected, "{what}, {limit} on a page");
        }
        let page = search::page(&test.app, filter, None, 50).unwrap();
        assert_eq!((page.next, page.searched_to_ms), (None, None), "{what}");
    }
    let created = |from: i64, to: i64| Filter {
        created_from_ms: Some(START_MS + from),
        created_to_ms: Some(START_MS + to),
        ..none()
    };
    assert_eq!(all(&test, &created(2_000, 4_001), 1).0, [again, cancelled, failed]);
    assert_eq!(all(&test, &created(0, 2_000), 1).0, [done]);
    assert!(all(&test, &created(60_000, 90_000), 1).0.is_empty());
    let on_node = Filter { node: named("n1"), ..created(2_000, 5_000) };
    assert_eq!(all(&test, &on_node, 1).0, [again, failed]);
    let page = search::page(&test.app, &cases[4].1, None, 50).unwrap();
    let names: Vec<_> = page.jobs.iter().map(|any| (any.account.as_str(), any.node.as_deref())).collect();
    assert_eq!(names, [("one", Some("n1")), ("one", Some("n2")), ("one", Some("n1")), ("one", Some("n1"))]);
    let latest = work::latest_jobs(&test.app, "n1", 2).unwrap();
    assert_eq!(latest.iter().map(|any| any.info.job.public_id).collect::<Vec<_>>(), [rendering, again]);
    let nowhere = Filter { node: named("n9"), ..none() };
    assert_eq!(search::page(&test.app, &nowhere, None, 50).err().unwrap().code.as_str(), "not_found");
}

#[test]
fn rare_jobs_are_searched_a_limited_number_of_rows_at_a_time() {
    let test = TestApp::start();
    let (metered, _) = test.account("one");
    test.account("two");
    let first = submit(&test, &metered, JobSpec { steam64_id: player(9), ..spec() });
    jobs::remove(&test.app, &metered, first).unwrap();
    let more = 2 * SEARCHED_ROWS;
    let db = rusqlite::Connection::open(test.dir.path().join("store.db")).unwrap();
    db.execute(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
        INSERT INTO jobs SELECT NULL, randomblob(16), account, key, class, status, renderer, demo_url, ?2, round, fps,
            resolution, spec_show_xray, cl_draw_only_deathnotices, metadata, failures, losses, failure_code,
            failure_message, failure_retry, created_at_ms + n, started_at_ms, finished_at_ms, demo_build
        FROM n, jobs",
        rusqlite::params![more, player(7).get()],
    )
    .unwrap();
    let rare = Filter { player: Some(player(9)), ..Filter::default() };
    let page = search::page(&test.app, &rare, None, 50).unwrap();
    assert!(page.jobs.is_empty() && page.next.is_some());
    assert_eq!(page.searched_to_ms, Some(START_MS + 1_000 + i64::from(more - SEARCHED_ROWS) + 1));
    assert_eq!(all(&test, &rare, 50), (vec![first], 3));
    for filter in [
        Filter { account: Some("one".into()), ..rare.clone() },
        Filter { statuses: vec![JobStatus::Cancelled, JobStatus::Failed], ..rare.clone() },
    ] {
        assert_eq!(all(&test, &filter, 50), (vec![first], (more / SEARCHED_ENTRIES) as usize + 1));
    }
    let other = Filter { account: Some("two".into()), ..rare };
    assert_eq!(all(&test, &other, 50), (Vec::new(), 1), "an account without jobs");
    let early = Filter { created_to_ms: Some(START_MS + 1_011), ..Filter::default() };
    assert_eq!(all(&test, &early, 50).0.len(), 11);
}

#[test]
fn search_box_finds_jobs_players_accounts_and_nodes() {
    let test = TestApp::start();
    let (metered, _) = test.account("Studio Ost");
    test.account("studio-b");
    test.node("Studio-node");
    test.node("render-1");
    let id = submit(&test, &metered, spec());
    let job = Hit::Job { id, account: "Studio Ost".into(), status: JobStatus::Queued };
    let (account, node) = (|name: &str| Hit::Account(name.into()), |name: &str| Hit::Node(name.into()));
    let text = id.to_string();
    let steam = player(7).to_string();
    let cases = [
        (text.as_str(), vec![job.clone()]),
        (&text[28..], vec![job]),
        (steam.as_str(), vec![Hit::Player(player(7))]),
        (" STUDIO ", vec![account("Studio Ost"), account("studio-b"), node("Studio-node")]),
        ("studio o", vec![account("Studio Ost")]),
        ("Ren", vec![node("render-1")]),
        ("tudio", vec![]),
        ("%", vec![]),
        ("", vec![]),
        ("  ", vec![]),
    ];
    for (text, expected) in cases {
        assert_eq!(search::find(&test.app, text).unwrap(), expected, "{text:?}");
    }
    for number in 0..12 {
        test.node(&format!("x{number}"));
    }
    assert_eq!(search::find(&test.app, "x").unwrap().len(), 10);
    assert_eq!(search::find(&test.app, &"x".repeat(100_000)).unwrap(), []);
    assert_eq!(search::find(&test.app, &Uuid::nil().to_string()).unwrap(), []);
    for text in ["", "-1", "x", "zz", "8000000000000000", "+1"] {
        assert_eq!(Cursor::parse(text), None, "{text}");
    }
}

#[test]
fn speed_of_a_node_comes_from_its_last_completed_jobs() {
    let test = TestApp::start();
    let (metered, _) = test.account("one");
    let (node, _idle) = (test.node("n1"), test.node("n2"));
    assert_eq!(work::speed(&test.app, "n1").unwrap(), None);
    let mut footage_ms = 0;
    for seconds in [1, 2, 9] {
        let id = submit(&test, &metered, spec());
        let lease = test.claim(&node).unwrap().lease.id;
        test.clock.advance(Duration::from_secs(seconds));
        complete(&test, &node, lease);
        footage_ms += jobs::get(&test.app, &metered, id).unwrap().job.clip.unwrap().video.duration_ms;
        // Its clip may be deleted.
        jobs::remove(&test.app, &metered, id).unwrap();
    }
    let expected = NodeSpeed { clips: 3, footage_per_second: footage_ms as f64 / 12_000.0, seconds_per_clip: 2.0 };
    assert_eq!(work::speed(&test.app, "n1").unwrap(), Some(expected));
    assert_eq!(work::speed(&test.app, "n2").unwrap(), None);
}
