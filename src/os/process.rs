//! Child processes. Each is the leader of a process group (a Job Object on Windows) that is killed as a whole, unless it
//! may start programs that outlive it; its output is read line by line with size limits; it never inherits this
//! program's own variables, which may hold keys.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use process_wrap::std::{ChildWrapper, CommandWrap};

/// Maximum length of a line; the rest is discarded.
const LINE_BYTES: u64 = 4 * 1024;
/// Size of the line queue; when it is full the child blocks.
const QUEUED_LINES: usize = 256;
/// How often to check whether the child has exited while something else holds its output open.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How long to keep reading the output of a child that has exited.
const DRAIN_TIME: Duration = Duration::from_millis(500);

/// What happened next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A line on standard output.
    Out(String),
    /// A line on standard error.
    Err(String),
    /// Nothing before the timeout.
    Silence,
    /// The child has exited, and the rest of its group was killed. `None`: killed by a signal, see [`Child::signal`].
    Ended(Option<i32>),
}

/// A running child process. Dropping it kills its process group, or only itself if it has none of its own.
#[derive(Debug)]
pub struct Child {
    child: Box<dyn ChildWrapper>,
    lines: Receiver<Event>,
    ended: Option<ExitStatus>,
}

/// Whom a child takes with it when it exits or is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    /// Everything it has started.
    Own,
    /// None: it stays in the group of this process, and so does what it starts.
    Parents,
}

/// What a child process sees of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// An empty environment and a limit on memory: for this program's own children, which read untrusted files.
    Bare,
    /// The user's environment without this program's own variables: for other programs, which need a desktop, a home
    /// directory and a search path.
    Desktop,
}

/// Prefix of this program's own environment variables.
const OWN_VARIABLES: &str = "DINKEM_";

impl Child {
    /// Starts `program` with `args` in `dir`, without standard input and in bare surroundings.
    pub fn spawn(program: &Path, args: &[OsString], dir: &Path) -> io::Result<Self> {
        Self::spawn_in(Surroundings::Bare, program, args, dir, &[])
    }

    /// Starts `program` with `args` in `dir`, without standard input and with `variables` in its environment.
    pub fn spawn_in(
        surroundings: Surroundings,
        program: &Path,
        args: &[OsString],
        dir: &Path,
        variables: &[(&str, OsString)],
    ) -> io::Result<Self> {
        Self::start(Group::Own, surroundings, program, args, dir, variables)
    }

    /// Like [`Self::spawn_in`] with a desktop, for a launcher that exits before the program it has started. All of them
    /// stay in the group of this process, so that killing that group reaches them; [`super::programs`] finds
    /// and kills a single one.
    pub fn spawn_launcher(
        program: &Path,
        args: &[OsString],
        dir: &Path,
        variables: &[(&str, OsString)],
    ) -> io::Result<Self> {
        Self::start(Group::Parents, Surroundings::Desktop, program, args, dir, variables)
    }

    fn start(
        group: Group,
        surroundings: Surroundings,
        program: &Path,
        args: &[OsString],
        dir: &Path,
        variables: &[(&str, OsString)],
    ) -> io::Result<Self> {
        let mut command = CommandWrap::from(Command::new(program));
        let inner = command.command_mut();
        inner.args(args).current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        inner.env_clear();
        if surroundings == Surroundings::Desktop {
            let is_own = |name: &OsString| name.to_string_lossy().to_ascii_uppercase().starts_with(OWN_VARIABLES);
            inner.envs(std::env::vars_os().filter(|(name, _)| !is_own(name)));
        }
        inner.envs(environment(dir)).envs(variables.iter().map(|(name, value)| (name, value)));
        if group == Group::Own {
            #[cfg(unix)]
            command.wrap(process_wrap::std::ProcessGroup::leader());
            #[cfg(windows)]
            command.wrap(process_wrap::std::JobObject);
        }
        #[cfg(windows)]
        if surroundings == Surroundings::Bare {
            command.wrap(super::sandbox::MemoryLimit);
        }
        let mut child = command.spawn()?;
        let (sender, lines) = bounded(QUEUED_LINES);
        if let Some(out) = child.stdout().take() {
            read_lines(out, Event::Out, sender.clone())?;
        }
        if let Some(err) = child.stderr().take() {
            read_lines(err, Event::Err, sender)?;
        }
        Ok(Self { child, lines, ended: None })
    }

    /// Waits for the next line or the exit, up to a timeout.
    pub fn next(&mut self, at_most: Duration) -> io::Result<Event> {
        let deadline = Instant::now() + at_most;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left.min(POLL_INTERVAL)) {
                Ok(event) => return Ok(event),
                Err(RecvTimeoutError::Timeout) => {}
                // Both pipes are closed: it is about to exit, or it goes on without output.
                Err(RecvTimeoutError::Disconnected) if self.ended.is_none() && !left.is_zero() => {
                    thread::sleep(left.min(Duration::from_millis(5)));
                }
                Err(RecvTimeoutError::Disconnected) => {}
            }
            if let Some(event) = self.poll_exit()? {
                return Ok(event);
            }
            if left.is_zero() {
                return Ok(Event::Silence);
            }
        }
    }

    /// Checks whether it has exited. If so, kills what is left of its group and returns remaining output first.
    fn poll_exit(&mut self) -> io::Result<Option<Event>> {
        if self.ended.is_none() {
            let Some(status) = self.child.try_wait()? else { return Ok(None) };
            self.ended = Some(status);
            self.kill_group();
        }
        match self.lines.recv_timeout(DRAIN_TIME) {
            Ok(event) => Ok(Some(event)),
            Err(_) => Ok(self.ended.map(|status| Event::Ended(status.code()))),
        }
    }

    /// Its process ID.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The signal that killed it.
    #[cfg(unix)]
    pub fn signal(&self) -> Option<i32> {
        self.ended.and_then(|status| std::os::unix::process::ExitStatusExt::signal(&status))
    }

    /// Windows has no signals.
    #[cfg(not(unix))]
    pub fn signal(&self) -> Option<i32> {
        None
    }

    /// Kills it with its process group, if it has one of its own, and waits for it to exit.
    pub fn kill(&mut self) {
        // Once it has exited, its PID may have been reused.
        if self.ended.is_some() {
            return;
        }
        self.kill_group();
        if let Err(error) = self.child.wait() {
            log::warn!("Could not wait for a killed child process: {error}");
        }
    }

    fn kill_group(&mut self) {
        // Fails if the whole group has already exited: there is nothing left to kill.
        let _ = self.child.start_kill();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A variable of this process's environment, for programs whose settings depend on it.
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The folders in which programs are looked for by name.
pub fn search_path() -> Vec<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).filter(|folder| folder.is_absolute()).collect()
}

/// The path of a program that is given by its path or by its name in one of the folders.
pub fn find_program(program: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return path.is_file().then(|| path.to_owned());
    }
    let names = [program.to_owned(), format!("{program}.exe")];
    folders.iter().flat_map(|folder| names.clone().map(|name| folder.join(name))).find(|path| path.is_file())
}

/// Reads a pipe to its end in its own thread. Stops early once the receiver is gone.
fn read_lines(pipe: impl Read + Send + 'static, event: fn(String) -> Event, to: Sender<Event>) -> io::Result<()> {
    let read = move || {
        let mut pipe = BufReader::new(pipe);
        while let Ok(Some(line)) = read_line(&mut pipe) {
            if to.send(event(line)).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("child-output".into()).spawn(read).map(drop)
}

/// Reads one line without its line feed, truncated to [`LINE_BYTES`]; `None` at the end.
fn read_line(pipe: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if pipe.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else {
        pipe.skip_until(b'\n')?;
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()))
}

/// The child's whole environment: scratch files go into its own directory.
#[cfg(not(windows))]
fn environment(dir: &Path) -> Vec<(&'static str, OsString)> {
    vec![("TMPDIR", dir.into())]
}

/// The child's whole environment: scratch files go into its own directory, and Windows cannot load its system
/// libraries without `SystemRoot`.
#[cfg(windows)]
fn environment(dir: &Path) -> Vec<(&'static str, OsString)> {
    let root = std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root));
    root.into_iter().chain([("TEMP", dir.into()), ("TMP", dir.into())]).collect()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    const AGES: Duration = Duration::from_secs(60);

    fn sh(script: &str) -> Child {
        Child::spawn(Path::new("/bin/sh"), &["-c".into(), script.into()], Path::new("/")).unwrap()
    }

    fn events(child: &mut Child) -> Vec<Event> {
        let mut events = Vec::new();
        while !matches!(events.last(), Some(Event::Ended(_) | Event::Silence)) {
            events.push(child.next(AGES).unwrap());
        }
        events
    }

    fn is_alive(pid: &str) -> bool {
        // A killed orphan stays a zombie until init reaps it.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    }

    /// Waits for a process to disappear: a signal takes a moment to be delivered.
    fn dies(pid: &str) -> bool {
        (0..1_000_000).any(|_| {
            thread::yield_now();
            !is_alive(pid)
        })
    }

    #[test]
    fn lines_and_the_exit_code_arrive_in_order() {
        let mut child = sh("printf 'one\\r\\ntwo\\n\\nno line feed'; exit 21");
        let out = |line: &str| Event::Out(line.to_owned());
        assert_eq!(events(&mut child), [out("one"), out("two"), out(""), out("no line feed"), Event::Ended(Some(21))]);
        assert_eq!(child.next(AGES).unwrap(), Event::Ended(Some(21)));
    }

    #[test]
    fn standard_error_is_read_and_a_signal_has_no_exit_code() {
        let mut child = sh("echo oh >&2; kill -9 $$");
        assert_eq!(events(&mut child), [Event::Err("oh".into()), Event::Ended(None)]);
        assert_eq!(child.signal(), Some(9));
    }

    #[test]
    fn long_line_is_truncated_and_the_next_one_is_intact() {
        let mut child = sh("head -c 1000000 /dev/zero | tr '\\0' x; echo; echo next");
        let long = "x".repeat(LINE_BYTES as usize);
        assert_eq!(events(&mut child), [Event::Out(long), Event::Out("next".into()), Event::Ended(Some(0))]);
    }

    #[test]
    fn silent_child_times_out_and_kill_reaches_its_descendants() {
        let mut child = sh("sleep 600 & echo $!; wait");
        let Event::Out(grandchild) = child.next(AGES).unwrap() else { panic!("no number") };
        assert_eq!(child.next(Duration::from_millis(1)).unwrap(), Event::Silence);
        assert!(is_alive(&grandchild));
        child.kill();
        assert!(dies(&grandchild));
        assert_eq!(child.next(AGES).unwrap(), Event::Ended(None));
    }

    #[test]
    fn descendants_are_killed_when_the_child_exits() {
        let mut child = sh("sleep 600 & echo $!; exit 3");
        let Event::Out(grandchild) = child.next(AGES).unwrap() else { panic!("no number") };
        assert_eq!(events(&mut child), [Event::Ended(Some(3))]);
        assert!(dies(&grandchild));
    }

    #[test]
    fn launcher_may_exit_before_what_it_has_started() {
        let script = "sleep 600 >&- 2>&- & echo $!; exit 0";
        let args = ["-c".into(), script.into()];
        let mut launcher = Child::spawn_launcher(Path::new("/bin/sh"), &args, Path::new("/"), &[]).unwrap();
        let Event::Out(started) = launcher.next(AGES).unwrap() else { panic!("no number") };
        assert_eq!(events(&mut launcher), [Event::Ended(Some(0))]);
        drop(launcher);
        assert!(is_alive(&started));
        crate::os::programs::kill_tree(started.parse().unwrap());
        assert!(dies(&started));
    }

    #[test]
    fn dropped_child_is_killed() {
        let mut child = sh("echo $$; sleep 600");
        let Event::Out(pid) = child.next(AGES).unwrap() else { panic!("no number") };
        drop(child);
        assert!(dies(&pid));
    }

    #[test]
    fn child_that_closes_its_output_is_waited_for() {
        let mut child = sh("exec >&- 2>&-; sleep 0.2; exit 7");
        assert_eq!(events(&mut child), [Event::Ended(Some(7))]);
    }
}
