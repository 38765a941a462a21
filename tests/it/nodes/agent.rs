//! The node agent against a fake server: a job's stages, and everything that can go wrong.

use dinkem_appliance::domain::failure::ATTEMPT_LOG_BYTES;
use dinkem_appliance::os::files;
use std::fs;
use std::time::Duration;

use crate::support::hash::sha256_hex;
use crate::support::node_harness::{DEMO, GOOD, NodeHarness, is_alive, while_working};
use crate::support::node_server::{Behavior, Lease};
use crate::support::wait::until;

fn assert_failed(lease: &Lease, code: &str, retry: &str, about: &str) {
    let failed = lease.failed.as_ref().unwrap_or_else(|| panic!("{about}: it did not fail"));
    assert_eq!((failed["code"].as_str(), failed["retry"].as_str()), (Some(code), Some(retry)), "{about}: {failed}");
    let message = failed["message"].as_str().unwrap();
    assert!(message.len() > 20 && message.ends_with('.'), "{about}: {message:?}");
}

#[test]
fn job_passes_all_stages_and_its_clip_arrives() {
    let harness = NodeHarness::new(Behavior::normal());
    let script = format!("cp $3 $dir/job; {GOOD}; until [ -e $dir/go ]; do sleep 0.01; done");
    let config = harness.config(&script);
    let work = config.state_dir.join("work");
    while_working(config, |_| {
        let lease = harness.server.offer(&harness.demo_url, None);
        harness.server.wait_until(lease, "a heartbeat while rendering", |lease| {
            lease.heartbeats.iter().any(|beat| beat.0 == "rendering")
        });
        fs::write(harness.dir.path().join("go"), "").unwrap();
        let lease = harness.server.wait_for_end(lease);
        let video = fs::read(harness.dir.path().join("good.mp4")).unwrap();
        assert_eq!(lease.completed, Some(sha256_hex(&video)));
        assert_eq!((lease.video, lease.poster), (video, b"\xff\xd8\xffjpeg\n".to_vec()));
        assert!(lease.heartbeats.is_sorted_by(|one, next| one.1 <= next.1), "{:?}", lease.heartbeats);
        until("an empty work directory", || fs::read_dir(&work).unwrap().next().is_none().then_some(()));
    })
    .unwrap();
    let job: serde_json::Value = serde_json::from_slice(&fs::read(harness.dir.path().join("job")).unwrap()).unwrap();
    assert_eq!(job["contract"], 1);
    assert_eq!(job["player"]["steam64"], "76561198000000001");
    assert_eq!(
        (&job["round"], &job["fps"], &job["width"], &job["height"]),
        (&2.into(), &30.into(), &320.into(), &180.into())
    );
    assert_eq!((&job["spec_show_xray"], &job["cl_draw_only_deathnotices"]), (&"0".into(), &"1".into()));
    assert_eq!(job["demo"]["sha256"], sha256_hex(DEMO));
}

#[test]
fn every_renderer_exit_is_reported_with_the_right_code() {
    let cases = [
        ("exit 0", "render_failed", "elsewhere"),
        ("cp $dir/small.mp4 $work/clip.mp4", "render_failed", "elsewhere"),
        ("echo 'no video' > $work/clip.mp4", "render_failed", "elsewhere"),
        ("mkdir $work/clip.mp4", "render_failed", "elsewhere"),
        ("kill -9 $$", "render_failed", "elsewhere"),
        ("cp $dir/good.mp4 $work/clip.mp4; exit 1", "render_failed", "elsewhere"),
        ("exit 10", "render_failed", "never"),
        (
            "echo 'openjd_fail: There is no round 99 in it.'
             echo 'dinkem_error: code=round_not_in_demo retry=never'; exit 10",
            "round_not_in_demo",
            "never",
        ),
        ("exit 11", "demo_unsupported", "elsewhere"),
        ("echo 'openjd_fail: The disk has no room left.'; exit 20", "render_failed", "anywhere"),
        ("exit 21", "node_not_ready", "elsewhere"),
        ("exit 130", "render_failed", "elsewhere"),
        ("head -c 10000000 /dev/zero; exit 20", "render_failed", "anywhere"),
    ];
    for (script, code, retry) in cases {
        let harness = NodeHarness::new(Behavior::normal());
        while_working(harness.config(script), |_| {
            let lease = harness.server.offer(&harness.demo_url, None);
            let lease = harness.server.wait_for_end(lease);
            assert_failed(&lease, code, retry, script);
            assert!(lease.video.is_empty(), "{script}");
        })
        .unwrap();
    }
}

#[test]
fn failure_report_contains_the_end_of_the_renderers_output() {
    let script = "i=0; while [ $i -lt 900 ]; do i=$((i+1)); echo \"frame $i of \\\"9\\\"\"; done; exit 20";
    let cases = [(script.to_owned(), "frame 900 of \"9\"\n"), ("echo done it; exit 0".into(), "done it\n")];
    for (script, end) in cases {
        let harness = NodeHarness::new(Behavior::normal());
        while_working(harness.config(&script), |_| {
            let lease = harness.server.offer(&harness.demo_url, None);
            let failed = harness.server.wait_for_end(lease).failed.unwrap();
            let log = failed["log"].as_str().unwrap();
            assert!(log.ends_with(end) && log.len() <= ATTEMPT_LOG_BYTES, "{} bytes: {log}", log.len());
        })
        .unwrap();
    }
}

#[test]
fn renderer_that_speaks_on_standard_error_has_started() {
    let harness = NodeHarness::new(Behavior::normal());
    let mut config = harness.config(&format!("echo busy >&2; sleep 7; {GOOD}"));
    config.patience.start = Duration::from_secs(5);
    while_working(config, |_| {
        let lease = harness.server.offer(&harness.demo_url, None);
        let lease = harness.server.wait_for_end(lease);
        assert!(lease.completed.is_some(), "{:?}", lease.failed);
    })
    .unwrap();
}

#[test]
fn renderer_that_does_not_start_or_hangs_is_killed() {
    let short = Duration::from_millis(300);
    let endless = "while :; do sleep 0.05; p=$((p+1)); echo openjd_progress: $p >> $work/log";
    let cases = [
        ("echo $$ > $dir/pid; exec sleep 600", "start"),
        ("echo $$ > $dir/pid; echo 'openjd_progress: 1'; exec sleep 600", "stall"),
        ("echo $$ > $dir/pid; while :; do echo 'openjd_progress: 1'; sleep 0.05; done", "stall"),
        (&format!("echo $$ > $dir/pid; echo start; {endless}; done"), "total"),
    ];
    for (script, what) in cases {
        let harness = NodeHarness::new(Behavior::normal());
        let mut config = harness.config(script);
        match what {
            "start" => config.patience.start = short,
            "stall" => (config.patience.seek, config.patience.stall) = (short, short),
            // A growing file prevents the stall timeout, but not the total one.
            _ => {
                (config.patience.seek, config.patience.stall) = (short, short);
                config.patience.total = short * 4;
            }
        }
        while_working(config, |_| {
            let lease = harness.server.offer(&harness.demo_url, None);
            assert_failed(&harness.server.wait_for_end(lease), "render_timeout", "elsewhere", script);
            let pid = harness.read_note("pid");
            until("the renderer to exit", || (!is_alive(&pid)).then_some(()));
        })
        .unwrap();
    }
}

#[test]
fn processes_that_outlive_a_renderer_are_killed() {
    let harness = NodeHarness::new(Behavior::normal());
    let script = format!("sleep 600 & echo $! > $dir/pid; {GOOD}");
    while_working(harness.config(&script), |_| {
        let lease = harness.server.offer(&harness.demo_url, None);
        assert!(harness.server.wait_for_end(lease).completed.is_some());
        let pid = harness.read_note("pid");
        until("the grandchild to exit", || (!is_alive(&pid)).then_some(()));
    })
    .unwrap();
}

#[test]
fn revoked_lease_stops_cooperative_and_unresponsive_renderers() {
    let listens = "echo $$ > $dir/pid; until [ -e $work/cancel ]; do sleep 0.01; done; echo yes > $dir/heard; exit 130";
    let deaf = "echo $$ > $dir/pid; exec sleep 600";
    for (script, cancel) in [(listens, Duration::from_secs(600)), (deaf, Duration::from_millis(100))] {
        let harness = NodeHarness::new(Behavior { lease_ms: 3_000, ..Behavior::normal() });
        let mut config = harness.config(&format!("[ -e $dir/pid ] && {{ {GOOD}; exit 0; }}; {script}"));
        config.patience.cancel = cancel;
        while_working(config, |_| {
            let lease = harness.server.offer(&harness.demo_url, None);
            let pid = harness.read_note("pid");
            harness.server.change(|behavior| behavior.revoke_leases = true);
            until("the renderer to exit", || (!is_alive(&pid)).then_some(()));
            if script == listens {
                assert_eq!(harness.read_note("heard"), "yes");
            }
            harness.server.change(|behavior| behavior.revoke_leases = false);
            let next = harness.server.offer(&harness.demo_url, None);
            assert!(harness.server.wait_for_end(next).completed.is_some());
            let lost = harness.server.lease(lease);
            assert!(lost.failed.is_none() && lost.completed.is_none(), "{lost:?}");
        })
        .unwrap();
    }
}

#[test]
fn node_stops_work_when_its_lease_expires_and_continues_when_the_server_is_back() {
    let harness = NodeHarness::new(Behavior { lease_ms: 3_000, ..Behavior::normal() });
    let mut config =
        harness.config(&format!("[ -e $dir/pid ] && {{ {GOOD}; exit 0; }}; echo $$ > $dir/pid; exec sleep 600"));
    config.patience.cancel = Duration::ZERO;
    while_working(config, |_| {
        harness.server.offer(&harness.demo_url, None);
        let pid = harness.read_note("pid");
        harness.server.change(|behavior| behavior.fail_all_with = Some(503));
        until("the renderer to exit", || (!is_alive(&pid)).then_some(()));
        harness.server.change(|behavior| behavior.fail_all_with = None);
        let next = harness.server.offer(&harness.demo_url, None);
        assert!(harness.server.wait_for_end(next).completed.is_some());
    })
    .unwrap();
}

#[test]
fn interrupted_upload_is_resumed_and_busy_completion_is_retried() {
    let harness = NodeHarness::new(Behavior { break_uploads: (3, 100), busy_completions: 2, ..Behavior::normal() });
    while_working(harness.config(GOOD), |_| {
        let lease = harness.server.offer(&harness.demo_url, None);
        let lease = harness.server.wait_for_end(lease);
        let video = fs::read(harness.dir.path().join("good.mp4")).unwrap();
        assert_eq!((lease.completed, lease.video), (Some(sha256_hex(&video)), video));
    })
    .unwrap();
    let resumed = harness.server.calls().iter().any(|call| call.ends_with("video?offset=300"));
    assert!(resumed, "{:?}", harness.server.calls());
}

#[test]
fn fetch_failures_and_bad_demos_get_the_right_code_and_the_node_continues() {
    let harness = NodeHarness::new(Behavior { fetch_seconds: 1, ..Behavior::normal() });
    let cases = [
        ("/gone.dem", "fetch_failed", "never"),
        ("/busy.dem", "fetch_failed", "elsewhere"),
        ("/metadata.dem", "fetch_failed", "never"),
        ("/silent.dem", "fetch_failed", "elsewhere"),
        ("/stalls.dem", "fetch_failed", "elsewhere"),
        ("/short.dem", "fetch_failed", "elsewhere"),
        ("/page.dem", "demo_unreadable", "never"),
        ("/noise.dem", "demo_unreadable", "never"),
        ("/empty.dem", "demo_unreadable", "never"),
        ("/endless_noise.dem", "demo_unreadable", "never"),
        ("/cut.dem.gz", "demo_unreadable", "never"),
        ("/announced.dem", "demo_too_large", "never"),
        ("/endless.dem", "demo_too_large", "never"),
        ("/bomb.dem.gz", "demo_too_large", "never"),
    ];
    let urls = [
        ("http://127.0.0.2:9/a.dem", "fetch_failed", "never"),
        ("http://169.254.169.254/a.dem", "fetch_failed", "never"),
        ("http://[::1]:9/a.dem", "fetch_failed", "never"),
        ("ftp://127.0.0.1/a.dem", "fetch_failed", "never"),
        ("http://127.0.0.1:1/a.dem", "fetch_failed", "elsewhere"),
    ];
    let config = harness.config(GOOD);
    let cache = config.state_dir.join("cache");
    while_working(config, |_| {
        let local = cases.map(|(path, code, retry)| (harness.url(path), code, retry));
        let all = local.into_iter().chain(urls.map(|(url, code, retry)| (url.to_owned(), code, retry)));
        for (url, code, retry) in all {
            let lease = harness.server.offer(&url, None);
            assert_failed(&harness.server.wait_for_end(lease), code, retry, &url);
        }
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 0, "failed fetches leave no files");
        let lease = harness.server.offer(&harness.demo_url, None);
        assert!(harness.server.wait_for_end(lease).completed.is_some());
    })
    .unwrap();
}

#[test]
fn demo_is_fetched_again_only_when_it_may_have_changed() {
    let harness = NodeHarness::new(Behavior { demo: DEMO.to_vec(), ..Behavior::normal() });
    while_working(harness.config(GOOD), |_| {
        let do_job = |url: &str, uploaded: Option<&str>| {
            let lease = harness.server.offer(url, uploaded);
            assert!(harness.server.wait_for_end(lease).completed.is_some());
        };
        let tagged = harness.url("/tagged.dem");
        do_job(&tagged, None);
        do_job(&tagged, None);
        do_job(&harness.demo_url, None);
        do_job(&harness.demo_url, None);
        // The uploaded demo has the same bytes and is already cached.
        do_job("http://appliance/api/demos/x", Some(&sha256_hex(DEMO)));
    })
    .unwrap();
    assert_eq!(harness.fetches(), ["/tagged.dem -", "/tagged.dem \"1\"", "/good.dem -", "/good.dem -"]);
    assert!(!harness.server.calls().iter().any(|call| call.ends_with("/demo")));
}

#[test]
fn uploaded_demo_comes_from_the_server_and_its_hash_is_checked() {
    let other = b"PBDEMS2\0 another".to_vec();
    let harness = NodeHarness::new(Behavior { demo: other.clone(), ..Behavior::normal() });
    while_working(harness.config(GOOD), |_| {
        let lease = harness.server.offer("http://127.0.0.2:9/never/asked", Some(&sha256_hex(&other)));
        assert!(harness.server.wait_for_end(lease).completed.is_some());
        let lease = harness.server.offer("http://127.0.0.2:9/never/asked", Some(&sha256_hex(b"else")));
        assert_failed(&harness.server.wait_for_end(lease), "fetch_failed", "elsewhere", "other bytes");
    })
    .unwrap();
}

#[test]
fn stopping_node_kills_its_renderer_and_returns_the_job() {
    let harness = NodeHarness::new(Behavior::normal());
    let mut config = harness.config("echo $$ > $dir/pid; exec sleep 600");
    config.patience.cancel = Duration::ZERO;
    config.slots = 2;
    let lease = harness.server.offer(&harness.demo_url, None);
    while_working(config, |stop| {
        harness.read_note("pid");
        stop.stop();
    })
    .unwrap();
    assert!(!is_alive(&harness.read_note("pid")));
    assert_failed(&harness.server.lease(lease), "node_failed", "anywhere", "stopped");
}

#[test]
fn node_runs_as_many_jobs_as_slots_and_exits_after_max_jobs_or_when_idle() {
    let harness = NodeHarness::new(Behavior::normal());
    // Each job waits for the other.
    let script = format!("mkdir $dir/a 2>/dev/null || mkdir $dir/b; until [ -e $dir/b ]; do sleep 0.01; done; {GOOD}");
    let mut config = harness.config(&script);
    (config.slots, config.max_jobs) = (2, Some(2));
    let leases = [0; 3].map(|_| harness.server.offer(&harness.demo_url, None));
    while_working(config.clone(), |_| {
        for lease in &leases[..2] {
            assert!(harness.server.wait_for_end(*lease).completed.is_some());
        }
    })
    .unwrap();
    assert!(harness.server.lease(leases[2]).heartbeats.is_empty(), "two jobs only");

    (config.max_jobs, config.idle_exit) = (None, Some(Duration::from_millis(100)));
    dinkem_appliance::node::agent::run(config, &Default::default()).unwrap();
    assert!(harness.server.lease(leases[2]).completed.is_some());
}

#[test]
fn node_waits_for_an_unreachable_server_but_exits_when_unknown_to_it() {
    let harness = NodeHarness::new(Behavior { fail_all_with: Some(502), ..Behavior::normal() });
    while_working(harness.config(GOOD), |_| {
        until("three tries", || (harness.server.calls().len() > 2).then_some(()));
        harness.server.change(|behavior| behavior.fail_all_with = None);
        let lease = harness.server.offer(&harness.demo_url, None);
        assert!(harness.server.wait_for_end(lease).completed.is_some());
        harness.server.change(|behavior| behavior.fail_all_with = Some(401));
    })
    .ok();
    let error = dinkem_appliance::node::agent::run(harness.config(GOOD), &Default::default()).unwrap_err();
    assert_eq!(error.code.as_str(), "node_unknown");
}

#[test]
fn state_directory_belongs_to_one_agent_and_leftovers_are_deleted() {
    let harness = NodeHarness::new(Behavior::normal());
    let config = harness.config(GOOD);
    let left = [config.state_dir.join("work/17/clip.mp4"), config.state_dir.join("cache/x.dem")];
    for path in &left {
        files::create_private_dir(path.parent().unwrap()).unwrap();
        fs::write(path, "left over").unwrap();
    }
    while_working(config.clone(), |_| {
        until("a claim", || (!harness.server.calls().is_empty()).then_some(()));
        assert!(left.iter().all(|path| !path.exists()));
        let error = dinkem_appliance::node::agent::run(config, &Default::default()).unwrap_err();
        assert_eq!(error.code.as_str(), "node_running");
    })
    .unwrap();
}
