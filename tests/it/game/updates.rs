//! Updates of the game: nodes try it before they take work, and demos of other builds wait for a node that plays them.

use dinkem_appliance::app::nodes;
use dinkem_appliance::domain::node::{NodeState, RendererKind};
use dinkem_appliance::domain::offer::GameState;
use serde_json::json;

use crate::game::rig::Rig;
use crate::game::studio::Studio;
use crate::support::tools::have;
use crate::support::wait::until;

/// The version in which the demo was recorded, and one after which it no longer plays.
const OF_THE_DEMO: &str = "1.40.6.5";
const MUCH_LATER: &str = "1.41.6.0";

fn install(rig: &Rig, version: &str) {
    std::fs::write(rig.csgo("steam.inf"), format!("ClientVersion=2000\r\nPatchVersion={version}\r\n")).unwrap();
}

/// The node's game once it is as wanted, and the node's state.
fn wait_for_game(studio: &Studio, what: &str, is_it: impl Fn(&GameState) -> bool) -> (GameState, NodeState) {
    until(what, || {
        let node = nodes::list(&studio.appliance.app).unwrap().pop()?;
        let game = node.node.offer.game.clone().filter(|game| is_it(game))?;
        Some((game, node.state))
    })
}

#[test]
fn game_is_tried_after_an_update_before_the_node_takes_work() {
    if !have("ffmpeg", "the try of the game after an update") {
        return;
    }
    let rig = Rig::new(RendererKind::Hlae);
    install(&rig, OF_THE_DEMO);
    let studio = Studio::new();
    let node = studio.start_node(&rig);
    assert_eq!(studio.wait_for_end(&studio.submit())["status"], "done");
    let (game, state) = wait_for_game(&studio, "a good clip", |game| game.canary.starts_with("a good clip"));
    assert_eq!((game.build, state), (Some(14_065), NodeState::Up));
    node.stop();

    // An update that works.
    install(&rig, "1.40.6.6");
    let node = studio.start_node(&rig);
    let (game, _) = wait_for_game(&studio, "the canary", |game| game.canary.starts_with("passed"));
    assert_eq!((game.build, game.not_ready), (Some(14_066), None));
    node.stop();

    // An update that breaks the tools: the job waits, and says so.
    install(&rig, "1.40.6.7");
    rig.order("error-window\nhang-start");
    let node = studio.start_node(&rig);
    let (game, state) = wait_for_game(&studio, "the failed canary", |game| game.canary.starts_with("failed"));
    assert!(game.not_ready.unwrap().starts_with("The try of the game failed: "));
    assert_eq!(state, NodeState::Benched);
    let id = studio.submit();
    let job = studio.job(&id);
    assert_eq!((&job["status"], &job["attempts"]), (&json!("queued"), &json!(0)), "{job:#}");
    assert_eq!(job["waiting_because"], "no node with the game renderer is ready: see `admin nodes list`");
    node.stop();

    // The next update works again.
    install(&rig, "1.40.6.8");
    rig.order("");
    let node = studio.start_node(&rig);
    assert_eq!(studio.wait_for_end(&id)["status"], "done");
    let (game, state) = wait_for_game(&studio, "the canary", |game| game.not_ready.is_none());
    assert_eq!((game.build, state), (Some(14_068), NodeState::Up));
    node.stop();
}

#[test]
fn demo_that_no_game_plays_waits_for_a_build_and_counts_no_attempt() {
    if !have("ffmpeg", "the version gate") {
        return;
    }
    let rig = Rig::new(RendererKind::Hlae);
    install(&rig, MUCH_LATER);
    let studio = Studio::new();
    let node = studio.start_node(&rig);
    let id = studio.submit();
    let because = "no node has game build 14030 to 14087";
    let job = studio.wait(&id, "the reason", |job| job["waiting_because"] == because);
    assert_eq!((&job["status"], &job["attempts"]), (&json!("queued"), &json!(0)), "{job:#}");
    assert!(!rig.game_runs());
    node.stop();

    install(&rig, OF_THE_DEMO);
    let node = studio.start_node(&rig);
    assert_eq!(studio.wait_for_end(&id)["status"], "done");
    node.stop();
}
