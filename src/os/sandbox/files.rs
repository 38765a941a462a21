//! Landlock: which files there are for a process, and that there is no TCP and nobody to signal.

use std::io;
use std::path::Path;
use std::thread;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, Scope, make_bitflags,
};

/// What is denied, as far as the kernel knows it. The newest that the tests have seen at work.
const DENIED: ABI = ABI::V7;

/// What may be done in the work directory: files made, written, renamed, removed. No links, devices, sockets, programs.
fn work() -> BitFlags<AccessFs> {
    make_bitflags!(AccessFs::{ReadFile | ReadDir | WriteFile | Truncate | MakeReg | RemoveFile})
}

/// Leaves this thread, and those that it starts, one file to read and one directory to write. A kernel that knows only a
/// part of it does that part.
pub(super) fn enclose(reads: &Path, writes: &Path) -> io::Result<()> {
    let (demo, folder) = (open(reads)?, open(writes)?);
    Ruleset::default()
        .handle_access(AccessFs::from_all(DENIED))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(DENIED)))
        .and_then(|rules| rules.scope(Scope::from_all(DENIED)))
        .and_then(Ruleset::create)
        .and_then(|rules| rules.add_rule(PathBeneath::new(demo, AccessFs::ReadFile)))
        .and_then(|rules| rules.add_rule(PathBeneath::new(folder, work())))
        .and_then(|rules| rules.restrict_self())
        .map(drop)
        .map_err(io::Error::other)
}

fn open(path: &Path) -> io::Result<PathFd> {
    PathFd::new(path).map_err(io::Error::other)
}

/// The version of the kernel's Landlock. Asked by a thread that gives something up and ends.
pub(super) fn landlock_abi() -> Option<i32> {
    let ask = || {
        let rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
        let rules = rules.handle_access(AccessFs::Execute).and_then(Ruleset::create);
        match rules.and_then(|rules| rules.restrict_self()).ok()?.landlock {
            LandlockStatus::Available { effective_abi, kernel_abi } => Some(kernel_abi.unwrap_or(effective_abi as i32)),
            _ => None,
        }
    };
    thread::spawn(ask).join().ok().flatten()
}
