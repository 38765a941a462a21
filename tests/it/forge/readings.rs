//! What two parsers read out of a demo, in a form that can be compared: entities look by look, and events.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use awpy::entity::field_path::FieldPath;
use source2_demo::prelude::*;
use source2_demo::proto::{CDemoFileHeader, CSvcMsgServerInfo};

/// Ticks from one look at all entities to the next.
const LOOK_TICKS: i32 = 32;
/// How far two parsers may be apart in a quantized number.
const CLOSE: f32 = 0.001;

/// A slot, and a field's path in it, with what it holds.
pub type State = BTreeMap<(u32, Vec<u16>), Datum>;

/// Tick, name, keys with their values.
pub type Event = (i32, String, Vec<(String, String)>);

/// What a parser read.
#[derive(Default)]
pub struct Reading {
    pub map: String,
    pub tick_rate: f32,
    /// By slot: the class of whatever was last in it.
    pub classes: BTreeMap<u32, String>,
    pub states: BTreeMap<i32, State>,
    pub events: Vec<Event>,
}

/// A field's value, whatever a parser calls its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    Whole(i128),
    Text(String),
    Floats(Vec<f32>),
    /// Pitch, yaw and roll as awpy has them, from minus half a turn on; the other parser begins at nothing.
    Angles(Vec<f32>),
}

impl Datum {
    /// Equal, or as good as.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Floats(a), Self::Floats(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= CLOSE)
            }
            // An angle that is not written is nothing to both.
            (Self::Angles(a), Self::Floats(b)) => {
                a.iter().zip(b).all(|(a, b)| (a + 180.0 - b).abs() <= CLOSE || (*a == 0.0 && *b == 0.0))
            }
            _ => self == other,
        }
    }
}

/// Where the pawn of a slot is: three cells of 512 units, and three places within.
pub fn place(state: &State, slot: u32) -> Option<[f32; 3]> {
    // The body's is the one component of a pawn with six values.
    let body = (0..30).find(|body| state.contains_key(&(slot, vec![*body, 5])))?;
    let part = |index: u16| match state.get(&(slot, vec![body, index])) {
        Some(Datum::Whole(value)) => Some(*value as f32),
        Some(Datum::Floats(values)) => values.first().copied(),
        _ => None,
    };
    let axis = |axis: u16| Some(part(axis)? * 512.0 - 16_384.0 + part(axis + 3)?);
    Some([axis(0)?, axis(1)?, axis(2)?])
}

/// By awpy.
pub fn awpy(bytes: &[u8]) -> Reading {
    let parser = awpy::Parser::from_bytes(bytes.to_vec());
    let mut reading = Reading { map: parser.file_header().unwrap().map_name.unwrap(), ..Reading::default() };
    parser
        .run_to_end(|context| {
            reading.tick_rate = 1.0 / context.tick_interval();
            let look = context.tick() % LOOK_TICKS == 0;
            for (slot, entity) in context.entities().iter() {
                reading.classes.insert(slot as u32, entity.class_name.to_string());
                if !look {
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
    reading.states.values_mut().for_each(leaves);
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
        other => panic!("the forge writes no {other:?}"),
    }
}

/// Takes away what only says that something is within it: one parser keeps that, the other does not.
fn leaves(state: &mut State) {
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

/// By source2-demo.
pub fn source2(bytes: &[u8]) -> Reading {
    let mut parser = Parser::from_slice(bytes).unwrap();
    let watch: Rc<RefCell<Watch>> = parser.register_observer();
    parser.run_to_end().unwrap();
    drop(parser);
    let mut reading = std::mem::take(&mut watch.borrow_mut().0);
    reading.states.values_mut().for_each(leaves);
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
            if tick % LOOK_TICKS != 0 {
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
        other => panic!("the forge writes no {other:?}"),
    }
}

/// As awpy says it.
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
