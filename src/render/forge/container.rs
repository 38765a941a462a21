//! The file: a header that points at its end, and frames, each with a command, a tick and a packed body.

use prost::Message;
use snap::raw::Encoder;

use super::bits;

/// What a frame is, by the format's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The end of play.
    Stop = 0,
    /// Map, server, version.
    FileHeader = 1,
    /// Length of the whole.
    FileInfo = 2,
    /// Play begins.
    SyncTick = 3,
    /// The serializers.
    SendTables = 4,
    /// The classes.
    ClassInfo = 5,
    /// What a tick told.
    Packet = 7,
    /// What was told before play.
    Signon = 8,
    /// Everything as it is at a tick.
    FullPacket = 13,
    /// Parts of the map that were loaded: none.
    SpawnGroups = 15,
}

const MAGIC: [u8; 8] = *b"PBDEMS2\0";
/// Magic, and the offsets of file info and spawn groups.
const HEADER_BYTES: usize = 16;
const COMPRESSED: u32 = 64;
/// Bodies below this are not worth packing.
const PACK_FROM_BYTES: usize = 64;
/// The tick of everything before play.
pub const BEFORE_PLAY: i32 = -1;

/// A demo file in the making.
#[derive(Debug)]
pub struct Container {
    bytes: Vec<u8>,
    packer: Encoder,
}

impl Container {
    /// A file with its first sixteen bytes.
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

    /// Ends the file: the end of play, the spawn groups, the file info, and the header's pointers to both.
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
