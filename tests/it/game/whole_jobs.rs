//! Whole jobs for the game through a real server and a real node: every way in which a renderer can end.

use std::time::Duration;

use dinkem_appliance::app::nodes;
use dinkem_appliance::domain::node::{NodeState, RendererKind};
use dinkem_appliance::node::patience::Patience;
use serde_json::{Value, json};

use crate::game::rig::Rig;
use crate::game::studio::{Studio, command, ending};
use crate::support::tools::have;
use crate::support::wait::until;

/// A limit that is reached.
const SHORT: Duration = Duration::from_secs(2);

/// How a job ends whose renderer always ends like this: error code and a part of its message. All attempts are used up.
#[track_caller]
fn fails_after_three_attempts(cases: &[(&str, &str, &str)], set: impl Fn(&mut Patience)) {
    if !have("ffmpeg", "endings of a renderer") {
        return;
    }
    for (word, code, part) in cases {
        let studio = Studio::new();
        let mut config = studio.config(ending(studio.dir.path(), word));
        set(&mut config.patience);
        studio.with_node(config, || {
            let job = studio.wait_for_end(&studio.submit());
            let error = &job["error"];
            assert_eq!((&job["status"], &error["code"]), (&json!("failed"), &json!(code)), "{word}: {job:#}");
            assert!(error["message"].as_str().unwrap().contains(part), "{word}: {error}");
            assert_eq!(job["attempts"], 3, "{word}");
        });
        studio.assert_clean(word);
    }
}

#[test]
fn wrong_videos_are_never_delivered() {
    let failed = "render_failed";
    fails_after_three_attempts(
        &[
            ("wrong-size", failed, "960x1080, not 1920x1080"),
            ("wrong-rate", failed, "24 frames per second"),
            ("too-short", failed, "long"),
            ("too-long", failed, "long"),
            ("black", failed, "black"),
            ("frozen", failed, "frozen"),
        ],
        |_| {},
    );
}

#[test]
fn videos_without_sound_or_proof_or_file_are_never_delivered() {
    let failed = "render_failed";
    fails_after_three_attempts(
        &[
            ("no-audio", failed, "sound"),
            ("wrong-player", failed, "The game shows another player."),
            ("no-pov", failed, "It is not proven"),
            ("no-file", failed, "left no video"),
            ("file-elsewhere", failed, "left no video"),
        ],
        |_| {},
    );
}

#[test]
fn crashes_and_exit_codes_are_told_apart() {
    fails_after_three_attempts(
        &[
            ("crash", "render_failed", "crashed"),
            ("exit-99", "render_failed", "exit code 99"),
            ("exit-20", "render_failed", "exit code 20"),
            ("exit-11", "demo_unsupported", "exit code 11"),
        ],
        |_| {},
    );
}

#[test]
fn silence_and_standstill_and_endless_output_end_by_the_watchdogs() {
    let timeout = "render_timeout";
    fails_after_three_attempts(&[("silence", timeout, "did not start")], |patience| patience.start = SHORT);
    let stand = |patience: &mut Patience| (patience.seek, patience.stall) = (SHORT, SHORT);
    fails_after_three_attempts(&[("progress-then-hang", timeout, "no progress")], stand);
    fails_after_three_attempts(&[("endless-output", timeout, "deadline")], |patience| patience.total = SHORT);
}

#[test]
fn good_clip_is_done_first_person_and_proven_and_children_of_its_renderer_are_killed() {
    if !have("ffmpeg", "a whole job for the game") {
        return;
    }
    for word in ["success", "children", "escapes"] {
        let studio = Studio::new();
        studio.with_node(studio.config(ending(studio.dir.path(), word)), || {
            let job = studio.wait_for_end(&studio.submit());
            assert_eq!(job["status"], "done", "{job:#}");
            let clip = &job["clip"];
            let facts = (&clip["view"], &clip["has_audio"], &clip["pov_verified"]);
            assert_eq!(facts, (&json!("first_person"), &json!(true), &json!(true)), "{job:#}");
        });
        studio.assert_clean(word);
        until("the renderer's child to be killed", || {
            let left = std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
                let of = |file: &str| std::fs::read(entry.path().join(file)).unwrap_or_default();
                let dir = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
                of("cmdline") == b"sleep\x00600\x00" && dir.starts_with(studio.dir.path())
            });
            (!left).then_some(())
        });
    }
}

#[test]
fn what_a_renderer_does_beside_its_video_harms_neither_this_job_nor_the_next() {
    if !have("ffmpeg", "a renderer that does odd things") {
        return;
    }
    for word in ["poster-pipe", "poster-text", "changes-demo"] {
        let studio = Studio::new();
        studio.with_node(studio.config(ending(studio.dir.path(), word)), || {
            for _ in 0..2 {
                let job = studio.wait_for_end(&studio.submit());
                assert_eq!(job["status"], "done", "{word}: {job:#}");
            }
        });
        studio.assert_clean(word);
    }
}

#[test]
fn job_that_is_bad_for_good_is_not_tried_again() {
    let studio = Studio::new();
    studio.with_node(studio.config(ending(studio.dir.path(), "exit-10")), || {
        let job = studio.wait_for_end(&studio.submit());
        assert_eq!((&job["status"], &job["attempts"]), (&json!("failed"), &json!(1)), "{job:#}");
    });
    studio.assert_clean("exit-10");
}

#[test]
fn node_that_is_not_ready_is_benched_and_the_job_does_not_count_it() {
    for setup in [
        ending(tempfile::tempdir().unwrap().keep().as_path(), "disk-full"),
        command("/no/such/program", &[]),
        command("no-such-program-anywhere", &[]),
    ] {
        let studio = Studio::new();
        studio.with_node(studio.config(setup), || {
            let id = studio.submit();
            let job =
                studio.wait(&id, "the bench", |job| job["waiting_because"].as_str().is_some_and(is_about_the_node));
            assert_eq!((&job["status"], &job["attempts"]), (&json!("queued"), &json!(0)), "{job:#}");
            let node = until("the node's own word", || {
                let node = nodes::list(&studio.appliance.app).unwrap().remove(0);
                node.node.offer.not_ready().is_some().then_some(node)
            });
            assert_eq!(node.state, NodeState::Benched);
        });
        studio.assert_clean("not ready");
    }
}

fn is_about_the_node(why: &str) -> bool {
    why.contains("benched") || why.contains("no node with the game renderer is ready")
}

#[test]
fn cancelled_job_ends_its_renderer_whether_it_obeys_or_not() {
    for (word, patience) in [("cancel-obeyed", Duration::from_secs(600)), ("cancel-ignored", Duration::ZERO)] {
        let studio = Studio::new();
        let mut config = studio.config(ending(studio.dir.path(), word));
        config.patience.cancel = patience;
        studio.with_node(config, || {
            let id = studio.submit();
            studio.wait(&id, "progress", |job| job["progress"].as_f64().unwrap() > 0.1);
            studio.cancel(&id);
            until("the renderer to end", || {
                std::fs::read_dir(studio.state_dir().join("work")).unwrap().next().is_none().then_some(())
            });
            assert_eq!(studio.job(&id)["status"], "cancelled", "{word}");
        });
    }
}

/// A whole job with a preset on a machine with fakes. `order`: their misbehavior.
fn with_preset(kind: RendererKind, order: &str, test: impl FnOnce(&Studio, &str)) {
    if !have("ffmpeg", "a whole job with a preset") {
        return;
    }
    let rig = Rig::new(kind);
    rig.order(order);
    let studio = Studio::new();
    let before = rig.files();
    let node = studio.start_node(&rig);
    test(&studio, &studio.submit());
    node.stop();
    studio.assert_clean(order);
    assert_eq!(rig.files(), before, "{order}");
    assert!(!rig.game_runs(), "{order}");
}

#[test]
fn both_presets_make_a_clip_that_is_proven_from_the_log() {
    for kind in [RendererKind::Hlae, RendererKind::Csdm] {
        with_preset(kind, "", |studio, id| {
            let job = studio.wait_for_end(id);
            assert_eq!(job["status"], "done", "{kind:?}: {job:#}");
            let clip = &job["clip"];
            let facts = (&clip["view"], &clip["has_audio"], &clip["pov_verified"], &clip["width"], &clip["fps"]);
            let expected = (&json!("first_person"), &json!(true), &json!(true), &json!(1920), &json!(30));
            assert_eq!(facts, expected, "{kind:?}: {job:#}");
        });
    }
}

#[test]
fn wrong_player_in_the_game_is_failed_for_good_after_three_tries() {
    with_preset(RendererKind::Hlae, "wrong-player", |studio, id| {
        let job = studio.wait_for_end(id);
        assert_eq!((&job["status"], &job["attempts"]), (&json!("failed"), &json!(3)), "{job:#}");
        assert_eq!(job["error"]["message"], "The game shows another player.");
    });
}

#[test]
fn game_that_crashes_twice_while_recording_benches_its_node() {
    with_preset(RendererKind::Hlae, "crash-recording", |studio, id| {
        let is_waiting = |job: &Value| job["waiting_because"].as_str().is_some_and(is_about_the_node);
        let job = studio.wait(id, "the bench", is_waiting);
        assert_eq!((&job["status"], &job["attempts"]), (&json!("queued"), &json!(1)), "{job:#}");
    });
}

#[test]
fn reports_of_the_game_itself_prove_the_view_while_it_records() {
    if !have("ffmpeg", "reports of the game") {
        return;
    }
    let missing = "It is not proven that the clip shows the player: the game did not report what its picture shows.";
    for (word, verdict) in [
        ("reports-player", None),
        ("reports-other", Some("The game shows another player.")),
        ("reports-late", Some(missing)),
    ] {
        let studio = Studio::new();
        let mut setup = ending(studio.dir.path(), word);
        let game_dir = studio.dir.path().join("game");
        setup.args.extend(["--game".to_owned(), game_dir.to_str().unwrap().to_owned()]);
        setup.game_dir = Some(game_dir.clone());
        studio.with_node(studio.config(setup), || {
            let job = studio.wait_for_end(&studio.submit());
            match verdict {
                None => assert_eq!(job["clip"]["pov_verified"], true, "{job:#}"),
                Some(message) => assert_eq!(job["error"]["message"], message, "{word}: {job:#}"),
            }
        });
        let cfg = std::fs::read_dir(game_dir.join("game/csgo/cfg")).unwrap().count();
        assert_eq!(cfg, 0, "{word}: the node's file is removed");
    }
}

#[test]
fn job_through_ffmpeg_as_the_renderer_is_done_but_not_proven() {
    if !have("ffmpeg", "ffmpeg as the renderer") {
        return;
    }
    let studio = Studio::new();
    let source = "testsrc2=size={width}x{height}:rate={fps}:duration={seconds}";
    let args = ["-v", "error", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast"];
    let args = [&args[..], &["-pix_fmt", "yuv420p", "-movflags", "+faststart", "{out}"]].concat();
    let mut setup = command("ffmpeg", &args);
    (setup.require_pov, setup.audio) = (false, None);
    studio.with_node(studio.config(setup), || {
        let job = studio.wait_for_end(&studio.submit());
        let clip = &job["clip"];
        let facts = (&clip["view"], &clip["has_audio"], &clip["pov_verified"]);
        assert_eq!(facts, (&json!("first_person"), &json!(false), &json!(false)), "{job:#}");
    });
    studio.assert_clean("ffmpeg");
}
