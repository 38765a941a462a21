//! Interprets how a child process that reads a demo has ended.

use super::{EXIT_BAD_JOB, EXIT_CANCELLED, EXIT_DONE, EXIT_NOT_READY, EXIT_TRANSIENT, EXIT_WRONG_BUILD};

/// After a [`no_memory`] message, a failed allocation.
const SIGABRT: i32 = 6;
/// Sent from outside, for example by the kernel when the machine or the service runs out of memory.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;

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
    /// The demo exceeded a resource limit.
    Exhausted(Exhausted),
    /// Killed from outside, which says nothing about the demo.
    Killed,
    /// Anything else: a crash.
    Crashed,
}

/// The exceeded resource limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// Memory.
    Memory,
    /// CPU time.
    Time,
    /// File size.
    File,
}

impl Verdict {
    /// Interprets an exit code or a signal. `no_memory`: the child printed a [`no_memory`] message.
    pub fn of(exit: Option<i32>, signal: Option<i32>, no_memory: bool) -> Self {
        let Some(exit) = exit else {
            return match signal {
                Some(SIGABRT) if no_memory => Self::Exhausted(Exhausted::Memory),
                Some(SIGXCPU) => Self::Exhausted(Exhausted::Time),
                Some(SIGXFSZ) => Self::Exhausted(Exhausted::File),
                Some(SIGKILL) => Self::Killed,
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
            // Windows has no signals: an abort is an exit code.
            _ if no_memory => Self::Exhausted(Exhausted::Memory),
            _ => Self::Crashed,
        }
    }
}

impl Exhausted {
    /// A sentence for people. The error code is `demo_too_large`.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Memory => "The demo needs more memory than allowed.",
            Self::Time => "The demo needs more CPU time than allowed.",
            Self::File => "The demo needs more disk space than allowed.",
        }
    }
}

/// Whether a line on standard error is Rust's message for a failed allocation.
pub fn no_memory(line: &str) -> bool {
    line.starts_with("memory allocation of ") && line.ends_with(" bytes failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_and_signals_are_interpreted() {
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
