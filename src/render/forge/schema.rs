//! How entity classes describe themselves: serializers, fields, and encodings.
//!
//! Fields are looked up by name at compile time ([`Serializer::prop`]): an unknown name fails the build.

use super::bits::Bits;
use super::fieldpath::Path;

/// The null handle.
pub const NO_HANDLE: i64 = 0xff_ffff;
/// Cell size of positions, and half the size of the world.
const CELL: f32 = 512.0;
const WORLD_HALF: f32 = 16384.0;
/// Bits and range of the offset within a cell if it is quantized.
const COARSE_BITS: i32 = 15;
const COARSE_RANGE: f32 = 1024.0;

/// A field value. A field of another type writes the closest value it can represent.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Numbers, flags, handles, Steam IDs.
    Int(i64),
    /// Times and lengths.
    Float(f32),
    /// Strings.
    Text(String),
    /// Pitch and yaw in degrees.
    Angle(f32, f32),
    /// A position.
    Point([f32; 3]),
}

impl Value {
    fn int(&self) -> i64 {
        match self {
            Self::Int(value) => *value,
            Self::Float(value) => *value as i64,
            _ => 0,
        }
    }

    fn float(&self) -> f32 {
        match self {
            Self::Int(value) => *value as f32,
            Self::Float(value) => *value,
            _ => 0.0,
        }
    }
}

/// Encoding of a field.
#[derive(Clone, Copy, Debug)]
pub enum Wire {
    /// One bit.
    Bool,
    /// Unsigned varint with this type name.
    Unsigned(&'static str),
    /// A signed varint.
    Int32,
    /// 64 plain bits.
    Fixed64,
    /// 32 plain bits.
    Float,
    /// Game time in seconds.
    Time,
    /// A string of limited length, with its type name.
    Text(&'static str),
    /// An entity handle, with its type name.
    Handle(&'static str),
    /// Pitch, yaw, and roll in twenty bits each.
    Angle,
    /// Three floats.
    Point,
    /// Offset within a cell: a full float.
    Fine,
    /// Offset within a cell: fifteen bits.
    Coarse,
}

impl Wire {
    /// The type name in the schema.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int32 => "int32",
            Self::Fixed64 => "uint64",
            Self::Float => "float32",
            Self::Time => "GameTime_t",
            Self::Angle => "QAngle",
            Self::Point => "Vector",
            Self::Fine | Self::Coarse => "CNetworkedQuantizedFloat",
            Self::Unsigned(name) | Self::Text(name) | Self::Handle(name) => name,
        }
    }

    /// The encoder's name, if the type has several.
    pub const fn encoder(self) -> Option<&'static str> {
        match self {
            Self::Fixed64 => Some("fixed64"),
            Self::Angle => Some("qangle_precise"),
            _ => None,
        }
    }

    /// Bit count, upper limit, and encoder flags as in the schema.
    pub const fn quantity(self) -> (Option<i32>, Option<f32>, Option<i32>) {
        match self {
            Self::Float | Self::Time | Self::Point | Self::Fine => (Some(32), None, None),
            Self::Angle => (Some(0), None, None),
            // The flag means "round down": the upper end of the range is excluded.
            Self::Coarse => (Some(COARSE_BITS), Some(COARSE_RANGE), Some(1)),
            _ => (None, None, None),
        }
    }

    /// The initial value.
    fn default_value(self) -> Value {
        match self {
            Self::Handle(_) => Value::Int(NO_HANDLE),
            Self::Text(_) => Value::Text(String::new()),
            Self::Float | Self::Time | Self::Fine | Self::Coarse => Value::Float(0.0),
            Self::Angle => Value::Angle(0.0, 0.0),
            Self::Point => Value::Point([0.0; 3]),
            _ => Value::Int(0),
        }
    }

    /// Writes a value.
    pub fn write(self, bits: &mut Bits, value: &Value) {
        match self {
            Self::Bool => bits.flag(value.int() != 0),
            Self::Unsigned(_) | Self::Handle(_) => bits.varint(value.int() as u64),
            Self::Int32 => bits.zigzag(value.int()),
            Self::Fixed64 => bits.put(64, value.int() as u64),
            Self::Float | Self::Time | Self::Fine => bits.float(value.float()),
            Self::Coarse => {
                let steps = ((1_u32 << COARSE_BITS) - 1) as f32;
                let range = COARSE_RANGE - COARSE_RANGE / (steps + 1.0);
                bits.put(COARSE_BITS as usize, (value.float() / range * steps).round().clamp(0.0, steps) as u64);
            }
            Self::Text(_) => bits.text(if let Value::Text(text) = value { text } else { "" }),
            Self::Angle => {
                let (pitch, yaw) = if let Value::Angle(pitch, yaw) = value { (*pitch, *yaw) } else { (0.0, 0.0) };
                // Pitch and yaw are present, roll is not.
                bits.put(3, 0b011);
                [pitch, yaw].into_iter().for_each(|angle| bits.put(20, turn(angle)));
            }
            Self::Point => {
                let point = if let Value::Point(point) = value { *point } else { [0.0; 3] };
                point.into_iter().for_each(|part| bits.float(part));
            }
        }
    }
}

/// An angle as a fraction of a turn, starting at minus half a turn.
fn turn(angle: f32) -> u64 {
    let parts = (1_u32 << 20) as f32;
    (((angle + 180.0).rem_euclid(360.0) / 360.0 * parts) as u64).min((1 << 20) - 1)
}

/// The cell of a coordinate and the offset within it.
pub fn cell(coordinate: f32) -> (i64, f32) {
    let cell = ((coordinate + WORLD_HALF) / CELL).floor();
    (cell as i64, coordinate + WORLD_HALF - cell * CELL)
}

/// Encoding of the length of an array that grows.
const LENGTH: Wire = Wire::Unsigned("uint32");

/// What a field is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A value.
    Leaf(Wire),
    /// An array of this length, with its type name.
    Array(Wire, u16, &'static str),
    /// An array that grows, with its type name: its length, then its elements.
    List(Wire, &'static str),
    /// An embedded component, with its type name.
    Part(&'static Serializer, &'static str),
}

/// A field of a class.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Dotted prefix of the name; usually empty.
    pub node: &'static str,
    /// The name.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
}

/// A class, or a component of one.
#[derive(Debug)]
pub struct Serializer {
    /// The name.
    pub name: &'static str,
    /// Components of the same name exist in several versions.
    pub version: i32,
    /// The fields, in serialization order.
    pub fields: &'static [Field],
}

/// A resolved field of a class.
#[derive(Clone, Copy, Debug)]
pub struct Prop {
    /// Its path.
    pub path: Path,
    /// Its encoding.
    pub wire: Wire,
}

impl Prop {
    /// An element of an array that grows, whose own encoding is that of its length.
    #[must_use]
    pub const fn item(self, index: u16, wire: Wire) -> Self {
        Self { path: self.path.child(index), wire }
    }

    /// An element of an array.
    #[must_use]
    pub const fn element(self, index: u16) -> Self {
        Self { path: self.path.child(index), ..self }
    }
}

impl Serializer {
    /// Resolves a dotted field name. For constants: an unknown name fails the build.
    pub const fn prop(&self, name: &str) -> Prop {
        match self.find(name.as_bytes()) {
            Some(prop) => prop,
            None => panic!("the class has no such field"),
        }
    }

    const fn find(&self, name: &[u8]) -> Option<Prop> {
        let mut index = 0;
        while index < self.fields.len() {
            let field = &self.fields[index];
            if let Some(rest) = strip(name, field) {
                match field.kind {
                    Kind::Leaf(wire) | Kind::Array(wire, ..) if rest.is_empty() => {
                        return Some(Prop { path: Path::root(index as u16), wire });
                    }
                    Kind::List(..) if rest.is_empty() => {
                        return Some(Prop { path: Path::root(index as u16), wire: LENGTH });
                    }
                    Kind::Part(part, _) if !rest.is_empty() => {
                        if let Some(prop) = part.find(rest) {
                            return Some(Prop { path: prop.path.within(index as u16), wire: prop.wire });
                        }
                    }
                    _ => {}
                }
            }
            index += 1;
        }
        None
    }

    /// The initial values of all fields, for the baseline.
    pub fn defaults(&self) -> Vec<(Path, Wire, Value)> {
        let mut all = Vec::new();
        for (index, field) in (0..).zip(self.fields) {
            let path = Path::root(index);
            match field.kind {
                Kind::Leaf(wire) => all.push((path, wire, wire.default_value())),
                Kind::Array(wire, length, _) => {
                    all.extend((0..length).map(|element| (path.child(element), wire, wire.default_value())));
                }
                Kind::List(..) => all.push((path, LENGTH, Value::Int(0))),
                Kind::Part(part, _) => {
                    all.push((path, Wire::Bool, Value::Int(1)));
                    all.extend(
                        part.defaults().into_iter().map(|(path, wire, value)| (path.within(index), wire, value)),
                    );
                }
            }
        }
        all
    }
}

/// The rest of a dotted name after a field's own name; empty for the field itself.
const fn strip<'a>(name: &'a [u8], field: &Field) -> Option<&'a [u8]> {
    let name = if field.node.is_empty() {
        name
    } else {
        match strip_word(name, field.node.as_bytes()) {
            Some(rest) => rest,
            None => return None,
        }
    };
    strip_word(name, field.name.as_bytes())
}

/// The rest after a word and its dot.
const fn strip_word<'a>(name: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let mut at = 0;
    while at < word.len() {
        if at >= name.len() || name[at] != word[at] {
            return None;
        }
        at += 1;
    }
    if at == name.len() {
        return Some(&[]);
    }
    if name[at] != b'.' {
        return None;
    }
    Some(name.split_at(at + 1).1)
}
