//! What an answer with an error says, and hexadecimal hashes as answers and requests write them.

use serde::{Deserialize, Serialize};

/// The body of every answer of 400 and above. The contract's 401 and 403 have `error` alone.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Problem {
    /// One sentence for a person.
    pub error: String,
    /// Stable `snake_case` word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Dotted path of the field to blame, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Only of our own failures: what to quote when asking the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Only with `wrong_offset`: how much of the upload the server has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// A SHA-256 in lower-case hexadecimal.
pub fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The reverse of [`hex`]; 64 digits in lower case, else `None`.
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let bytes: Vec<u8> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect::<Option<_>>()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_written_and_read_in_lower_case_only() {
        let hash: [u8; 32] = std::array::from_fn(|at| (at * 9) as u8);
        let text = hex(&hash);
        assert_eq!(unhex(&text), Some(hash));
        for wrong in
            [text.to_uppercase(), text[1..].to_owned(), format!("{text}00"), text.replace('0', "g"), String::new()]
        {
            assert_eq!(unhex(&wrong), None, "{wrong}");
        }
    }
}
