//! Opens a demo file: checks that it is a CS2 demo of a mode with rounds, and plays it, or a part of it, to a callback.
//!
//! The parser holds what it plays in memory, so it is given one stretch of the file at a time. Knows nothing about
//! rounds and players.

use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::path::Path;

use awpy::{Context, GameEvent, Parser};

use crate::domain::demo::UNPACKED_BYTES;
use crate::domain::error::{Error, Result};
use crate::domain::failure::FailureCode;

use super::kind::MAGIC;
use super::tape::{SIGN_ON_BYTES, Tape, Unwound};
use super::{failure, game};

/// First bytes of a file that is no demo, which tell what it is instead.
const HEAD_BYTES: u64 = 512;

/// Bytes that are usually held in memory at once: 64 MiB.
const STRETCH_BYTES: u64 = 64 << 20;

/// A demo ready for parsing.
pub(super) struct Container {
    tape: Tape,
    /// Bytes that are held in memory at once, as far as full packets allow it.
    pub stretch_bytes: u64,
    /// The map's name; empty if the demo does not say.
    pub map: String,
    /// Build of the game that recorded it, if the demo says.
    pub build: Option<u32>,
    /// Seconds from plant to explosion, if set on the server (`mp_c4timer`).
    pub c4_seconds: Option<f32>,
}

/// Opens a demo, up to a tick if nothing is needed after it. Errors: `demo_too_large`, `demo_unreadable`,
/// `demo_unsupported`.
pub(super) fn open(path: &Path, last_tick: Option<i32>) -> Result<Container> {
    let reading = |error| Error::internal("Could not read the demo.", error);
    let mut file = File::open(path).map_err(reading)?;
    let size = file.metadata().map_err(reading)?.len();
    if size > UNPACKED_BYTES {
        let message = format!("The demo is larger than {} MiB.", UNPACKED_BYTES >> 20);
        return Err(failure(FailureCode::DemoTooLarge, message));
    }
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(reading)?;
    if !head.starts_with(MAGIC) {
        return Err(failure(FailureCode::DemoUnreadable, not_a_demo(&head)));
    }
    file.rewind().map_err(reading)?;
    // The file may be growing: what it had at first counts.
    let tape = Tape::unwind(file, size, last_tick).map_err(reading)?.map_err(|unwound| match unwound {
        Unwound::NoMatch => {
            let message = "The demo is truncated or damaged before the match begins.";
            failure(FailureCode::DemoUnreadable, message)
        }
        Unwound::LongSignOn => {
            let most = SIGN_ON_BYTES >> 20;
            let message = format!("The part of the demo before the match begins is larger than {most} MiB.");
            failure(FailureCode::DemoTooLarge, message)
        }
    })?;
    let sign_on = Parser::from_bytes(tape.sign_on().to_vec());
    game::refuse_others(&sign_on)?;
    let convars = sign_on.convars().map_err(unreadable)?;
    let convar = |name: &str| convars.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    refuse_modes_without_rounds(convar("game_type"), convar("game_mode"))?;
    let c4_seconds = convar("mp_c4timer").and_then(|value| value.parse().ok()).filter(|&seconds| seconds > 0.0);
    let header = sign_on.file_header().map_err(unreadable)?;
    let map = header.map_name.unwrap_or_default();
    let build = header.patch_version.and_then(|build| u32::try_from(build).ok()).filter(|&build| build > 0);
    Ok(Container { tape, stretch_bytes: STRETCH_BYTES, map, build, c4_seconds })
}

impl Container {
    /// Whether the match goes on in bytes that are no intact frames.
    pub fn is_cut(&self) -> bool {
        self.tape.is_cut
    }

    /// Plays all of it: every tick with its events, only with entities of these classes. A tick at which a stretch ends
    /// may be delivered twice.
    pub fn play<F>(&self, classes: &HashSet<&str>, mut on_tick: F) -> awpy::Result<()>
    where
        F: FnMut(&Context, &[GameEvent]),
    {
        self.each_stretch(i32::MIN, i32::MAX, |parser| parser.run_to_end_with_events_filtered(classes, &mut on_tick))
    }

    /// The same without events, for the ticks before `end`, from the last full packet before `from`, if there is one: it
    /// repeats the state of all entities.
    pub fn play_between<F>(&self, from: i32, end: i32, classes: &HashSet<&str>, mut on_tick: F) -> awpy::Result<()>
    where
        F: FnMut(&Context),
    {
        self.each_stretch(from, end, |parser| parser.decode_segment(None, end, classes, &mut on_tick))
    }

    /// Whether it can be played from a full packet before this tick, instead of from the beginning.
    pub fn has_full_packet_before(&self, tick: i32) -> bool {
        self.tape.full_packet_before(tick).is_some()
    }

    /// The number of parts in which all of it is played.
    #[cfg(test)]
    pub fn stretches(&self) -> usize {
        self.tape.stretches(i32::MIN, i32::MAX, self.stretch_bytes).len()
    }

    /// The state of everything at a tick.
    pub fn state_at(&self, tick: i32) -> awpy::Result<Context> {
        let mut state = None;
        let from = tick.saturating_add(1);
        self.each_stretch(from, from, |parser| {
            state = Some(parser.parse_to_tick(tick)?);
            Ok(())
        })?;
        state.ok_or_else(|| awpy::Error::Parse { context: "the demo has no frames".into() })
    }

    fn each_stretch<F>(&self, from: i32, end: i32, mut play: F) -> awpy::Result<()>
    where
        F: FnMut(Parser) -> awpy::Result<()>,
    {
        let stretches = self.tape.stretches(from, end, self.stretch_bytes);
        stretches.iter().try_for_each(|stretch| play(Parser::from_bytes(self.tape.load(stretch)?)))
    }
}

/// The error when the parser gives up on a demo.
pub(super) fn unreadable(error: awpy::Error) -> Error {
    match &error {
        // The process may have less memory than a demo without full packets needs: that is the demo's fault.
        awpy::Error::Io(cause) if cause.kind() == ErrorKind::OutOfMemory => {
            failure(FailureCode::DemoTooLarge, "The demo does not fit in memory.").because(error)
        }
        _ => failure(FailureCode::DemoUnreadable, "The demo is too damaged to read.").because(error),
    }
}

/// Game type 1 has no rounds: mode 0 is arms race, mode 2 deathmatch. The parser cannot read their rules.
fn refuse_modes_without_rounds(game_type: Option<&str>, game_mode: Option<&str>) -> Result<()> {
    let mode = match (game_type, game_mode) {
        (Some("1"), Some("2")) => "deathmatch",
        (Some("1"), Some("0") | None) => "arms race",
        (Some("1"), _) => "a game mode without rounds",
        _ => return Ok(()),
    };
    let message = format!("This is a demo of {mode}, which has no rounds, so no clip can be made of it.");
    Err(failure(FailureCode::DemoUnsupported, message))
}

/// One sentence on what the file appears to be instead.
fn not_a_demo(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]);
    let text = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    let what = match bytes {
        [] => "The file is empty".into(),
        [b'H', b'L', b'2', b'D', b'E', b'M', b'O', ..] => "This is a CS:GO demo (HL2DEMO)".into(),
        [0x1f, 0x8b, ..] => "This is a gzip file inside another compressed file".into(),
        [b'B', b'Z', b'h', ..] => "This is a bzip2 file inside another compressed file".into(),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "This is a zstd file inside another compressed file".into(),
        [b'P', b'K', 3, 4, ..] => "This is a ZIP archive inside another compressed file".to_owned(),
        [b'R', b'a', b'r', b'!', ..] => {
            "This is a RAR archive (only .dem, .gz, .bz2, .zst, and .zip are supported)".into()
        }
        [b'7', b'z', 0xbc, 0xaf, ..] => {
            "This is a 7z archive (only .dem, .gz, .bz2, .zst, and .zip are supported)".into()
        }
        _ if text.starts_with("<!doctype html") || text.starts_with("<html") => "This is an HTML page".into(),
        _ if text.starts_with('<') => "This is an XML or HTML document".into(),
        _ if text.starts_with('{') || text.starts_with('[') => "This looks like JSON".into(),
        _ => return "Not a CS2 demo: the file does not start with the PBDEMS2 header.".to_owned(),
    };
    format!("{what}, not a CS2 demo.")
}
