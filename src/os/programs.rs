//! Programs of this machine: where one is, and which run, found by the path of their executable. For games, which a
//! launcher starts before it exits.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::clock::pause;
use super::process::{find_program, search_path};

/// How often to look whether killed processes are gone…
const KILL_INTERVAL: Duration = Duration::from_millis(50);
/// …and how many times: 5 s.
const KILL_LOOKS: u32 = 100;

/// A running program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its file name, on Linux cut to 15 characters.
    pub name: String,
    /// Its file, if this user may see it.
    pub file: Option<PathBuf>,
    /// Whether it runs as root. `None`: unknown, as on Windows.
    pub is_root: Option<bool>,
}

/// The path of a program that is given by its path or by its name in the search path.
pub fn find(program: &str) -> Option<PathBuf> {
    find_program(program, &search_path())
}

/// All running programs. Empty, and logged, if the system does not show them.
pub fn all() -> Vec<Running> {
    let Some(system) = processes(ProcessesToUpdate::All, |what| what.with_user(UpdateKind::Always)) else {
        return Vec::new();
    };
    let described = system.processes().values().map(|process| Running {
        name: process.name().to_string_lossy().into_owned(),
        file: process.exe().map(PathBuf::from),
        is_root: is_root(process),
    });
    described.collect()
}

/// The session of this process. Services have session 0.
#[cfg(windows)]
pub fn own_session() -> Option<u32> {
    let own = Pid::from_u32(std::process::id());
    processes(ProcessesToUpdate::Some(&[own]), |what| what)?.process(own)?.session_id().map(Pid::as_u32)
}

/// Process IDs of all running instances of a program.
pub fn running(program: &Path) -> Vec<u32> {
    all_processes().map_or_else(Vec::new, |system| instances(&system, program).into_iter().map(Pid::as_u32).collect())
}

/// Whether a program of this name runs, with or without `.exe`.
pub fn runs_by_name(name: &str) -> bool {
    let is_it = |found: &str| found.trim_end_matches(".exe").eq_ignore_ascii_case(name);
    all_processes()
        .is_some_and(|system| system.processes().values().any(|process| process.name().to_str().is_some_and(is_it)))
}

/// Kills all instances of a program and everything they have started, and waits a moment for them to disappear, because
/// Windows keeps their files until then. Returns how many instances there were.
pub fn kill(program: &Path) -> usize {
    let Some(system) = all_processes() else { return 0 };
    let found = instances(&system, program);
    found.iter().for_each(|pid| kill_with_descendants(&system, *pid));
    if !found.is_empty() {
        for _ in 0..KILL_LOOKS {
            if running(program).is_empty() {
                break;
            }
            pause(KILL_INTERVAL);
        }
    }
    found.len()
}

/// Kills every process whose working directory is in `dir`: what a program has started and left behind, even in a process
/// group of its own. Returns how many there were.
#[cfg(unix)]
pub fn kill_in(dir: &Path) -> usize {
    let Some(system) = processes(ProcessesToUpdate::All, |what| what.with_cwd(UpdateKind::Always)) else { return 0 };
    // The system reports real paths.
    let Ok(dir) = dir.canonicalize() else { return 0 };
    let own = std::process::id();
    let is_in = |process: &&sysinfo::Process| {
        process.pid().as_u32() != own && process.cwd().is_some_and(|cwd| cwd.starts_with(&dir))
    };
    system.processes().values().filter(is_in).map(sysinfo::Process::kill).count()
}

/// On Windows, nothing can leave the Job Object of a program.
#[cfg(not(unix))]
pub fn kill_in(_dir: &Path) -> usize {
    0
}

/// Kills a process and everything it has started.
pub fn kill_tree(pid: u32) {
    if let Some(system) = all_processes() {
        kill_with_descendants(&system, Pid::from_u32(pid));
    }
}

/// Processes as of now, with their programs and `more`. `None`, logged, if the system does not show them.
fn processes(which: ProcessesToUpdate<'_>, more: fn(ProcessRefreshKind) -> ProcessRefreshKind) -> Option<System> {
    let mut system = System::new().inspect_err(|error| log::warn!("Cannot list processes: {error:?}")).ok()?;
    let what = ProcessRefreshKind::nothing().without_tasks().with_exe(UpdateKind::Always);
    system.refresh_processes_specifics(which, true, more(what));
    Some(system)
}

/// All processes with their programs.
fn all_processes() -> Option<System> {
    processes(ProcessesToUpdate::All, |what| what)
}

#[cfg(unix)]
fn is_root(process: &sysinfo::Process) -> Option<bool> {
    process.effective_user_id().map(|user| **user == 0)
}

#[cfg(not(unix))]
fn is_root(_: &sysinfo::Process) -> Option<bool> {
    None
}

fn instances(system: &System, program: &Path) -> Vec<Pid> {
    // The system reports real paths.
    let real = program.canonicalize();
    let is_it = |exe: &Path| exe == program || real.as_ref().is_ok_and(|real| same_file(exe, real));
    system
        .processes()
        .values()
        .filter(|process| process.exe().is_some_and(is_it))
        .map(|process| process.pid())
        .collect()
}

/// Whether a path that the system reports is that of a file whose canonical path is `real`.
fn same_file(exe: &Path, real: &Path) -> bool {
    exe == real || exe.canonicalize().is_ok_and(|exe| exe == real)
}

/// Children before their parents, so that none is adopted and missed.
fn kill_with_descendants(system: &System, root: Pid) {
    let mut tree = vec![root];
    let mut known = HashSet::from([root]);
    let mut at = 0;
    while let Some(&parent) = tree.get(at) {
        let children = system.processes().values().filter(|process| process.parent() == Some(parent));
        tree.extend(children.map(|child| child.pid()).filter(|child| known.insert(*child)));
        at += 1;
    }
    for process in tree.iter().rev().filter_map(|pid| system.process(*pid)) {
        process.kill();
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::os::process::{Child, Event};

    #[test]
    fn program_is_found_by_its_path_and_killed_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("game");
        std::fs::copy("/bin/sh", &program).unwrap();
        assert!(running(&program).is_empty());
        let args = ["-c".into(), "sleep 600 & echo ready; wait".into()];
        let mut child = Child::spawn_launcher(&program, &args, dir.path(), &[]).unwrap();
        assert_eq!(child.next(Duration::from_secs(60)).unwrap(), Event::Out("ready".to_owned()));
        // In the moment before it becomes `sleep`, the child is an instance, too.
        assert!(running(&program).contains(&child.id()));
        assert!(runs_by_name("game") && !runs_by_name("no such game"));
        assert!(kill(&program) >= 1);
        // Both pipes close only when the grandchild is gone, too.
        // Killed, or ended by itself in the moment after its child.
        assert!(matches!(child.next(Duration::from_secs(60)).unwrap(), Event::Ended(_)));
        assert!(running(&program).is_empty());
    }
}
