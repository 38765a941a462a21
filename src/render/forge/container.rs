//! The demo file: a header that points to its end, and frames with a command, a tick, and a compressed body.

use prost::Message;
use snap::raw::Encoder;

use super::bits;

/// Frame commands, with the format's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// End of the demo.
    Stop = 0,
    /// Map, server, version.
    FileHeader = 1,
    /// Summary at the end of the file.
    FileInfo = 2,
    /// Start of play.
    SyncTick = 3,
    /// The serializers.
    SendTables = 4,
    /// The classes.
    ClassInfo = 5,
    /// Messages of one tick.
    Packet = 7,
    /// Messages before play.
    Signon = 8,
    /// A full snapshot.
    FullPacket = 13,
    /// Loaded map parts: none.
    SpawnGroups = 15,
}

const MAGIC: [u8; 8] = *b"PBDEMS2\0";
/// Magic, and the offsets of file info and spawn groups.
const HEADER_BYTES: usize = 16;
const COMPRESSED: u32 = 64;
/// Smaller bodies are not worth compressing.
const PACK_FROM_BYTES: usize = 64;
/// The tick of everything before play.
pub const BEFORE_PLAY: i32 = -1;

/// A demo file being written.
#[derive(Debug)]
pub struct Container {
    bytes: Vec<u8>,
    packer: Encoder,
}

impl Container {
    /// Starts a file with its header.
    pub fn new() -> Self {
        let mut bytes = MAGIC.to_vec();
        bytes.resize(HEADER_BYTES, 0);
        Self { bytes, packer: Encoder::new() }
    }

    /// Adds a frame.
    pub fn frame(&mut self, command: Command, tick: i32, body: &impl Message) {
        self.raw(command, tick, &body.encode_to_vec());
    }

    fn raw(&mut self, command: Command, tick: i32, body: &[u8]) {
        let packed = (body.len() > PACK_FROM_BYTES).then(|| self.packer.compress_vec(body).ok()).flatten();
        let packed = packed.filter(|packed| packed.len() < body.len());
        let flag = if packed.is_some() { COMPRESSED } else { 0 };
        let body = packed.as_deref().unwrap_or(body);
        bits::varint(&mut self.bytes, command as u32 | flag);
        bits::varint(&mut self.bytes, tick as u32);
        bits::varint(&mut self.bytes, body.len() as u32);
        self.bytes.extend_from_slice(body);
    }

    /// Finishes the file: stop frame, spawn groups, file info, and the header's offsets of both.
    pub fn finish(mut self, tick: i32, info: &impl Message) -> Vec<u8> {
        self.raw(Command::Stop, tick, &[]);
        let spawn_groups = self.bytes.len();
        self.raw(Command::SpawnGroups, tick, &[]);
        let file_info = self.bytes.len();
        self.frame(Command::FileInfo, tick, info);
        self.bytes[8..12].copy_from_slice(&(file_info as u32).to_le_bytes());
        self.bytes[12..16].copy_from_slice(&(spawn_groups as u32).to_le_bytes());
        self.bytes
    }
}
