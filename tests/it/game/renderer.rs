//! The fake renderer, which tests of nodes rely on: that each of its endings is what its name says.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use dinkem_appliance::domain::node::RendererKind;
use dinkem_appliance::render::command::JobFile;
use dinkem_appliance::render::game::pov::{PovLine, PovReport, Proof};

use super::rig::{Rig, TOKEN, fakes, wait_for_line};
use crate::support::tools::{ffprobe, have};
use crate::support::wait::until;

fn rig() -> Option<(Rig, JobFile)> {
    if !have("ffmpeg", "the fake renderer") {
        return None;
    }
    let rig = Rig::new(RendererKind::Command);
    let job = rig.job();
    fs::write(rig.at("job.json"), serde_json::to_vec(&job).unwrap()).unwrap();
    Some((rig, job))
}

fn command(rig: &Rig, ending: &str) -> Command {
    let mut command = Command::new(fakes());
    command.arg("renderer").arg(rig.at("job.json")).args(["--ending", ending]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn play(rig: &Rig, ending: &str) -> Output {
    command(rig, ending).output().unwrap()
}

/// Width, frame rate, seconds, number of streams.
fn facts(path: &Path) -> (u64, String, f64, usize) {
    let probed = ffprobe(path);
    let streams = probed["streams"].as_array().unwrap();
    let video = streams.iter().find(|stream| stream["codec_type"] == "video").unwrap();
    let seconds: f64 = video["duration"].as_str().unwrap().parse().unwrap();
    let rate = video["r_frame_rate"].as_str().unwrap().to_owned();
    (video["width"].as_u64().unwrap(), rate, (seconds * 10.0).round() / 10.0, streams.len())
}

#[test]
fn endings_with_a_video_are_wrong_in_one_respect() {
    let Some((rig, job)) = rig() else { return };
    for (ending, expected) in [
        ("success", (640, "30/1", 1.5, 2)),
        ("wrong-size", (320, "30/1", 1.5, 2)),
        ("wrong-rate", (640, "24/1", 1.5, 2)),
        ("too-short", (640, "30/1", 0.5, 2)),
        ("too-long", (640, "30/1", 2.5, 2)),
        ("black", (640, "30/1", 1.5, 2)),
        ("frozen", (640, "30/1", 1.5, 2)),
        ("no-audio", (640, "30/1", 1.5, 1)),
    ] {
        assert_eq!(play(&rig, ending).status.code(), Some(0), "{ending}");
        let (width, rate, seconds, streams) = facts(&job.output);
        assert_eq!((width, rate.as_str(), seconds, streams), expected, "{ending}");
        fs::remove_file(&job.output).unwrap();
    }
}

#[test]
fn endings_without_a_video_have_their_exit_codes() {
    let Some((rig, job)) = rig() else { return };
    for (ending, exit) in [
        ("no-file", Some(0)),
        ("file-elsewhere", Some(0)),
        ("crash", None),
        ("disk-full", Some(21)),
        ("exit-10", Some(10)),
        ("exit-11", Some(11)),
        ("exit-20", Some(20)),
        ("exit-99", Some(99)),
    ] {
        assert_eq!(play(&rig, ending).status.code(), exit, "{ending}");
        assert!(!job.output.exists(), "{ending}");
    }
}

#[test]
fn endings_that_never_come_end_when_they_are_told_to() {
    let Some((rig, job)) = rig() else { return };
    for ending in ["progress-then-hang", "cancel-ignored", "silence", "endless-output"] {
        let mut child = command(&rig, ending).spawn().unwrap();
        if ending != "silence" {
            wait_for_line(&mut child, "openjd_progress: 10");
        }
        assert_eq!(child.try_wait().unwrap(), None, "{ending}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let mut child = command(&rig, "cancel-obeyed").spawn().unwrap();
    wait_for_line(&mut child, "openjd_progress: 10");
    fs::write(job.workdir.join("cancel"), "").unwrap();
    let status = until("the renderer to obey", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
}

#[test]
fn its_lines_prove_whom_the_picture_shows() {
    let Some((rig, _)) = rig() else { return };
    for (ending, is_proven) in [("success", true), ("wrong-player", false), ("no-pov", false)] {
        let mut report = PovReport::default();
        let output = String::from_utf8(play(&rig, ending).stdout).unwrap();
        output.lines().filter_map(|line| PovLine::parse(line, TOKEN)).for_each(|line| report.hear(line));
        assert_eq!(report.proof() == Proof::Proven, is_proven, "{ending}: {output}");
    }
}
