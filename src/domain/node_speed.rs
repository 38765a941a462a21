//! How fast a node renders, from its last completed jobs.

/// A completed job of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worked {
    /// Milliseconds from claim to completion.
    pub took_ms: i64,
    /// Length of the clip in milliseconds.
    pub footage_ms: u64,
}

/// How fast a node renders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NodeSpeed {
    /// Completed jobs that it is taken from.
    pub clips: u32,
    /// Seconds of footage per second of work: 2.0 is twice real time.
    pub footage_per_second: f64,
    /// Median seconds from a job's claim to its completion.
    pub seconds_per_clip: f64,
}

impl NodeSpeed {
    /// The speed of these jobs; `None` without any.
    pub fn of(worked: &[Worked]) -> Option<Self> {
        let mut took: Vec<i64> = worked.iter().map(|job| job.took_ms.max(1)).collect();
        took.sort_unstable();
        let median = *took.get(took.len() / 2)?;
        let (footage, work): (u64, i64) = (worked.iter().map(|job| job.footage_ms).sum(), took.iter().sum());
        Some(Self {
            clips: took.len() as u32,
            footage_per_second: footage as f64 / work as f64,
            seconds_per_clip: median as f64 / 1_000.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_is_footage_by_work_and_one_slow_clip_does_not_move_the_median() {
        let worked: Vec<Worked> = [10_000, 12_000, 98_000].map(|took_ms| Worked { took_ms, footage_ms: 20_000 }).into();
        let speed = NodeSpeed { clips: 3, footage_per_second: 0.5, seconds_per_clip: 12.0 };
        assert_eq!(NodeSpeed::of(&worked), Some(speed));
        assert_eq!(NodeSpeed::of(&[]), None);
        assert!(NodeSpeed::of(&[Worked { took_ms: 0, footage_ms: 1 }]).unwrap().footage_per_second.is_finite());
    }
}
