//! A lease in JSON: epoch and number (`"7f3a9c1e-42"`), or the number alone to and from programs of older versions. For
//! serde's `with`.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::epoch::LeaseName;
use crate::domain::id::LeaseId;

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Text {
    Number(i64),
    Name(String),
}

/// Writes a lease: without an epoch as a number.
pub fn serialize<S: Serializer>(name: &LeaseName, to: S) -> Result<S::Ok, S::Error> {
    let text = match name.epoch {
        Some(_) => Text::Name(name.to_string()),
        None => Text::Number(name.lease.0),
    };
    text.serialize(to)
}

/// Reads a lease in either form. Fails if it is none.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<LeaseName, D::Error> {
    let name = match Text::deserialize(from)? {
        Text::Number(number) => Some(LeaseName::numbered(LeaseId(number))),
        Text::Name(text) => LeaseName::parse(&text),
    };
    name.filter(|name| name.lease.0 > 0).ok_or_else(|| D::Error::custom("not a lease"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Serialize)]
    struct Note {
        #[serde(with = "super")]
        lease: LeaseName,
    }

    #[test]
    fn lease_is_a_name_or_from_older_versions_a_number() {
        for json in [r#"{"lease":42}"#, r#"{"lease":"7f3a9c1e-42"}"#] {
            let note: Note = serde_json::from_str(json).unwrap();
            assert_eq!((note.lease.lease, serde_json::to_string(&note).unwrap().as_str()), (LeaseId(42), json));
        }
        assert_eq!(serde_json::from_str::<Note>(r#"{"lease":"42"}"#).unwrap().lease.to_string(), "42");
        for bad in ["0", "-1", "null", "\"\"", "\"../42\"", "\"7f3a9c1e-0\"", "1.5", "[42]"] {
            assert!(serde_json::from_str::<Note>(&format!(r#"{{"lease":{bad}}}"#)).is_err(), "{bad}");
        }
    }
}
