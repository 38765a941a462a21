//! A clip ready to be drawn: its plan, the ground that it shows, and the places of labels.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::thread;

use super::camera::Framing;
use super::ground::Layer;
use super::labels::{LABELS, Places};
use super::look::Look;
use super::plan::Plan;
use super::{label_plan, layers};
use crate::domain::error::Result;
use crate::render::scene::Scene;

/// A clip ready to be drawn, frame by frame in any order.
pub struct Replay<'a> {
    pub(super) plan: Plan<'a>,
    layers: HashMap<layers::Key, Layer>,
    /// By frame: label places.
    places: Vec<Places>,
}

impl<'a> Replay<'a> {
    /// Prepares a clip.
    ///
    /// Fails for a scene without a followed player, moments, or tick rate, and without memory for the ground.
    pub fn new(scene: &'a Scene, look: Look) -> Result<Self> {
        let plan = Plan::new(scene, look)?;
        // Neither needs the other.
        let (layers, places) = thread::scope(|scope| {
            let places = scope.spawn(|| label_plan::plan(&plan));
            (layers::draw(&plan), places.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        Ok(Self { layers: layers?, places, plan })
    }

    /// The output settings.
    pub fn look(&self) -> Look {
        self.plan.look
    }

    /// Number of frames in the clip.
    pub fn frames(&self) -> u64 {
        self.plan.frames()
    }

    /// The frames at which the camera comes to rest after a move, in order.
    pub fn rests(&self) -> impl Iterator<Item = u64> {
        self.plan.rests()
    }

    /// The frame to use as the poster.
    pub fn poster_frame(&self) -> u64 {
        self.plan.poster_frame()
    }

    /// Center and radius in pixels of the ring around the followed player.
    #[cfg(test)]
    pub fn followed_ring(&self, frame: u64) -> (f32, f32, f32) {
        self.plan.followed_ring(frame)
    }

    /// The right ends of the kill feed's rows, and the clock's place. Each x, y, width and height in pixels.
    #[cfg(test)]
    pub fn feed_and_clock(&self) -> (Vec<[usize; 4]>, [usize; 4]) {
        self.plan.feed_and_clock()
    }

    /// The layer that a view of a floor is copied from.
    pub(super) fn layer(&self, framing: &Framing, floor: usize) -> Option<&Layer> {
        self.layers.get(&layers::key(framing, floor))
    }

    /// Label places on a frame.
    pub(super) fn places(&self, frame: u64) -> &Places {
        const NOWHERE: &Places = &[None; LABELS];
        self.places.get(frame as usize).unwrap_or(NOWHERE)
    }
}
