//! A CSV parser (RFC 4180).

pub fn parse(text: &str) -> Vec<Vec<String>> {
    text.lines().map(record).collect()
}

fn record(line: &str) -> Vec<String> {
    let (mut cells, mut rest) = (Vec::new(), line);
    loop {
        let (cell, after) = cell(rest);
        cells.push(cell);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return cells,
            None => panic!("text after a quoted cell: {line}"),
        }
    }
}

fn cell(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (plain, _) = text.split_once(',').unwrap_or((text, ""));
        return (plain.to_owned(), &text[plain.len()..]);
    };
    let mut end = 0;
    while let Some(at) = quoted[end..].find('"') {
        end += at + 1;
        if !quoted[end..].starts_with('"') {
            return (quoted[..end - 1].replace("\"\"", "\""), &quoted[end..]);
        }
        end += 1;
    }
    panic!("unterminated quotes: {text}")
}
