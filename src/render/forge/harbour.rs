//! `de_harbour`, a fictional map: positions and the connections between them. Terrorists spawn in the south, site A
//! is in the east, site B in the west; a canal and a tunnel connect the middle to the west.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::description::Step;
use super::walk::distance;

/// The map's name.
pub const NAME: &str = "de_harbour";

macro_rules! spots {
    ($($name:ident $at:tt)*) => {
        /// A named position on the map.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "positions on a fictional map")]
        pub enum Spot { $($name),* }
        const PLACES: &[[f32; 3]] = &[$($at),*];
        pub(super) const SPOTS: &[Spot] = &[$(Spot::$name),*];
    };
}

spots! {
    TSpawn [0.0, -1800.0, 0.0]
    TSpawnW [-320.0, -1760.0, 0.0]
    TSpawnE [320.0, -1760.0, 0.0]
    TYard [0.0, -1380.0, 0.0]
    TWest [-620.0, -1420.0, -8.0]
    TEast [640.0, -1420.0, 0.0]
    MidLow [0.0, -900.0, -32.0]
    MidDoors [0.0, -500.0, -32.0]
    Mid [0.0, -100.0, -16.0]
    MidTop [40.0, 320.0, 16.0]
    Arch [0.0, 720.0, 48.0]
    CtYard [0.0, 1080.0, 64.0]
    CtSpawn [0.0, 1480.0, 64.0]
    CtSpawnW [-300.0, 1440.0, 64.0]
    CtSpawnE [300.0, 1440.0, 64.0]
    Crane [1120.0, -1400.0, 0.0]
    LongDoors [1500.0, -1150.0, 0.0]
    LongLow [1560.0, -650.0, 16.0]
    Long [1560.0, -150.0, 40.0]
    LongTop [1500.0, 360.0, 80.0]
    ARamp [1420.0, 700.0, 128.0]
    ASite [1180.0, 1000.0, 160.0]
    ASiteN [1200.0, 1260.0, 160.0]
    ASiteW [920.0, 1040.0, 160.0]
    ASiteE [1440.0, 1040.0, 160.0]
    ABoxes [1080.0, 820.0, 160.0]
    ShortLow [420.0, 260.0, 32.0]
    Short [720.0, 420.0, 80.0]
    ShortTop [880.0, 740.0, 128.0]
    ACt [600.0, 1240.0, 96.0]
    Docks [-1060.0, -1340.0, -24.0]
    Pier [-1480.0, -1080.0, -48.0]
    Hold [-1540.0, -560.0, -64.0]
    HoldN [-1500.0, -120.0, -64.0]
    BDoor [-1460.0, 260.0, -48.0]
    BSite [-1320.0, 640.0, -32.0]
    BSiteW [-1580.0, 700.0, -32.0]
    BSiteE [-1060.0, 620.0, -32.0]
    BSiteN [-1300.0, 920.0, -32.0]
    BWindow [-820.0, 840.0, 16.0]
    BCt [-560.0, 1180.0, 48.0]
    Tunnel [-1000.0, -640.0, -64.0]
    TunnelE [-520.0, -460.0, -48.0]
    Canal [-500.0, 120.0, -32.0]
    CanalW [-860.0, 300.0, -40.0]
}

use Spot::*;

/// Pairs of positions connected by a straight line.
pub(super) const WAYS: &[(Spot, Spot)] = &[
    (TSpawn, TSpawnW),
    (TSpawn, TSpawnE),
    (TSpawn, TYard),
    (TSpawnW, TYard),
    (TSpawnE, TYard),
    (TSpawnW, TWest),
    (TSpawnE, TEast),
    (TYard, TWest),
    (TYard, TEast),
    (TYard, MidLow),
    (MidLow, MidDoors),
    (MidDoors, Mid),
    (Mid, MidTop),
    (MidTop, Arch),
    (Arch, CtYard),
    (CtYard, CtSpawn),
    (CtYard, CtSpawnW),
    (CtYard, CtSpawnE),
    (CtSpawn, CtSpawnW),
    (CtSpawn, CtSpawnE),
    (TEast, Crane),
    (Crane, LongDoors),
    (LongDoors, LongLow),
    (LongLow, Long),
    (Long, LongTop),
    (LongTop, ARamp),
    (ARamp, ASite),
    (ARamp, ASiteE),
    (ARamp, ABoxes),
    (ASite, ASiteN),
    (ASite, ASiteW),
    (ASite, ASiteE),
    (ASite, ABoxes),
    (ASiteN, ASiteE),
    (ASiteN, ASiteW),
    (ASiteW, ABoxes),
    (MidTop, ShortLow),
    (Mid, ShortLow),
    (ShortLow, Short),
    (Short, ShortTop),
    (ShortTop, ABoxes),
    (ShortTop, ASiteW),
    (ASiteW, ACt),
    (ASiteN, ACt),
    (ACt, CtSpawnE),
    (ACt, CtYard),
    (TWest, Docks),
    (Docks, Pier),
    (Pier, Hold),
    (Hold, HoldN),
    (HoldN, BDoor),
    (BDoor, BSite),
    (BDoor, BSiteW),
    (BSite, BSiteW),
    (BSite, BSiteE),
    (BSite, BSiteN),
    (BSiteW, BSiteN),
    (BSiteE, BSiteN),
    (BSiteE, BWindow),
    (BSiteN, BWindow),
    (BWindow, BCt),
    (BCt, CtSpawnW),
    (BCt, CtYard),
    (Docks, Tunnel),
    (Hold, Tunnel),
    (Tunnel, TunnelE),
    (TunnelE, MidDoors),
    (TunnelE, Canal),
    (Mid, Canal),
    (Canal, CanalW),
    (CanalW, BSiteE),
    (CanalW, BDoor),
];

impl Spot {
    /// Its coordinates.
    pub fn at(self) -> [f32; 3] {
        PLACES[self as usize]
    }

    /// Coordinates with an offset.
    pub fn beside(self, x: f32, y: f32) -> [f32; 3] {
        let [east, north, up] = self.at();
        [east + x, north + y, up]
    }
}

/// Distance between turns of a running player, and maximum deviation from the lane.
const PIECE_UNITS: f32 = 170.0;
const WEAVE_UNITS: f32 = 46.0;

/// A route through these positions along the shortest connections, `lane` units left of the center line, and never
/// quite straight.
pub fn way(over: &[Spot], lane: f32) -> Vec<Step> {
    let mut places = Vec::new();
    for pair in over.windows(2) {
        let leg = shortest(pair[0], pair[1]);
        places.extend(leg.into_iter().skip(usize::from(!places.is_empty())));
    }
    let mut steps = Vec::new();
    for pair in places.windows(2) {
        let (from, to) = (pair[0].at(), pair[1].at());
        let length = distance(from, to).max(1.0);
        let left = [-(to[1] - from[1]) / length, (to[0] - from[0]) / length];
        let pieces = (length / PIECE_UNITS).ceil() as u32;
        for piece in 1..=pieces {
            let part = piece as f32 / pieces as f32;
            let off = lane + weave([pair[0] as u32, pair[1] as u32, piece, lane as i32 as u32]) * WEAVE_UNITS;
            let along = |axis: usize| from[axis] + (to[axis] - from[axis]) * part;
            steps.push(Step::Run([along(0) + left[0] * off, along(1) + left[1] * off, along(2)]));
        }
    }
    steps
}

/// Deterministic pseudo-random number from -1 to 1.
fn weave(of: [u32; 4]) -> f32 {
    let mixed = of.iter().fold(0x9e37_79b9_u32, |mixed, part| (mixed ^ part).wrapping_mul(0x85eb_ca6b).rotate_left(13));
    (mixed >> 8) as f32 / (1 << 23) as f32 - 1.0
}

/// Positions of the shortest route, including both ends.
fn shortest(from: Spot, to: Spot) -> Vec<Spot> {
    let mut best = vec![(u32::MAX, from); SPOTS.len()];
    best[from as usize].0 = 0;
    let mut open = BinaryHeap::from([(Reverse(0), from)]);
    while let Some((Reverse(cost), spot)) = open.pop() {
        for (a, b) in WAYS.iter().filter(|(a, b)| *a == spot || *b == spot) {
            let next = if *a == spot { *b } else { *a };
            let through = cost + distance(spot.at(), next.at()) as u32;
            if through < best[next as usize].0 {
                best[next as usize] = (through, spot);
                open.push((Reverse(through), next));
            }
        }
    }
    let mut way = vec![to];
    let mut spot = to;
    while spot != from && best[spot as usize].0 != u32::MAX {
        spot = best[spot as usize].1;
        way.push(spot);
    }
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_is_reachable_from_every_other() {
        for from in SPOTS {
            for to in SPOTS {
                assert_eq!(shortest(*from, *to).first(), Some(from), "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn route_keeps_to_its_lane() {
        let steps = way(&[MidLow, MidTop], 40.0);
        assert!(steps.len() > 5, "{steps:?}");
        for step in &steps {
            let Step::Run([x, ..]) = step else { panic!("{steps:?}") };
            assert!((*x + 40.0).abs() < WEAVE_UNITS + 40.0, "{steps:?}");
        }
    }
}
