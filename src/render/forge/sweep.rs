//! The warm-up of the sample: together the players walk all of [`harbour`](super::harbour), so that the shape of the
//! map can be told from where they were.

use super::description::{Part, Step};
use super::harbour::{SPOTS, Spot, WAYS};
use super::walk::distance;

/// Distance from the middle of a way at which its two sides are walked.
const SIDE_UNITS: f32 = 56.0;
/// Distance between the lines along which a room is walked.
const LINE_UNITS: f32 = 80.0;
/// Rooms, each with a position in it: west, south, east, north.
const ROOMS: [(Spot, [f32; 4]); 9] = [
    (Spot::TSpawn, [-420.0, -1_920.0, 420.0, -1_640.0]),
    (Spot::CtSpawn, [-400.0, 1_380.0, 400.0, 1_620.0]),
    (Spot::CtYard, [-190.0, 940.0, 190.0, 1_240.0]),
    (Spot::ASite, [880.0, 780.0, 1_520.0, 1_340.0]),
    (Spot::BSite, [-1_660.0, 540.0, -1_000.0, 990.0]),
    (Spot::Mid, [-150.0, -320.0, 180.0, 180.0]),
    (Spot::Pier, [-1_640.0, -1_240.0, -1_260.0, -920.0]),
    (Spot::LongLow, [1_420.0, -760.0, 1_700.0, -440.0]),
    (Spot::Docks, [-1_160.0, -1_460.0, -900.0, -1_220.0]),
];

/// The players' routes. They begin and end anywhere, and all take about equally long.
pub fn parts(players: usize) -> Vec<Part> {
    let tour = tour();
    let length = |to: usize| tour[..=to].windows(2).map(|pair| distance(pair[0], pair[1])).sum::<f32>();
    let share = length(tour.len() - 1) / players as f32;
    let mut starts: Vec<usize> = vec![0];
    for player in 1..players {
        starts.push((0..tour.len()).find(|&at| length(at) >= share * player as f32).unwrap_or(tour.len() - 1));
    }
    starts.push(tour.len() - 1);
    let part = |(player, ends): (usize, &[usize])| {
        let steps = tour[ends[0]..=ends[1]].iter().skip(1).copied().map(Step::Run).collect();
        Part { player, from: tour[ends[0]], steps, weapon: "knife" }
    };
    starts.windows(2).enumerate().map(part).collect()
}

/// One route along both sides of every way and through every room.
fn tour() -> Vec<[f32; 3]> {
    let mut tour = Vec::new();
    let mut left: Vec<_> = WAYS.to_vec();
    let mut entered = vec![false; SPOTS.len()];
    visit(Spot::TSpawn, &mut left, &mut entered, &mut tour);
    tour
}

/// Walks every way that begins here and is not walked yet, and back on its other side.
fn visit(spot: Spot, left: &mut Vec<(Spot, Spot)>, entered: &mut [bool], tour: &mut Vec<[f32; 3]>) {
    if !std::mem::replace(&mut entered[spot as usize], true) {
        tour.extend(ROOMS.iter().filter(|(of, _)| *of == spot).flat_map(|(_, room)| lines(*room, spot.at()[2])));
    }
    while let Some(next) = left.iter().position(|(a, b)| *a == spot || *b == spot) {
        let (a, b) = left.swap_remove(next);
        let to = if a == spot { b } else { a };
        tour.extend(side(spot, to));
        visit(to, left, entered, tour);
        tour.extend(side(to, spot));
    }
}

/// The left side of a way.
fn side(from: Spot, to: Spot) -> [[f32; 3]; 2] {
    let (from, to) = (from.at(), to.at());
    let length = distance(from, to).max(1.0);
    let left = [-(to[1] - from[1]) / length, (to[0] - from[0]) / length].map(|part| part * SIDE_UNITS);
    [from, to].map(|[x, y, z]| [x + left[0], y + left[1], z])
}

/// Lines back and forth through a room.
fn lines([west, south, east, north]: [f32; 4], height: f32) -> Vec<[f32; 3]> {
    let count = ((north - south) / LINE_UNITS).ceil() as u32;
    let line = |number: u32| {
        let y = south + (north - south) * number as f32 / count as f32;
        let ends = if number.is_multiple_of(2) { [west, east] } else { [east, west] };
        ends.map(|x| [x, y, height])
    };
    (0..=count).flat_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn together_the_players_walk_both_sides_of_every_way() {
        let parts = parts(10);
        assert_eq!(parts.len(), 10);
        let legs: Vec<_> = parts
            .iter()
            .flat_map(|part| {
                let run = part.steps.iter().map(|step| match step {
                    Step::Run(to) => *to,
                    other => panic!("{other:?}"),
                });
                let places: Vec<_> = std::iter::once(part.from).chain(run).collect();
                places.windows(2).map(|pair| [pair[0], pair[1]]).collect::<Vec<_>>()
            })
            .collect();
        for (a, b) in WAYS {
            for (from, to) in [(a, b), (b, a)] {
                assert!(legs.contains(&side(*from, *to)), "{from:?} to {to:?}");
            }
        }
        let lengths: Vec<_> = parts.iter().map(|part| part.steps.len()).collect();
        assert!(lengths.iter().all(|steps| *steps > 3), "{lengths:?}");
    }
}
