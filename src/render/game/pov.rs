//! Proof that the picture shows the right player: the lines that `pov.js` prints about every recorded frame.
//!
//! Locking the camera proves nothing: the game may ignore it, and does after some of its updates. What was seen while
//! recording does. Each line carries a random token of the attempt, because a chat message in a demo could forge one.

/// First word of a line about what the picture shows.
pub const POV_TAG: &str = "DINKEM_POV";
/// Frames with another player, from outside, or of nothing known, that a proof may have: the camera takes a moment.
pub const STRAY_FRAMES: u64 = 3;

/// What the frames of a recording show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// All frames.
    pub frames: u64,
    /// The player's own view.
    pub good: u64,
    /// Another player's view.
    pub wrong: u64,
    /// The player, but from outside.
    pub third: u64,
    /// After the player's death.
    pub dead: u64,
    /// No known player.
    pub blind: u64,
}

/// One line of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PovLine {
    /// The script runs.
    Loaded,
    /// The player's controller has this index, which `spec_player` takes.
    Found(u32),
    /// The player is not there.
    Lost,
    /// Recording has begun at this tick.
    RecordStart(i32),
    /// The picture shows somebody, at this tick.
    Shows(i32),
    /// Recording has ended at this tick.
    RecordEnd(i32, Seen),
}

impl PovLine {
    /// Parses a line that may have something before its tag, such as a time. `None`: not a line of this attempt.
    pub fn parse(line: &str, token: &str) -> Option<Self> {
        let from = line.find(POV_TAG)?;
        let rest = line[from + POV_TAG.len()..].strip_prefix(' ')?.strip_prefix(token)?.strip_prefix(' ')?;
        let mut words = rest.split_whitespace();
        let word = words.next()?;
        let number = |name: &str| {
            rest.split_whitespace().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<i64>().ok())
        };
        let tick = || number("tick").and_then(|tick| i32::try_from(tick).ok());
        let count = |name| number(name).and_then(|count| u64::try_from(count).ok());
        match word {
            "loaded" => Some(Self::Loaded),
            "found" => Some(Self::Found(u32::try_from(number("index")?).ok()?)),
            "lost" => Some(Self::Lost),
            "record-start" => Some(Self::RecordStart(tick()?)),
            "record-end" => {
                let seen = Seen {
                    frames: count("frames")?,
                    good: count("good")?,
                    wrong: count("wrong")?,
                    third: count("third")?,
                    dead: count("dead")?,
                    blind: count("blind")?,
                };
                // Counts that do not add up prove nothing.
                let counts = [seen.good, seen.wrong, seen.third, seen.dead, seen.blind];
                let sum = counts.iter().try_fold(0, |sum: u64, count| sum.checked_add(*count));
                (sum == Some(seen.frames)).then_some(Self::RecordEnd(tick()?, seen))
            }
            _ => word.strip_prefix("seen=").and_then(|_| tick()).map(Self::Shows),
        }
    }
}

/// What is proven about a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The player's own view throughout.
    Proven,
    /// Something else for too many frames.
    Disproven(Seen),
    /// No complete report.
    Missing,
}

/// The report of one attempt.
#[derive(Clone, Debug, Default)]
pub struct PovReport {
    ended: Option<Seen>,
}

impl PovReport {
    /// Takes note of a line.
    pub fn hear(&mut self, line: PovLine) {
        match line {
            // A recording that was started again is judged by its last report alone.
            PovLine::RecordStart(_) => self.ended = None,
            PovLine::RecordEnd(_, seen) => self.ended = Some(seen),
            PovLine::Loaded | PovLine::Found(_) | PovLine::Lost | PovLine::Shows(_) => {}
        }
    }

    /// What the recording shows.
    pub fn proof(&self) -> Proof {
        match self.ended {
            None => Proof::Missing,
            Some(seen) if seen.good == 0 || seen.wrong + seen.third + seen.blind > STRAY_FRAMES => {
                Proof::Disproven(seen)
            }
            Some(_) => Proof::Proven,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(lines: &[&str]) -> Proof {
        let mut report = PovReport::default();
        lines.iter().filter_map(|line| PovLine::parse(line, "f00d")).for_each(|line| report.hear(line));
        report.proof()
    }

    #[test]
    fn lines_of_this_attempt_are_parsed_and_others_ignored() {
        for (line, parsed) in [
            ("DINKEM_POV f00d loaded steam=76561197991272318 contract=1", Some(PovLine::Loaded)),
            ("11/29 18:00:00 DINKEM_POV f00d found index=7 tick=640", Some(PovLine::Found(7))),
            ("DINKEM_POV f00d lost tick=9", Some(PovLine::Lost)),
            ("DINKEM_POV f00d record-start tick=1000", Some(PovLine::RecordStart(1000))),
            ("DINKEM_POV f00d seen=76561197991272318/2 tick=1064 frames=30 good=30", Some(PovLine::Shows(1064))),
            ("DINKEM_POV beef record-start tick=1000", None),
            ("DINKEM_POV f00dd record-start tick=1000", None),
            ("DINKEM_POV f00d record-start", None),
            ("DINKEM_POV f00d record-end tick=1 frames=1 good=-1 wrong=0 third=0 dead=0 blind=0", None),
            ("DINKEM_POV f00d record-end tick=1 frames=9 good=8 wrong=0 third=0 dead=0 blind=0", None),
            ("a player: DINKEM_POV", None),
        ] {
            assert_eq!(PovLine::parse(line, "f00d"), parsed, "{line}");
        }
    }

    #[test]
    fn proof_needs_a_complete_report_with_the_player_in_view() {
        let end = |good, wrong, third, dead, blind| {
            format!(
                "DINKEM_POV f00d record-end tick=9 frames={} good={good} wrong={wrong} third={third} dead={dead} blind={blind}",
                good + wrong + third + dead + blind
            )
        };
        for (counts, is_proven) in [
            ((9, 0, 0, 0, 0), true),
            ((9, 1, 1, 60, 1), true),
            ((9, 2, 1, 0, 1), false),
            ((0, 0, 0, 9, 0), false),
            ((9, 4, 0, 0, 0), false),
        ] {
            let (good, wrong, third, dead, blind) = counts;
            let proof = proof(&[&end(good, wrong, third, dead, blind)]);
            assert_eq!(proof == Proof::Proven, is_proven, "{counts:?}: {proof:?}");
        }
        assert_eq!(proof(&["DINKEM_POV f00d record-start tick=1"]), Proof::Missing);
        let again = [&*end(9, 0, 0, 0, 0), "DINKEM_POV f00d record-start tick=1"];
        assert_eq!(proof(&again), Proof::Missing, "a recording that began again needs a report of its own");
    }
}
