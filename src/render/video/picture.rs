//! What ffmpeg says about a picture while it decodes a video: which stretches are black, and which are frozen.
//!
//! A stretch is black if blackdetect finds nearly all pixels nearly black, and frozen if mpdecimate finds no block of
//! 8 × 8 pixels that differs from the last picture that did. Unlike an average over the picture, this tells a player
//! who holds still below a running clock from a picture that hangs, and it does not mind the new key frames of the
//! latter.

use std::ffi::OsString;
use std::path::Path;

/// Seconds after which a black picture is a fault; in a shorter clip, two thirds of it. The game fades for up to a second.
const BLACK_SECONDS: u64 = 3;
/// Seconds after which a frozen picture is a fault. The built-in renderer rests for up to three seconds; in the game, a
/// player may hold an angle for longer with the clock hidden.
const FROZEN_SECONDS: u64 = 8;
/// The same in a short clip, where two thirds of the clip are enough.
const FROZEN_SHORT_SECONDS: u64 = 4;
/// Share of the pixels that must be black: a scope leaves 44 % of the picture.
const BLACK_SHARE: f64 = 0.97;
/// Brightest black, as a share of white.
const BLACK_LEVEL: f64 = 0.05;

/// Pictures that are looked at in a second of video. All are decoded; to look at all would take twice the time.
const LOOKS_PER_SECOND: u32 = 15;

/// Arguments for ffmpeg: decode all of the file, fail at the first error, and print a line for each changed picture.
pub fn arguments(path: &Path, duration_ms: u64) -> Vec<OsString> {
    let black = (duration_ms as f64 / 1_500.0).min(BLACK_SECONDS as f64);
    // The picture is scaled down at the end so that printing costs nothing.
    let filters = format!(
        "fps={LOOKS_PER_SECOND},blackdetect=d={black:.3}:pic_th={BLACK_SHARE}:pix_th={BLACK_LEVEL},mpdecimate=max=0,scale=16:16,showinfo"
    );
    let mut input = OsString::from("file:");
    input.push(path);
    let before = ["-hide_banner", "-nostdin", "-nostats", "-xerror", "-i"];
    let after = ["-map", "0:v:0", "-map", "0:a?", "-vf", &filters, "-f", "null", "-"];
    before.into_iter().map(OsString::from).chain([input]).chain(after.into_iter().map(OsString::from)).collect()
}

/// Whether ffmpeg's messages say that it lacks what [`arguments`] need, so that they say nothing about the video.
pub fn is_incomplete_program(messages: &str) -> bool {
    ["No such filter", "Unrecognized option", "Unknown decoder", "error while loading shared libraries"]
        .iter()
        .any(|words| messages.contains(words))
}

/// A part of the video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// From here…
    pub start_ms: u64,
    /// …to here.
    pub end_ms: u64,
}

/// What was heard about the picture.
pub struct Picture {
    duration_ms: u64,
    black: Option<Stretch>,
    /// The longest stretch without a change that has ended.
    still: Option<Stretch>,
    changed_ms: u64,
}

impl Picture {
    /// Of a video of this length.
    pub fn new(duration_ms: u64) -> Self {
        Self { duration_ms, black: None, still: None, changed_ms: 0 }
    }

    /// Takes a line of ffmpeg's messages; false if it says nothing about the picture.
    pub fn hear(&mut self, line: &str) -> bool {
        if line.starts_with("[blackdetect") {
            let stretch = (|| Some((number(line, "black_start:")?, number(line, "black_end:")?)))();
            self.black = self.black.or(stretch.map(|(start_ms, end_ms)| Stretch { start_ms, end_ms }));
            return true;
        }
        let of_frame = line.starts_with("[Parsed_showinfo");
        if let Some(now) = number(line, " pts_time:").filter(|_| of_frame) {
            self.still = longer(self.still, Stretch { start_ms: self.changed_ms, end_ms: now });
            self.changed_ms = now;
        }
        of_frame
    }

    /// The first stretch that is black for too long.
    pub fn black(&self) -> Option<Stretch> {
        self.black
    }

    /// The longest stretch that is frozen, if that is too long.
    pub fn frozen(&self) -> Option<Stretch> {
        let last = Stretch { start_ms: self.changed_ms, end_ms: self.duration_ms };
        let limit = (self.duration_ms * 2 / 3).clamp(FROZEN_SHORT_SECONDS * 1_000, FROZEN_SECONDS * 1_000);
        longer(self.still, last).filter(|stretch| length(*stretch) >= limit)
    }
}

fn longer(known: Option<Stretch>, next: Stretch) -> Option<Stretch> {
    known.filter(|known| length(*known) >= length(next)).or(Some(next))
}

fn length(stretch: Stretch) -> u64 {
    stretch.end_ms.saturating_sub(stretch.start_ms)
}

/// The seconds after a word, in milliseconds.
fn number(line: &str, word: &str) -> Option<u64> {
    let (_, rest) = line.split_once(word)?;
    let seconds: f64 = rest.split_whitespace().next()?.parse().ok()?;
    (0.0..=1e6).contains(&seconds).then_some((seconds * 1_000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> (Option<Stretch>, Option<Stretch>) {
        let mut picture = Picture::new(20_000);
        for line in lines {
            picture.hear(line);
        }
        (picture.black(), picture.frozen())
    }

    fn frame(seconds: &str) -> String {
        format!("[Parsed_showinfo_3 @ 0x5]  n:   7 pts:  512 pts_time:{seconds} duration: 512 pos: 48 fmt:yuv420p")
    }

    #[test]
    fn frozen_stretch_is_the_longest_without_a_changed_frame() {
        let stretch = |start_ms, end_ms| Some(Stretch { start_ms, end_ms });
        let cases: [(&[&str], _); 5] = [
            (&["0", "4", "11.9", "19"], None),
            (&["0", "4", "12", "19"], stretch(4_000, 12_000)),
            (&["0", "0.033", "8.1", "12", "19"], stretch(33, 8_100)),
            (&["0", "4"], stretch(4_000, 20_000)),
            (&[], stretch(0, 20_000)),
        ];
        for (frames, expected) in cases {
            let lines: Vec<String> = frames.iter().map(|seconds| frame(seconds)).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(heard(&lines).1, expected, "{frames:?}");
        }
    }

    #[test]
    fn short_clip_is_frozen_if_most_of_it_is() {
        for (duration_ms, is_frozen) in [(166, false), (3_999, false), (4_000, true), (8_000, true)] {
            assert_eq!(Picture::new(duration_ms).frozen().is_some(), is_frozen, "{duration_ms}");
        }
        let mut picture = Picture::new(9_000);
        for (seconds, is_frozen) in [("2.9", true), ("3.1", false)] {
            picture.hear(&frame(seconds));
            assert_eq!(picture.frozen().is_some(), is_frozen, "{seconds}");
        }
    }

    #[test]
    fn first_black_stretch_counts_and_other_messages_do_not() {
        let mut picture = Picture::new(9_000);
        let lines = [
            ("    title           : black_start:1 black_end:9", false),
            ("[Parsed_showinfo_3 @ 0x5] config in time_base: 1/15360, frame_rate: 30/1", true),
            ("[blackdetect @ 0x55] black_start:3 black_end:6.5 black_duration:3.5", true),
            ("[blackdetect @ 0x55] black_start:7 black_end:11 black_duration:4", true),
            ("[h264 @ 0x5] error while decoding MB 3 4", false),
        ];
        for (line, known) in lines {
            assert_eq!(picture.hear(line), known, "{line}");
        }
        assert_eq!(picture.black(), Some(Stretch { start_ms: 3_000, end_ms: 6_500 }));
    }
}
