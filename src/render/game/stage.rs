//! The stages of a recording, and how long each may take.

use std::time::Duration;

use super::patience::Patience;

/// What the game is doing, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The tool reads the demo.
    Analyzing,
    /// The game starts.
    Starting,
    /// The game runs and loads the demo.
    Loading,
    /// The demo plays, on its way to the round.
    Seeking,
    /// The round is recorded.
    Recording,
    /// The recording is complete, and the game quits.
    Quitting,
    /// Picture and sound are put together.
    Encoding,
}

impl Stage {
    /// The word in status lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analyzing => "analyzing",
            Self::Starting => "starting",
            Self::Loading => "loading",
            Self::Seeking => "seeking",
            Self::Recording => "recording",
            Self::Quitting => "quitting",
            Self::Encoding => "encoding",
        }
    }

    /// Its limit, and the message for people when the limit is exceeded.
    fn limit(self, patience: &Patience) -> (Duration, &'static str) {
        match self {
            Self::Analyzing => (patience.analyze, "CS Demo Manager did not finish reading the demo"),
            Self::Starting => (patience.start, "The game did not start in time. Check Steam on the render node"),
            Self::Loading => (patience.start, "The game started but did not play the demo"),
            Self::Seeking => (patience.seek, "The game did not reach the round, and recording never began"),
            Self::Recording => (patience.stall, "The game stopped while recording: no progress and no growing file"),
            Self::Quitting => (patience.quit, "The game did not quit after recording"),
            Self::Encoding => (patience.encode, "Encoding took too long"),
        }
    }
}

/// Watches how long the current stage takes.
#[derive(Debug)]
pub struct Watch {
    patience: Patience,
    stage: Stage,
    /// When the stage began or, while recording, when something last moved.
    moved: Duration,
    bytes: u64,
}

impl Watch {
    /// Begins with [`Stage::Starting`].
    pub fn new(patience: Patience, now: Duration) -> Self {
        Self { patience, stage: Stage::Starting, moved: now, bytes: 0 }
    }

    /// The current stage.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Begins a stage. `false` if it is the current one.
    pub fn enter(&mut self, stage: Stage, now: Duration) -> bool {
        let is_new = self.stage != stage;
        if is_new {
            (self.stage, self.moved) = (stage, now);
        }
        is_new
    }

    /// Notes progress. Only recording may go on for as long as it moves.
    pub fn progressed(&mut self, now: Duration) {
        if self.stage == Stage::Recording {
            self.moved = now;
        }
    }

    /// Notes the size of what has been recorded.
    pub fn measured(&mut self, bytes: u64, now: Duration) {
        if bytes > self.bytes {
            self.progressed(now);
        }
        self.bytes = bytes;
    }

    /// The message for people if the stage takes too long.
    pub fn overdue(&self, now: Duration) -> Option<String> {
        let (limit, sentence) = self.stage.limit(&self.patience);
        (now.saturating_sub(self.moved) > limit).then(|| format!("{sentence} ({} s).", limit.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::clock::{Clock, FakeClock};

    #[test]
    fn every_stage_has_its_own_limit_and_sentence() {
        let clock = FakeClock::at(0);
        let mut watch = Watch::new(Patience::default(), clock.monotonic());
        let mut sentences = Vec::new();
        for (stage, limit) in [
            (Stage::Starting, 300),
            (Stage::Analyzing, 300),
            (Stage::Loading, 300),
            (Stage::Seeking, 600),
            (Stage::Recording, 120),
            (Stage::Quitting, 120),
            (Stage::Encoding, 300),
        ] {
            watch.enter(stage, clock.monotonic());
            clock.advance(Duration::from_secs(limit));
            watch.measured(0, clock.monotonic());
            assert_eq!(watch.overdue(clock.monotonic()), None, "{stage:?}");
            clock.advance(Duration::from_secs(1));
            let sentence = watch.overdue(clock.monotonic()).unwrap();
            assert!(sentence.ends_with(&format!(" ({limit} s).")), "{sentence}");
            sentences.push(sentence);
        }
        sentences.sort();
        sentences.dedup();
        assert_eq!(sentences.len(), 7);
    }

    #[test]
    fn recording_may_take_as_long_as_it_moves_and_no_other_stage_may() {
        let clock = FakeClock::at(0);
        let mut watch = Watch::new(Patience::default(), clock.monotonic());
        watch.enter(Stage::Recording, clock.monotonic());
        for round in 1..=20 {
            clock.advance(Duration::from_secs(100));
            if round % 2 == 0 {
                watch.measured(round, clock.monotonic());
            } else {
                watch.progressed(clock.monotonic());
            }
            assert_eq!(watch.overdue(clock.monotonic()), None);
        }
        watch.enter(Stage::Quitting, clock.monotonic());
        for bytes in 30..32 {
            clock.advance(Duration::from_secs(100));
            watch.measured(bytes, clock.monotonic());
        }
        assert!(watch.overdue(clock.monotonic()).is_some());
    }

    #[test]
    fn entering_the_same_stage_again_does_not_extend_it() {
        let clock = FakeClock::at(0);
        let mut watch = Watch::new(Patience::default(), clock.monotonic());
        assert!(watch.enter(Stage::Seeking, clock.monotonic()));
        clock.advance(Duration::from_secs(601));
        assert!(!watch.enter(Stage::Seeking, clock.monotonic()));
        assert!(watch.overdue(clock.monotonic()).is_some());
    }
}
