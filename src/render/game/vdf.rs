//! Valve's text format for settings: quoted words and braces.

/// A pair of a key and its value, with the keys of the blocks around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Keys of the blocks around it, outermost first.
    pub path: Vec<String>,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// All pairs of a text, in order; of a damaged one those that can be read.
pub fn pairs(text: &str) -> Vec<Pair> {
    let (mut found, mut path, mut key) = (Vec::new(), Vec::new(), None::<String>);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                let word = word(&mut letters);
                match key.take() {
                    Some(key) => found.push(Pair { path: path.clone(), key, value: word }),
                    None => key = Some(word),
                }
            }
            '{' => path.push(key.take().unwrap_or_default()),
            '}' => {
                key = None;
                path.pop();
            }
            _ => {}
        }
    }
    found
}

/// The rest of a quoted word.
fn word(letters: &mut impl Iterator<Item = char>) -> String {
    let mut word = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => word.extend(letters.next()),
            letter => word.push(letter),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_with_the_blocks_around_them() {
        let pair = |path: &[&str], key: &str, value: &str| Pair {
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            key: key.to_owned(),
            value: value.to_owned(),
        };
        let text = "\"libraryfolders\"\n{\n\t\"0\"\n\t{\n\t\t\"path\"\t\t\"D:\\\\Steam \\\"x\\\"\"\n\t}\n\t\"1\" { \"path\" \"E:\" }\n}";
        let folders =
            [pair(&["libraryfolders", "0"], "path", "D:\\Steam \"x\""), pair(&["libraryfolders", "1"], "path", "E:")];
        assert_eq!(pairs(text), folders);
        for (damaged, count) in [("", 0), ("\"", 0), ("}}}\"a\" \"b", 1), ("\"a\"{{{\"b\"}\"c\"\"d\"", 1), ("a b", 0)] {
            assert_eq!(pairs(damaged).len(), count, "{damaged}");
        }
    }
}
