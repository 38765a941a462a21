//! The current entities of a forged game, and their changes since the last packet.

use std::collections::{BTreeMap, BTreeSet};

use super::bits::Bits;
use super::classes::{self, Origin};
use super::fieldpath::{self, Path};
use super::schema::{Prop, Serializer, Value, Wire, cell};

/// Highest entity slot; the game's limit is higher, but readers' limits are not.
const LAST_SLOT: u16 = 8000;
/// First dynamically assigned slot; lower ones are fixed (world, players, teams, rules).
const FIRST_FREE_SLOT: u16 = 200;
/// Bits of a serial number in a create entry, and the part of it in a handle.
const SERIAL_BITS: usize = 17;
const SERIAL_MASK: u32 = 0x3ff;
/// Bits of the slot in a handle: in fields, and in events.
const SLOT_BITS: u32 = 14;
const EVENT_SLOT_BITS: u32 = 15;

/// Entry types of a packet.
const UPDATE: u64 = 0b00;
const LEAVE: u64 = 0b01;
const CREATE: u64 = 0b10;
const DELETE: u64 = 0b11;

#[derive(Debug)]
struct Entity {
    class: usize,
    serial: u32,
    fields: BTreeMap<Path, (Wire, Value)>,
}

#[derive(Debug)]
enum Change {
    Created,
    Updated(BTreeSet<Path>),
    Left,
    Deleted,
}

/// All entities.
#[derive(Debug)]
pub struct World {
    classes: Vec<&'static Serializer>,
    entities: BTreeMap<u16, Entity>,
    changes: BTreeMap<u16, Change>,
    /// Entities that the recorder cannot see: readers know only their last state.
    hidden: BTreeSet<u16>,
    next_slot: u16,
    next_serial: u32,
}

/// Encoded entries of an entity packet.
pub struct Entries {
    /// Number of entries.
    pub count: usize,
    /// Their encoding.
    pub data: Vec<u8>,
}

impl World {
    /// An empty world.
    pub fn new() -> Self {
        Self {
            classes: classes::all(),
            entities: BTreeMap::new(),
            changes: BTreeMap::new(),
            hidden: BTreeSet::new(),
            next_slot: FIRST_FREE_SLOT,
            next_serial: 1,
        }
    }

    /// Creates an entity in a given slot. Does nothing for a class that is not in the schema.
    pub fn create_at(&mut self, slot: u16, class: &'static Serializer) -> u16 {
        if let Some(class) = self.classes.iter().position(|known| std::ptr::eq(*known, class)) {
            self.next_serial += 1;
            self.entities
                .insert(slot, Entity { class, serial: self.next_serial & SERIAL_MASK, fields: BTreeMap::new() });
            self.changes.insert(slot, Change::Created);
        }
        slot
    }

    /// Creates an entity in the next free slot.
    pub fn create(&mut self, class: &'static Serializer) -> u16 {
        while self.entities.contains_key(&self.next_slot) || self.changes.contains_key(&self.next_slot) {
            self.next_slot = if self.next_slot >= LAST_SLOT { FIRST_FREE_SLOT } else { self.next_slot + 1 };
        }
        let slot = self.next_slot;
        self.next_slot = if slot >= LAST_SLOT { FIRST_FREE_SLOT } else { slot + 1 };
        self.create_at(slot, class)
    }

    /// Deletes an entity.
    pub fn delete(&mut self, slot: u16) {
        self.hidden.remove(&slot);
        if self.entities.remove(&slot).is_some() {
            // Never sent, so nothing to delete for readers.
            match self.changes.get(&slot) {
                Some(Change::Created) => self.changes.remove(&slot),
                _ => self.changes.insert(slot, Change::Deleted),
            };
        }
    }

    /// Hides an entity from the recorder, or shows it again.
    pub fn hide(&mut self, slot: u16, hide: bool) {
        if !self.entities.contains_key(&slot) {
            return;
        }
        if hide && self.hidden.insert(slot) {
            self.changes.insert(slot, Change::Left);
        } else if !hide && self.hidden.remove(&slot) {
            self.changes.insert(slot, Change::Created);
        }
    }

    /// Sets a field; unchanged values are not sent again.
    pub fn set(&mut self, slot: u16, prop: Prop, value: Value) {
        let Some(entity) = self.entities.get_mut(&slot) else { return };
        if entity.fields.get(&prop.path).is_some_and(|(_, held)| *held == value) {
            return;
        }
        entity.fields.insert(prop.path, (prop.wire, value));
        if self.hidden.contains(&slot) {
            return;
        }
        if let Change::Updated(paths) = self.changes.entry(slot).or_insert_with(|| Change::Updated(BTreeSet::new())) {
            paths.insert(prop.path);
        }
    }

    /// Sets a number, flag, or handle.
    pub fn set_int(&mut self, slot: u16, prop: Prop, value: impl Into<i64>) {
        self.set(slot, prop, Value::Int(value.into()));
    }

    /// Sets an entity's position.
    pub fn place(&mut self, slot: u16, origin: &Origin, at: [f32; 3]) {
        for (axis, coordinate) in at.into_iter().enumerate() {
            let (number, within) = cell(coordinate);
            self.set(slot, origin.cell[axis], Value::Int(number));
            self.set(slot, origin.within[axis], Value::Float(within));
        }
    }

    /// An entity's handle for fields.
    pub fn handle(&self, slot: u16) -> i64 {
        i64::from(u32::from(slot) | self.serial(slot) << SLOT_BITS)
    }

    /// An entity's handle for events.
    pub fn event_handle(&self, slot: u16) -> i64 {
        i64::from(u32::from(slot) | self.serial(slot) << EVENT_SLOT_BITS)
    }

    fn serial(&self, slot: u16) -> u32 {
        self.entities.get(&slot).map_or(0, |entity| entity.serial)
    }

    /// Number of slots that a reader must allocate.
    pub fn room(&self) -> u16 {
        self.entities.keys().chain(self.changes.keys()).max().map_or(1, |slot| slot + 1)
    }

    /// Changes since the previous call.
    pub fn changes(&mut self) -> Entries {
        let changes = std::mem::take(&mut self.changes);
        let mut writer = Writer::new(&self.classes);
        for (slot, change) in &changes {
            match (change, self.entities.get(slot)) {
                (Change::Created, Some(entity)) => writer.create(*slot, entity),
                (Change::Updated(paths), Some(entity)) => writer.update(*slot, entity, paths),
                (Change::Left, Some(_)) => writer.entry(*slot, LEAVE),
                _ => writer.entry(*slot, DELETE),
            }
        }
        writer.entries()
    }

    /// All entities as newly created, for a full packet.
    pub fn snapshot(&self) -> Entries {
        let mut writer = Writer::new(&self.classes);
        let seen = self.entities.iter().filter(|(slot, _)| !self.hidden.contains(slot));
        seen.for_each(|(slot, entity)| writer.create(*slot, entity));
        writer.entries()
    }
}

/// Number of bits in a class ID.
pub fn class_bits(classes: usize) -> usize {
    (usize::BITS - (classes.max(2) - 1).leading_zeros()) as usize
}

struct Writer {
    bits: Bits,
    class_bits: usize,
    count: usize,
    /// The slot after the last entry: entries encode the distance from it.
    next: u16,
}

impl Writer {
    fn new(classes: &[&Serializer]) -> Self {
        Self { bits: Bits::default(), class_bits: class_bits(classes.len()), count: 0, next: 0 }
    }

    fn entry(&mut self, slot: u16, what: u64) {
        self.bits.ubitvar(u32::from(slot - self.next));
        self.bits.put(2, what);
        self.next = slot + 1;
        self.count += 1;
    }

    fn create(&mut self, slot: u16, entity: &Entity) {
        self.entry(slot, CREATE);
        self.bits.put(self.class_bits, entity.class as u64);
        self.bits.put(SERIAL_BITS, u64::from(entity.serial));
        self.bits.varint(0);
        fieldpath::write(&mut self.bits, entity.fields.keys());
        entity.fields.values().for_each(|(wire, value)| wire.write(&mut self.bits, value));
    }

    fn update(&mut self, slot: u16, entity: &Entity, paths: &BTreeSet<Path>) {
        self.entry(slot, UPDATE);
        fieldpath::write(&mut self.bits, paths.iter());
        for (wire, value) in paths.iter().filter_map(|path| entity.fields.get(path)) {
            wire.write(&mut self.bits, value);
        }
    }

    fn entries(self) -> Entries {
        Entries { count: self.count, data: self.bits.into_bytes() }
    }
}
