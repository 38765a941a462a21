//! The preset for CS Demo Manager, with fakes of its command line and the game.

use std::fs;

use dinkem_appliance::domain::node::RendererKind;
use dinkem_appliance::render::command::JobFile;
use dinkem_appliance::render::game::pov::Proof;
use dinkem_appliance::render::game::versions::{OLDEST_CSDM, csdm_version};

use super::rig::{Rig, wait_for_line};
use crate::support::tools::{have, skip};

fn rig(orders: &str) -> Option<Rig> {
    if !have("ffmpeg", "the preset for CS Demo Manager") {
        return None;
    }
    let rig = Rig::new(RendererKind::Csdm);
    rig.order(orders);
    Some(rig)
}

#[test]
fn clip_is_recorded_with_sound_by_the_game_itself() {
    let Some(rig) = rig("") else { return };
    let job = JobFile { fps: 60, width: 1920, height: 1080, ..rig.job() };
    let before = rig.files();
    let ended = rig.run(&job);
    assert_eq!(ended.exit, Some(0), "{ended:?}");
    assert_eq!(
        ended.stages(),
        ["rendering", "analyzing", "starting", "loading", "seeking", "recording", "quitting", "encoding"]
    );
    super::check_clip(&job);
    let mut after = rig.files();
    assert!(after.remove(&job.output).is_some() && after.remove(&job.output.with_extension("jpg")).is_some());
    assert_eq!(after, before, "only the clip and its poster are new");
    rig.is_quiet(&ended);
}

#[test]
fn clip_is_recorded_by_hlae_and_proven() {
    let Some(mut rig) = rig("") else { return };
    rig.setup.hlae = Some(rig.at("hlae/HLAE.exe"));
    let job = rig.job();
    let ended = rig.run(&job);
    assert_eq!((ended.exit, ended.proof()), (Some(0), Proof::Proven), "{ended:?}");
    super::check_clip(&job);
}

#[test]
fn every_message_has_its_exit_code() {
    for (message, exits) in [
        ("connect ECONNREFUSED 127.0.0.1:5432", [21, 21]),
        ("database \"csdm\" does not exist", [21, 21]),
        ("Steam is not running", [21, 21]),
        ("Access denied", [21, 21]),
        ("Custom CS executable not found", [21, 21]),
        ("An error occurred while contacting GitHub", [21, 21]),
        ("Network error", [21, 21]),
        ("EPERM: operation not permitted, open '/w/demo.dem.json'", [21, 21]),
        ("Failed to start Counter-Strike", [21, 21]),
        ("Game error", [20, 20]),
        ("HLAE error", [20, 20]),
        ("Raw files not found", [20, 21]),
        ("FFmpeg error", [20, 20]),
        ("WAV file not found", [20, 20]),
        ("Demo not found", [10, 10]),
        ("Invalid demo path", [10, 10]),
        ("Invalid demo header", [10, 10]),
        ("Failed to read or parse config file", [20, 20]),
        ("Config file not found", [20, 20]),
        ("No sequences found", [20, 20]),
    ] {
        let Some(rig) = rig(&format!("says {message}")) else { return };
        for (attempt, exit) in (1..).zip(exits) {
            let job = JobFile { attempt, ..rig.job() };
            let ended = rig.fails(|rig| rig.run(&job));
            assert_eq!(ended.exit, Some(exit), "{message}: {ended:?}");
        }
    }
}

#[test]
fn game_that_fails_to_start_later_is_transient() {
    let Some(rig) = rig("says Failed to start Counter-Strike") else { return };
    let ended = rig.fails(|rig| rig.run_with(&rig.job(), &["fast_crash=0"]));
    assert_eq!(ended.exit, Some(20), "{ended:?}");
}

#[test]
fn each_ending_of_the_game_has_its_exit_code() {
    for (orders, exit, sentence) in [
        ("analysis-says Invalid demo header", 10, "CS Demo Manager cannot read the demo."),
        ("analysis-says connect ECONNREFUSED ::1:5432", 21, "CS Demo Manager cannot reach its database."),
        ("crash-start", 21, "Failed to start Counter-Strike."),
        ("crash-seeking", 20, "The game crashed."),
        ("crash-recording", 20, "The game crashed."),
        ("no-video", 20, "Raw files not found: the game recorded no video."),
        ("no-sound", 20, "WAV file not found: the game recorded no sound."),
        ("no-output", 20, "Raw files not found: CS Demo Manager wrote no video."),
    ] {
        let Some(rig) = rig(orders) else { return };
        let ended = rig.fails(|rig| rig.run(&rig.job()));
        assert_eq!(ended.exit, Some(exit), "{orders}: {ended:?}");
        assert!(ended.sentence().starts_with(sentence), "{orders}: {}", ended.sentence());
    }
}

#[test]
fn each_silence_has_its_own_limit() {
    for (orders, limit, sentence) in [
        ("hang-analyzing", "analyze=2000", "CS Demo Manager did not finish reading the demo (2 s)."),
        ("hang-start", "start=2000", "The game did not start in time. Check Steam on the render node (2 s)."),
        ("no-plugin", "start=2000", "The game did not start in time. Check Steam on the render node (2 s)."),
        ("hang-seeking", "seek=2000", "The game did not reach the round, and recording never began (2 s)."),
        ("hang-recording", "stall=2000", "The game stopped while recording: no progress and no growing file (2 s)."),
        ("never-quits", "quit=2000", "The game did not quit after recording (2 s)."),
    ] {
        let Some(rig) = rig(orders) else { return };
        rig.is_overdue(limit, sentence);
    }
}

#[test]
fn cancel_file_ends_the_tool_and_the_game() {
    let Some(rig) = rig("hang-recording") else { return };
    let ended = rig.fails(|rig| {
        let mut child = rig.start(&rig.job(), &[]);
        wait_for_line(&mut child, "recording");
        fs::write(rig.at("work/cancel"), "").unwrap();
        let ended = rig.finish(child);
        fs::remove_file(rig.at("work/cancel")).unwrap();
        ended
    });
    assert_eq!(ended.exit, Some(130), "{ended:?}");
}

#[test]
fn what_an_earlier_run_left_is_removed_first() {
    let Some(rig) = rig("") else { return };
    let clean = fs::read(rig.csgo("gameinfo.gi")).unwrap();
    fs::write(rig.csgo("gameinfo.gi.backup"), &clean).unwrap();
    fs::write(rig.csgo("gameinfo.gi"), "\t\t\tGame\tcsgo/csdm\n\t\t\tGame\tcsgo\n").unwrap();
    fs::create_dir(rig.csgo("csdm")).unwrap();
    assert_eq!(rig.run(&rig.job()).exit, Some(0));
    assert_eq!(fs::read(rig.csgo("gameinfo.gi")).unwrap(), clean);
    assert!(!rig.csgo("csdm").exists() && !rig.csgo("gameinfo.gi.backup").exists());
}

#[test]
fn what_fails_silently_is_checked_first() {
    type Break = fn(&mut Rig);
    let cases: [(Break, &str); 4] = [
        (|rig| fs::remove_file(rig.csgo("gameinfo.gi")).unwrap(), "CS Demo Manager must write to "),
        (|rig| fs::remove_file(rig.at("home/csdm/settings.json")).unwrap(), "CS Demo Manager has no settings yet."),
        (|rig| rig.setup.ffmpeg = "no-such-ffmpeg".to_owned(), "ffmpeg is not installed."),
        (|rig| rig.setup.csdm = None, "CS Demo Manager is not set."),
    ];
    for (break_it, start) in cases {
        let Some(mut rig) = rig("") else { return };
        break_it(&mut rig);
        let ended = rig.fails(|rig| rig.run(&rig.job()));
        assert_eq!(ended.exit, Some(21), "{start}: {ended:?}");
        assert!(ended.sentence().starts_with(start), "{start}: {}", ended.sentence());
    }
}

/// `DINKEM_CSDM_CLI`: the program of CS Demo Manager on this machine.
#[test]
fn true_command_line_says_a_version_that_is_known() {
    let Some(program) = std::env::var_os("DINKEM_CSDM_CLI") else {
        return skip("the true CS Demo Manager: DINKEM_CSDM_CLI does not name its program");
    };
    let version = csdm_version(std::path::Path::new(&program)).unwrap();
    assert!(version >= OLDEST_CSDM, "{version}");
}
