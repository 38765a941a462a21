//! Records each tick as packets and writes them as demo frames.

use awpy_proto::proto as pb;
use pb::c_msg_c_vars::CVar;
use prost::Message;

use super::bits::Bits;
use super::classes;
use super::container::{BEFORE_PLAY, Command, Container};
use super::events::{self, Event, Word};
use super::tables::{self, Table};
use super::world::{Entries, World};

/// Ticks per second of most servers.
pub const TICK_RATE: i32 = 64;
/// Server ticks before the recording began.
pub const SERVER_START_TICK: i32 = 1250;
/// Ticks between full packets: one minute.
const FULL_PACKET_TICKS: i32 = 60 * TICK_RATE;
/// Player slots of the server.
const MAX_CLIENTS: i32 = 64;
/// The game build whose format is used.
const PATCH_VERSION: i32 = 14065;

/// Message types.
mod message {
    pub const TICK: u32 = 4;
    pub const SET_CONVAR: u32 = 6;
    pub const SERVER_INFO: u32 = 40;
    pub const CREATE_STRING_TABLE: u32 = 44;
    pub const VOICE: u32 = 47;
    pub const PACKET_ENTITIES: u32 = 55;
    pub const GAME_EVENT_LIST: u32 = 205;
    pub const GAME_EVENT: u32 = 207;
}

/// Messages of one frame.
#[derive(Default)]
struct Packet(Bits);

impl Packet {
    fn add(&mut self, kind: u32, message: &impl Message) {
        let body = message.encode_to_vec();
        self.0.ubitvar(kind);
        self.0.varint(body.len() as u64);
        self.0.bytes(&body);
    }

    fn done(self) -> pb::CDemoPacket {
        pb::CDemoPacket { data: Some(self.0.into_bytes()) }
    }
}

/// A recording in progress.
pub struct Recorder {
    container: Container,
    tables: Vec<Table>,
    tick_rate: i32,
    /// The current tick, from 1.
    tick: i32,
    /// The current entities.
    pub world: World,
    events: Vec<pb::CMsgSource1LegacyGameEvent>,
    voice: Option<pb::CsvcMsgVoiceData>,
}

impl Recorder {
    /// Starts a recording: writes everything before play. `voice_bytes`: of each tick.
    pub fn new<'a>(
        map: &str,
        tick_rate: i32,
        voice_bytes: usize,
        convars: &[(&str, &str)],
        players: impl Iterator<Item = (&'a str, u64)>,
    ) -> Self {
        let classes = classes::all();
        let mut container = Container::new();
        container.frame(Command::FileHeader, BEFORE_PLAY, &file_header(map, String::new()));
        let tables = vec![Table::baselines(&classes), Table::users(players)];
        let mut packet = Packet::default();
        tables.iter().for_each(|table| packet.add(message::CREATE_STRING_TABLE, &table.create()));
        packet.add(message::SERVER_INFO, &server_info(map, tick_rate, classes.len() as i32));
        packet.add(message::SET_CONVAR, &set_convars(convars));
        container.frame(Command::Signon, BEFORE_PLAY, &packet.done());
        container.frame(Command::SendTables, BEFORE_PLAY, &tables::send_tables(&classes));
        container.frame(Command::ClassInfo, BEFORE_PLAY, &tables::class_info(&classes));
        let mut packet = Packet::default();
        packet.add(message::GAME_EVENT_LIST, &events::list());
        container.frame(Command::Signon, BEFORE_PLAY, &packet.done());
        container.frame(Command::SyncTick, BEFORE_PLAY, &pb::CDemoSyncTick {});
        let voice = pb::CsvcMsgVoiceData {
            audio: Some(pb::CMsgVoiceAudio { voice_data: Some(voice(voice_bytes)), ..Default::default() }),
            ..Default::default()
        };
        let voice = (voice_bytes > 0).then_some(voice);
        Self { container, tables, tick_rate, tick: 1, world: World::new(), events: Vec::new(), voice }
    }

    /// The current tick.
    pub fn tick(&self) -> i32 {
        self.tick
    }

    /// Server time in seconds at a tick.
    pub fn seconds(&self, tick: i32) -> f32 {
        self.length(SERVER_START_TICK + tick)
    }

    /// Seconds that some ticks take.
    pub fn length(&self, ticks: i32) -> f32 {
        ticks as f32 / self.tick_rate as f32
    }

    /// Adds an event to this tick.
    pub fn say(&mut self, event: &Event, words: &[(&str, Word)]) {
        self.events.push(event.say(words));
    }

    /// Ends the tick: writes its changes and events.
    pub fn next_tick(&mut self) {
        let mut packet = Packet::default();
        packet.add(message::TICK, &self.server_tick());
        let entries = self.world.changes();
        if entries.count > 0 {
            packet.add(message::PACKET_ENTITIES, &self.entities(entries, self.tick > 1));
        }
        self.events.drain(..).for_each(|event| packet.add(message::GAME_EVENT, &event));
        self.voice.iter().for_each(|voice| packet.add(message::VOICE, voice));
        self.container.frame(Command::Packet, self.tick, &packet.done());
        if self.tick % FULL_PACKET_TICKS == 1 {
            self.full_packet();
        }
        self.tick += 1;
    }

    /// Ends the recording.
    pub fn finish(self) -> Vec<u8> {
        let last = self.tick - 1;
        let info = pb::CDemoFileInfo {
            playback_time: Some(self.length(last)),
            playback_ticks: Some(last),
            playback_frames: Some(last),
            game_info: None,
        };
        self.container.finish(last, &info)
    }

    fn full_packet(&mut self) {
        let mut packet = Packet::default();
        packet.add(message::TICK, &self.server_tick());
        packet.add(message::PACKET_ENTITIES, &self.entities(self.world.snapshot(), false));
        let tables = self.tables.iter().map(Table::snapshot).collect();
        let full =
            pb::CDemoFullPacket { string_table: Some(pb::CDemoStringTables { tables }), packet: Some(packet.done()) };
        self.container.frame(Command::FullPacket, self.tick, &full);
    }

    fn server_tick(&self) -> pb::CnetMsgTick {
        pb::CnetMsgTick { tick: Some((SERVER_START_TICK + self.tick) as u32), ..Default::default() }
    }

    fn entities(&self, entries: Entries, delta: bool) -> pb::CsvcMsgPacketEntities {
        let tick = SERVER_START_TICK + self.tick;
        pb::CsvcMsgPacketEntities {
            max_entries: Some(i32::from(self.world.room())),
            updated_entries: Some(entries.count as i32),
            legacy_is_delta: Some(delta),
            update_baseline: Some(false),
            baseline: Some(0),
            delta_from: delta.then_some(tick - 1),
            entity_data: Some(entries.data),
            server_tick: Some(tick as u32),
            has_pvs_vis_bits_deprecated: Some(0),
            ..Default::default()
        }
    }
}

/// A recording of another game that ends before play.
pub fn of_another_game(map: &str, folder: &str) -> Vec<u8> {
    let mut container = Container::new();
    container.frame(Command::FileHeader, BEFORE_PLAY, &file_header(map, format!("/srv/{folder}/game/{folder}")));
    let mut packet = Packet::default();
    packet.add(message::SERVER_INFO, &server_info(map, TICK_RATE, 1));
    container.frame(Command::Signon, BEFORE_PLAY, &packet.done());
    let classes = [&classes::WORLD];
    container.frame(Command::SendTables, BEFORE_PLAY, &tables::send_tables(&classes));
    container.frame(Command::ClassInfo, BEFORE_PLAY, &tables::class_info(&classes));
    container.frame(Command::SyncTick, BEFORE_PLAY, &pb::CDemoSyncTick {});
    container.finish(1, &pb::CDemoFileInfo::default())
}

fn file_header(map: &str, game_directory: String) -> pb::CDemoFileHeader {
    pb::CDemoFileHeader {
        demo_file_stamp: "PBDEMS2\0".to_owned(),
        patch_version: Some(PATCH_VERSION),
        server_name: Some("Forged match".to_owned()),
        client_name: Some("SourceTV Demo".to_owned()),
        map_name: Some(map.to_owned()),
        game_directory: Some(game_directory),
        fullpackets_version: Some(2),
        allow_clientside_entities: Some(true),
        allow_clientside_particles: Some(true),
        addons: Some(String::new()),
        demo_version_name: Some("valve_demo_2".to_owned()),
        demo_version_guid: Some(String::new()),
        server_start_tick: Some(SERVER_START_TICK),
        ..Default::default()
    }
}

/// Bytes that do not compress, like those of a voice codec.
fn voice(bytes: usize) -> Vec<u8> {
    (0..bytes as u64).map(|n| (n.wrapping_mul(n).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

fn server_info(map: &str, tick_rate: i32, classes: i32) -> pb::CsvcMsgServerInfo {
    pb::CsvcMsgServerInfo {
        protocol: Some(PATCH_VERSION),
        server_count: Some(1),
        is_dedicated: Some(true),
        is_hltv: Some(true),
        max_clients: Some(MAX_CLIENTS),
        max_classes: Some(classes),
        player_slot: Some(MAX_CLIENTS - 1),
        tick_interval: Some(1.0 / tick_rate as f32),
        game_dir: Some(String::new()),
        map_name: Some(map.to_owned()),
        host_name: Some("Forged match".to_owned()),
        ..Default::default()
    }
}

fn set_convars(convars: &[(&str, &str)]) -> pb::CnetMsgSetConVar {
    let convar =
        |(name, value): &(&str, &str)| CVar { name: Some((*name).to_owned()), value: Some((*value).to_owned()) };
    pb::CnetMsgSetConVar { convars: Some(pb::CMsgCVars { cvars: convars.iter().map(convar).collect() }) }
}
