//! Loads a demo file for the parser: reads it into memory, checks that it is a CS2 demo of a mode with rounds, and
//! truncates it after its last intact frame.
//!
//! The frames are walked here first because a single bad length makes the parser reject the whole file. Knows nothing
//! about rounds and players.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use awpy::Parser;
use awpy::io::ByteReader;

use crate::domain::demo::UNPACKED_BYTES;
use crate::domain::error::{Error, Result};
use crate::domain::failure::FailureCode;

use super::kind::MAGIC;
use super::{failure, game};

/// Bytes of a demo before its match begins (the sign-on), which are copied: 64 MiB. The largest seen is 3 MB.
const SIGN_ON_BYTES: usize = 64 << 20;

/// Bytes before the first frame: the magic, then two offsets to frames near the end.
const HEADER_BYTES: usize = 16;
/// Bit of a frame's command that marks its body as Snappy-compressed.
const COMPRESSED: u32 = 64;
/// The frame at which the match begins; everything before it is the sign-on.
const SYNC_TICK: u32 = 3;
/// Maximum uncompressed size of a frame. The largest seen (a full packet of a real match) is 2 MB.
const FRAME_BYTES: usize = 64 << 20;

/// A demo ready for parsing.
pub(super) struct Container {
    /// Parser over the repaired copy in memory.
    pub parser: Parser,
    /// The map's name; empty if the demo does not say.
    pub map: String,
    /// Build of the game that recorded it, if the demo says.
    pub build: Option<u32>,
    /// Whether the file had bytes after its last intact frame.
    pub cut: bool,
    /// Seconds from plant to explosion, if set on the server (`mp_c4timer`).
    pub c4_seconds: Option<f32>,
}

/// Loads a demo, up to a tick if nothing is needed after it. Errors: `demo_too_large`, `demo_unreadable`,
/// `demo_unsupported`.
pub(super) fn open(path: &Path, last_tick: Option<i32>) -> Result<Container> {
    let mut bytes = Vec::new();
    let reading = |error| Error::internal("Could not read the demo.", error);
    let mut file = File::open(path).map_err(reading)?;
    let size = file.metadata().map_err(reading)?.len();
    if size > UNPACKED_BYTES {
        let message = format!("The demo is larger than {} MiB.", UNPACKED_BYTES >> 20);
        return Err(failure(FailureCode::DemoTooLarge, message));
    }
    // The process may have less memory than the demo needs: that is the demo's fault and must not crash.
    if bytes.try_reserve_exact(usize::try_from(size).unwrap_or(usize::MAX)).is_err() {
        let message = format!("The demo ({} MiB) does not fit in memory.", size >> 20);
        return Err(failure(FailureCode::DemoTooLarge, message));
    }
    // Do not read all of a file whose beginning cannot be right.
    file.by_ref().take(size.min(SIGN_ON_BYTES as u64)).read_to_end(&mut bytes).map_err(reading)?;
    if size > bytes.len() as u64 && begins_late(&bytes) {
        return Err(sign_on_too_large());
    }
    // Do not read more than the initial size: the file may be growing.
    let left = size.saturating_sub(bytes.len() as u64);
    file.take(left).read_to_end(&mut bytes).map_err(reading)?;
    repaired(bytes, last_tick)
}

fn repaired(mut bytes: Vec<u8>, last_tick: Option<i32>) -> Result<Container> {
    if !bytes.starts_with(MAGIC) {
        return Err(failure(FailureCode::DemoUnreadable, not_a_demo(&bytes)));
    }
    let Some(frames) = walk(&bytes, last_tick) else {
        let message = "The demo is truncated or damaged before the match begins.";
        return Err(failure(FailureCode::DemoUnreadable, message));
    };
    let cut = frames.cut;
    bytes.truncate(frames.end);
    // These offsets may point past the end or nowhere; nothing here needs them.
    bytes[MAGIC.len()..HEADER_BYTES].fill(0);

    if frames.sign_on_end > SIGN_ON_BYTES {
        return Err(sign_on_too_large());
    }
    let sign_on = Parser::from_bytes(bytes[..frames.sign_on_end].to_vec());
    game::refuse_others(&sign_on)?;
    let convars = sign_on.convars().map_err(unreadable)?;
    let convar = |name: &str| convars.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    refuse_modes_without_rounds(convar("game_type"), convar("game_mode"))?;
    let c4_seconds = convar("mp_c4timer").and_then(|value| value.parse().ok()).filter(|&seconds| seconds > 0.0);

    let parser = Parser::from_bytes(bytes);
    let header = parser.file_header().map_err(unreadable)?;
    let map = header.map_name.unwrap_or_default();
    let build = header.patch_version.and_then(|build| u32::try_from(build).ok()).filter(|&build| build > 0);
    Ok(Container { parser, map, build, cut, c4_seconds })
}

fn sign_on_too_large() -> Error {
    let most = SIGN_ON_BYTES >> 20;
    failure(
        FailureCode::DemoTooLarge,
        format!("The part of the demo before the match begins is larger than {most} MiB."),
    )
}

/// Whether these first bytes are all intact frames (plus the start of one) without reaching the match.
fn begins_late(bytes: &[u8]) -> bool {
    let frames = bytes.get(HEADER_BYTES..).filter(|_| bytes.starts_with(MAGIC));
    let mut reader = ByteReader::new(frames.unwrap_or_default());
    loop {
        match frame(&mut reader) {
            Ok((SYNC_TICK, _)) => return false,
            Ok(_) => {}
            Err(stop) => return frames.is_some() && stop == Stop::Short,
        }
    }
}

/// The error when the parser gives up on a demo.
pub(super) fn unreadable(error: awpy::Error) -> Error {
    failure(FailureCode::DemoUnreadable, "The demo is too damaged to read.").because(error)
}

/// Extent of the intact frames.
struct Frames {
    end: usize,
    sign_on_end: usize,
    /// Whether bytes follow that are no frames.
    cut: bool,
}

/// Walks the intact frames up to a tick. `None` if even the sign-on is incomplete.
fn walk(bytes: &[u8], last_tick: Option<i32>) -> Option<Frames> {
    let mut reader = ByteReader::new(bytes.get(HEADER_BYTES..)?);
    let (mut end, mut sign_on_end) = (HEADER_BYTES, None);
    let mut cut = true;
    while let Ok((command, tick)) = frame(&mut reader) {
        if sign_on_end.is_some() && last_tick.is_some_and(|last| tick > last) {
            cut = false;
            break;
        }
        end = HEADER_BYTES + reader.position();
        if command == SYNC_TICK && sign_on_end.is_none() {
            sign_on_end = Some(end);
        }
    }
    let cut = cut && end < bytes.len();
    sign_on_end.map(|sign_on_end| Frames { end, sign_on_end, cut })
}

/// Why there is no further intact frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// End of input.
    Short,
    /// Not a frame.
    Bad,
}

/// Reads one frame and returns its command and tick.
fn frame(reader: &mut ByteReader<'_>) -> Result<(u32, i32), Stop> {
    let command = reader.read_uvarint32().map_err(|_| Stop::Short)?;
    let tick = reader.read_uvarint32().map_err(|_| Stop::Short)?;
    let size = reader.read_uvarint32().map_err(|_| Stop::Short)? as usize;
    if command >= 2 * COMPRESSED || size > FRAME_BYTES {
        return Err(Stop::Bad);
    }
    let body = reader.read_bytes(size).map_err(|_| Stop::Short)?;
    // The parser allocates this many bytes.
    let unpacks = |body| snap::raw::decompress_len(body).is_ok_and(|bytes| bytes <= FRAME_BYTES);
    if command & COMPRESSED != 0 && !unpacks(body) {
        return Err(Stop::Bad);
    }
    // Ticks before the match are negative.
    Ok((command & !COMPRESSED, tick as i32))
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
