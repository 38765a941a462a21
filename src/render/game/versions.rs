//! Which builds of the game and its tools are on this machine. After a change of any of them a node must be tried
//! before it works.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::domain::game_build::parse_patch_version;
use crate::os::clock::{Clock, SystemClock};
use crate::os::process::{Child, Event, Surroundings};

use super::files::csgo;
use super::install::hlae_of;
use super::setup::GameSetup;

/// Maximum bytes read of a text file about a version: 64 KiB.
const TEXT_BYTES: u64 = 64 << 10;
/// Maximum bytes read of a program's resources: 16 MiB.
const RESOURCE_BYTES: u64 = 16 << 20;
/// Maximum bytes read of a program's headers.
const HEAD_BYTES: u64 = 4_096;
/// Seconds that CS Demo Manager may take to say its version.
const ANSWER_SECONDS: u64 = 60;
/// Lines of its answer that are read.
const ANSWER_LINES: usize = 200;

/// Version of a tool: `2.191.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// The first word of a text that is a version.
    pub fn find(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(Self::parse)
    }

    fn parse(word: &str) -> Option<Self> {
        let mut numbers = word.trim_start_matches('v').splitn(3, '.');
        let first = numbers.next()?.parse().ok()?;
        let second = numbers.next()?.parse().ok()?;
        // The third may be followed by `-beta.1` or a fourth number.
        let third = numbers.next().unwrap_or("0");
        let digits = third.find(|c: char| !c.is_ascii_digit()).map_or(third, |end| &third[..end]);
        Some(Self(first, second, digits.parse().ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// CS Demo Manager's program is Electron, which would open a window without this variable.
pub const CSDM_AS_NODE: (&str, &str) = ("ELECTRON_RUN_AS_NODE", "1");
/// The oldest CS Demo Manager that records reliably.
pub const OLDEST_CSDM: Version = Version(3, 20, 1);

/// Builds of the game and of the tools that drive it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Builds {
    /// The game's build, see [`game_build`].
    pub game: Option<u32>,
    /// Names and versions of the tools. A tool whose version is unknown is left out.
    pub tools: Vec<(String, String)>,
}

impl Builds {
    /// The tools, for people: `HLAE 2.191.0, CS Demo Manager 3.20.1`.
    pub fn tools_in_words(&self) -> String {
        self.tools.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ")
    }
}

/// In one line: `game build 14152, HLAE 2.191.0`. Equal builds have equal texts, so that one can be stored and compared.
impl fmt::Display for Builds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.game {
            Some(build) => write!(f, "game build {build}")?,
            None => f.write_str("an unknown game build")?,
        }
        if !self.tools.is_empty() {
            write!(f, ", {}", self.tools_in_words())?;
        }
        Ok(())
    }
}

/// The builds that a node renders with. Cheap enough to ask every few seconds.
pub fn builds(setup: &GameSetup) -> Builds {
    let csdm = |csdm: &Path| file_version(csdm).or_else(|| csdm_version(csdm).ok());
    let hlae = hlae_of(setup).and_then(|hlae| hlae_version(&hlae)).map(|version| ("HLAE", version));
    let csdm = setup.csdm.as_deref().and_then(csdm).map(|version| ("CS Demo Manager", version));
    let tools = [hlae, csdm].into_iter().flatten();
    Builds {
        game: setup.game_dir.as_deref().and_then(game_build),
        tools: tools.map(|(name, version)| (name.to_owned(), version.to_string())).collect(),
    }
}

/// The build of the game in its directory, as the header of its demos has it: 14152 for patch version 1.41.5.2.
pub fn game_build(game_dir: &Path) -> Option<u32> {
    let text = read_text(&csgo(game_dir).join("steam.inf"))?;
    let version = text.lines().find_map(|line| line.trim().strip_prefix("PatchVersion="))?;
    parse_patch_version(version)
}

/// The version of HLAE, by the resources of its program, else by the newest entry of the change log beside it.
pub fn hlae_version(hlae: &Path) -> Option<Version> {
    file_version(hlae).or_else(|| {
        let log = read_text(&hlae.with_file_name("changelog.xml"))?;
        let (_, rest) = log.split_once("<version>")?;
        Version::find(rest.split_once("</version>")?.0)
    })
}

/// The archive with CS Demo Manager's scripts, beside its program.
pub fn csdm_archive(csdm: &Path) -> PathBuf {
    csdm.with_file_name("resources").join("app.asar")
}

/// The script of its command line, a file within the archive.
pub fn csdm_script(csdm: &Path) -> PathBuf {
    csdm_archive(csdm).join("cli.js")
}

/// The version of CS Demo Manager, by the first line of its command line's help. The error says why it does not run.
pub fn csdm_version(csdm: &Path) -> Result<Version, String> {
    type Known = (PathBuf, SystemTime, Result<Version, String>);
    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
    // Asked once for each version of the program: it takes a second to answer.
    let changed = fs::metadata(csdm).and_then(|file| file.modified()).map_err(|error| error.to_string())?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, _, version)) = known.as_ref().filter(|(path, time, _)| path == csdm && *time == changed) {
        return version.clone();
    }
    let version = ask_csdm(csdm);
    *known = Some((csdm.to_owned(), changed, version.clone()));
    version
}

fn ask_csdm(csdm: &Path) -> Result<Version, String> {
    let args = [csdm_script(csdm).into(), "help".into()];
    let lines = answer(csdm, &args, &[(CSDM_AS_NODE.0, CSDM_AS_NODE.1.into())])?;
    let first = lines.first().cloned().unwrap_or_default();
    Version::find(&first).ok_or_else(|| format!("its help begins with \"{first}\", not with its version"))
}

/// What a program prints, line by line, if it ends with success. The error says why not.
pub fn answer(program: &Path, args: &[OsString], variables: &[(&str, OsString)]) -> Result<Vec<String>, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut child = Child::spawn_in(Surroundings::Desktop, program, args, dir.path(), variables)
        .map_err(|error| error.to_string())?;
    let clock = SystemClock::new();
    let until = clock.monotonic() + Duration::from_secs(ANSWER_SECONDS);
    let (mut lines, mut errors) = (Vec::new(), Vec::new());
    while lines.len() + errors.len() < ANSWER_LINES {
        let left = until.saturating_sub(clock.monotonic());
        match child.next(left).map_err(|error| error.to_string())? {
            Event::Out(line) => lines.push(line),
            Event::Err(line) => errors.push(line),
            Event::Silence => return Err(format!("it did not answer within {ANSWER_SECONDS} s")),
            Event::Ended(Some(0)) => return Ok(lines),
            Event::Ended(exit) => {
                let last = errors.iter().chain(&lines).rfind(|line| !line.trim().is_empty());
                let exit = exit.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
                return Err(match last {
                    Some(last) => format!("it ended with {exit}: {last}"),
                    None => format!("it ended with {exit}"),
                });
            }
        }
    }
    Ok(lines)
}

/// The beginning of a text file.
fn read_text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(TEXT_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The version in the resources of a program for Windows.
fn file_version(program: &Path) -> Option<Version> {
    /// Signature and structure version of `VS_FIXEDFILEINFO`.
    const FIXED_INFO: [u8; 8] = [0xbd, 0x04, 0xef, 0xfe, 0, 0, 1, 0];
    let mut file = File::open(program).ok()?;
    let (start, length) = resources(&mut file)?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start)).ok()?;
    file.take(length.min(RESOURCE_BYTES)).read_to_end(&mut bytes).ok()?;
    let at = bytes.windows(FIXED_INFO.len()).position(|window| window == FIXED_INFO)? + FIXED_INFO.len();
    let (high, low) = (u32_at(&bytes, at)?, u32_at(&bytes, at + 4)?);
    Some(Version(high >> 16, high & 0xffff, low >> 16))
}

/// Where a program for Windows has its resources: offset and length of the section `.rsrc`.
fn resources(file: &mut File) -> Option<(u64, u64)> {
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    let coff = u32_at(&head, 0x3c)? as usize;
    if head.get(coff..coff.checked_add(4)?)? != b"PE\0\0" {
        return None;
    }
    let word = |at: usize| Some(usize::from(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?)));
    let (sections, first) = (word(coff + 6)?, coff + 24 + word(coff + 20)?);
    let mut tables = (0..sections).map_while(|number| head.get(first + number * 40..first + number * 40 + 40));
    let table = tables.find(|table| table.starts_with(b".rsrc\0"))?;
    Some((u32_at(table, 20)?.into(), u32_at(table, 16)?.into()))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_is_the_digits_of_the_patch_version() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(game_build(dir.path()), None);
        fs::create_dir_all(dir.path().join("game/csgo")).unwrap();
        for (text, build) in [
            (
                "ClientVersion=2000596\r\nServerVersion=2000596\r\nPatchVersion=1.41.5.2\r\nProductName=cs2\r\n",
                Some(14_152),
            ),
            ("PatchVersion=1.40.1.1", Some(14_011)),
            ("PatchVersion=soon\n", None),
            ("", None),
        ] {
            fs::write(dir.path().join("game/csgo/steam.inf"), text).unwrap();
            assert_eq!(game_build(dir.path()), build, "{text:?}");
        }
    }

    #[test]
    fn version_is_the_first_word_that_is_one() {
        for (text, version) in [
            ("CS Demo Manager 3.20.1", Some(Version(3, 20, 1))),
            ("csdm: v3.21.0-beta.2", Some(Version(3, 21, 0))),
            ("2.191.0.0", Some(Version(2, 191, 0))),
            ("2.190", Some(Version(2, 190, 0))),
            ("Cannot find module cli.js", None),
            ("3", None),
            ("", None),
        ] {
            assert_eq!(Version::find(text), version, "{text}");
        }
        assert!(Version(2, 9, 0) < Version(2, 190, 0));
    }

    /// A program for Windows that has nothing but this version.
    fn program(version: [u16; 4]) -> Vec<u8> {
        let mut file = vec![0; 0x80];
        file[0x3c] = 0x80;
        file.extend(b"PE\0\0\x64\x86\x01\0");
        file.extend([0; 16]);
        let mut section = [0; 40];
        section[..5].copy_from_slice(b".rsrc");
        section[16..20].copy_from_slice(&32u32.to_le_bytes());
        let start = file.len() as u32 + 40;
        section[20..24].copy_from_slice(&start.to_le_bytes());
        file.extend(section);
        file.extend([7; 8]);
        file.extend([0xbd, 0x04, 0xef, 0xfe, 0, 0, 1, 0]);
        for at in [1, 0, 3, 2] {
            file.extend(version[at].to_le_bytes());
        }
        file.extend([0; 8]);
        file
    }

    #[test]
    fn version_of_hlae_is_in_its_program_or_its_change_log() {
        let dir = tempfile::tempdir().unwrap();
        let hlae = dir.path().join("HLAE.exe");
        let whole = program([2, 191, 3, 0]);
        fs::write(&hlae, &whole).unwrap();
        assert_eq!(hlae_version(&hlae), Some(Version(2, 191, 3)));
        for length in 0..whole.len() {
            fs::write(&hlae, &whole[..length]).unwrap();
            hlae_version(&hlae);
        }
        fs::write(&hlae, "no program").unwrap();
        assert_eq!(hlae_version(&hlae), None);
        let log = "<changelog>\n<release>\n<name>HLAE</name>\n<version>2.190.1</version>\n</release>\n<version>2.1.0</version>";
        fs::write(dir.path().join("changelog.xml"), log).unwrap();
        assert_eq!(hlae_version(&hlae), Some(Version(2, 190, 1)));
    }

    #[test]
    fn builds_have_a_stable_text() {
        let tools = vec![("HLAE".to_owned(), "2.191.0".to_owned())];
        assert_eq!(Builds { game: Some(14_152), tools }.to_string(), "game build 14152, HLAE 2.191.0");
        assert_eq!(Builds::default().to_string(), "an unknown game build");
    }
}
