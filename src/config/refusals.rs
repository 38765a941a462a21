//! Readable messages for invalid values: those of clap and the standard library's parsers for numbers and addresses are
//! written for programmers.

use std::error::Error as _;
use std::net::AddrParseError as IpError;
use std::num::{IntErrorKind, ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// An argument's invalid value.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// As clap shows it: `--slots <N>`.
    argument: String,
    value: String,
    why: String,
}

impl Refused {
    /// Extracts it from an error, if the error is about a value.
    pub fn of(error: &clap::Error) -> Option<Self> {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            _ => None,
        };
        let why = match (error.kind(), error.get(ContextKind::ValidValue)) {
            (ErrorKind::ValueValidation, _) => why(error).or_else(|| Some(error.source()?.to_string()))?,
            (ErrorKind::InvalidValue, Some(ContextValue::Strings(good))) if !good.is_empty() => {
                format!("it must be {}", good.join(" or "))
            }
            _ => return None,
        };
        Some(Self { argument: text(ContextKind::InvalidArg)?, value: text(ContextKind::InvalidValue)?, why })
    }

    /// The flag's name; empty for other arguments.
    pub fn flag(&self) -> &str {
        self.argument.strip_prefix("--").and_then(|name| name.split([' ', '=']).next()).unwrap_or_default()
    }

    /// The message for a value on the command line.
    pub fn with_argument(&self) -> String {
        self.named(&format!("'{}'", self.argument))
    }

    /// The message for a value from a named source.
    pub fn named(&self, name: &str) -> String {
        format!("invalid value '{}' for {name}: {}", self.value, self.why)
    }

    /// The message for a value whose source precedes it.
    pub fn without_argument(&self) -> String {
        format!("invalid value '{}': {}", self.value, self.why)
    }
}

/// What is wrong with the value, replacing technical parser messages.
fn why(error: &clap::Error) -> Option<String> {
    let source = error.source()?;
    if let Some(number) = source.downcast_ref::<ParseIntError>() {
        let why = match number.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "the number is out of range",
            _ => "it must be a whole number",
        };
        return Some(why.to_owned());
    }
    if source.is::<ipnet::AddrParseError>() || source.is::<IpError>() {
        return Some("it must be a network like 10.0.0.0/8 or fd00::/8".to_owned());
    }
    if source.is::<uuid::Error>() {
        return Some("it must be a job's id, like 01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d".to_owned());
    }
    if source.is::<log::ParseLevelError>() {
        return Some("it must be off, error, warn, info, debug or trace".to_owned());
    }
    range(&source.to_string())
}

/// clap says `0 is not in 1..=10`.
fn range(said: &str) -> Option<String> {
    let (number, bounds) = said.split_once(" is not in ")?;
    number.parse::<i128>().ok()?;
    let (least, most) = bounds.split_once("..")?;
    Some(match (least, most.strip_prefix('=').unwrap_or(most)) {
        ("", most) => format!("it must be at most {most}"),
        (least, "") => format!("it must be at least {least}"),
        (least, most) => format!("it must be from {least} to {most}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_worded_for_people() {
        let cases = [
            ("0 is not in 1..=10", Some("it must be from 1 to 10")),
            ("-1 is not in 0..=100000", Some("it must be from 0 to 100000")),
            ("0 is not in 1..", Some("it must be at least 1")),
            ("9 is not in ..=8", Some("it must be at most 8")),
            ("x is not in 1..=10", None),
            ("the value must be 0 or 1", None),
        ];
        for (said, plain) in cases {
            assert_eq!(range(said).as_deref(), plain, "{said}");
        }
    }
}
