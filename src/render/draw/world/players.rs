//! Player markers: view direction, identity, health, blindness, and visibility to the followed player.

use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::labels::Places;
use crate::render::draw::metrics::{LABEL_PADDING, disc_radius, label_height, label_style};
use crate::render::draw::now::Now;
use crate::render::draw::palette::{Ink, NIGHT, RED, TEXT, WHITE};
use crate::render::draw::replay::Replay;
use crate::render::scene::Side;

/// Height difference in map units from which a player counts as on another floor.
const FLOOR: f32 = 160.0;
/// Opacity of players on another floor.
const OTHER_FLOOR: f32 = 0.6;
/// Opacity of enemies not spotted by the team.
const UNSPOTTED: f32 = 0.3;
/// Seconds in which a spotted enemy fades.
const FADE_SECONDS: f32 = 0.4;
/// Length in seconds of the followed player's trail.
const TRAIL_SECONDS: f32 = 4.0;

/// Draws the followed player's trail.
pub fn trail(replay: &Replay<'_>, now: &Now<'_>, canvas: &mut Canvas) {
    let followed = replay.scene.followed;
    let past = now.past(TRAIL_SECONDS, 1.0 / 16.0).map(|moment| moment.players[followed]);
    let mut points = vec![replay.camera.project(now.followed().at)];
    points.extend(past.take_while(|player| player.alive()).map(|player| replay.camera.project(player.at)));
    if !now.followed().alive() {
        return;
    }
    let whole = TRAIL_SECONDS * 16.0;
    for (index, pair) in points.windows(2).enumerate() {
        let far = (pair[0].0 - pair[1].0).hypot(pair[0].1 - pair[1].1);
        // Do not connect positions across a respawn.
        if far > 0.05 && far < 60.0 {
            canvas.line(pair, 3.0, WHITE.with(0.5 * (1.0 - index as f32 / whole)));
        }
    }
}

/// Draws all living players: view cones, then markers, then names; the followed player on top.
pub fn draw(replay: &Replay<'_>, now: &Now<'_>, places: &Places, canvas: &mut Canvas) {
    let followed = replay.scene.followed;
    let mut order: Vec<usize> = (0..replay.scene.players.len()).filter(|player| now.players[*player].alive()).collect();
    order.sort_by_key(|player| (*player == followed, *player));
    let opacities: Vec<f32> = order.iter().map(|player| visibility(replay, now, *player)).collect();
    let each = || order.iter().copied().zip(opacities.iter().copied());
    each().for_each(|(player, opacity)| cone(replay, now, player, opacity, canvas));
    each().for_each(|(player, opacity)| disc(replay, now, player, opacity, canvas));
    for (player, opacity) in each() {
        if let Some(offset) = places[player] {
            label(replay, now, player, offset, opacity, canvas);
        }
    }
}

/// Opacity of a player, 0 to 1.
fn visibility(replay: &Replay<'_>, now: &Now<'_>, player: usize) -> f32 {
    let followed = replay.scene.followed;
    if player == followed {
        return 1.0;
    }
    let (me, at) = (now.followed(), &now.players[player]);
    let floor = if (at.at[2] - me.at[2]).abs() > FLOOR && me.alive() { OTHER_FLOOR } else { 1.0 };
    let enemy = replay.sides[player] != replay.sides[followed] && replay.sides[player] != Side::None;
    if replay.look.xray || !enemy {
        return floor;
    }
    // The spotted state flickers from tick to tick; use its mean over a short time.
    let (mut seen, mut known) = (0.0, 0.0);
    for moment in now.past(FADE_SECONDS, 0.05) {
        if let Some(spotted) = moment.players[player].spotted {
            known += 1.0;
            seen += if spotted { 1.0 } else { 0.0 };
        }
    }
    let spotted = if known > 0.0 { seen / known } else { 1.0 };
    floor * (UNSPOTTED + (1.0 - UNSPOTTED) * spotted)
}

fn cone(replay: &Replay<'_>, now: &Now<'_>, player: usize, opacity: f32, canvas: &mut Canvas) {
    let followed = player == replay.scene.followed;
    let at = &now.players[player];
    let (x, y) = replay.camera.project(at.at);
    let ink = Ink::of(replay.sides[player]);
    let (half, reach, near) =
        if followed { (0.64, 155.0, WHITE.with(0.44)) } else { (0.5, 62.0, ink.with(0.36 * opacity)) };
    let mut points = vec![(x, y)];
    points.extend((-6..=6).map(|step| {
        let (sin, cos) = (at.yaw.to_radians() + half * step as f32 / 6.0).sin_cos();
        (x + cos * reach, y - sin * reach)
    }));
    // Two stops: the rasterizer has a fast path for them, and cones are half of the drawing time.
    canvas.glow(&points, x, y, reach, &[(0.0, near), (1.0, ink.with(0.0))]);
}

fn disc(replay: &Replay<'_>, now: &Now<'_>, player: usize, opacity: f32, canvas: &mut Canvas) {
    let followed = player == replay.scene.followed;
    let at = &now.players[player];
    let (x, y) = replay.camera.project(at.at);
    let radius = disc_radius(followed);
    let color = Ink::of(replay.sides[player]).with(opacity);
    let place = |turn: f32, away: f32| {
        let (sin, cos) = (at.yaw.to_radians() + turn).sin_cos();
        (x + cos * away, y - sin * away)
    };
    if followed {
        canvas.ring(x, y, radius + 5.0, 3.0, WHITE.with(0.95));
    }
    let rim = NIGHT.with(0.9 * opacity);
    canvas.polygon(&[place(0.0, radius + 10.0), place(0.66, radius + 1.5), place(-0.66, radius + 1.5)], rim);
    canvas.disc(x, y, radius + 2.0, rim);
    canvas.disc(x, y, radius, color);
    canvas.polygon(&[place(0.0, radius + 6.5), place(0.55, radius - 0.3), place(-0.55, radius - 0.3)], color);
    if at.health < 100 {
        let lost = 1.0 - at.health.clamp(0, 100) as f32 / 100.0;
        canvas.arc(x, y, radius - 2.6, lost, 3.6, NIGHT.with(0.6 * opacity));
    }
    if let Some(left) = blind_seconds(replay, now, player) {
        canvas.disc(x, y, radius, WHITE.with((left / 2.5).min(0.95) * opacity));
    }
    if at.has_bomb {
        canvas.plate(Area::new(x - 6.0, y - 4.5, 12.0, 9.0), 2.5, NIGHT.with(0.9 * opacity));
        canvas.plate(Area::new(x - 4.5, y - 3.0, 9.0, 6.0), 1.5, RED.with(opacity));
    }
    if at.defusing {
        canvas.ring(x, y, radius + 4.0, 2.0, WHITE.with(0.5 + 0.5 * (now.seconds() * 9.0).sin()));
    }
}

/// Seconds for which a player remains blind.
fn blind_seconds(replay: &Replay<'_>, now: &Now<'_>, player: usize) -> Option<f32> {
    let latest = replay.blindings.get(player)?.iter().rev().find(|(tick, _)| now.reached(*tick))?;
    let left = latest.1 - now.since(latest.0);
    (left > 0.0).then_some(left)
}

fn label(replay: &Replay<'_>, now: &Now<'_>, player: usize, offset: (f32, f32), opacity: f32, canvas: &mut Canvas) {
    let followed = player == replay.scene.followed;
    let style = label_style(followed);
    let name = &replay.names[player];
    let disc = replay.camera.project(now.players[player].at);
    // Whole units, so that text does not shimmer while the player walks.
    let (x, y) = ((disc.0 + offset.0).round(), (disc.1 + offset.1).round());
    let (width, height) = (canvas.text_width(style, name) + 2.0 * LABEL_PADDING, label_height(style));
    let away = (offset.0.abs() - width / 2.0).max(offset.1.abs() - height / 2.0) - disc_radius(followed);
    if away > 14.0 {
        let reach = 1.0 - (height / 2.0) / offset.0.hypot(offset.1).max(1.0);
        let foot = (disc.0 + offset.0 * reach, disc.1 + offset.1 * reach);
        canvas.line(&[disc, foot], 1.5, Ink::of(replay.sides[player]).with(0.6 * opacity));
    }
    let plate = Area::new(x - width / 2.0, y - height / 2.0, width, height);
    canvas.plate(plate, 5.0, NIGHT.with(0.7 * opacity));
    let color = if followed { WHITE.solid() } else { TEXT.with(opacity) };
    canvas.text(style, x, y + style.size * 0.35, color, name);
}
