//! Rules for clips and demos: what goes, in which order, and what never does. The preview says the same as the pass does.

use dinkem_appliance::app::clips::{self, operator as all_clips};
use dinkem_appliance::app::upkeep::retention::{self, run};
use dinkem_appliance::app::upkeep::sweep;
use dinkem_appliance::app::{accounts, audit, demos, jobs};
use dinkem_appliance::domain::error::Kind as ErrorKind;
use dinkem_appliance::domain::job::JobStatus;
use dinkem_appliance::domain::retention::{DAY_MS, Doomed, Kind, Limits};

use super::{ALL, bytes, cancel, days, files, has_clip, job_for, pass_days, render, set, upload};
use crate::support::operator;
use crate::support::test_app::TestApp;
use crate::support::video::CLIP;

#[test]
fn without_a_rule_nothing_is_deleted() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let id = render(&test, &metered, &node);
    let cancelled = cancel(&test, &metered);
    let demo = upload(&test, &metered, 1, 1_000);
    pass_days(&test, 10_000);
    assert_eq!(run(&test.app).unwrap(), 0);
    assert!(has_clip(&test, &metered, id) && jobs::get(&test.app, &metered, cancelled).is_ok());
    assert_eq!(files(test.dir.path(), "demos"), [demo.to_string()]);
}

#[test]
fn clips_go_oldest_first_by_age_and_by_bytes_as_the_preview_says() {
    let each = CLIP.len() as u64;
    let age_and_bytes = Limits { max_age_ms: Some(3 * DAY_MS), max_bytes: Some(each) };
    // Clips that are 4, 3, 2 and 1 days old, of which so many go.
    let cases = [
        (ALL, 0),
        (days(5), 0),
        (days(4), 1),
        (days(2), 3),
        (days(1), 4),
        (bytes(4 * each), 0),
        (bytes(4 * each - 1), 1),
        (bytes(2 * each), 2),
        (bytes(0), 4),
        (age_and_bytes, 3),
    ];
    for (limits, gone) in cases {
        let test = TestApp::start();
        let (metered, _) = test.account("studio");
        let node = test.node("n");
        let first_ms = test.now_ms();
        let clips: Vec<_> = (0..4)
            .map(|_| {
                let id = render(&test, &metered, &node);
                pass_days(&test, 1);
                id
            })
            .collect();
        let preview = retention::preview(&test.app, Kind::Clips, None, Some(limits)).unwrap();
        set(&test, Kind::Clips, None, limits);
        assert_eq!(run(&test.app).unwrap(), gone, "{limits:?}");
        let kept: Vec<_> = clips.iter().map(|id| has_clip(&test, &metered, *id)).collect();
        assert_eq!(kept, (0..4).map(|at| at >= gone).collect::<Vec<_>>(), "{limits:?}");
        let oldest_ms = (gone > 0).then_some(first_ms);
        let newest_ms = (gone > 0).then(|| first_ms + (gone as i64 - 1) * DAY_MS);
        assert_eq!(
            preview,
            Doomed { count: gone as u64, bytes: gone as u64 * each, oldest_ms, newest_ms },
            "{limits:?}"
        );
        assert_eq!(files(test.dir.path(), "clips").len(), 2 * (4 - gone), "each has a poster");
        assert_eq!((run(&test.app).unwrap(), sweep::sweep(&test.app).unwrap()), (0, 0), "{limits:?}");
    }
}

#[test]
fn clip_deleted_by_rule_is_like_one_deleted_by_its_owner() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let id = render(&test, &metered, &node);
    let token = jobs::get(&test.app, &metered, id).unwrap().job.clip.unwrap().token;
    set(&test, Kind::Clips, None, bytes(0));
    assert_eq!(run(&test.app).unwrap(), 1);
    let job = jobs::get(&test.app, &metered, id).unwrap().job;
    assert_eq!((job.status, job.clip), (JobStatus::Done, None));
    assert_eq!(clips::open_video(&test.app, &token).err().unwrap().kind, ErrorKind::NotFound);
    let deleted = jobs::remove(&test.app, &metered, id).unwrap().job;
    assert_eq!(deleted, jobs::get(&test.app, &metered, id).unwrap().job);
}

#[test]
fn pinned_clips_stay_until_they_are_unpinned() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let clips: Vec<_> = (0..3).map(|_| render(&test, &metered, &node)).collect();
    all_clips::pin(&test.app, &operator(), clips[0], true).unwrap();
    // Pinned bytes count, so both others go.
    set(&test, Kind::Clips, None, bytes(CLIP.len() as u64));
    assert_eq!(run(&test.app).unwrap(), 2);
    assert!(has_clip(&test, &metered, clips[0]));
    set(&test, Kind::Clips, None, bytes(0));
    assert_eq!(run(&test.app).unwrap(), 0);
    let listed = all_clips::list(&test.app, None, true, 10).unwrap();
    assert_eq!(listed.iter().map(|clip| clip.job.public_id).collect::<Vec<_>>(), [clips[0]]);
    all_clips::pin(&test.app, &operator(), clips[0], false).unwrap();
    assert_eq!(run(&test.app).unwrap(), 1);
    for id in &clips {
        let error = all_clips::pin(&test.app, &operator(), *id, true).unwrap_err();
        assert_eq!(error.code.as_str(), "no_clip");
    }
}

#[test]
fn own_rule_of_an_account_applies_instead_of_the_one_for_all() {
    let each = CLIP.len() as u64;
    // The rule for all accounts and b's own; how many of a's, b's and c's two clips go.
    let cases = [
        (Some(bytes(0)), None, [2, 2, 2]),
        (Some(bytes(0)), Some(ALL), [2, 0, 2]),
        (None, Some(bytes(each)), [0, 1, 0]),
        // All other accounts together have four clips; a's are the oldest.
        (Some(bytes(2 * each)), Some(ALL), [2, 0, 0]),
        (Some(bytes(2 * each)), None, [2, 2, 0]),
        (Some(bytes(4 * each)), Some(bytes(0)), [0, 2, 0]),
    ];
    for (general, own, gone) in cases {
        let test = TestApp::start();
        let node = test.node("n");
        let names = ["a", "b", "c"];
        let clips: Vec<_> = names
            .iter()
            .map(|name| {
                let caller = test.account(name).0;
                let ids: Vec<_> = (0..2).map(|_| render(&test, &caller, &node)).collect();
                test.clock.advance(std::time::Duration::from_secs(1));
                (caller, ids)
            })
            .collect();
        let mut previewed = 0;
        for (account, limits) in [(None, general), (Some("b"), own)] {
            if let Some(limits) = limits {
                set(&test, Kind::Clips, account, limits);
            }
        }
        for shown in retention::show(&test.app).unwrap() {
            previewed += shown.doomed.count;
        }
        let total = run(&test.app).unwrap();
        assert_eq!((total, previewed), (gone.iter().sum::<usize>(), total as u64), "{general:?} {own:?}");
        for ((caller, ids), gone) in clips.iter().zip(gone) {
            let left = ids.iter().filter(|id| has_clip(&test, caller, **id)).count();
            assert_eq!(left, 2 - gone, "{general:?} {own:?} {}", caller.account.name);
        }
    }
}

#[test]
fn removal_of_an_accounts_own_rule_previews_the_rule_for_all() {
    let test = TestApp::start();
    let (a, _) = test.account("a");
    let node = test.node("n");
    render(&test, &a, &node);
    set(&test, Kind::Clips, None, bytes(0));
    set(&test, Kind::Clips, Some("a"), ALL);
    assert_eq!(run(&test.app).unwrap(), 0);
    assert_eq!(retention::preview(&test.app, Kind::Clips, Some("a"), None).unwrap().count, 1);
    assert_eq!(retention::preview(&test.app, Kind::Clips, None, None).unwrap().count, 0);
    retention::set(&test.app, &operator(), Kind::Clips, Some("a"), None).unwrap();
    assert_eq!(run(&test.app).unwrap(), 1);
    let log: Vec<_> = audit::list(&test.app, 3)
        .unwrap()
        .into_iter()
        .map(|entry| (entry.action, entry.subject, entry.details))
        .collect();
    let entry = |subject: &str, details: &str| ("retention.set".to_owned(), subject.to_owned(), details.to_owned());
    let expected = [
        entry("clips a", "keep all to no rule"),
        entry("clips a", "no rule to keep all"),
        entry("clips", "no rule to 0 bytes"),
    ];
    assert_eq!(log, expected);
}

#[test]
fn least_recently_used_demos_go_first_and_never_one_that_a_job_waits_for() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let demos: Vec<_> = (1..=4)
        .map(|content| {
            let sha256 = upload(&test, &metered, content, 1_000);
            pass_days(&test, 1);
            sha256
        })
        .collect();
    // The oldest was used last; the second is still needed.
    let waiting = jobs::submit(&test.app, &metered, job_for(&demos[1])).unwrap().job.public_id;
    pass_days(&test, 1);
    let used = jobs::submit(&test.app, &metered, job_for(&demos[0])).unwrap().job.public_id;
    jobs::remove(&test.app, &metered, used).unwrap();
    let left = |test: &TestApp| {
        let names = files(test.dir.path(), "demos");
        demos.iter().map(|sha256| names.contains(&sha256.to_string())).collect::<Vec<_>>()
    };
    let steps = [
        (days(4), [true; 4]),
        (days(3), [true, true, false, true]),
        (bytes(3_000), [true, true, false, true]),
        (bytes(2_999), [true, true, false, false]),
        (bytes(0), [false, true, false, false]),
    ];
    for (limits, expected) in steps {
        let before = left(&test).iter().filter(|there| **there).count();
        let preview = retention::preview(&test.app, Kind::Demos, Some("studio"), Some(limits)).unwrap();
        set(&test, Kind::Demos, Some("studio"), limits);
        let gone = run(&test.app).unwrap();
        assert_eq!(left(&test), expected, "{limits:?}");
        assert_eq!((preview.count, preview.bytes), (gone as u64, 1_000 * gone as u64), "{limits:?}");
        assert_eq!(gone, before - expected.iter().filter(|there| **there).count(), "{limits:?}");
    }
    jobs::remove(&test.app, &metered, waiting).unwrap();
    assert_eq!(run(&test.app).unwrap(), 1);
    assert_eq!(sweep::sweep(&test.app).unwrap(), 0);
}

#[test]
fn demo_of_two_accounts_is_deleted_for_one_and_kept_for_the_other() {
    let test = TestApp::start();
    let ((a, _), (b, _)) = (test.account("a"), test.account("b"));
    let shared = upload(&test, &a, 1, 1_000);
    assert_eq!(upload(&test, &b, 1, 1_000), shared);
    set(&test, Kind::Demos, Some("a"), bytes(0));
    assert_eq!(run(&test.app).unwrap(), 1);
    assert!(demos::known(&test.app, &a, &shared).unwrap().is_none());
    assert!(demos::known(&test.app, &b, &shared).unwrap().is_some());
    assert_eq!(files(test.dir.path(), "demos"), [shared.to_string()]);
}

#[test]
fn room_for_demos_of_an_account_is_what_the_operator_set_at_its_next_upload() {
    let test =
        TestApp::start_with(|quotas| quotas.demo_bytes = 2_500, |path| dinkem_appliance::os::room::Room::of(path, 0));
    let ((studio, _), (other, _)) = (test.account("studio"), test.account("other"));
    upload(&test, &studio, 1, 2_000);
    let fits = |caller, content: u8| {
        let mut demo = b"PBDEMS2\0".to_vec();
        demo.resize(1_000, content);
        let stated = Some(demo.len() as u64);
        demos::receive_sized(&test.app, caller, &mut &demo[..], stated).map(drop).map_err(|error| error.code.as_str())
    };
    assert_eq!(fits(&studio, 2), Err("quota_reached"));
    accounts::set_demo_bytes(&test.admin(), &operator(), "studio", Some(3_000)).unwrap();
    assert_eq!(fits(&studio, 2), Ok(()));
    assert_eq!(fits(&studio, 3), Err("quota_reached"));
    let allowance = demos::allowance(&test.app, &studio).unwrap();
    assert_eq!((allowance.quota, allowance.left), (3_000, 0));
    assert_eq!(demos::allowance(&test.app, &other).unwrap().quota, 2_500);
    accounts::set_demo_bytes(&test.admin(), &operator(), "studio", None).unwrap();
    assert_eq!(demos::allowance(&test.app, &studio).unwrap().quota, 2_500);
}

#[test]
fn rules_with_impossible_ages_are_refused() {
    let test = TestApp::start();
    let cases = [(Kind::Jobs, DAY_MS - 1), (Kind::Clips, 0), (Kind::Demos, -1)];
    for (kind, age) in cases {
        let limits = Some(Limits { max_age_ms: Some(age), max_bytes: None });
        let refused = retention::set(&test.app, &operator(), kind, None, limits).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid, "{kind:?}");
        assert!(retention::preview(&test.app, kind, None, limits).is_err(), "{kind:?}");
    }
    assert!(retention::show(&test.app).unwrap().is_empty());
}

#[test]
fn doctor_finds_nothing_after_rules_were_applied() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    for content in 1..=3 {
        render(&test, &metered, &node);
        upload(&test, &metered, content, 1_000);
    }
    pass_days(&test, 2);
    for (kind, limits) in [(Kind::Clips, bytes(0)), (Kind::Demos, bytes(1_000)), (Kind::Jobs, days(1))] {
        set(&test, kind, None, limits);
    }
    assert_eq!(run(&test.app).unwrap(), 3 + 2 + 2, "the newest job stays");
    assert_eq!(super::killed::faults(&test), [""; 0]);
}
