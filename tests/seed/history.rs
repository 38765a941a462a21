//! When jobs were submitted: the finished ones in waves over 30 days, the waiting ones in the last minutes.

use crate::jobs::{Course, HALF_HOUR, Stock, Wait, add, busy_slots};
use crate::store::{DAY, MINUTE, Seed};

/// Days over which finished jobs were submitted.
const DAYS: i64 = 30;
/// How long the oldest waiting job has waited.
const LONGEST_WAIT: i64 = 25 * MINUTE;
/// The newest finished jobs were submitted so long ago, between the waiting ones: reserved ones that went first.
const RECENT: usize = 24;
/// The oldest job that is still rendering was submitted so long before the oldest waiting one.
const RENDERING: i64 = 4 * MINUTE;

/// How the finished jobs ended, in the order of their submission.
pub struct Courses(Vec<Course>);

impl Courses {
    /// How many have a clip.
    pub fn done(&self) -> usize {
        self.0.iter().filter(|course| **course == Course::Done).count()
    }
}

/// Nine of ten jobs are done; others failed or were cancelled.
pub fn courses(seed: &mut Seed, count: usize) -> Courses {
    let course = |number| match number {
        0..=6 => Course::Failed,
        7..=9 => Course::Cancelled,
        _ => Course::Done,
    };
    Courses((0..count).map(|_| course(seed.rng.between(0, 99))).collect())
}

/// Adds all jobs, oldest first.
pub fn create(seed: &mut Seed, stock: &mut Stock<'_>, finished: &Courses, waiting: usize) {
    let (old, recent) = finished.0.split_at(finished.0.len().saturating_sub(RECENT));
    let end = seed.now - LONGEST_WAIT - RENDERING;
    let times = times(seed.now - DAYS * DAY, end, old.len());
    for (course, created) in old.iter().zip(times) {
        add(seed, stock, created, *course);
    }
    let mut latest: Vec<(i64, Course)> = Vec::new();
    for slot in busy_slots(stock.nodes) {
        latest.push((end + seed.rng.between(0, RENDERING), Course::Rendering(slot)));
    }
    let start = end + RENDERING;
    for number in 0..waiting {
        let why = match number % 100 {
            7 => Wait::Elsewhere,
            42 => Wait::Build,
            77 if number % 200 == 77 => Wait::Lines,
            _ => Wait::Busy,
        };
        latest.push((start + seed.rng.between(0, LONGEST_WAIT - 1_000), Course::Waiting(why)));
    }
    for course in recent {
        latest.push((start + seed.rng.between(0, LONGEST_WAIT - 2 * MINUTE), *course));
    }
    latest.sort_by_key(|(created, _)| *created);
    for (created, course) in latest {
        add(seed, stock, created, course);
    }
}

/// Times in order, more of them by day than by night, and fewer at weekends.
fn times(first: i64, last: i64, count: usize) -> Vec<i64> {
    let weight = |at: i64| {
        let hour = at.rem_euclid(DAY) as f64 / DAY as f64;
        let day = at.div_euclid(DAY).rem_euclid(7);
        let wave = 1.0 - 0.8 * (hour * std::f64::consts::TAU).cos();
        // 1970 began on a Thursday.
        if day == 2 || day == 3 { wave * 0.6 } else { wave }
    };
    let periods: Vec<i64> = (first..last).step_by(HALF_HOUR as usize).collect();
    let total: f64 = periods.iter().map(|at| weight(*at)).sum();
    let mut times = Vec::with_capacity(count);
    let mut reached = 0.0;
    for at in periods {
        let share = weight(at) / total * count as f64;
        let (from, until) = (reached as usize, ((reached + share) as usize).min(count));
        let length = HALF_HOUR.min(last - at);
        times.extend((from..until).map(|number| at + length * (number - from) as i64 / (until - from) as i64));
        reached += share;
    }
    times.resize(count, last);
    times
}
