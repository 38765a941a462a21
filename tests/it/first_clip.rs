//! The first clip as a LAN client gets it: the contract's curl command, the stages, a valid MP4.

use std::process::Command;

use dinkem_appliance::render::forge::description::Stage;
use dinkem_appliance::render::forge::{self};
use serde_json::json;
use tiny_skia::{Color, Pixmap};

use crate::support::process::{Appliance, run};
use crate::support::quick;
use crate::support::tools::{ffprobe, have};
use crate::support::wait::until;

/// How much a clip's length may differ from the round's, from the acceptance criteria.
const TOLERANCE_SECONDS: f64 = 0.5;

#[test]
fn contracts_curl_command_gets_a_clip_with_only_the_host_changed() {
    if !have("curl", "the contract's curl line") {
        return;
    }
    let files = quick::server();
    let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let _node = appliance.node("node", None);
    let body = format!(
        r#"{{ "demo_url": "{}", "steam64_id": "{}", "round": {} }}"#,
        files.url("/quick.dem"),
        quick::PLAYER,
        quick::ROUND
    );
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--noproxy", "*", "--cacert"])
        .arg(appliance.ca_file())
        .arg(appliance.url("/api/clips"))
        .args(["-H", &format!("Authorization: Bearer {}", key)])
        .args(["-H", "Content-Type: application/json", "-d", &body])
        .output()
        .unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    let location = answer.lines().find_map(|line| line.strip_prefix("Location: /api/clips/"));
    let id = location.unwrap_or_else(|| panic!("{answer}")).trim().to_owned();

    let mut stages = Vec::new();
    let job = until("the clip", || {
        let job = appliance.job(&key, &id);
        if let Some(stage) = job["stage"].as_str().filter(|stage| stages.last().is_none_or(|last| last != stage)) {
            stages.push(stage.to_owned());
        }
        (!["queued", "rendering"].contains(&job["status"].as_str().unwrap())).then_some(job)
    });
    assert_eq!(job["status"], "done", "{job:#}");
    let order = ["fetching", "parsing", "rendering", "uploading"];
    let places: Vec<_> = stages.iter().map(|stage| order.iter().position(|known| known == stage).unwrap()).collect();
    assert!(places.is_sorted() && stages.contains(&"rendering".to_owned()), "{stages:?}");
    assert_eq!((&job["progress"], &job["clip"]["view"]), (&json!(1.0), &json!("tactical")));

    for (address, kind) in [("url", b"ftyp".as_slice()), ("poster_url", &[0xFF, 0xD8, 0xFF])] {
        let (status, bytes) = appliance.raw("GET", job["clip"][address].as_str().unwrap(), None, None);
        assert_eq!(status, 200);
        assert!(bytes[..16].windows(kind.len()).any(|window| window == kind), "{address} has the right content");
    }
    let maps = std::fs::read_dir(appliance.scratch().join("node/maps")).unwrap();
    let maps: Vec<_> = maps.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(maps, ["de_harbour.ground"], "the node keeps what the demo shows of its map");
}

#[test]
fn node_draws_the_studios_own_picture_of_a_map() {
    let files = quick::server();
    let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    // The folder may be filled before the node starts.
    let radars = appliance.scratch().join("node/radars");
    std::fs::create_dir_all(&radars).unwrap();
    let mut picture = Pixmap::new(64, 64).unwrap();
    picture.fill(Color::from_rgba8(200, 80, 20, 255));
    std::fs::write(radars.join("de_harbour.png"), picture.encode_png().unwrap()).unwrap();
    std::fs::write(radars.join("de_harbour.txt"), r#""pos_x" "-3000" "pos_y" "3000" "scale" "100""#).unwrap();
    let _node = appliance.node("node", None);
    let mut body = quick::job(&files);
    (body["fps"], body["resolution"]) = (json!(30), json!(1080));
    let id = appliance.submit(&key, &body);
    let job = appliance.wait_for_job(&key, &id);
    assert_eq!(job["status"], "done", "{job:#}");
    let (_, clip) = appliance.raw("GET", job["clip"]["url"].as_str().unwrap(), None, None);

    // What the node draws is what `render` draws from the same folder, and nothing else.
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("quick.dem");
    std::fs::write(&demo, forge::quick()).unwrap();
    let render = |more: &[&str]| {
        let output = folder.path().join("clip.mp4");
        let (player, round) = (quick::PLAYER.to_string(), quick::ROUND.to_string());
        let settings = ["--player", &player, "--round", &round, "--fps", "30", "--resolution", "1080"];
        let files = ["render", demo.to_str().unwrap(), "-o", output.to_str().unwrap()];
        let (status, _, err) = run(&[&files[..], &settings, more].concat());
        assert!(status.success(), "{err}");
        std::fs::read(output).unwrap()
    };
    assert!(render(&["--radars", radars.to_str().unwrap()]) == clip);
    assert!(render(&[]) != clip);
}

#[test]
fn render_says_when_it_has_no_picture_of_the_map() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("quick.dem");
    std::fs::write(&demo, forge::quick()).unwrap();
    let output = folder.path().join("clip.mp4");
    let player = quick::PLAYER.to_string();
    let render = |radars: &str| {
        let demo = ["render", demo.to_str().unwrap(), "--player", &player, "--round", "1"];
        let (status, _, err) = run(&[&demo[..], &["-o", output.to_str().unwrap(), "--radars", radars]].concat());
        (status.code(), err)
    };
    let (status, err) = render("nowhere");
    assert!(status == Some(2) && err.contains("nowhere is not a folder") && !output.exists(), "{err}");
    let (status, err) = render(folder.path().to_str().unwrap());
    assert!(status == Some(0) && err.contains("no picture of it that can be used"), "{err}");
}

#[test]
fn clip_is_h264_high_with_the_requested_size_fps_and_length_and_moov_first() {
    if !have("ffprobe", "checking clips with ffprobe") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("quick.dem");
    std::fs::write(&demo, forge::quick()).unwrap();
    // The first round: from 3 s before the end of freeze time, or the start of the demo, to 3 s after the end of the
    // round, which is within the second round.
    let Stage::Round(round) = &forge::quick_match().stages[0] else { panic!("the first stage is a round") };
    let seconds = |ticks: i32| f64::from(ticks) / f64::from(forge::TICK_RATE);
    let expected = seconds(round.freeze_ticks).min(3.0) + seconds(round.live_ticks) + 3.0;

    for (lines, width, fps) in [(1080, 1920, 30), (1080, 1920, 60), (1440, 2560, 30), (1440, 2560, 60)] {
        let clip = folder.path().join(format!("{lines}p{fps}.mp4"));
        let player = quick::PLAYER.to_string();
        let (status, _, err) = run(&[
            "render",
            demo.to_str().unwrap(),
            "--player",
            &player,
            "--round",
            "1",
            "--fps",
            &fps.to_string(),
            "--resolution",
            &lines.to_string(),
            "-o",
            clip.to_str().unwrap(),
        ]);
        assert!(status.success(), "{err}");
        let probe = ffprobe(&clip);
        let video = &probe["streams"][0];
        assert_eq!(probe["streams"].as_array().unwrap().len(), 1);
        assert_eq!(video["codec_name"], "h264");
        assert_eq!(video["profile"], "High");
        assert_eq!(video["pix_fmt"], "yuv420p");
        assert_eq!((&video["width"], &video["height"]), (&json!(width), &json!(lines)));
        assert_eq!(video["avg_frame_rate"], format!("{fps}/1"));
        let seconds: f64 = video["duration"].as_str().unwrap().parse().unwrap();
        assert!((seconds - expected).abs() <= TOLERANCE_SECONDS, "{seconds} s, not {expected}");
        let frames: f64 = video["nb_read_frames"].as_str().unwrap().parse().unwrap();
        assert!((frames - seconds * f64::from(fps)).abs() <= 1.0, "every frame must decode: {frames} in {seconds} s");
        let bytes = std::fs::read(&clip).unwrap();
        let at = |kind: &[u8]| bytes.windows(4).position(|window| window == kind).unwrap();
        assert!(at(b"moov") < at(b"mdat"), "moov must precede mdat");
    }
}
