//! Paths as the console, command lines and config files of other programs can hold them.

use std::path::Path;

use super::ending::Fault;

/// Characters that end a string, a command or a template in one of the formats.
const FORBIDDEN: &[char] = &['"', '\'', '`', ';', '{', '}', '<', '>', '|', '?', '*', '\\'];

/// A path with forward slashes that needs at most to be put in quotes. `what`: its name for people.
pub fn plain(what: &str, path: &Path) -> Result<String, Fault> {
    let shown = path.display();
    let fault = |why: &str, fix: &str| Fault::not_ready(format!("{what} {why}: {shown}. {fix}"));
    let elsewhere = "Move it to a path of plain ASCII letters, digits and spaces.";
    let Some(text) = path.to_str() else {
        return Err(fault("has a path that is not text", elsewhere));
    };
    let text = if cfg!(windows) { text.replace('\\', "/") } else { text.to_owned() };
    if !path.is_absolute() {
        return Err(fault("must be an absolute path", "Give the whole path."));
    }
    if !text.is_ascii() {
        return Err(fault("has a path with characters that the game cannot open", elsewhere));
    }
    if text.contains(FORBIDDEN) || text.contains(|c: char| c.is_ascii_control()) {
        return Err(fault("has a path with characters that its config files cannot hold", elsewhere));
    }
    if text.contains("//") {
        return Err(fault("is on a network share", "Use a local disk."));
    }
    Ok(text)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_every_format_can_hold_are_accepted() {
        for path in ["/work", "/a b/c-d_e.f (x86)/#1"] {
            assert_eq!(plain("The work directory", Path::new(path)).unwrap(), path);
        }
        for path in [
            "work",
            "/a\"b",
            "/a'b",
            "/a;quit",
            "/a\nb",
            "/Ä",
            "/демо",
            "/a{QUOTE}",
            "/a\\b",
            "/a//b",
            "/a*",
            "/a\u{7f}",
        ] {
            let fault = plain("The work directory", Path::new(path)).unwrap_err();
            assert_eq!(fault.exit, 21, "{path}");
            assert!(fault.sentence.starts_with("The work directory "), "{}", fault.sentence);
            assert!(fault.sentence.ends_with('.'), "{}", fault.sentence);
        }
    }
}
