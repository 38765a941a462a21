//! Landlock: restricts file access, TCP, and signals.

use std::io;
use std::path::Path;
use std::thread;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, Scope, make_bitflags,
};

/// The newest ABI that has been tested; older kernels deny what they know.
const DENIED: ABI = ABI::V7;

/// Access to the work directory: create, read, write, rename, and remove files. No links, devices, sockets, or
/// programs.
fn work() -> BitFlags<AccessFs> {
    make_bitflags!(AccessFs::{ReadFile | ReadDir | WriteFile | Truncate | MakeReg | RemoveFile})
}

/// Restricts this thread, and those it starts, to one readable file and one writable directory, as far as the kernel
/// supports it.
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

/// The kernel's Landlock ABI version. Probed on a separate thread, because probing restricts the thread.
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
