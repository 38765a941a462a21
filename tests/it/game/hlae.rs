//! The preset for HLAE, with fakes of HLAE and the game: how it succeeds, and every way in which it fails.

use std::fs;
use std::process::Command;

use dinkem_appliance::domain::node::RendererKind;
use dinkem_appliance::render::command::{JobFile, Line};
use dinkem_appliance::render::game::pov::Proof;

use super::rig::{Ended, Rig, wait_for_line};
use crate::support::tools::{ffprobe, have};

fn rig(orders: &str) -> Option<Rig> {
    if !have("ffmpeg", "the preset for HLAE") {
        return None;
    }
    let rig = Rig::new(RendererKind::Hlae);
    rig.order(orders);
    Some(rig)
}

#[test]
fn clip_is_recorded_with_sound_and_proven() {
    let Some(rig) = rig("") else { return };
    let job = JobFile { fps: 60, width: 1920, height: 1080, ..rig.job() };
    let before = rig.files();
    let ended = rig.run(&job);
    assert_eq!(ended.exit, Some(0), "{ended:?}");
    assert_eq!(ended.proof(), Proof::Proven);
    // A slow start is said, too.
    let stages: Vec<&str> = ended.stages().into_iter().filter(|stage| *stage != "starting").collect();
    assert_eq!(stages, ["rendering", "seeking", "recording", "quitting", "encoding"]);
    let percents: Vec<f64> = ended
        .lines
        .iter()
        .filter_map(|line| if let Line::Progress(percent) = line { Some(*percent) } else { None })
        .collect();
    assert!(percents.is_sorted() && percents.last() == Some(&100.0), "{percents:?}");
    super::check_clip(&job);
    let mut after = rig.files();
    assert!(after.remove(&job.output).is_some() && after.remove(&job.output.with_extension("jpg")).is_some());
    assert_eq!(after, before, "only the clip and its poster are new");
    rig.is_quiet(&ended);
}

#[test]
fn picture_of_another_player_is_rendered_but_disproven() {
    let Some(rig) = rig("wrong-player") else { return };
    let ended = rig.run(&rig.job());
    assert_eq!(ended.exit, Some(0), "{ended:?}");
    assert!(matches!(ended.proof(), Proof::Disproven(_)));
}

#[test]
fn missing_report_of_the_script_proves_nothing() {
    let Some(rig) = rig("no-pov") else { return };
    // Without the report, the end of the recording is not seen either, so the game seems to have crashed.
    let ended = rig.fails(|rig| rig.run(&rig.job()));
    assert_eq!((ended.exit, ended.proof()), (Some(20), Proof::Missing));
}

#[test]
fn clip_without_sound_is_accepted_only_where_none_is_asked_for() {
    let Some(mut rig) = rig("no-sound") else { return };
    let ended = rig.fails(|rig| rig.run(&rig.job()));
    assert_eq!((ended.exit, ended.sentence()), (Some(20), "WAV file not found: the game recorded no sound."));
    rig.setup.audio = None;
    assert_eq!(rig.run(&rig.job()).exit, Some(0));
    let streams = ffprobe(&rig.job().output)["streams"].as_array().unwrap().len();
    assert_eq!(streams, 1);
}

/// Runs the first and the second attempt of a job with orders and limits.
fn attempts(orders: &str, limits: &[&str]) -> Option<[Ended; 2]> {
    let rig = rig(orders)?;
    let attempt = |attempt| {
        let job = JobFile { attempt, ..rig.job() };
        rig.fails(|rig| if limits.is_empty() { rig.run(&job) } else { rig.run_with(&job, limits) })
    };
    Some([attempt(1), attempt(2)])
}

#[test]
fn game_that_closes_names_the_stage_and_blames_the_node_the_second_time() {
    for (orders, sentence) in [
        ("crash-seeking", "The game closed on its way to the round."),
        ("crash-recording", "The game closed while recording."),
        ("no-video", "Raw files not found: the game recorded no video."),
        ("hlae-fails", "HLAE error: it could not start the game."),
    ] {
        let Some(ended) = attempts(orders, &[]) else { return };
        assert_eq!(ended.each_ref().map(|ended| ended.exit), [Some(20), Some(21)], "{orders}: {ended:?}");
        assert!(ended.iter().all(|ended| ended.sentence() == sentence), "{orders}: {ended:?}");
    }
}

#[test]
fn game_that_cannot_start_makes_the_node_not_ready() {
    for orders in ["crash-start", "no-game"] {
        let Some(ended) = attempts(orders, &["fast_crash=1500"]) else { return };
        for ended in ended {
            assert_eq!(ended.exit, Some(21), "{orders}: {ended:?}");
            assert!(ended.sentence().starts_with("Failed to start Counter-Strike"), "{}", ended.sentence());
        }
    }
}

#[test]
fn each_stage_has_its_own_limit() {
    for (orders, limit, sentence) in [
        ("hang-start", "start=2000", "The game did not start in time. Check Steam on the render node (2 s)."),
        ("hang-seeking", "seek=2000", "The game did not reach the round, and recording never began (2 s)."),
        ("hang-recording", "stall=2000", "The game stopped while recording: no progress and no growing file (2 s)."),
        ("never-quits", "quit=2000", "The game did not quit after recording (2 s)."),
    ] {
        let Some(rig) = rig(orders) else { return };
        rig.is_overdue(limit, sentence);
    }
}

#[test]
fn error_window_of_hlae_makes_the_node_not_ready() {
    let Some(rig) = rig("error-window") else { return };
    let ended = rig.fails(|rig| rig.run(&rig.job()));
    assert_eq!(ended.exit, Some(21), "{ended:?}");
    assert!(ended.sentence().starts_with("HLAE reported an error"), "{}", ended.sentence());
}

#[test]
fn full_disk_stops_the_recording() {
    let Some(rig) = rig("hang-recording") else { return };
    let ended = rig.fails(|rig| rig.run_with(&rig.job(), &["free=1000000000000000"]));
    assert_eq!(ended.exit, Some(21), "{ended:?}");
    assert!(ended.sentence().contains("disk is full"), "{}", ended.sentence());
}

#[test]
fn cancel_file_ends_the_game_at_every_stage() {
    for (orders, stage) in [("hang-start", "rendering"), ("hang-seeking", "seeking"), ("hang-recording", "recording")] {
        let Some(rig) = rig(orders) else { return };
        let ended = rig.fails(|rig| {
            let mut child = rig.start(&rig.job(), &[]);
            wait_for_line(&mut child, stage);
            fs::write(rig.at("work/cancel"), "").unwrap();
            let ended = rig.finish(child);
            fs::remove_file(rig.at("work/cancel")).unwrap();
            ended
        });
        assert_eq!(ended.exit, Some(130), "{orders}: {ended:?}");
    }
}

#[test]
fn closed_output_ends_the_game() {
    let Some(rig) = rig("hang-recording") else { return };
    rig.fails(|rig| {
        let mut child = rig.start(&rig.job(), &["silence=200"]);
        wait_for_line(&mut child, "recording");
        assert!(rig.game_runs());
        drop(child.stdout.take());
        let ended = rig.finish(child);
        assert_eq!(ended.exit, Some(130), "{ended:?}");
        ended
    });
}

#[test]
fn killed_preset_is_cleaned_up_by_a_sweep() {
    let Some(rig) = rig("hang-recording") else { return };
    let mut child = rig.start(&rig.job(), &["silence=200"]);
    wait_for_line(&mut child, "recording");
    child.kill().unwrap();
    let ended = rig.finish(child);
    assert!(rig.game_runs());
    dinkem_appliance::render::game::sweep(&rig.setup).unwrap();
    rig.is_quiet(&ended);
}

#[test]
fn killing_the_presets_process_group_ends_the_game() {
    let Some(rig) = rig("hang-recording") else { return };
    let mut child = rig.start(&rig.job(), &[]);
    wait_for_line(&mut child, "recording");
    let group = format!("-{}", child.id());
    assert!(Command::new("kill").args(["-KILL", "--", &group]).status().unwrap().success());
    let ended = rig.finish(child);
    assert_eq!(ended.exit, None, "{ended:?}");
    rig.is_quiet(&ended);
}

#[test]
fn what_is_missing_or_cannot_be_used_is_said_before_the_game_starts() {
    type Break = fn(&Rig, &mut JobFile);
    let cases: [(Break, i32, &str); 7] = [
        (|rig, _| fs::remove_file(rig.setup.game_program().unwrap()).unwrap(), 21, "The game is not installed: "),
        (|rig, _| fs::remove_file(rig.at("hlae/x64/AfxHookSource2.dll")).unwrap(), 21, "HLAE is incomplete: "),
        (|rig, _| fs::remove_file(rig.at("hlae/ffmpeg/ffmpeg.ini")).unwrap(), 21, "HLAE has no ffmpeg. "),
        (|_, job| job.game.as_mut().unwrap().game_dir = None, 21, "The game's directory is not set."),
        (|_, job| job.game.as_mut().unwrap().hlae = None, 21, "HLAE is "),
        (|_, job| job.demo.path = "/демо/a.dem".into(), 21, "The demo has a path with characters"),
        (|_, job| job.demo.last_tick = Some(6_500), 10, "The round is too close to the demo's end"),
    ];
    for (break_it, exit, start) in cases {
        let Some(rig) = rig("") else { return };
        let mut job = rig.job();
        break_it(&rig, &mut job);
        let ended = rig.fails(|rig| rig.run(&job));
        assert_eq!(ended.exit, Some(exit), "{start}: {ended:?}");
        assert!(ended.sentence().starts_with(start), "{start}: {}", ended.sentence());
    }
}
