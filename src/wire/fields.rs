//! The strict parser for all request bodies: one JSON object whose members are known, correctly typed and unique.
//!
//! serde's derived parsers report what is wrong but not in which field, take the last of two equal keys, and cannot
//! tell `5` from `5.0` once it is a number. So an object is first split into the raw texts of its members, and each
//! text is then parsed on its own.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;

/// The members of one JSON object, each still as raw text.
pub struct Fields<'a> {
    /// Dotted path of the object itself; empty for the body.
    path: String,
    members: Vec<(String, &'a RawValue)>,
}

impl<'a> Fields<'a> {
    /// Parses a request body: one JSON object in UTF-8 with nothing after it, no duplicate keys, and only `known` keys.
    pub fn of_body(body: &'a [u8], known: &[&str]) -> Result<Self> {
        Self { path: String::new(), members: members(body)? }.check_keys(known)
    }

    /// The same for a node that may be newer than this server: unknown keys are ignored then.
    pub fn of_node(body: &'a [u8], known: &[&str], is_newer: bool) -> Result<Self> {
        let mut members = members(body)?;
        members.retain(|(key, _)| !is_newer || known.contains(&key.as_str()));
        Self { path: String::new(), members }.check_keys(known)
    }

    /// An optional member that is an object.
    pub fn object(&self, name: &str, known: &[&str]) -> Result<Option<Fields<'a>>> {
        self.object_of_node(name, known, false)
    }

    /// The same for a node that may be newer than this server: unknown keys are ignored then.
    pub fn object_of_node(&self, name: &str, known: &[&str], is_newer: bool) -> Result<Option<Fields<'a>>> {
        let Some(text) = self.raw(name) else { return Ok(None) };
        if !text.starts_with('{') {
            return Err(self.wrong(name, "must be a JSON object"));
        }
        // The text has already been parsed once: it can only be an object here.
        let members: Members<'_> =
            serde_json::from_str(text).map_err(|error| self.wrong(name, &format!("cannot be read: {error}")))?;
        let mut members = members.0;
        members.retain(|(key, _)| !is_newer || known.contains(&key.as_str()));
        Self { path: self.path_of(name), members }.check_keys(known).map(Some)
    }

    /// An optional member that is a string.
    pub fn string(&self, name: &str) -> Result<Option<String>> {
        let Some(text) = self.raw(name) else { return Ok(None) };
        if !text.starts_with('"') {
            return Err(self.wrong(name, "must be a string"));
        }
        // A lone surrogate passes the splitting and fails here.
        serde_json::from_str(text).map(Some).map_err(|_| self.wrong(name, "must be a string of valid Unicode"))
    }

    /// An optional member that is an integer: `5.0` and `5e0` are not. An out-of-range value is clamped to the nearest
    /// valid one, which the field's own rule then refuses.
    pub fn integer(&self, name: &str) -> Result<Option<i64>> {
        let Some(text) = self.raw(name) else { return Ok(None) };
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.wrong(name, "must be an integer"));
        }
        let out_of_range = if negative { i64::MIN } else { i64::MAX };
        Ok(Some(text.parse().unwrap_or(out_of_range)))
    }

    /// An optional member that is true or false.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>> {
        let Some(text) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|_| self.wrong(name, "must be true or false"))
    }

    /// An optional member that is a number in any notation.
    pub fn number(&self, name: &str) -> Result<Option<f64>> {
        let Some(text) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|_| self.wrong(name, "must be a number"))
    }

    /// An optional member that is an array of strings.
    pub fn strings(&self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(text) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|_| self.wrong(name, "must be an array of strings"))
    }

    /// An optional member that is an array of integers.
    pub fn integers(&self, name: &str) -> Result<Option<Vec<i64>>> {
        let Some(text) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|_| self.wrong(name, "must be an array of integers"))
    }

    /// An optional member that is an arbitrary object of the client's: its exact text. Only duplicate keys, invalid
    /// Unicode and excessive nesting are refused.
    pub fn own_object(&self, name: &str) -> Result<Option<&'a str>> {
        let Some(text) = self.raw(name) else { return Ok(None) };
        if !text.starts_with('{') {
            return Err(self.wrong(name, "must be a JSON object"));
        }
        serde_json::from_str::<NoDuplicateKeys>(text)
            .map(|_| Some(text))
            .map_err(|error| self.wrong(name, &format!("is invalid: {error}")))
    }

    /// The value of a required member, or an error that names the member.
    pub fn require<T>(&self, name: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.wrong(name, "is required"))
    }

    /// The dotted path of a member.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// An error about a member: "`round` must be an integer."
    pub fn wrong(&self, name: &str, what: &str) -> Error {
        let path = self.path_of(name);
        let message = format!("{path} {what}.");
        Error::invalid(path, message)
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        self.members.iter().find(|(key, _)| key == name).map(|(_, value)| value.get())
    }

    fn check_keys(self, known: &[&str]) -> Result<Self> {
        for (at, (key, _)) in self.members.iter().enumerate() {
            if self.members.iter().take(at).any(|(earlier, _)| earlier == key) {
                return Err(self.wrong(key, "appears twice in its object"));
            }
            if !known.contains(&key.as_str()) {
                return Err(self.wrong(key, &format!("is unknown; the known fields are: {}", known.join(", "))));
            }
        }
        Ok(self)
    }
}

/// The members of a body that is one JSON object in UTF-8 with nothing after it.
fn members(body: &[u8]) -> Result<Vec<(String, &RawValue)>> {
    let not_an_object = |why: String| Error::new(Kind::Invalid, ErrorCode::InvalidJson, why);
    let text = std::str::from_utf8(body).map_err(|_| not_an_object("The body is not valid UTF-8.".into()))?;
    if !text.trim_start().starts_with('{') {
        return Err(not_an_object("The body must be one JSON object.".into()));
    }
    let members: Members = serde_json::from_str(text)
        .map_err(|error| not_an_object(format!("The body is not one valid JSON object: {error}.")))?;
    Ok(members.0)
}

/// An object's members in order, including duplicate keys.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Any JSON value, parsed only to find duplicate keys in its objects.
struct NoDuplicateKeys;

impl<'de> Deserialize<'de> for NoDuplicateKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NoDuplicateKeys)
    }
}

impl<'de> Visitor<'de> for NoDuplicateKeys {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<NoDuplicateKeys>()?.is_some() {}
        Ok(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = std::collections::HashSet::new();
        while let Some((key, _)) = map.next_entry::<String, NoDuplicateKeys>()? {
            if !keys.insert(key) {
                return Err(A::Error::custom("a key appears twice in one object"));
            }
        }
        Ok(self)
    }
}
