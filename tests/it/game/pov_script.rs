//! `pov.js` under a mock of the game: what it proves in which case.

use dinkem_appliance::render::game::pov::{PovLine, PovReport, Proof, Seen};
use dinkem_appliance::render::game::pov_script;
use rquickjs::{CatchResultExt, Coerced, Context, Runtime};

/// The player whom the mock calls wanted.
const WANTED: u64 = 76_561_197_991_272_318;
const TOKEN: &str = "f00d";

/// What the script reports when the mock plays this.
struct Played {
    lines: Vec<PovLine>,
    commands: Vec<String>,
    proof: Proof,
}

/// Runs a scenario with the mock and the script. Returns what was said and which commands were given.
fn run(scenario: &str) -> (String, String) {
    let runtime = Runtime::new().unwrap();
    Context::full(&runtime).unwrap().with(|context| {
        let eval = |source: &str| {
            let value = context.eval::<Coerced<String>, _>(source).catch(&context);
            value.unwrap_or_else(|error| panic!("{error}: {source}")).0
        };
        eval(include_str!("pov_mock.js"));
        eval(&pov_script(WANTED, TOKEN).unwrap());
        eval(scenario);
        (eval("said.join('\\n')"), eval("commands.join('\\n')"))
    })
}

fn played(scenario: &str) -> Played {
    let (said, commands) = run(scenario);
    let lines: Vec<PovLine> = said.lines().filter_map(|line| PovLine::parse(line, TOKEN)).collect();
    assert_eq!(lines.len(), said.lines().count(), "a line that is not understood: {said}");
    let mut report = PovReport::default();
    lines.iter().for_each(|line| report.hear(*line));
    let commands = commands.lines().map(str::to_owned).collect();
    Played { lines, commands, proof: report.proof() }
}

/// Counts of the last report.
fn seen(played: &Played) -> Seen {
    played
        .lines
        .iter()
        .rev()
        .find_map(|line| if let PovLine::RecordEnd(_, seen) = line { Some(*seen) } else { None })
        .unwrap()
}

fn counts(good: u64, wrong: u64, third: u64, dead: u64, blind: u64) -> Seen {
    Seen { frames: good + wrong + third + dead + blind, good, wrong, third, dead, blind }
}

#[test]
fn own_view_throughout_is_proven() {
    let played = played("play(3); record(); play(640); stop();");
    assert_eq!(played.proof, Proof::Proven);
    assert_eq!(seen(&played), counts(640, 0, 0, 0, 0));
    assert_eq!(played.lines[..3], [PovLine::Loaded, PovLine::Found(7), PovLine::RecordStart(3)]);
    let heartbeats = played.lines.iter().filter(|line| matches!(line, PovLine::Shows(_))).count();
    assert!((10..=11).contains(&heartbeats), "about one line a second: {heartbeats}");
    assert_eq!(played.commands[0], "spec_autodirector 0");
    assert_eq!(played.commands[1..], ["spec_mode 1; spec_player 7"], "the camera is left alone once it is right");
}

#[test]
fn neighboring_steam_ids_are_told_apart() {
    let played =
        played("leave(7); play(3); record(); camera.mode = IN_EYE; camera.target = 4 + PAWN; play(64); stop();");
    assert_eq!(seen(&played), counts(0, 64, 0, 0, 0));
    assert!(matches!(played.proof, Proof::Disproven(_)));
    assert!(!played.commands.iter().any(|command| command.contains("spec_player")), "no other player is shown");
}

#[test]
fn stolen_camera_is_taken_back_within_a_tick() {
    let played =
        played("play(3); record(); play(50, () => { if (game.tick === 20) camera.target = 4 + PAWN; }); stop();");
    assert_eq!(seen(&played), counts(49, 1, 0, 0, 0));
    assert_eq!(played.proof, Proof::Proven);
}

#[test]
fn camera_that_is_stolen_every_frame_disproves() {
    let played = played("play(3); record(); play(50, () => { camera.target = 4 + PAWN; }); stop();");
    assert_eq!(seen(&played), counts(0, 50, 0, 0, 0));
    assert!(matches!(played.proof, Proof::Disproven(_)));
}

#[test]
fn third_person_counts_and_is_corrected() {
    let once = played("play(3); record(); play(50, () => { if (game.tick === 20) camera.mode = CHASE; }); stop();");
    assert_eq!((seen(&once), once.proof), (counts(49, 0, 1, 0, 0), Proof::Proven));
    let always = played("play(3); record(); play(50, () => { camera.mode = CHASE; }); stop();");
    assert_eq!(seen(&always), counts(0, 0, 50, 0, 0));
    assert!(matches!(always.proof, Proof::Disproven(_)));
}

#[test]
fn game_that_ignores_commands_disproves() {
    let played = played("play(3); record(); play(60); game.deaf = true; camera.target = 4 + PAWN; play(10); stop();");
    assert_eq!(seen(&played), counts(60, 10, 0, 0, 0));
    assert!(matches!(played.proof, Proof::Disproven(_)));
}

#[test]
fn picture_of_nobody_is_blind() {
    let played = played("game.deaf = true; play(3); record(); play(10); stop();");
    assert_eq!(seen(&played), counts(0, 0, 0, 0, 10));
}

#[test]
fn reconnecting_player_is_found_under_another_index() {
    let played = played("play(3); record(); play(50); leave(7); join(9, WANTED); play(50); stop();");
    assert!(played.lines.contains(&PovLine::Found(9)), "{:?}", played.lines);
    assert_eq!((seen(&played), played.proof), (counts(100, 0, 0, 0, 0), Proof::Proven));
}

#[test]
fn player_who_leaves_is_lost_and_not_dead() {
    let played = played("play(3); record(); play(50); leave(7); camera.target = 4 + PAWN; play(50); stop();");
    assert!(played.lines.contains(&PovLine::Lost));
    assert_eq!(seen(&played), counts(50, 50, 0, 0, 0));
    assert!(matches!(played.proof, Proof::Disproven(_)));
}

#[test]
fn frames_after_death_are_counted_apart_and_the_camera_is_left_to_the_game() {
    let played = played("play(3); record(); play(50); wanted.health = 0; camera.target = 4 + PAWN; play(128); stop();");
    assert_eq!((seen(&played), played.proof), (counts(50, 0, 0, 128, 0), Proof::Proven));
    assert_eq!(played.commands.len(), 2, "{:?}", played.commands);
}

#[test]
fn death_before_the_recording_excuses_nothing() {
    let played = played(
        "play(3); wanted.health = 0; camera.target = 4 + PAWN; record(); play(10); wanted.health = 100; play(50); stop();",
    );
    assert_eq!(seen(&played), counts(50, 10, 0, 0, 0));
    assert!(matches!(played.proof, Proof::Disproven(_)));
}

#[test]
fn other_number_of_spec_mode_is_tried_when_the_first_has_no_effect() {
    let played = played("game.firstPerson = 'spec_mode 2'; play(40); record(); play(50); stop();");
    assert_eq!((seen(&played), played.proof), (counts(50, 0, 0, 0, 0), Proof::Proven));
    assert_eq!(played.commands.last().map(String::as_str), Some("spec_mode 2"));
}

#[test]
fn recording_that_starts_again_is_counted_anew() {
    let played = played(
        "play(3); record(); play(20, () => { camera.target = 4 + PAWN; }); stop(); play(3); record(); play(30); stop();",
    );
    assert_eq!((seen(&played), played.proof), (counts(30, 0, 0, 0, 0), Proof::Proven));
    let unfinished = played_twice_without_end();
    assert_eq!(unfinished.proof, Proof::Missing);
}

fn played_twice_without_end() -> Played {
    played("play(3); record(); play(20); stop(); record(); play(20);")
}

#[test]
fn error_in_the_game_is_reported_once() {
    let (said, _) = run("mirv.getEntityFromIndex = () => { throw new Error('changed'); }; record(); play(9); stop();");
    let errors: Vec<&str> = said.lines().filter(|line| line.contains(" error ")).collect();
    assert_eq!(errors, ["DINKEM_POV f00d error Error: changed"]);
}
