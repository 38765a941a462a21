//! What the end of a child that reads demos means: of a renderer and of a reader alike.

use super::{EXIT_BAD_JOB, EXIT_CANCELLED, EXIT_DONE, EXIT_NOT_READY, EXIT_TRANSIENT, EXIT_WRONG_BUILD};

/// `SIGABRT`: after [`no_memory`]'s words, an allocation that was refused.
const ABORTED: i32 = 6;
/// `SIGKILL`: somebody else did it. The kernel does, when the machine or the service has no memory left.
const KILLED: i32 = 9;
/// `SIGXCPU`.
const OUT_OF_PROCESSOR_TIME: i32 = 24;
/// `SIGXFSZ`.
const FILE_TOO_LONG: i32 = 25;

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// [`EXIT_DONE`].
    Done,
    /// [`EXIT_BAD_JOB`].
    BadJob,
    /// [`EXIT_WRONG_BUILD`].
    WrongBuild,
    /// [`EXIT_TRANSIENT`].
    Transient,
    /// [`EXIT_NOT_READY`].
    NotReady,
    /// [`EXIT_CANCELLED`].
    Cancelled,
    /// The kernel ended it or refused it, because the demo took more of the machine than one may.
    Exhausted(Exhausted),
    /// Somebody outside killed it: it says nothing of the demo.
    Killed,
    /// Anything else: a crash.
    Crashed,
}

/// What a demo took too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// Memory.
    Memory,
    /// Processors' time.
    Time,
    /// Room on the disk for one file.
    File,
}

impl Verdict {
    /// What an exit code or a signal means. `no_memory`: the child has said [`no_memory`]'s words.
    pub fn of(exit: Option<i32>, signal: Option<i32>, no_memory: bool) -> Self {
        let Some(exit) = exit else {
            return match signal {
                Some(ABORTED) if no_memory => Self::Exhausted(Exhausted::Memory),
                Some(OUT_OF_PROCESSOR_TIME) => Self::Exhausted(Exhausted::Time),
                Some(FILE_TOO_LONG) => Self::Exhausted(Exhausted::File),
                Some(KILLED) => Self::Killed,
                _ => Self::Crashed,
            };
        };
        match u8::try_from(exit) {
            Ok(EXIT_DONE) => Self::Done,
            Ok(EXIT_BAD_JOB) => Self::BadJob,
            Ok(EXIT_WRONG_BUILD) => Self::WrongBuild,
            Ok(EXIT_TRANSIENT) => Self::Transient,
            Ok(EXIT_NOT_READY) => Self::NotReady,
            Ok(EXIT_CANCELLED) => Self::Cancelled,
            // Windows has no signals: a program that aborts ends with a number.
            _ if no_memory => Self::Exhausted(Exhausted::Memory),
            _ => Self::Crashed,
        }
    }
}

impl Exhausted {
    /// A sentence for whoever asked for the demo. Its code is `demo_too_large`.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Memory => "The demo takes more memory to read than one demo may have.",
            Self::Time => "The demo takes more processor time to read than one demo may have.",
            Self::File => "The demo takes more room on the disk than one demo may have.",
        }
    }
}

/// Whether a line of standard error is what a Rust program says when it gets no memory.
pub fn no_memory(line: &str) -> bool {
    line.starts_with("memory allocation of ") && line.ends_with(" bytes failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_child_has_its_meaning() {
        let cases = [
            (Some(0), None, false, Verdict::Done),
            (Some(10), None, false, Verdict::BadJob),
            (Some(11), None, false, Verdict::WrongBuild),
            (Some(20), None, false, Verdict::Transient),
            (Some(21), None, false, Verdict::NotReady),
            (Some(130), None, false, Verdict::Cancelled),
            (Some(1), None, false, Verdict::Crashed),
            (Some(101), None, false, Verdict::Crashed),
            (Some(-1_073_740_791), None, true, Verdict::Exhausted(Exhausted::Memory)),
            (Some(0), None, true, Verdict::Done),
            (None, Some(6), true, Verdict::Exhausted(Exhausted::Memory)),
            (None, Some(6), false, Verdict::Crashed),
            (None, Some(9), false, Verdict::Killed),
            (None, Some(11), true, Verdict::Crashed),
            (None, Some(24), false, Verdict::Exhausted(Exhausted::Time)),
            (None, Some(25), false, Verdict::Exhausted(Exhausted::File)),
            (None, None, false, Verdict::Crashed),
        ];
        for (exit, signal, no_memory, verdict) in cases {
            assert_eq!(Verdict::of(exit, signal, no_memory), verdict, "{exit:?} {signal:?} {no_memory}");
        }
        assert!(no_memory("memory allocation of 9663676416 bytes failed"));
        assert!(!no_memory("frame 3: memory allocation of 9 bytes failed") && !no_memory("memory allocation of"));
    }
}
