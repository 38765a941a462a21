//! Players: who they are, where they look, their health, what they carry, and whether they are blinded.

use super::markers::{above, outline};
use super::stage::Stage;
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::icons::Icon;
use crate::render::draw::metrics::{
    LABEL_EXTRA, LABEL_LEFT, PIP, label_height, label_style, marker_radius, ring_radius,
};
use crate::render::draw::palette::{GOLD, Ink, NIGHT, RED, SLAB, TEXT, WHITE};
use crate::render::draw::text::{TextStyle, Weight};
use crate::render::scene::Side;

/// Opacity of players on another floor.
const OTHER_FLOOR: f32 = 0.72;
/// Opacity of enemies not spotted by the team.
const UNSPOTTED: f32 = 0.35;
/// Seconds in which a spotted enemy fades.
const FADE_SECONDS: f32 = 0.4;
const HEALTH: TextStyle = TextStyle::new(Weight::Extrabold, 24.0).middle();

impl Stage<'_> {
    /// Opacity of a player, 0 to 1: enemies whom the team has not spotted are faint without x-ray.
    pub fn visibility(&self, player: usize) -> f32 {
        let followed = self.plan.scene.followed;
        let enemy = self.side(player) != self.side(followed) && self.side(player) != Side::None;
        if self.plan.look.xray || !enemy {
            return 1.0;
        }
        // The spotted state flickers from tick to tick; use its mean over a short time.
        let (mut seen, mut known) = (0.0, 0.0);
        for moment in self.now.past(FADE_SECONDS, 0.05) {
            if let Some(spotted) = moment.players[player].spotted {
                known += 1.0;
                seen += if spotted { 1.0 } else { 0.0 };
            }
        }
        let spotted = if known > 0.0 { seen / known } else { 1.0 };
        UNSPOTTED + (1.0 - UNSPOTTED) * spotted
    }

    /// A player's opacity beside the panels, from 0 to 1: markers fade out before a panel would cut them in half. The camera
    /// keeps the followed player clear.
    fn beside_panels(&self, player: usize, (x, y): (f32, f32)) -> f32 {
        if player == self.plan.scene.followed {
            return 1.0;
        }
        let radius = marker_radius(false, self.view.zoom());
        let distances = self.plan.panels.iter().map(|panel| panel.distance(x, y));
        1.0 - self.panels * (1.0 - distances.fold(radius, f32::min) / radius)
    }
}

/// Draws the markers of all players but the followed one.
pub fn markers(stage: &Stage<'_>, canvas: &mut Canvas) {
    others(stage).for_each(|player| marker(stage, player, canvas));
}

/// Draws the names of all players but the followed one.
pub fn names(stage: &Stage<'_>, canvas: &mut Canvas) {
    others(stage).for_each(|player| name(stage, player, canvas));
}

/// Draws the followed player's marker and name.
pub fn followed(stage: &Stage<'_>, canvas: &mut Canvas) {
    marker(stage, stage.plan.scene.followed, canvas);
    name(stage, stage.plan.scene.followed, canvas);
}

fn others(stage: &Stage<'_>) -> impl Iterator<Item = usize> + use<> {
    let followed = stage.plan.scene.followed;
    (0..stage.plan.scene.players.len()).filter(move |player| *player != followed)
}

/// A living player's marker.
fn marker(stage: &Stage<'_>, player: usize, canvas: &mut Canvas) {
    let at = &stage.now.players[player];
    let (x, y) = stage.project(at.at);
    let opacity = stage.visibility(player) * stage.beside_panels(player, (x, y));
    if !at.alive() || opacity <= 0.0 {
        return;
    }
    let away = stage.elsewhere(player);
    if away < 1.0 {
        solid(stage, player, opacity * (1.0 - away), canvas);
    }
    if away > 0.0 {
        hollow(stage, player, opacity * away * OTHER_FLOOR, canvas);
    }
    equipment(stage, player, opacity, canvas);
}

fn solid(stage: &Stage<'_>, player: usize, opacity: f32, canvas: &mut Canvas) {
    let followed = player == stage.plan.scene.followed;
    let at = &stage.now.players[player];
    let side = stage.side(player);
    let (x, y) = stage.project(at.at);
    let radius = marker_radius(followed, stage.view.zoom());
    let size = stage.size();
    canvas.disc(x + 5.0 * size, y + 8.0 * size, radius * 1.12, Ink(0).with(0.38 * opacity));
    if followed {
        let ring = ring_radius(stage.view.zoom());
        canvas.disc(x, y, ring, WHITE.with(0.07));
        // The dark rim keeps the ring visible on smoke.
        canvas.ring(x, y, ring, 10.0, NIGHT.with(0.6));
        canvas.ring(x, y, ring, 3.5, WHITE.with(0.95));
    }
    nose(stage, player, opacity, canvas);
    let body = outline(side, x, y, radius);
    canvas.polygon(&outline(side, x, y, radius + 2.5), NIGHT.with(opacity));
    canvas.polygon(&body, Ink::of(side).with(opacity));
    let health = at.health.clamp(0, 100) as f32 / 100.0;
    if health < 1.0 {
        // The fill drains from above.
        let top = y - radius * if side == Side::T { 1.27 } else { 1.0 };
        let level = top + 2.0 * (y - top) * (1.0 - health);
        canvas.polygon(&above(&body, level), Ink::drained(side).with(opacity));
    }
    if let Some(left) = stage.plan.blind_seconds(stage.now, player) {
        // The rim keeps the color of the side.
        canvas.disc(x, y, radius * 0.72, WHITE.with((left / 1.5).min(0.95) * opacity));
    } else if followed && health < 1.0 {
        canvas.text(HEALTH, x, y + 8.5, WHITE.solid(), &at.health.clamp(0, 100).to_string());
    }
}

/// A player above or below the shown floor: an arrow says which.
fn hollow(stage: &Stage<'_>, player: usize, opacity: f32, canvas: &mut Canvas) {
    let at = &stage.now.players[player];
    let side = stage.side(player);
    let (x, y) = stage.project(at.at);
    let radius = marker_radius(false, stage.view.zoom());
    nose(stage, player, opacity, canvas);
    canvas.polygon(&outline(side, x, y, radius + 2.0), NIGHT.with(opacity));
    let body = outline(side, x, y, radius);
    canvas.dashes(&body, 4.0, (7.0, 5.0), Ink::of(side).with(opacity));
    let up = if stage.plan.terrain.floor_at(at.at[2]) > stage.floor { 1.0 } else { -1.0 };
    let arrow = [(x - 8.0, y + 5.0 * up), (x, y - 6.0 * up), (x + 8.0, y + 5.0 * up)];
    canvas.line(&arrow, 4.5, WHITE.with(opacity));
}

/// The wedge that shows where a player looks.
fn nose(stage: &Stage<'_>, player: usize, opacity: f32, canvas: &mut Canvas) {
    let followed = player == stage.plan.scene.followed;
    let at = &stage.now.players[player];
    let (x, y) = stage.project(at.at);
    let radius = marker_radius(followed, stage.view.zoom());
    let (sin, cos) = at.yaw.to_radians().sin_cos();
    let wedge = |more: f32| {
        let corners = [(0.62, -0.72), (1.62, 0.0), (0.62, 0.72)];
        corners.map(|(along, across): (f32, f32)| {
            let along = (along * radius) + if across == 0.0 { more * 1.8 } else { 0.0 };
            let across = across * radius + across.signum() * if across == 0.0 { 0.0 } else { more };
            (x + cos * along + sin * across, y - sin * along + cos * across)
        })
    };
    canvas.polygon(&wedge(2.5), NIGHT.with(opacity));
    canvas.polygon(&wedge(0.0), Ink::of(stage.side(player)).with(opacity));
}

/// The bomb on a carrier, the eye over a blinded player.
fn equipment(stage: &Stage<'_>, player: usize, opacity: f32, canvas: &mut Canvas) {
    let at = &stage.now.players[player];
    let (x, y) = stage.project(at.at);
    let radius = marker_radius(player == stage.plan.scene.followed, stage.view.zoom());
    if at.has_bomb {
        let (x, y) = (x + radius * 0.9, y - radius * 0.9);
        canvas.disc(x, y, 15.5, NIGHT.with(opacity));
        canvas.disc(x, y, 12.5, RED.with(opacity));
        canvas.icon(Icon::C4, Area::new(x - 15.0, y - 6.0, 30.0, 12.0), WHITE.with(opacity));
    }
    if stage.plan.blind_seconds(stage.now, player).is_some() {
        let eye = Area::new(x - 14.0, y - radius - 34.0, 28.0, 28.0);
        canvas.icon(Icon::BLIND, eye.grown(2.5), NIGHT.with(opacity));
        canvas.icon(Icon::BLIND, eye, WHITE.with(opacity));
    }
}

/// The name of a player who has a place for it.
fn name(stage: &Stage<'_>, player: usize, canvas: &mut Canvas) {
    let Some(place) = stage.places[player] else { return };
    let visible = if stage.now.players[player].alive() { stage.visibility(player) } else { 1.0 };
    let followed = player == stage.plan.scene.followed;
    let style = label_style(followed, stage.view.zoom());
    let name = &stage.plan.names[player];
    let at = stage.project(stage.now.players[player].at);
    let pips = if followed { stage.plan.pips(stage.now) } else { 0 };
    let marks = if pips > 0 { pips as f32 * PIP + 8.0 } else { 0.0 };
    let (width, height) = (canvas.text_width(style, name) + LABEL_EXTRA + marks, label_height(style));
    // Whole units, so that text does not shimmer while the player walks.
    let (x, y) = ((at.0 + place.offset.0 - width / 2.0).round(), (at.1 + place.offset.1 - height / 2.0).round());
    // Gone before the marker is, or it would blink while its player walks along the edge of a panel.
    let shown = place.opacity * (2.0 * stage.beside_panels(player, at) - 1.0).max(0.0);
    let opacity = shown * (0.5 + 0.5 * visible);
    if place.is_far {
        let to = (at.0.clamp(x, x + width), at.1.clamp(y, y + height));
        leader(
            at,
            to,
            marker_radius(followed, stage.view.zoom()),
            [NIGHT, Ink::of(stage.side(player))],
            opacity,
            canvas,
        );
    }
    canvas.plate(Area::new(x, y, width, height), 5.0, SLAB.with(0.78 * shown));
    canvas.plate(Area::new(x, y, 5.0, height), 2.0, Ink::of(stage.side(player)).with(opacity));
    let ink = if followed { WHITE } else { TEXT };
    canvas.text(style, x + LABEL_LEFT, y + height * 0.5 + style.size * 0.36, ink.with(opacity), name);
    for pip in 0..pips {
        let left = x + width - marks + 4.0 + pip as f32 * PIP;
        canvas.icon(Icon::SKULL, Area::new(left, y + height / 2.0 - 12.0, 24.0, 24.0), GOLD.with(opacity));
    }
}

/// A line with a dark border from a marker's rim to a label that lies far from it.
fn leader(from: (f32, f32), to: (f32, f32), radius: f32, inks: [Ink; 2], opacity: f32, canvas: &mut Canvas) {
    let (right, down) = (to.0 - from.0, to.1 - from.1);
    let part = radius / right.hypot(down).max(radius);
    let rim = (from.0 + right * part, from.1 + down * part);
    for (width, ink) in [5.5, 2.5].into_iter().zip(inks) {
        canvas.line(&[rim, to], width, ink.with(0.8 * opacity));
    }
}
