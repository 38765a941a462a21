//! Unpacks and indexes a fetched demo in a child process: data from outside is never decoded in the agent itself.

use std::fmt::Display;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::info;

use crate::domain::failure::{Failure, FailureCode};
use crate::os::files;
use crate::render::command::{
    INDEX_BYTES, INDEX_FILE, ReaderEnd, Reading, Space, UNPACKED_FILE, Verdict, read_in_child,
};
use crate::render::demo::DemoIndex;

use crate::node::lease::{Ended, Hold};

/// Seconds after which a decompressing child process is killed if it does not enforce [`UNPACK_SECONDS`] itself.
const UNPACK_CHILD_SECONDS: u64 = 180;

pub struct Unpacker<'a> {
    /// This program.
    pub program: &'a Path,
    /// Disk limits for the unpacked demo.
    pub space: Space,
    pub hold: &'a Hold<'a>,
}

impl Unpacker<'_> {
    /// Unpacks `packed` into `folder`, which is emptied first, and returns the unpacked demo's path.
    pub fn unpack(&self, packed: &Path, folder: &Path) -> Result<PathBuf, Ended> {
        self.read(packed, folder, Reading::Unpack).map(|()| folder.join(UNPACKED_FILE))
    }

    /// Indexes an unpacked demo; `folder` is emptied first.
    pub fn index(&self, demo: &Path, folder: &Path) -> Result<DemoIndex, Ended> {
        self.read(demo, folder, Reading::Index)?;
        let read = fs::File::open(folder.join(INDEX_FILE)).and_then(|file| {
            let mut text = Vec::new();
            file.take(INDEX_BYTES).read_to_end(&mut text)?;
            Ok(serde_json::from_slice(&text)?)
        });
        read.map_err(|error| disk_failed(&error).into())
    }

    fn read(&self, demo: &Path, folder: &Path, reading: Reading) -> Result<(), Ended> {
        files::empty_dir(folder).map_err(|error| disk_failed(&error))?;
        let deadline = self.hold.now() + Duration::from_secs(UNPACK_CHILD_SECONDS);
        let mut left = None;
        let end = read_in_child(self.program, demo, folder, reading, self.space, &mut || {
            left = self.hold.check().err();
            left.is_none() && self.hold.now() <= deadline
        });
        match (end, left) {
            (Ok(Some(end)), _) => {
                let is_from_outside = matches!(end.verdict, Verdict::Killed | Verdict::Crashed);
                verdict(end).or_else(|failure| {
                    // Most signals look like a crash.
                    if is_from_outside {
                        self.hold.await_stop()?;
                    }
                    Err(failure.into())
                })
            }
            (Ok(None), Some(leave)) => Err(leave.into()),
            (Ok(None), None) => {
                let doing = if reading == Reading::Index { "Reading" } else { "Decompressing" };
                let message = format!("{doing} the demo took longer than {UNPACK_CHILD_SECONDS} seconds.");
                Err(Failure::for_good(FailureCode::DemoTooLarge, message).into())
            }
            (Err(error), _) => {
                info!("Cannot run the process that reads the demo: {error}");
                let message = "The render node could not start the process that reads the demo.";
                Err(Failure::here(FailureCode::NodeFailed, message).into())
            }
        }
    }
}

/// What the child's result means for the job.
fn verdict(end: ReaderEnd) -> Result<(), Failure> {
    let ReaderEnd { verdict, code, sentence } = end;
    if verdict != Verdict::Done {
        info!("Reading a demo failed: {verdict:?}: {}", sentence.as_deref().unwrap_or("no message"));
    }
    match verdict {
        Verdict::Done => Ok(()),
        Verdict::BadJob => {
            let message = sentence.unwrap_or_else(|| "The demo cannot be read.".to_owned());
            Err(Failure::for_good(code.unwrap_or(FailureCode::DemoUnreadable), message))
        }
        // The child's limits are no tighter than the job's, so a larger node would not help.
        Verdict::Exhausted(what) => Err(Failure::for_good(FailureCode::DemoTooLarge, what.sentence())),
        Verdict::Transient if code == Some(FailureCode::DemoTooLarge) => {
            Err(no_room(&"unpacking ran out of disk space"))
        }
        Verdict::Transient | Verdict::NotReady => Err(disk_failed(&"the child could not read or write")),
        Verdict::Killed => {
            let message = "The process that reads the demo was killed on the render node.";
            Err(Failure::here(FailureCode::NodeFailed, message))
        }
        Verdict::WrongBuild | Verdict::Cancelled | Verdict::Crashed => {
            Err(Failure::here(FailureCode::DemoUnreadable, "The process that reads the demo crashed."))
        }
    }
}

/// The failure for a demo that needs more disk space than this node has; another node may have more.
pub fn no_room(error: &dyn Display) -> Failure {
    info!("Not enough disk space for a demo: {error}");
    Failure::here(FailureCode::DemoTooLarge, "The render node does not have enough disk space to unpack the demo.")
}

/// The failure for a disk error while storing a demo.
pub fn disk_failed(error: &dyn Display) -> Failure {
    info!("Cannot store a demo: {error}");
    Failure::here(FailureCode::NodeFailed, "The render node could not write the demo to its disk.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::command::Exhausted;

    #[test]
    fn unpacking_result_decides_code_and_retry() {
        let end = |verdict| ReaderEnd { verdict, code: Some(FailureCode::DemoTooLarge), sentence: Some("Why.".into()) };
        assert_eq!(verdict(end(Verdict::Done)), Ok(()));
        for (ended, code, retry) in [
            (Verdict::BadJob, "demo_too_large", "never"),
            (Verdict::Exhausted(Exhausted::Memory), "demo_too_large", "never"),
            // This node's disk is full; another node may have room.
            (Verdict::Transient, "demo_too_large", "elsewhere"),
            (Verdict::NotReady, "node_failed", "elsewhere"),
            (Verdict::Killed, "node_failed", "elsewhere"),
            (Verdict::Crashed, "demo_unreadable", "elsewhere"),
        ] {
            let failure = verdict(end(ended)).unwrap_err();
            assert_eq!((failure.code.as_str(), failure.retry.as_str()), (code, retry), "{ended:?}");
            assert!(failure.message.ends_with('.'), "{ended:?}");
        }
        let disks = verdict(ReaderEnd { code: None, ..end(Verdict::Transient) }).unwrap_err();
        assert_eq!((disks.code.as_str(), disks.retry.as_str()), ("node_failed", "elsewhere"));
    }
}
