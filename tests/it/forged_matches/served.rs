//! Unusual matches through the server, `inspect` and `render`, with the same results.

use super::*;
use std::path::Path;

use dinkem_appliance::app;
use dinkem_appliance::os::stop::StopFlag;
use serde_json::{Value, json};

use crate::support::appliance::Appliance;
use crate::support::cli::Cli;
use crate::support::client::Request;
use crate::support::process::BINARY;

/// A knife round, a wrong and a right backup, a coach.
fn unusual_match() -> Match {
    let won = |winner| {
        let kill = if winner == T { (0, 2) } else { (2, 0) };
        Stage::Round(round(4, winner, "ak47", &[kill]).with_coach(4, [800.0, -300.0, 16.0]))
    };
    let knives = Stage::Round(round(4, T, "knife", &[]).with_knives());
    let (back, forward) = (Stage::Rewind(1), Stage::Rewind(2));
    let stages = vec![knives, Stage::Rewind(0), won(T), won(Ct), won(T), back, forward, won(Ct)];
    game([2, 3], stages)
}

#[test]
fn server_lists_and_accepts_only_real_rounds_and_players() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let demo = appliance.send(&Request::post("/api/demos").key(&key).body(play(&unusual_match()))).expect(201).json();
    while app::demos::index::index_next(&appliance.app, Path::new(BINARY), &StopFlag::new()).unwrap() {}
    let report = appliance.send(&Request::get(&format!("/api/demos/{}", demo["sha256"].as_str().unwrap())).key(&key));
    let report = report.expect(200).json();
    let index: DemoIndex = serde_json::from_value(report).unwrap();
    assert_eq!(rounds(&index), "1t 2ct 3ct");
    assert_eq!(names(&index), ["p0", "p1", "p2", "p3"]);

    let submit = |player: usize, round: u32| {
        let job = json!({"demo_url": demo["demo_url"], "steam64_id": steam64(player).to_string(), "round": round});
        appliance.send(&Request::post("/api/clips").key(&key).json(job.to_string()))
    };
    submit(0, 3).expect(202);
    for (player, round, code) in [(0, 4, "round_not_in_demo"), (4, 1, "player_not_in_demo")] {
        let refused = submit(player, round).expect(400).json();
        assert_eq!(refused["code"], code);
    }
}

#[test]
fn job_for_a_demo_without_a_completed_round_is_refused() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let warmup = game([2, 2], vec![Stage::Warmup(round(4, Ct, "deagle", &[(2, 0)]))]);
    let demo = appliance.send(&Request::post("/api/demos").key(&key).body(play(&warmup))).expect(201).json();
    while app::demos::index::index_next(&appliance.app, Path::new(BINARY), &StopFlag::new()).unwrap() {}
    let job = json!({"demo_url": demo["demo_url"], "steam64_id": steam64(0).to_string(), "round": 1});
    let refused = appliance.send(&Request::post("/api/clips").key(&key).json(job.to_string())).expect(400).json();
    assert_eq!(refused["code"], "round_not_in_demo");
    assert_eq!(refused["error"], "round: the demo has no completed rounds.");
}

#[test]
fn inspect_and_render_agree_about_an_unusual_match() {
    let cli = Cli::new();
    fs::write(cli.home().join("odd.dem"), play(&unusual_match())).unwrap();
    let output = cli.run(&["inspect", "odd.dem"]);
    // By Steam ID: the output also holds the folder's random name, in which `p4` may occur.
    assert!(output.status == 0 && !output.out.contains(&steam64(4).to_string()), "{output:?}");
    assert!(!output.out.contains("A clip draws"), "{output:?}");
    let render = |player: usize, round: u32| {
        let (player, round) = (steam64(player).to_string(), round.to_string());
        cli.run(&["render", "odd.dem", "--player", &player, "--round", &round, "-o", "clip.mp4", "--json"])
    };
    let coach = render(4, 1);
    assert!(coach.status != 0 && coach.err.contains("is a coach in this demo"), "{coach:?}");
    let phantom = render(0, 4);
    assert!(phantom.status != 0 && phantom.err.contains("The demo has 3 rounds"), "{phantom:?}");
    assert!(!cli.home().join("clip.mp4").exists());
    let real: Value = render(0, 3).json();
    // The round, and three seconds before and after it.
    let seconds = 3.0 + f64::from(LIVE) / 64.0 + 3.0;
    assert!((real["duration_seconds"].as_f64().unwrap() - seconds).abs() < 0.1, "{real}");
}

#[test]
fn inspect_says_how_many_players_a_clip_draws() {
    let cli = Cli::new();
    let crowd = game([10, 10], vec![Stage::Round(round(20, T, "ak47", &[(0, 19)]))]);
    fs::write(cli.home().join("crowd.dem"), play(&crowd)).unwrap();
    let output = cli.run(&["inspect", "crowd.dem"]);
    assert!(output.status == 0 && output.out.contains("p19"), "{output:?}");
    assert!(output.out.contains("A clip draws 16 players of a round"), "{output:?}");
    fs::write(cli.home().join("warmup.dem"), play(&game([2, 2], vec![Stage::Warmup(round(4, T, "ak47", &[]))])))
        .unwrap();
    let output = cli.run(&["inspect", "warmup.dem"]);
    assert!(output.status == 0 && output.out.contains("The demo has no completed rounds."), "{output:?}");
}
