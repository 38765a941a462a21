//! Checks a clip's length against the round's, because clips are billed by their length.

use crate::app::{App, demos};
use crate::domain::clip::{CLIP_LEAD_SECONDS, CLIP_SECONDS, CLIP_TAIL_SECONDS, CLIP_TOLERANCE_MS, VideoFacts};
use crate::domain::error::Result;
use crate::domain::job::{Job, Renderer};
use crate::render::demo::IndexedRound;

/// Compares the video's length with the round's, if the job's demo was uploaded and indexed; otherwise the round is
/// unknown. Returns what is wrong, as a sentence.
pub(in crate::app) fn fault(app: &App, job: &Job, facts: &VideoFacts) -> Result<Option<String>> {
    let Some(index) = app.store.read(|db| demos::index_of_job(db, job))? else { return Ok(None) };
    let Some(round) = index.rounds.iter().find(|round| round.number == job.spec.round) else {
        return Ok(Some(format!("The demo has no round {}.", job.spec.round)));
    };
    Ok(Bounds::of(round, index.tick_rate, job.spec.renderer).fault(facts.duration_ms))
}

/// Allowed length of a clip in milliseconds.
#[derive(Debug, PartialEq, Eq)]
struct Bounds {
    least: u64,
    most: u64,
}

impl Bounds {
    fn of(round: &IndexedRound, tick_rate: f32, renderer: Renderer) -> Self {
        let (lead, tail) = (f64::from(CLIP_LEAD_SECONDS), f64::from(CLIP_TAIL_SECONDS));
        let seconds = |first: i32, last: i32| (f64::from(last) - f64::from(first)) / f64::from(tick_rate.max(1.0));
        // Indexes made by older versions have only the round's ticks, including freeze time.
        let (shortest, longest) = match round.clip_ticks {
            Some([first, last]) => (seconds(first, last), seconds(first, last)),
            None => (0.0, seconds(round.start_tick, round.end_tick) + lead + tail),
        };
        // The game cannot start and stop exactly, but never shows more than the round.
        let shortest = if renderer == Renderer::Game { 0.0 } else { shortest };
        let millis = |seconds: f64| (seconds.clamp(0.0, f64::from(CLIP_SECONDS)) * 1_000.0).round() as u64;
        Self { least: millis(shortest).saturating_sub(CLIP_TOLERANCE_MS), most: millis(longest) + CLIP_TOLERANCE_MS }
    }

    fn fault(&self, duration_ms: u64) -> Option<String> {
        let is_inside = (self.least..=self.most).contains(&duration_ms);
        let seconds = |millis: u64| millis as f64 / 1_000.0;
        (!is_inside).then(|| {
            format!(
                "The video is {:.1} s long, but the round's clip must be {:.1} to {:.1} s.",
                seconds(duration_ms),
                seconds(self.least),
                seconds(self.most)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clip_length_may_differ_from_round_by_half_a_second() {
        // 64 ticks a second: the clip has 100 s, the round 110 with its freeze time.
        let (start_tick, end_tick) = (640, 640 + 110 * 64);
        let round = |clip_ticks| IndexedRound { start_tick, end_tick, clip_ticks, ..IndexedRound::default() };
        let known = Some([1_000, 1_000 + 100 * 64]);
        let endless = Some([0, i32::MAX]);
        let cases = [
            (known, Renderer::Builtin, (99_500, 100_500)),
            (known, Renderer::Game, (0, 100_500)),
            (None, Renderer::Builtin, (0, 116_500)),
            (endless, Renderer::Builtin, (599_500, 600_500)),
        ];
        for (ticks, renderer, (least, most)) in cases {
            let bounds = Bounds::of(&round(ticks), 64.0, renderer);
            assert_eq!(bounds, Bounds { least, most }, "{ticks:?} {renderer:?}");
            assert_eq!((bounds.fault(least), bounds.fault(most)), (None, None));
            assert!(bounds.fault(most + 1).unwrap().contains("but the round's clip"));
        }
        assert!(Bounds::of(&round(known), 64.0, Renderer::Builtin).fault(99_499).is_some());
    }
}
