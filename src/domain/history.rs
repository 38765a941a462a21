//! History by half hour: what ended, how many jobs waited, and how the disk filled up.

use super::failure::FailureCode;
use super::id::JobId;
use super::job::JobStatus;
use super::key::KeyClass;
use super::retention::DAY_MS;

/// Milliseconds of the half hours by which history is kept.
pub const HALF_HOUR_MS: i64 = 1_800_000;
/// Days for which history is kept.
pub const HISTORY_DAYS: i64 = 100;
/// Half hours in a day.
pub const DAY_SLOTS: usize = 48;
/// Days over which the growth of what is stored is estimated.
pub const TREND_DAYS: i64 = 7;
/// Samples that the estimate compares, each with each other.
const TREND_SAMPLES: usize = 112;
/// Days ahead beyond which nothing is predicted.
const FORECAST_DAYS: f64 = 1_000.0;

/// The start of the half hour of a time, both Unix times in milliseconds.
pub fn half_hour(at_ms: i64) -> i64 {
    at_ms - at_ms.rem_euclid(HALF_HOUR_MS)
}

/// Jobs that ended in the same half hour in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedJobs {
    /// Start of the half hour. Unix time in milliseconds.
    pub at_ms: i64,
    /// Done, failed or cancelled.
    pub status: JobStatus,
    /// Their class.
    pub class: KeyClass,
    /// Why they failed, if they did.
    pub code: Option<FailureCode>,
    /// How many.
    pub jobs: u64,
    /// The last of them; its row may be gone.
    pub last_job: JobId,
    /// When it ended. Unix time in milliseconds.
    pub last_at_ms: i64,
}

/// The appliance in a half hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Start of the half hour. Unix time in milliseconds.
    pub at_ms: i64,
    /// Most jobs waiting at once.
    pub waiting: u64,
    /// Bytes free on the data directory's disk, when last measured.
    pub free_bytes: Option<u64>,
    /// Bytes of clips and demos, when last measured.
    pub stored_bytes: Option<u64>,
}

/// At most `most` of these samples, evenly spread and always with the last.
pub fn thinned(samples: &[Sample], most: usize) -> Vec<Sample> {
    let step = samples.len().div_ceil(most.max(1)).max(1);
    let mut kept: Vec<Sample> = samples.iter().rev().step_by(step).copied().collect();
    kept.reverse();
    kept
}

/// Bytes by which free space shrinks in a day, negative if it grows: the median over all pairs of samples that are at
/// least a day apart, so that neither day and night nor a single large deletion distorts it. `None` if the samples,
/// oldest first, cover less than a day.
pub fn shrinks_per_day(samples: &[Sample]) -> Option<i64> {
    let with_free: Vec<Sample> = samples.iter().filter(|sample| sample.free_bytes.is_some()).copied().collect();
    let known: Vec<(i64, i64)> = thinned(&with_free, TREND_SAMPLES)
        .iter()
        .filter_map(|sample| Some((sample.at_ms, i64::try_from(sample.free_bytes?).ok()?)))
        .collect();
    let mut rates: Vec<i64> = Vec::new();
    for (at, (from_ms, before)) in known.iter().enumerate() {
        for (to_ms, after) in &known[at + 1..] {
            let apart = to_ms - from_ms;
            if apart >= DAY_MS {
                rates.push(((before - after) as f64 * DAY_MS as f64 / apart as f64) as i64);
            }
        }
    }
    rates.sort_unstable();
    rates.get(rates.len() / 2).copied()
}

/// Days until only the reserve is free; `None` if free space does not shrink, or not for a very long time.
pub fn days_until_reserve(free: u64, reserve: u64, shrinks_per_day: i64) -> Option<f64> {
    if free <= reserve {
        return Some(0.0);
    }
    let days = (free - reserve) as f64 / shrinks_per_day.max(0) as f64;
    (days <= FORECAST_DAYS).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    /// A sample each half hour over some days; `free`: free space after that many half hours.
    fn samples(days: usize, free: impl Fn(u64) -> u64) -> Vec<Sample> {
        let half_hours = 0..=(days * DAY_SLOTS) as u64;
        let sample = |n: u64| {
            let at_ms = HALF_HOUR_MS * n.cast_signed();
            Sample { at_ms, waiting: 0, free_bytes: Some(free(n)), stored_bytes: None }
        };
        half_hours.map(sample).collect()
    }

    #[test]
    fn half_hours_start_on_the_half_hour_also_before_1970() {
        for (at, start) in [(0, 0), (1, 0), (1_799_999, 0), (1_800_000, 1_800_000), (-1, -1_800_000)] {
            assert_eq!(half_hour(at), start);
        }
    }

    #[test]
    fn steady_growth_is_found_despite_nights_and_one_large_deletion() {
        let steady = samples(7, |n| 1_000 * GB - n * GB);
        assert_eq!(shrinks_per_day(&steady), Some(48 * GB as i64));
        let by_day = samples(7, |n| 1_000 * GB - (n / 48 * 24 + (n % 48).min(24)) * 2 * GB);
        let estimate = shrinks_per_day(&by_day).unwrap() as f64 / (48 * GB) as f64;
        assert!((0.8..1.25).contains(&estimate), "{estimate}");
        let freed = samples(7, |n| 1_000 * GB - n * GB + if n > 300 { 500 * GB } else { 0 });
        let estimate = shrinks_per_day(&freed).unwrap() as f64 / (48 * GB) as f64;
        assert!((0.8..1.25).contains(&estimate), "{estimate}");
    }

    #[test]
    fn less_than_a_day_of_samples_says_nothing() {
        let day = samples(1, |n| 100 * GB - n * GB);
        assert_eq!(shrinks_per_day(&day), Some(48 * GB as i64));
        assert_eq!(shrinks_per_day(&day[1..]), None);
        assert_eq!(shrinks_per_day(&[]), None);
    }

    #[test]
    fn forecast_ends_at_the_reserve() {
        let cases = [
            (11 * GB, 5 * GB as i64, Some(2.0)),
            (GB, 5, Some(0.0)),
            (GB / 2, -5, Some(0.0)),
            (11 * GB, 0, None),
            (11 * GB, -5, None),
            (11 * GB, 1, None),
        ];
        for (free, shrinks, days) in cases {
            assert_eq!(days_until_reserve(free, GB, shrinks), days, "{free} {shrinks}");
        }
    }

    #[test]
    fn thinning_keeps_the_last_sample() {
        let all = samples(30, |_| 0);
        let thin = thinned(&all, 120);
        assert!((100..=120).contains(&thin.len()), "{}", thin.len());
        assert_eq!(thin.last(), all.last());
        assert_eq!(thinned(&all[..7], 120), all[..7]);
    }
}
