//! Impossible jobs fail within seconds with the right code and message, and the node continues.

use std::io::Write;
use std::sync::Arc;

use serde_json::json;

use crate::support::file_server::{Answer, FileServer};
use crate::support::process::Appliance;
use crate::support::quick;
use crate::support::tools::shared_demo;

/// A small bzip2 bomb: 200 MiB of zeros.
fn bomb() -> Vec<u8> {
    let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..200 {
        packer.write_all(&zeros).unwrap();
    }
    packer.finish().unwrap()
}

#[test]
fn impossible_jobs_fail_with_their_code_and_the_node_continues() {
    let good = Arc::new(dinkem_appliance::render::forge::quick());
    let noise: Vec<u8> = (0u32..100_000).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let html = "<!doctype html><title>Not found</title><p>Sorry".repeat(50);
    let mut paths = vec![
        ("/good.dem", Answer::Bytes(good.clone())),
        ("/noise.dem", Answer::Bytes(Arc::new(noise.clone()))),
        ("/page.dem", Answer::Bytes(Arc::new(html.into_bytes()))),
        ("/empty.dem", Answer::Bytes(Arc::new(Vec::new()))),
        ("/gone.dem", Answer::Status(404)),
        ("/endless.dem", Answer::Endless(Arc::new(noise))),
        ("/bomb.dem.bz2", Answer::Bytes(Arc::new(bomb()))),
        ("/to_refused.dem", Answer::Redirect("http://169.254.169.254/latest/meta-data/".into())),
        ("/to_file.dem", Answer::Redirect("file:///etc/passwd".into())),
    ];
    let deathmatch = shared_demo("genuine_italy_deathmatch.dem", "the deathmatch job");
    if let Some(path) = &deathmatch {
        paths.push(("/deathmatch.dem", Answer::Bytes(Arc::new(std::fs::read(path).unwrap()))));
    }
    let files = FileServer::serve(paths);
    let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let mut node = appliance.node("node", None);

    let player = quick::PLAYER.to_string();
    let (stranger, round) = ("76561198000000001", quick::ROUND);
    let url = |path: &str| files.url(path);
    let mut cases = vec![
        (url("/good.dem"), stranger, round, "player_not_in_demo"),
        (url("/good.dem"), &*player, 99, "round_not_in_demo"),
        (url("/noise.dem"), &*player, round, "demo_unreadable"),
        (url("/page.dem"), &*player, round, "demo_unreadable"),
        (url("/empty.dem"), &*player, round, "demo_unreadable"),
        (url("/gone.dem"), &*player, round, "fetch_failed"),
        (url("/endless.dem"), &*player, round, "demo_unreadable"),
        (url("/bomb.dem.bz2"), &*player, round, "demo_too_large"),
        (url("/to_refused.dem"), &*player, round, "fetch_failed"),
        (url("/to_file.dem"), &*player, round, "fetch_failed"),
        ("http://169.254.169.254/demo.dem".into(), &*player, round, "fetch_failed"),
        ("http://[::1]:9/demo.dem".into(), &*player, round, "fetch_failed"),
        ("http://0.0.0.0/demo.dem".into(), &*player, round, "fetch_failed"),
    ];
    if deathmatch.is_some() {
        cases.push((url("/deathmatch.dem"), &*player, round, "demo_unsupported"));
    }
    for (demo_url, player, round, code) in cases {
        let job_request = json!({"demo_url": demo_url, "steam64_id": player, "round": round});
        let id = appliance.submit(&key, &job_request);
        let job = appliance.wait_for_job(&key, &id);
        assert_eq!(job["status"], "failed", "{demo_url}: {job:#}");
        assert_eq!(job["error"]["code"], code, "{demo_url}: {job:#}");
        let message = job["error"]["message"].as_str().unwrap();
        assert!(message.len() > 20 && message.ends_with('.'), "{demo_url}: {message:?}");
        assert_eq!(job["clip"], json!(null));
    }

    let job_request = json!({"demo_url": url("/good.dem"), "steam64_id": player, "round": round});
    let id = appliance.submit(&key, &job_request);
    appliance.wait_for_clip(&key, &id);
    assert_eq!(appliance.ledger_rows(), 1, "failed work is never billed");
    node.kill();
}
