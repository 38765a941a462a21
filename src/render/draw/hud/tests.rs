//! Tests of the panels, drawn over nothing, on the round of the picture's tests.

use tiny_skia::Pixmap;

use super::*;
use crate::domain::camera::CameraMode;
use crate::render::draw::labels::{LABELS, Places};
use crate::render::draw::look::Look;
use crate::render::draw::tests::{everything, kill};
use crate::render::draw::text::Glyphs;
use crate::render::draw::world::Stage;
use crate::render::scene::*;

/// No names on the map.
const NOWHERE: Places = [None; LABELS];
const FULL: Look =
    Look { fps: 30, width: 640, height: 360, xray: true, deathnotices_only: false, camera: CameraMode::Follow };
/// Pictures of several shapes; the second has no whole number of pixels per unit.
const SIZES: [(u32, u32); 4] = [(640, 360), (854, 480), (640, 480), (1_280, 540)];

/// [`everything`], with a plant and a defuse instead of the explosion.
fn round() -> Scene {
    let mut scene = everything();
    scene.effects.retain(|effect| effect.kind != EffectKind::BombExploded);
    Scene {
        plantings: vec![Planting { player: 5, start_tick: 1_130, end_tick: 1_170 }],
        defuses: vec![Defuse { player: 2, start_tick: 1_221, end_tick: 1_288, seconds: 2.0 }],
        outcome: Outcome::Defused,
        ..scene
    }
}

fn at<'a>(scene: &'a Scene, tick: i32) -> Now<'a> {
    Now::at(scene, f64::from(tick)).unwrap()
}

/// The round on two floors, one above the other.
fn two_floors() -> Scene {
    let mut scene = round();
    let level = |z: f32| Level { dwell: 9, z_min: z, z_max: z };
    for (x, y) in (-90..90).flat_map(|x| (-60..60).map(move |y| (x, y))) {
        scene.ground.cells.insert((x, y), Cell { low: level(0.0), high: Some(level(300.0)) });
    }
    scene
}

/// A canvas and its panels.
struct Panels<'a> {
    plan: &'a Plan<'a>,
    hud: Hud,
    canvas: Canvas,
}

impl<'a> Panels<'a> {
    fn new(plan: &'a Plan<'a>) -> Self {
        let Look { width, height, .. } = plan.look;
        let canvas = Canvas::new(width, height, Glyphs::new(plan.fonts.clone())).unwrap();
        Self { plan, hud: Hud::new(plan), canvas }
    }

    fn draw(&mut self, tick: i32) -> &Pixmap {
        let now = at(self.plan.scene, tick);
        let frame = (tick - self.plan.scene.clip_start_tick) as u64 * 30 / 32;
        self.canvas.begin();
        self.hud
            .update(&Stage::new(self.plan, &now, frame, &NOWHERE, panels_opacity(self.plan, &now)), &mut self.canvas);
        self.canvas.finish();
        self.canvas.pixels()
    }
}

#[test]
fn panels_drawn_one_after_the_other_equal_new_ones() {
    for scene in [round(), two_floors()] {
        for ((width, height), deathnotices_only) in SIZES.into_iter().flat_map(|size| [(size, false), (size, true)]) {
            let plan = Plan::new(&scene, Look { width, height, deathnotices_only, ..FULL }).unwrap();
            let mut panels = Panels::new(&plan);
            for tick in (1_000..1_384).step_by(11).chain([1_384, 1_010, 1_200, 1_090, 1_300]) {
                let fresh = Panels::new(&plan).draw(tick).clone();
                assert!(panels.draw(tick) == &fresh, "{width}x{height} tick {tick}");
            }
        }
    }
}

#[test]
fn panels_stay_inside_their_slots() {
    for scene in [round(), two_floors()] {
        for ((width, height), deathnotices_only) in SIZES.into_iter().flat_map(|size| [(size, false), (size, true)]) {
            let plan = Plan::new(&scene, Look { width, height, deathnotices_only, ..FULL }).unwrap();
            let slots = plan.layout.slots();
            let scale = height as f32 / 1_080.0;
            let inside = |index: u32| {
                let pixel = Area::new((index % width) as f32, (index / width) as f32, 1.0, 1.0);
                let scaled =
                    |slot: &Area| Area::new(slot.x * scale, slot.y * scale, slot.width * scale, slot.height * scale);
                slots.iter().any(|slot| scaled(slot).overlap(&pixel) > 0.0)
            };
            let mut panels = Panels::new(&plan);
            for tick in [1_096, 1_152, 1_154, 1_165, 1_185, 1_204, 1_240, 1_270, 1_295] {
                let picture = panels.draw(tick);
                let stray = picture.pixels().iter().zip(0..).filter(|(pixel, _)| pixel.red() > 0 || pixel.blue() > 0);
                let stray = stray.map(|(_, index)| index).find(|index| !inside(*index));
                assert_eq!(stray.map(|index| (index % width, index / width)), None, "{width}x{height} tick {tick}");
            }
        }
    }
}

#[test]
fn inset_is_left_out_where_it_would_repeat_the_picture() {
    for (scene, follow, map) in [(round(), 1, 0), (two_floors(), 2, 2)] {
        for deathnotices_only in [false, true] {
            let shown = |camera| {
                let plan = Plan::new(&scene, Look { camera, deathnotices_only, ..FULL }).unwrap();
                Hud::new(&plan).insets.len()
            };
            assert_eq!((shown(CameraMode::Follow), shown(CameraMode::Map)), (follow, map));
        }
    }
}

#[test]
fn unspotted_enemies_are_dim_on_the_inset_without_xray() {
    // The enemy is spotted later.
    let mut scene = round();
    for moment in &mut scene.moments {
        moment.players[5].spotted = Some(moment.tick > 1_150);
    }
    let brightness = |xray: bool, tick: i32| {
        let plan = Plan::new(&scene, Look { xray, ..FULL }).unwrap();
        let picture = Panels::new(&plan).draw(tick).clone();
        picture.pixels().iter().map(|pixel| u64::from(pixel.red())).sum::<u64>()
    };
    for (tick, dim) in [(1_120, true), (1_200, false)] {
        let (faint, bright) = (brightness(false, tick), brightness(true, tick));
        assert_eq!((faint + 300 < bright, faint == bright), (dim, !dim), "tick {tick}: {faint} {bright}");
    }
}

#[test]
fn panels_tell_nothing_about_the_future() {
    let scene = round();
    let mut other = round();
    other.kills.retain(|kill| kill.tick <= 1_160);
    (other.plant, other.outcome, other.winner) = (None, Outcome::TimeUp, Side::T);
    other.defuses.clear();
    let [one, other] = [&scene, &other].map(|scene| Plan::new(scene, FULL).unwrap());
    for tick in [1_000, 1_090, 1_140, 1_160] {
        let picture = Panels::new(&one).draw(tick).clone();
        assert!(&picture == Panels::new(&other).draw(tick), "tick {tick}");
    }
    let mut panels = Panels::new(&one);
    assert!(panels.draw(1_140).clone() != *panels.draw(1_152), "a kill that was reached is shown");
}

#[test]
fn kill_of_a_teammate_counts_nowhere() {
    let mut scene = round();
    scene.kills =
        vec![kill(1_140, Some(1), 0), kill(1_150, Some(1), 1), kill(1_160, Some(1), 3), kill(1_200, Some(1), 4)];
    let plan = Plan::new(&scene, FULL).unwrap();
    let own = |tick| at(&scene, tick).own_kills().count();
    assert_eq!([own(1_139), own(1_155), own(1_160), own(1_300)], [0, 0, 1, 2]);
    let plate = |tick| plate::Plate::at(&plan, &at(&scene, tick)).is_some();
    assert_eq!([plate(1_151), plate(1_161), plate(1_201)], [false, false, true]);
    assert_eq!(super::super::poster::tick(&scene).floor(), 1_209.0);
}

#[test]
fn bomb_is_said_to_have_killed_whom_it_killed() {
    let mut scene = round();
    for (weapon, said) in [("planted_c4", "killed by the bomb"), ("world", "eliminated")] {
        scene.kills = vec![Kill { weapon: weapon.to_owned(), ..kill(scene.end_tick, None, scene.followed) }];
        assert_eq!(story::lone_death(&at(&scene, scene.end_tick + 1)), said);
    }
}

#[test]
fn end_card_stands_its_time_after_the_last_kill_and_the_explosion_were_seen() {
    let mut scene = round();
    let ticks = |seconds: f32| scene.clip_end_tick - (seconds * scene.tick_rate) as i32;
    // Seconds before the end of the clip: the kills, the explosion, the first moment of the card.
    let cases: [(&[f32], Option<f32>, f32); 8] = [
        (&[], None, 2.5),
        (&[3.5], None, 2.5),
        // An ace with the last kill as the round ends; after that; under the card.
        (&[5.0, 3.2, 3.0], None, 2.0),
        (&[5.0, 3.2, 2.75], None, 1.75),
        (&[5.0, 3.5, 2.0], None, 2.5),
        // The bomb explodes as the round ends, or late.
        (&[], Some(3.0), 2.0),
        (&[3.0], Some(3.0), 2.0),
        (&[], Some(2.0), 1.5),
    ];
    let cases = cases.map(|(kills, blast, card)| {
        (kills.iter().map(|seconds| ticks(*seconds)).collect::<Vec<_>>(), blast.map(ticks), ticks(card))
    });
    for (kills, blast, card) in cases {
        let blast = blast.map(|tick| Effect { tick, kind: EffectKind::BombExploded, at: [0.0; 3] });
        scene.effects = Vec::from_iter(blast);
        scene.kills = kills.iter().zip([3, 4, 5, 3]).map(|(tick, victim)| kill(*tick, Some(1), victim)).collect();
        let plan = Plan::new(&scene, FULL).unwrap();
        let opacity = |tick| Card::at(&plan, &at(&scene, tick)).map(|(_, opacity)| f32::from(opacity));
        assert!(opacity(card - 2).is_none() && opacity(card + 2).is_some(), "{kills:?}");
        // A player that stops shows the last frame.
        assert_eq!(opacity(scene.clip_end_tick - 1), Some(FADE_STEPS), "{kills:?}");
    }
}

#[test]
fn end_card_tells_times_as_the_clock_did() {
    let mut scene = round();
    // The bomb is planted at tick 1,170.
    scene.kills = [(1_150, 3), (1_200, 4)].map(|(tick, victim)| kill(tick, Some(1), victim)).to_vec();
    let plan = Plan::new(&scene, FULL).unwrap();
    let (card, _) = end::End::at(&plan, &at(&scene, 1_340)).unwrap();
    assert_eq!(card.times(), [("1:54", false), ("0:40", true)]);
}

#[test]
fn bomb_without_time_left_stands_for_the_clock_until_it_explodes() {
    let mut scene = round();
    // 40 seconds are over at tick 1,264.
    scene.plant = Some(Plant { tick: 1_264 - 40 * 32, site: 'A', fuse_seconds: 41.0 });
    for moment in scene.moments.iter_mut().filter(|moment| moment.tick >= 1_288) {
        moment.bomb.as_mut().unwrap().state = BombState::Exploded;
    }
    let plan = Plan::new(&scene, FULL).unwrap();
    for (tick, expected) in [(1_248, ["0.5", ""]), (1_264, ["", ""]), (1_287, ["", ""]), (1_290, ["", "EXPLODED"])] {
        assert_eq!(score::Score::at(&plan, &at(&scene, tick)).said(), expected, "tick {tick}");
    }
}

#[test]
fn strip_and_lower_third_show_the_same_weapon_of_the_followed_player() {
    let mut scene = round();
    scene.weapons = ["", "ak47", "awp", "knife", "smokegrenade"].map(str::to_owned).to_vec();
    for moment in &mut scene.moments {
        moment.players[1].weapon = (moment.tick / 8 % 5) as u16;
    }
    let plan = Plan::new(&scene, FULL).unwrap();
    let mut seen = Vec::new();
    for tick in (1_096..1_136).step_by(8) {
        let now = at(&scene, tick);
        let lower = lower::Lower::at(&plan, &now, false).unwrap().weapon;
        assert_eq!(lower, roster::Strip::at(&plan, &now, 1).weapon, "tick {tick}");
        assert!(lower.is_some(), "a gun is carried at least");
        seen.push(lower);
    }
    seen.dedup();
    assert_eq!(seen.len(), 4, "it is what is in hand, or else the rifle");
}

#[test]
fn series_of_kills_has_a_name() {
    let scene = round();
    let plan = Plan::new(&scene, FULL).unwrap();
    assert_eq!([1, 2, 3].map(|kills| story::word(&plan, kills)), ["1K", "2K", "ACE"]);
    let tally = |ticks: &[i32]| {
        let kills: Vec<Kill> = ticks.iter().map(|tick| kill(*tick, Some(1), 3)).collect();
        story::tally(&scene, &kills.iter().collect::<Vec<_>>())
    };
    assert_eq!(tally(&[1_000]), "1 kill");
    assert_eq!(tally(&[1_000, 1_080]), "2 kills in 2.5 s");
    assert_eq!(tally(&[1_000, 1_080, 2_000]), "3 kills");
}

#[test]
fn end_card_is_as_high_as_what_it_tells() {
    let mut scene = round();
    let kills = [kill(1_150, Some(1), 3), kill(1_200, Some(1), 4)];
    for (count, high) in [(0, false), (1, false), (2, true)] {
        scene.kills = kills[..count].to_vec();
        let plan = Plan::new(&scene, FULL).unwrap();
        // The stripe at the left edge, 720 to 858 units below the top in a high card.
        let mut panels = Panels::new(&plan);
        let stripe = panels.draw(1_350).pixel(264 / 3, 780 / 3).unwrap();
        assert_eq!(stripe.blue() > 150, high, "{count}: {stripe:?}");
    }
}

#[test]
fn outcome_is_one_sentence() {
    let mut scene = round();
    scene.teams[0].name = "Falcons".to_owned();
    for (outcome, winner, expected) in [
        (Outcome::Unknown, Side::Ct, ""),
        (Outcome::Eliminated, Side::Ct, "All three Falcons eliminated"),
        (Outcome::Eliminated, Side::T, "All three Counter-Terrorists eliminated"),
        (Outcome::Exploded, Side::T, "Bomb exploded at A"),
        (Outcome::Defused, Side::Ct, "Bomb defused by Player 3"),
        (Outcome::TimeUp, Side::Ct, "Time ran out"),
        (Outcome::Surrendered, Side::Ct, "Falcons surrendered"),
    ] {
        scene.outcome = outcome;
        let mut plan = Plan::new(&scene, FULL).unwrap();
        plan.names[2] = "Player 3".to_owned();
        assert_eq!(story::outcome(&plan, winner), expected);
    }
}

#[test]
fn attempts_are_shown_while_they_last() {
    let mut scene = round();
    scene.players[2].name = "mezii".to_owned();
    let plan = Plan::new(&scene, FULL).unwrap();
    let said = |tick| attempt::Attempt::at(&plan, &at(&scene, tick)).map(|attempt| attempt.said());
    let words = |what: &str, left: &str| Some((what.to_owned(), left.to_owned()));
    for (tick, expected) in [
        (1_129, None),
        (1_146, words("x is planting", "2.7 s")),
        (1_170, None),
        (1_237, words("mezii is defusing", "1.5 s")),
        (1_288, None),
    ] {
        assert_eq!(said(tick), expected, "tick {tick}");
    }
    assert_eq!(attempt::defuse_seconds(&at(&scene, 1_253)), Some(1.0));
}

#[test]
fn attempt_of_another_does_not_hide_the_living_followed_player() {
    let mut scene = round();
    // Who is followed, when: whether the lower third shows an attempt, whether one is beside it. Player 0 dies at 1,180.
    for (followed, tick, expected) in [
        (1, 1_140, [false, true]),
        (1, 1_200, [false, false]),
        (1, 1_240, [false, true]),
        (2, 1_240, [true, false]),
        (0, 1_240, [true, false]),
    ] {
        scene.followed = followed;
        let plan = Plan::new(&scene, FULL).unwrap();
        let mut panels = Panels::new(&plan);
        panels.draw(tick);
        let full = panels.hud.full.as_ref().unwrap();
        let attempt = matches!(full.lower.shown, Some((LowerThird::Attempt(_), _)));
        let beside = matches!(full.aside.shown, Some((Aside::Attempt(_), _)));
        assert_eq!([attempt, beside], expected, "player {followed}, tick {tick}");
        assert!(full.lower.shown.is_some());
    }
}

#[test]
fn cards_are_shown_only_at_the_ends_and_the_last_only_for_a_won_round() {
    let mut scene = round();
    let card = |scene: &Scene, tick| {
        let plan = Plan::new(scene, FULL).unwrap();
        Card::at(&plan, &at(scene, tick)).map(|(card, _)| matches!(card, Card::Intro(_)))
    };
    for (tick, expected) in [
        (1_000, Some(true)),
        (1_079, Some(true)),
        (1_080, None),
        (1_303, None),
        (1_305, Some(false)),
        (1_383, Some(false)),
    ] {
        assert_eq!(card(&scene, tick), expected, "tick {tick}");
    }
    scene.end_tick = 1_380;
    assert_eq!(card(&scene, 1_379), None, "not decided yet");
    scene.winner = Side::None;
    assert_eq!(card(&scene, 1_383), None, "nobody won");
}
