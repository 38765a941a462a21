//! Live frames from nodes: sent only to a server that says that somebody watches, and drawn by the built-in renderer.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dinkem_appliance::app::leases::frames;
use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::node::agent::AgentConfig;
use dinkem_appliance::render::forge;
use jpeg_encoder::{ColorType, Encoder};
use serde_json::json;

use crate::support::appliance::Appliance;
use crate::support::client::Request;
use crate::support::node_harness::{GOOD, NodeHarness, while_working};
use crate::support::node_server::Behavior;
use crate::support::process::BINARY;
use crate::support::quick;
use crate::support::tools::have;
use crate::support::wait::until;

/// Leaves a preview and waits for the file `go`.
fn script() -> String {
    format!(
        "cp $dir/frame.jpg $work/preview.jpg; echo 'openjd_status: rendering'; echo 'openjd_progress: 20'
         until [ -e $dir/go ]; do sleep 0.01; done; {GOOD}"
    )
}

fn harness(behavior: Behavior) -> (NodeHarness, Vec<u8>) {
    let harness = NodeHarness::new(behavior);
    let mut frame = Vec::new();
    Encoder::new(&mut frame, 60).encode(&[90; 320 * 180], 320, 180, ColorType::Luma).unwrap();
    fs::write(harness.dir.path().join("frame.jpg"), &frame).unwrap();
    (harness, frame)
}

#[test]
fn node_sends_its_preview_while_somebody_watches() {
    let (harness, frame) = harness(Behavior { is_watched: true, ..Behavior::normal() });
    while_working(harness.config(&script()), |_| {
        let lease = harness.server.offer(&harness.demo_url, None);
        let seen = harness.server.wait_until(lease, "a live frame", |lease| !lease.frames.is_empty());
        assert_eq!(STANDARD.decode(&seen.frames[0]).unwrap(), frame);
        fs::write(harness.dir.path().join("go"), "").unwrap();
        let lease = harness.server.wait_for_end(lease);
        assert!(lease.completed.is_some(), "{:?}", lease.failed);
        assert_eq!(lease.frames.len(), 1, "the same preview is not sent again");
    })
    .unwrap();
}

#[test]
fn server_that_does_not_say_watched_gets_no_frame() {
    let (harness, _) = harness(Behavior::normal());
    while_working(harness.config(&script()), |_| {
        let lease = harness.server.offer(&harness.demo_url, None);
        harness.server.wait_until(lease, "a heartbeat while rendering", |lease| {
            lease.heartbeats.iter().any(|(stage, _)| stage == "rendering")
        });
        fs::write(harness.dir.path().join("go"), "").unwrap();
        let lease = harness.server.wait_for_end(lease);
        assert!(lease.completed.is_some() && lease.frames.is_empty(), "{lease:?}");
    })
    .unwrap();
}

#[test]
fn node_whose_frames_are_refused_keeps_its_lease_and_sends_no_more() {
    let (harness, _) = harness(Behavior { is_watched: true, refuse_frames: true, ..Behavior::normal() });
    while_working(harness.config(&script()), |_| {
        let lease = harness.server.offer(&harness.demo_url, None);
        let seen = harness.server.wait_until(lease, "a live frame", |lease| !lease.frames.is_empty());
        harness.server.wait_until(lease, "the next heartbeat", |lease| lease.heartbeats.len() > seen.heartbeats.len());
        fs::write(harness.dir.path().join("frame.jpg"), "").unwrap();
        fs::write(harness.dir.path().join("go"), "").unwrap();
        let lease = harness.server.wait_for_end(lease);
        assert!(lease.completed.is_some() && lease.frames.len() == 1, "{:?}", lease.failed);
    })
    .unwrap();
}

#[test]
fn built_in_renderer_shows_what_it_draws() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let demo = appliance.send(&Request::post("/api/demos").key(&key).body(&*forge::quick())).expect(201).json();
    let body = json!({"demo_url": demo["demo_url"], "steam64_id": quick::PLAYER.to_string(), "round": quick::ROUND});
    let job = appliance.send(&Request::post("/api/clips").key(&key).json(body.to_string())).expect(202).json();
    let harness = NodeHarness::new(Behavior::normal());
    let config = AgentConfig {
        server: format!("http://{}", appliance.address),
        node_key: Secret::new(appliance.node("n1").key),
        program: BINARY.into(),
        ..harness.config("")
    };
    // The test's clock stands still: somebody watches all the time.
    frames::watch(&appliance.app);
    while_working(config, |_| {
        let frame = until("a live frame", || frames::latest(&appliance.app, 1).pop());
        let path = harness.dir.path().join("frame.jpg");
        fs::write(&path, &frame.jpeg).unwrap();
        assert!((1_000..8_000).contains(&frame.jpeg.len()), "{} bytes", frame.jpeg.len());
        check_picture(&path);
        let path = format!("/api/clips/{}", job["id"].as_str().unwrap());
        let done = until("the clip", || {
            let job = appliance.send(&Request::get(&path).key(&key)).expect(200).json();
            (!["queued", "rendering"].contains(&job["status"].as_str().unwrap())).then_some(job)
        });
        assert_eq!(done["status"], "done", "{done:#}");
        assert_eq!(frames::latest(&appliance.app, 1), [], "the lease is over");
    })
    .unwrap();
}

/// It is a JPEG of 320 × 180 pixels, and not all of one brightness.
fn check_picture(path: &Path) {
    if !have("ffmpeg", "decoding a live frame") {
        return;
    }
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-i"])
        .arg(path)
        .args(["-pix_fmt", "gray", "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout.len(), 320 * 180);
    let (darkest, brightest) = (output.stdout.iter().min().unwrap(), output.stdout.iter().max().unwrap());
    assert!(brightest - darkest > 60, "{darkest} to {brightest}");
}
