//! Maps controllers and pawns to the players of the round.
//!
//! Players are those seen alive on a side, in order of appearance; coaches and waiting players are not. Numbers are
//! the roster's ([`Roster::number`]) and include players who are not drawn.

use awpy::{Context, ENTITY_HANDLE_INDEX_MASK, Entity};

use crate::render::scene::Side;

use super::events::Actor;
use super::keys;
use super::roster::Roster;
use super::schema::{Kind, Schema};

/// All seats at one moment.
#[derive(Default)]
pub(super) struct Seats(Vec<Seat>);

/// Someone on a side, as long as the controller exists.
struct Seat {
    controller: i32,
    pawn: Option<i32>,
    steam64: u64,
    /// The pawn's current side.
    side: Side,
    /// The roster's number, once seen alive.
    player: Option<usize>,
}

impl Seats {
    /// Removes the seats of those who left.
    pub fn clear_left(&mut self, context: &Context, schema: &Schema) {
        let there = |index| context.entities().get(index).is_some_and(|entity| schema.kind(entity) == Kind::Controller);
        self.0.retain(|seat| there(seat.controller));
    }

    /// Updates from a controller; anyone alive for the first time becomes a player.
    pub fn take(&mut self, context: &Context, controller: &Entity, schema: &Schema, roster: &mut Roster) {
        let keys = &schema.controller;
        let Some(handle) = controller.get_handle(keys.pawn) else { return };
        let pawn = context.entities().get_by_handle(handle).filter(|entity| schema.kind(entity) == Kind::Pawn);
        let side = pawn.map_or(Side::None, |pawn| keys::side(pawn.get_i64(schema.pawn.team)));
        let alive = side != Side::None && pawn.is_some_and(|pawn| pawn.get_i64(schema.pawn.health) > 0);
        let steam64 = controller.get_u64(keys.steam64).unwrap_or(0);
        // A controller may be reused for another person.
        let known = self.0.iter().position(|seat| seat.controller == controller.index && seat.steam64 == steam64);
        let known = known.unwrap_or_else(|| {
            self.0.retain(|seat| seat.controller != controller.index);
            self.0.push(Seat { controller: controller.index, pawn: None, steam64, side, player: None });
            self.0.len() - 1
        });
        let seat = &mut self.0[known];
        seat.pawn = pawn.map(|pawn| pawn.index);
        seat.side = side;
        if seat.player.is_none() && alive {
            let name = String::from_utf8_lossy(controller.get_bytes(keys.name).unwrap_or_default());
            seat.player = roster.number(steam64, &name, side);
        }
    }

    /// The player with this pawn.
    pub fn of_pawn(&self, pawn: i32) -> Option<usize> {
        self.0.iter().find(|seat| seat.pawn == Some(pawn))?.player
    }

    /// The player with this pawn handle.
    pub fn of_handle(&self, handle: u32) -> Option<usize> {
        self.of_pawn((handle & ENTITY_HANDLE_INDEX_MASK) as i32)
    }

    /// The player referenced by an event.
    pub fn of_actor(&self, actor: Actor) -> Option<usize> {
        let by_pawn = self.0.iter().find(|seat| seat.pawn.is_some() && seat.pawn == actor.pawn);
        by_pawn.or_else(|| self.0.iter().find(|seat| Some(seat.controller) == actor.controller))?.player
    }

    /// The player with this Steam ID.
    pub fn of_steam64(&self, steam64: u64) -> Option<usize> {
        self.0.iter().find(|seat| seat.steam64 == steam64)?.player
    }

    /// One bit for each player on a side, as in the demo's masks: controller index minus one.
    pub fn bits(&self, side: Side) -> u64 {
        let on_side = |seat: &&Seat| seat.player.is_some() && seat.side == side;
        let bit = |seat: &Seat| 1_u64.checked_shl((seat.controller - 1).unsigned_abs()).unwrap_or(0);
        self.0.iter().filter(on_side).map(bit).fold(0, |bits, bit| bits | bit)
    }
}
