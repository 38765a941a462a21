//! Runs `inspect --child` on one demo and waits for it: the server indexes demos this way, and nodes decompress them.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::verdict::{self, Verdict};
use super::{Line, for_people};
use crate::domain::failure::FailureCode;
use crate::os::process::{Child, Event};

/// How often `go_on` is called while the child is silent.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How a reader ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderEnd {
    /// What its exit means.
    pub verdict: Verdict,
    /// The error it reported.
    pub code: Option<FailureCode>,
    /// The same for people, on one line.
    pub sentence: Option<String>,
}

/// What a reader is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Index the demo into [`super::INDEX_FILE`].
    Index,
    /// Only decompress it into [`super::UNPACKED_FILE`].
    Unpack,
}

/// Disk space a reader may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Maximum size of the uncompressed demo.
    pub most_bytes: u64,
    /// Free disk space.
    pub room: u64,
}

/// Runs `program` (this one) as a child process that reads `demo` and decompresses it into `workdir`, which must be
/// empty, within `space`. `go_on` is called several times a second: once it returns false, the child is killed and
/// the result is `None`.
pub fn read_in_child(
    program: &Path,
    demo: &Path,
    workdir: &Path,
    reading: Reading,
    space: Space,
    go_on: &mut dyn FnMut() -> bool,
) -> io::Result<Option<ReaderEnd>> {
    // Absolute paths, because the child runs in another directory.
    let (folder, demo) = (std::path::absolute(workdir)?, std::path::absolute(demo)?);
    let mut args: Vec<OsString> = vec!["inspect".into(), "--child".into(), folder.into(), demo.into()];
    args.extend(["--unpacked-bytes".into(), space.most_bytes.to_string().into()]);
    args.extend(["--room".into(), space.room.to_string().into()]);
    if reading == Reading::Unpack {
        args.push("--unpack".into());
    }
    let mut child = Child::spawn(program, &args, workdir)?;
    let (mut code, mut sentence, mut no_memory) = (None, None, false);
    loop {
        match child.next(POLL_INTERVAL)? {
            Event::Out(line) => match Line::parse(&line) {
                Line::Fail(text) => sentence = Some(for_people(&text)).filter(|text| !text.is_empty()),
                Line::Error { code: said, .. } => code = Some(said),
                _ => {}
            },
            Event::Err(line) => {
                no_memory |= verdict::no_memory(&line);
                log::debug!("Demo reader: {}", for_people(&line));
            }
            Event::Silence => {}
            Event::Ended(exit) => {
                let verdict = Verdict::of(exit, child.signal(), no_memory);
                return Ok(Some(ReaderEnd { verdict, code, sentence }));
            }
        }
        if !go_on() {
            return Ok(None);
        }
    }
}
