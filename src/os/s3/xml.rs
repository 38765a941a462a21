//! The little XML that S3 answers: elements without attributes that matter, found by name.

/// S3's error code, if the text is an error.
pub fn code(text: &str) -> Option<String> {
    let error = elements(text, "Error").next()?;
    element(error, "Code").filter(|code| code.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The unescaped text of the first element with this name.
pub fn element(text: &str, name: &str) -> Option<String> {
    elements(text, name).next().map(unescaped)
}

/// What is inside each element with this name. Elements of the same name must not be nested.
pub fn elements<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find('<')?;
            rest = &rest[at + 1..];
            let Some(after) = rest.strip_prefix(name) else { continue };
            let end = after.find('>')?;
            let head = &after[..end];
            // Another name that only begins like this one.
            if !(head.is_empty() || head.starts_with([' ', '\n', '\r', '\t', '/'])) {
                continue;
            }
            let inside = &after[end + 1..];
            if head.ends_with('/') {
                rest = inside;
                return Some("");
            }
            let close = format!("</{name}>");
            let length = inside.find(&close)?;
            rest = &inside[length + close.len()..];
            return Some(&inside[..length]);
        }
    })
}

/// Replaces what cannot be written in XML as it is.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#34;", "\"");
    text.replace("&apos;", "'").replace("&#39;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_whole_name() {
        let text = "<?xml version=\"1.0\"?><List xmlns=\"x\"><KeyCount>2</KeyCount><Contents><Key>a&amp;&lt;</Key>\
                    </Contents><Contents><Key>b</Key></Contents><Owner/><ETag>&quot;1&quot;</ETag></List>";
        let keys: Vec<_> = elements(text, "Contents").filter_map(|one| element(one, "Key")).collect();
        assert_eq!(keys, ["a&<", "b"]);
        assert_eq!(element(text, "ETag").as_deref(), Some("\"1\""));
        assert_eq!(element(text, "Owner").as_deref(), Some(""));
        assert_eq!((element(text, "Missing"), element("<Key>cut off", "Key")), (None, None));
        assert_eq!(escaped("a<\"b\">&"), "a&lt;&quot;b&quot;&gt;&amp;");
    }

    #[test]
    fn code_is_read_from_errors_only() {
        let error = "<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>";
        assert_eq!(code(error).as_deref(), Some("SlowDown"));
        for other in ["<html><Code>x</Code></html>", "<Error><Code>a b</Code></Error>", "", "<Error>"] {
            assert_eq!(code(other), None, "{other}");
        }
    }
}
