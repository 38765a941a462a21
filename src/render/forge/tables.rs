//! Metadata of a demo: schema, classes, string tables.

use awpy_proto::proto as pb;
use pb::c_demo_class_info::ClassT;
use pb::c_demo_string_tables::{ItemsT, TableT};
use prost::Message;

use super::bits::{self, Bits};
use super::fieldpath;
use super::schema::{Field, Kind, Serializer};

/// A string table.
#[derive(Clone, Debug)]
pub struct Table {
    name: &'static str,
    flags: i32,
    entries: Vec<(String, Vec<u8>)>,
}

/// Flag: values may be compressed, each with a bit that says whether it is.
const VALUES_MAY_BE_PACKED: i32 = 1;

impl Table {
    /// The baseline of each class.
    pub fn baselines(classes: &[&Serializer]) -> Self {
        let baseline = |class: &Serializer| {
            let defaults = class.defaults();
            let mut bits = Bits::default();
            fieldpath::write(&mut bits, defaults.iter().map(|(path, ..)| path));
            defaults.iter().for_each(|(_, wire, value)| wire.write(&mut bits, value));
            bits.into_bytes()
        };
        let entries = classes.iter().enumerate().map(|(id, class)| (id.to_string(), baseline(class))).collect();
        Self { name: "instancebaseline", flags: VALUES_MAY_BE_PACKED, entries }
    }

    /// Player info: name and Steam ID for each slot.
    pub fn users<'a>(players: impl Iterator<Item = (&'a str, u64)>) -> Self {
        let entry = |(slot, (name, steam64)): (i32, (&str, u64))| {
            let info = pb::CMsgPlayerInfo {
                name: Some(name.to_owned()),
                xuid: Some(steam64),
                userid: Some(slot),
                steamid: Some(steam64),
                fakeplayer: Some(steam64 == 0),
                ishltv: Some(false),
                ..Default::default()
            };
            (slot.to_string(), info.encode_to_vec())
        };
        Self { name: "userinfo", flags: 0, entries: (0..).zip(players).map(entry).collect() }
    }

    /// The message that creates the table.
    pub fn create(&self) -> pb::CsvcMsgCreateStringTable {
        let mut bits = Bits::default();
        for (key, value) in &self.entries {
            // Next entry; explicit key; has a value.
            bits.flag(true);
            bits.flag(true);
            bits.flag(false);
            bits.text(key);
            bits.flag(true);
            if self.flags & VALUES_MAY_BE_PACKED != 0 {
                bits.flag(false);
            }
            bits.ubitvar(value.len() as u32);
            bits.bytes(value);
        }
        pb::CsvcMsgCreateStringTable {
            name: Some(self.name.to_owned()),
            num_entries: Some(self.entries.len() as i32),
            user_data_fixed_size: Some(false),
            user_data_size: Some(0),
            user_data_size_bits: Some(0),
            flags: Some(self.flags),
            string_data: Some(bits.into_bytes()),
            data_compressed: Some(false),
            using_varint_bitcounts: Some(true),
            ..Default::default()
        }
    }

    /// The whole table, for full packets.
    pub fn snapshot(&self) -> TableT {
        let item = |(key, value): &(String, Vec<u8>)| ItemsT { str: Some(key.clone()), data: Some(value.clone()) };
        TableT {
            table_name: Some(self.name.to_owned()),
            items: self.entries.iter().map(item).collect(),
            items_clientside: Vec::new(),
            table_flags: Some(self.flags),
        }
    }
}

/// The classes and their IDs.
pub fn class_info(classes: &[&Serializer]) -> pb::CDemoClassInfo {
    let class = |(id, class): (i32, &&Serializer)| ClassT {
        class_id: Some(id),
        network_name: Some(class.name.to_owned()),
        table_name: None,
    };
    pb::CDemoClassInfo { classes: (0..).zip(classes).map(class).collect() }
}

/// The serializers of all classes and their components.
pub fn send_tables(classes: &[&Serializer]) -> pb::CDemoSendTables {
    let mut schema = Schema::default();
    classes.iter().for_each(|class| schema.add(class));
    let message = schema.message.encode_to_vec();
    let mut data = Vec::with_capacity(message.len() + 4);
    bits::varint(&mut data, message.len() as u32);
    data.extend_from_slice(&message);
    pb::CDemoSendTables { data: Some(data) }
}

#[derive(Default)]
struct Schema {
    message: pb::CsvcMsgFlattenedSerializer,
    /// Names and versions in the order added: readers know only the last version of a name.
    added: Vec<(&'static str, i32)>,
}

impl Schema {
    fn symbol(&mut self, text: &str) -> Option<i32> {
        let symbols = &mut self.message.symbols;
        let at = symbols.iter().position(|symbol| symbol == text).unwrap_or_else(|| {
            symbols.push(text.to_owned());
            symbols.len() - 1
        });
        Some(at as i32)
    }

    /// Adds a serializer after those of its components.
    fn add(&mut self, serializer: &Serializer) {
        let newest = self.added.iter().rev().find(|(name, _)| *name == serializer.name);
        if newest.is_some_and(|(_, version)| *version == serializer.version) {
            return;
        }
        for field in serializer.fields {
            if let Kind::Part(part, _) = field.kind {
                self.add(part);
            }
        }
        let fields_index = serializer.fields.iter().map(|field| self.field(field)).collect();
        let serializer_name_sym = self.symbol(serializer.name);
        self.message.serializers.push(pb::ProtoFlattenedSerializerT {
            serializer_name_sym,
            serializer_version: Some(serializer.version),
            fields_index,
        });
        self.added.push((serializer.name, serializer.version));
    }

    fn field(&mut self, field: &Field) -> i32 {
        let mut out = pb::ProtoFlattenedSerializerFieldT {
            var_name_sym: self.symbol(field.name),
            send_node_sym: self.symbol(field.node),
            ..Default::default()
        };
        match field.kind {
            Kind::Leaf(wire) | Kind::Array(wire, ..) | Kind::List(wire, _) => {
                let type_name = match field.kind {
                    Kind::Array(.., type_name) | Kind::List(_, type_name) => type_name,
                    _ => wire.type_name(),
                };
                out.var_type_sym = self.symbol(type_name);
                out.var_encoder_sym = wire.encoder().and_then(|encoder| self.symbol(encoder));
                (out.bit_count, out.high_value, out.encode_flags) = wire.quantity();
            }
            Kind::Part(part, type_name) => {
                out.var_type_sym = self.symbol(type_name);
                out.field_serializer_name_sym = self.symbol(part.name);
                out.field_serializer_version = Some(part.version);
            }
        }
        self.message.fields.push(out);
        self.message.fields.len() as i32 - 1
    }
}
