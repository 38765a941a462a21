//! The `Idempotency-Key` of a submission: a client that does not know whether its request arrived repeats it with the
//! same key, and gets the first response instead of a second job (*ours*; the header is from the IETF draft).

use std::fmt;

use super::error::{Error, Result};

/// Characters of an `Idempotency-Key`.
const IDEMPOTENCY_KEY_CHARS: usize = 255;

/// Name of the header.
pub const HEADER: &str = "Idempotency-Key";

/// A valid key: 1 to [`IDEMPOTENCY_KEY_CHARS`] printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Parses the header's value, bare or as a quoted string in which `\"` and `\\` escape `"` and `\`. Quotes are not
    /// part of the key: the same characters are the same key, bare or quoted.
    pub fn parse(value: &str) -> Result<Self> {
        let key = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted).ok_or_else(|| wrong("must be a well-formed quoted string"))?,
            None => value.to_owned(),
        };
        if key.is_empty() || key.chars().count() > IDEMPOTENCY_KEY_CHARS {
            return Err(wrong(&format!("must have 1 to {IDEMPOTENCY_KEY_CHARS} characters")));
        }
        if !key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(wrong("must consist of printable ASCII characters"));
        }
        Ok(Self(key))
    }

    /// The key, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The error for an invalid header.
pub fn wrong(what: &str) -> Error {
    Error::invalid(HEADER, format!("{HEADER} {what}."))
}

/// The content of a quoted string whose opening quote has been removed.
fn unquoted(rest: &str) -> Option<String> {
    let mut key = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(key),
            '\\' => key.push(chars.next().filter(|c| ['"', '\\'].contains(c))?),
            c => key.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_bare_or_quoted() {
        let longest = "x".repeat(IDEMPOTENCY_KEY_CHARS);
        let quoted = format!("\"{longest}\"");
        let cases = [
            ("a", "a"),
            ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
            ("\"8e03978e\"", "8e03978e"),
            ("two words, and a \"quote\"", "two words, and a \"quote\""),
            (r#""a \"b\" \\c""#, r#"a "b" \c"#),
            ("\\", "\\"),
            (&longest, &longest),
            (&quoted, &longest),
        ];
        for (value, key) in cases {
            assert_eq!(IdempotencyKey::parse(value).unwrap().as_str(), key, "{value}");
        }
    }

    #[test]
    fn an_invalid_key_is_refused_and_the_header_named() {
        let too_long = "x".repeat(IDEMPOTENCY_KEY_CHARS + 1);
        let quoted = format!("\"{too_long}\"");
        let values = [
            "", "\"\"", "\"", "\"a", "\"a\"b", "\"a\" ", r#""a\b""#, r#""a\""#, "a\tb", "a\u{7f}", "é", &too_long,
            &quoted,
        ];
        for value in values {
            let error = IdempotencyKey::parse(value).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(HEADER), "{value:?}");
            assert!(error.message.contains(HEADER));
        }
    }
}
