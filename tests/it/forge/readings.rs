//! What two parsers read from a demo in comparable form: snapshots of all entities, and events.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use awpy::entity::field_path::FieldPath;
use source2_demo::prelude::*;
use source2_demo::proto::{CDemoFileHeader, CSvcMsgServerInfo};

/// Ticks between snapshots.
const SNAPSHOT_TICKS: i32 = 32;
/// Tolerance for quantized numbers.
const CLOSE: f32 = 0.001;

/// Values by slot and field path.
pub type State = BTreeMap<(u32, Vec<u16>), Datum>;

/// Tick, name, keys and values.
pub type Event = (i32, String, Vec<(String, String)>);

#[derive(Default)]
pub struct Reading {
    pub map: String,
    pub tick_rate: f32,
    /// The class of the last entity in each slot.
    pub classes: BTreeMap<u32, String>,
    pub states: BTreeMap<i32, State>,
    pub events: Vec<Event>,
}

/// A field's value, independent of the parser's types.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    Whole(i128),
    Text(String),
    Floats(Vec<f32>),
    /// Pitch, yaw and roll from -180 degrees as awpy has them; the other parser starts at 0.
    Angles(Vec<f32>),
}

impl Datum {
    /// Equal within the tolerance.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Floats(a), Self::Floats(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= CLOSE)
            }
            // An unset angle is 0 in both.
            (Self::Angles(a), Self::Floats(b)) => {
                a.iter().zip(b).all(|(a, b)| (a + 180.0 - b).abs() <= CLOSE || (*a == 0.0 && *b == 0.0))
            }
            _ => self == other,
        }
    }
}

/// The position of a slot's pawn: three cells of 512 units, and three offsets within.
pub fn place(state: &State, slot: u32) -> Option<[f32; 3]> {
    // The body component is the only one with six values.
    let body = (0..30).find(|body| state.contains_key(&(slot, vec![*body, 5])))?;
    let part = |index: u16| match state.get(&(slot, vec![body, index])) {
        Some(Datum::Whole(value)) => Some(*value as f32),
        Some(Datum::Floats(values)) => values.first().copied(),
        _ => None,
    };
    let axis = |axis: u16| Some(part(axis)? * 512.0 - 16_384.0 + part(axis + 3)?);
    Some([axis(0)?, axis(1)?, axis(2)?])
}

/// Reads with awpy.
pub fn awpy(bytes: &[u8]) -> Reading {
    let parser = awpy::Parser::from_bytes(bytes.to_vec());
    let mut reading = Reading { map: parser.file_header().unwrap().map_name.unwrap(), ..Reading::default() };
    parser
        .run_to_end(|context| {
            reading.tick_rate = 1.0 / context.tick_interval();
            let is_snapshot = context.tick() % SNAPSHOT_TICKS == 0;
            for (slot, entity) in context.entities().iter() {
                reading.classes.insert(slot as u32, entity.class_name.to_string());
                if !is_snapshot {
                    continue;
                }
                let state = reading.states.entry(context.tick()).or_default();
                for (key, value) in &entity.fields {
                    let path = FieldPath::unpack(*key);
                    let path = path.data[..=path.last].iter().map(|part| *part as u16).collect();
                    state.insert((slot as u32, path), of_awpy(value));
                }
            }
        })
        .unwrap();
    reading.states.values_mut().for_each(remove_parents);
    let events = parser.events(None).unwrap();
    reading.events = events.into_iter().map(|event| (event.tick, event.name, event.keys)).collect();
    reading
}

fn of_awpy(value: &awpy::FieldValue) -> Datum {
    use awpy::FieldValue as V;
    match value {
        V::Bool(value) => Datum::Whole((*value).into()),
        V::I32(value) => Datum::Whole((*value).into()),
        V::I64(value) => Datum::Whole((*value).into()),
        V::U32(value) => Datum::Whole((*value).into()),
        V::U64(value) => Datum::Whole((*value).into()),
        V::F32(value) => Datum::Floats(vec![*value]),
        V::Vector3(value) => Datum::Floats(value.to_vec()),
        V::QAngle(value) => Datum::Angles(value.to_vec()),
        V::String(value) => Datum::Text(String::from_utf8_lossy(value).into_owned()),
        other => panic!("unexpected value: {other:?}"),
    }
}

/// Removes entries that are only parents of others: only one of the parsers keeps them.
fn remove_parents(state: &mut State) {
    let parents: Vec<_> = state
        .keys()
        .filter_map(|(slot, path)| {
            path.split_last().filter(|(_, rest)| !rest.is_empty()).map(|(_, rest)| (*slot, rest))
        })
        .map(|(slot, rest)| (slot, rest.to_vec()))
        .collect();
    parents.iter().for_each(|parent| {
        state.remove(parent);
    });
}

/// Reads with source2-demo.
pub fn source2(bytes: &[u8]) -> Reading {
    let mut parser = Parser::from_slice(bytes).unwrap();
    let watch: Rc<RefCell<Watch>> = parser.register_observer();
    parser.run_to_end().unwrap();
    drop(parser);
    let mut reading = std::mem::take(&mut watch.borrow_mut().0);
    reading.states.values_mut().for_each(remove_parents);
    reading
}

#[derive(Default)]
struct Watch(Reading);

impl Observer for Watch {
    fn interests(&self) -> Interests {
        Interests::all()
    }

    fn on_demo_command(&mut self, _: &Context, kind: EDemoCommands, body: &[u8]) -> ObserverResult {
        if kind == EDemoCommands::DemFileHeader {
            self.0.map = CDemoFileHeader::decode(body)?.map_name().to_owned();
        }
        Ok(())
    }

    fn on_svc_message(&mut self, _: &Context, kind: SvcMessages, body: &[u8]) -> ObserverResult {
        if kind == SvcMessages::SvcServerInfo {
            self.0.tick_rate = 1.0 / CSvcMsgServerInfo::decode(body)?.tick_interval();
        }
        Ok(())
    }

    fn on_game_event(&mut self, context: &Context, event: &GameEvent) -> ObserverResult {
        let keys = event.iter().map(|(key, value)| (key.to_owned(), of_event(value))).collect();
        self.0.events.push((context.tick() as i32, event.name().to_owned(), keys));
        Ok(())
    }

    fn on_tick_end(&mut self, context: &Context) -> ObserverResult {
        let tick = context.tick() as i32;
        if tick <= 0 {
            return Ok(());
        }
        for entity in context.entities().iter() {
            self.0.classes.insert(entity.index(), entity.class().name().to_owned());
            if tick % SNAPSHOT_TICKS != 0 {
                continue;
            }
            let state = self.0.states.entry(tick).or_default();
            for field in entity.fields() {
                if let Some(value) = field.value {
                    state.insert((entity.index(), field.path.clone()), of_source2(value));
                }
            }
        }
        Ok(())
    }
}

fn of_source2(value: &FieldValue) -> Datum {
    match value {
        FieldValue::Boolean(value) => Datum::Whole((*value).into()),
        FieldValue::Signed8(value) => Datum::Whole((*value).into()),
        FieldValue::Signed16(value) => Datum::Whole((*value).into()),
        FieldValue::Signed32(value) => Datum::Whole((*value).into()),
        FieldValue::Signed64(value) => Datum::Whole((*value).into()),
        FieldValue::Unsigned8(value) => Datum::Whole((*value).into()),
        FieldValue::Unsigned16(value) => Datum::Whole((*value).into()),
        FieldValue::Unsigned32(value) => Datum::Whole((*value).into()),
        FieldValue::Unsigned64(value) => Datum::Whole((*value).into()),
        FieldValue::Float(value) => Datum::Floats(vec![*value]),
        FieldValue::Vector3D(value) => Datum::Floats(value.to_vec()),
        FieldValue::String(value) => Datum::Text(value.clone()),
        other => panic!("unexpected value: {other:?}"),
    }
}

/// Formats a value as awpy does.
fn of_event(value: &EventValue) -> String {
    match value {
        EventValue::String(value) => value.clone(),
        EventValue::Float(value) => value.to_string(),
        EventValue::Int(value) => value.to_string(),
        EventValue::Bool(value) => value.to_string(),
        EventValue::Byte(value) => value.to_string(),
        EventValue::U64(value) => value.to_string(),
    }
}
