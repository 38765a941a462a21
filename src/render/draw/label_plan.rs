//! Plans the places of all labels of a clip.

use super::camera::PUSH_SECONDS;
use super::canvas::{Area, UNITS};
use super::hud::opacity_before_end;
use super::labels::{BOMB, Obstacles, Place, Places, Planner, Tag};
use super::metrics::{LABEL_EXTRA, PIP, label_height, label_style, marker_reach, marker_scale};
use super::now::Now;
use super::plan::Plan;
use super::text::Glyphs;
use super::view::View;
use super::world::{KILL_LINE_SECONDS, bomb_tag};
use crate::render::scene::Side;

/// Distance from a marker to its label at full size: the followed player's, and the others'.
const OFF: (f32, f32) = (44.0, 34.0);
/// Seconds for which a victim keeps the label, beside the cross.
const VICTIM_SECONDS: f32 = 1.0;

/// Label places by frame.
pub fn plan(plan: &Plan<'_>) -> Vec<Places> {
    let picture = Area::new(12.0, 8.0, plan.width() - 24.0, UNITS - 24.0);
    let mut sizes = Sizes { glyphs: Glyphs::new(plan.fonts.clone()) };
    let mut planner = Planner::new(plan.look.fps);
    (0..plan.frames())
        .map_while(|frame| Some((Now::at(plan.scene, plan.tick_of(frame))?, plan.framing(frame).view)))
        .map(|(now, view)| {
            let alone = now.since(plan.scene.freeze_end_tick) < -PUSH_SECONDS && plan.camera.opens_with_map();
            let opacity = opacity_before_end(plan, &now);
            let tags = std::array::from_fn(|label| match label {
                _ if opacity == 0.0 => None,
                BOMB => bomb_tag(plan, &now, &view),
                player => sizes.tag(plan, &now, &view, player, alone),
            });
            let lines = kill_lines(&now, &view).collect();
            let places = planner.step(&tags, &Obstacles { picture, panels: &plan.slots, lines });
            places.map(|place| place.map(|place| Place { opacity: place.opacity * opacity, ..place }))
        })
        .collect()
}

fn kill_lines<'a>(now: &'a Now<'_>, view: &'a View) -> impl Iterator<Item = [(f32, f32); 2]> + 'a {
    let recent = now.kills().rev().take_while(|kill| now.since(kill.tick) < KILL_LINE_SECONDS);
    recent.filter_map(|kill| {
        let (killer, victim) = (now.drawn(kill.killer?)?, now.drawn(kill.victim)?);
        Some([view.project(killer.at), view.project(victim.at)])
    })
}

struct Sizes {
    glyphs: Glyphs,
}

impl Sizes {
    /// `alone`: only the followed player has a label.
    fn tag(&mut self, plan: &Plan<'_>, now: &Now<'_>, view: &View, player: usize, alone: bool) -> Option<Tag> {
        let at = now.drawn(player)?;
        let killed = now.kills().rev().find(|kill| kill.victim == player).map(|kill| now.since(kill.tick));
        let shown = at.alive() || at.present && killed.is_some_and(|age| age < VICTIM_SECONDS);
        let (x, y) = view.project(at.at);
        let outside = !(0.0..=plan.width()).contains(&x) || !(0.0..=UNITS).contains(&y);
        if !shown || outside || plan.sides[player] == Side::None {
            return None;
        }
        let (first, zoom) = (player == plan.scene.followed, view.zoom());
        let style = label_style(first, zoom);
        let pips = if first { plan.pips(now) } else { 0 };
        let text = self.glyphs.width(style.weight, style.size, false, plan.names.get(player)?);
        let marks = if pips > 0 { pips as f32 * PIP + 8.0 } else { 0.0 };
        let off = if first { OFF.0 } else { OFF.1 };
        Some(Tag {
            at: (x, y),
            reach: marker_reach(first, zoom),
            off: off * marker_scale(zoom),
            width: text + LABEL_EXTRA + marks,
            height: label_height(style),
            yaw: at.yaw,
            first,
            named: (first || !alone) && !plan.panels.iter().any(|panel| panel.contains(x, y)),
        })
    }
}
