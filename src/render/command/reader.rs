//! Runs a child that reads one demo (`inspect --child`) and watches it to its end: what a server does to know what is in
//! a demo, and a node to unpack one.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::verdict::{self, Verdict};
use super::{Line, for_people};
use crate::domain::failure::FailureCode;
use crate::os::process::{Child, Event};

/// How often `go_on` is asked while a child says nothing.
const TICK: Duration = Duration::from_millis(100);

/// How a reader ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderEnd {
    /// What its end means.
    pub verdict: Verdict,
    /// What it said was wrong.
    pub code: Option<FailureCode>,
    /// The same for a person; one line.
    pub sentence: Option<String>,
}

/// What a reader is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Say what is in the demo, in [`super::INDEX_FILE`].
    Index,
    /// Unpack it to [`super::UNPACKED_FILE`] and look no further.
    Unpack,
}

/// What a reader may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes of the plain demo.
    pub most_bytes: u64,
    /// Bytes that the disk has room for.
    pub room: u64,
}

/// Has `program`, this one, read `demo` in a child process, in a directory that holds nothing else, where the child unpacks
/// it within `space`. `go_on` is asked several times a second: once it says no, the child is killed and there is
/// no end to tell of.
pub fn read_apart(
    program: &Path,
    demo: &Path,
    workdir: &Path,
    reading: Reading,
    space: Space,
    go_on: &mut dyn FnMut() -> bool,
) -> io::Result<Option<ReaderEnd>> {
    // Both paths are made absolute: the child has another working directory.
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
        match child.next(TICK)? {
            Event::Out(line) => match Line::parse(&line) {
                Line::Fail(text) => sentence = Some(for_people(&text)).filter(|text| !text.is_empty()),
                Line::Error { code: said, .. } => code = Some(said),
                _ => {}
            },
            Event::Err(line) => {
                no_memory |= verdict::no_memory(&line);
                log::debug!("a demo's reader says: {}", for_people(&line));
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
