//! CS Demo Manager's command line: how it is called, and which version it is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::os::clock::Clock;
use crate::os::process::{Child, Event};

/// Its program is Electron, which would open a window without this variable.
pub const AS_NODE: (&str, &str) = ("ELECTRON_RUN_AS_NODE", "1");
/// Folder of the program's archive, and the command line's script within the archive.
const ARCHIVE: [&str; 2] = ["resources", "app.asar"];
const SCRIPT: &str = "cli.js";
/// The oldest version that records reliably.
const OLDEST: [u32; 3] = [3, 20, 1];
/// What comes before the version in the first line of its help.
const NAME: &str = "CS Demo Manager ";
/// Seconds for its help.
const HELP_SECONDS: u64 = 30;

/// The archive with its scripts.
pub fn archive(program: &Path) -> PathBuf {
    let folder = program.parent().unwrap_or(Path::new(""));
    ARCHIVE.iter().fold(folder.to_owned(), |path, part| path.join(part))
}

/// Its arguments: the script, then the words.
pub fn args<const N: usize>(program: &Path, words: [OsString; N]) -> Vec<OsString> {
    let script = archive(program).join(SCRIPT);
    std::iter::once(script.into()).chain(words).collect()
}

/// What is wrong with its version, for people.
pub fn version_problem(program: &Path, dir: &Path, clock: &dyn Clock) -> Option<String> {
    let [major, minor, patch] = OLDEST;
    let fix = format!("Install version {major}.{minor}.{patch} or later.");
    match first_line(program, dir, clock) {
        Err(error) => Some(format!("Cannot run CS Demo Manager: {error}. Check csdm in the [renderer] table.")),
        Ok(line) => match version(&line) {
            None => Some(format!("CS Demo Manager does not say its version: \"{line}\". {fix}")),
            Some(version) if version < OLDEST => Some(format!("{line} is too old. {fix}")),
            Some(_) => None,
        },
    }
}

fn first_line(program: &Path, dir: &Path, clock: &dyn Clock) -> std::io::Result<String> {
    let variables = [(AS_NODE.0, AS_NODE.1.into())];
    let mut child = Child::spawn_launcher(program, &args(program, ["help".into()]), dir, &variables)?;
    let deadline = clock.monotonic() + Duration::from_secs(HELP_SECONDS);
    loop {
        match child.next(deadline.saturating_sub(clock.monotonic()))? {
            Event::Out(line) if !line.trim().is_empty() => return Ok(line),
            Event::Out(_) | Event::Err(_) => {}
            Event::Silence | Event::Ended(_) => return Ok(String::new()),
        }
    }
}

fn version(line: &str) -> Option<[u32; 3]> {
    let (_, version) = line.split_once(NAME)?;
    let version = version.split(['-', '+', ' ']).next()?;
    let numbers: Vec<u32> = version.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_by_number() {
        for (line, expected) in [
            ("CS Demo Manager 3.20.1", Some([3, 20, 1])),
            ("CS Demo Manager 3.9.10", Some([3, 9, 10])),
            ("CS Demo Manager 4.0.0-beta.1", Some([4, 0, 0])),
            ("CS Demo Manager", None),
            ("CS Demo Manager latest", None),
            ("", None),
        ] {
            assert_eq!(version(line), expected, "{line}");
        }
        assert!([3, 9, 10] < OLDEST && [4, 0, 0] > OLDEST);
    }
}
