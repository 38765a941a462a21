//! The game's console: splits lines into commands and commands into words, as Source does.

/// The commands of a line: separated by semicolons outside quotes, without comments.
pub fn commands(line: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let (mut start, mut quoted) = (0, false);
    let end = comment(line).unwrap_or(line.len());
    for (at, c) in line[..end].char_indices() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => {
                all.push(words(&line[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    all.push(words(&line[start..end]));
    all.retain(|command| !command.is_empty());
    all
}

/// Where a comment begins: two slashes outside quotes.
fn comment(line: &str) -> Option<usize> {
    let mut quoted = false;
    line.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (!quoted && line[at..].starts_with("//")).then_some(at)
    })
}

/// Words of a command; quotes hold several together and are removed.
pub fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in command.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
