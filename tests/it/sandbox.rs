//! The sandbox of processes that read demos: what they need works, everything else is refused by the kernel.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, exit};
use std::sync::Arc;

use dinkem_appliance::os::sandbox::{Policy, ResourceLimits, child_memory_bytes, enter, missing};
use dinkem_appliance::render::command::{Exhausted, Verdict, no_memory};
use dinkem_appliance::render::forge;
use serde_json::json;

use crate::support::compression::gz;
use crate::support::file_server::{Answer, FileServer};
use crate::support::process::Appliance;
use crate::support::quick;
use crate::support::wait::until;

/// Environment variables that tell the test binary, started again as a child, what to do.
const ACTION: &str = "DINKEM_TEST_ACT";
const PLACE: &str = "DINKEM_TEST_PLACE";
const PORT: &str = "DINKEM_TEST_PORT";
/// Exit status of a refused action.
const REFUSED: i32 = 3;
/// Maximum size of a file in the sandbox.
const FILE_BYTES: u64 = 1 << 20;

/// A demo, a work directory, and files that must stay out of reach.
struct Sandbox {
    dir: tempfile::TempDir,
    listener: TcpListener,
}

impl Sandbox {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("demo.dem"), "a demo").unwrap();
        fs::write(dir.path().join("store.db"), "keys").unwrap();
        fs::create_dir(dir.path().join("work")).unwrap();
        Self { dir, listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    /// Runs one action in a sandboxed child process.
    fn run(&self, name: &str) -> Output {
        let port = self.listener.local_addr().unwrap().port();
        let mut own = Command::new(std::env::current_exe().unwrap());
        own.args(["--exact", "sandbox::child_process_entry_point", "--nocapture", "--test-threads=1"]);
        own.env(ACTION, name).env(PLACE, self.dir.path()).env(PORT, port.to_string());
        own.output().unwrap()
    }
}

/// Not a test by itself: the child started by the tests of this file. It enters the sandbox, runs the action and exits
/// with the result.
#[test]
fn child_process_entry_point() {
    let Ok(action) = std::env::var(ACTION) else { return };
    let place = PathBuf::from(std::env::var(PLACE).unwrap());
    let limits = ResourceLimits { memory_bytes: 4 << 30, cpu_seconds: 1, file_bytes: FILE_BYTES };
    let (demo, work) = (place.join("demo.dem"), place.join("work"));
    enter(&Policy { reads: &demo, writes: &work, limits }).unwrap();
    match run_action(&action, &place, &work) {
        Ok(()) => exit(0),
        Err(error) => {
            eprintln!("{error}");
            exit(REFUSED);
        }
    }
}

fn run_action(action: &str, place: &Path, work: &Path) -> io::Result<()> {
    let port = || std::env::var(PORT).unwrap().parse::<u16>().unwrap();
    let own = |name: &str| work.join(name);
    match action {
        "reads its demo" => fs::read(place.join("demo.dem")).map(drop),
        "writes, renames and removes in its directory" => {
            fs::write(own("a.part"), "x")?;
            fs::rename(own("a.part"), own("a"))?;
            fs::read_dir(work)?.try_for_each(|entry| entry.map(drop))?;
            fs::remove_file(own("a"))
        }
        "starts threads" => {
            let threads: Vec<_> = (0..8).map(|at| std::thread::spawn(move || at)).collect();
            assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<i32>(), 28);
            Ok(())
        }
        "takes 64 MiB" => Vec::<u8>::new().try_reserve_exact(64 << 20).map_err(io::Error::other),
        "reads the store" => fs::read(place.join("store.db")).map(drop),
        "reads the list of users" => fs::read("/etc/passwd").map(drop),
        "reads its own environment" => fs::read("/proc/self/environ").map(drop),
        "lists a directory" => fs::read_dir(place).map(drop),
        "writes beside its directory" => fs::write(place.join("beside"), "x"),
        "writes into its demo" => File::options().append(true).open(place.join("demo.dem")).map(drop),
        "makes a directory" => fs::create_dir(own("dir")),
        "links the store into its directory" => fs::hard_link(place.join("store.db"), own("link")),
        "makes a symbolic link" => std::os::unix::fs::symlink(place.join("store.db"), own("link")),
        "connects" => TcpStream::connect(("127.0.0.1", port())).map(drop),
        "listens" => TcpListener::bind("127.0.0.1:0").map(drop),
        "sends a datagram" => UdpSocket::bind("127.0.0.1:0").map(drop),
        "makes a pair of sockets" => UnixStream::pair().map(drop),
        "starts a program" => Command::new("/bin/true").status().map(drop),
        "starts itself" => Command::new("/proc/self/exe").status().map(drop),
        "takes 9 GB" => Vec::<u8>::new().try_reserve_exact(9 << 30).map_err(io::Error::other),
        "opens a hundred files" => {
            let files = (0..100).map(|at| File::create(own(&format!("{at}")))).collect::<io::Result<Vec<_>>>();
            files.map(drop)
        }
        "allocates 9 GB and aborts" => {
            black_box(vec![0_u8; 9 << 30]);
            Ok(())
        }
        "runs forever" => loop {
            black_box(place);
        },
        "writes a long file" => {
            let mut file = File::create(own("long"))?;
            io::copy(&mut io::repeat(0).take(2 * FILE_BYTES), &mut file)?;
            file.flush()
        }
        _ => panic!("{action}"),
    }
}

#[test]
fn sandboxed_process_can_do_its_work() {
    let place = Sandbox::new();
    for action in ["reads its demo", "writes, renames and removes in its directory", "starts threads", "takes 64 MiB"] {
        let output = place.run(action);
        assert_eq!(output.status.code(), Some(0), "{action}: {output:?}");
    }
}

#[test]
fn sandboxed_process_is_denied_files_network_programs_and_memory() {
    assert_eq!(missing(), None, "this machine must support Landlock");
    let place = Sandbox::new();
    for action in [
        "reads the store",
        "reads the list of users",
        "reads its own environment",
        "lists a directory",
        "writes beside its directory",
        "writes into its demo",
        "makes a directory",
        "links the store into its directory",
        "makes a symbolic link",
        "connects",
        "listens",
        "sends a datagram",
        "makes a pair of sockets",
        "starts a program",
        "starts itself",
        "takes 9 GB",
        "opens a hundred files",
    ] {
        let output = place.run(action);
        assert_eq!(output.status.code(), Some(REFUSED), "{action}: {output:?}");
    }
}

#[test]
fn exhausted_resource_is_recognised_from_the_exit_status() {
    let place = Sandbox::new();
    for (action, what) in [
        ("allocates 9 GB and aborts", Exhausted::Memory),
        ("runs forever", Exhausted::Time),
        ("writes a long file", Exhausted::File),
    ] {
        let output = place.run(action);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let refused = stderr.lines().any(no_memory);
        let verdict = Verdict::of(output.status.code(), output.status.signal(), refused);
        assert_eq!(verdict, Verdict::Exhausted(what), "{action}: {output:?}");
    }
    assert_eq!(fs::metadata(place.dir.path().join("work/long")).unwrap().len(), FILE_BYTES);
}

/// Children of a process with this argument on their command line.
fn children(parent: u32, word: &str) -> Vec<PathBuf> {
    let is_one = |dir: &PathBuf| {
        let stat = fs::read_to_string(dir.join("stat")).unwrap_or_default();
        let line = fs::read_to_string(dir.join("cmdline")).unwrap_or_default();
        // After the name in parentheses come the state and the parent's pid.
        let fields = stat.rsplit(')').next().unwrap_or_default().to_owned();
        fields.split_whitespace().nth(1) == Some(&parent.to_string()) && line.split('\0').any(|each| each == word)
    };
    fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()).filter(is_one).collect()
}

#[test]
fn renderer_is_sandboxed_and_inherits_no_environment() {
    let files = FileServer::serve(vec![("/quick.dem", Answer::Bytes(Arc::new(gz(&forge::quick()))))]);
    let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let node = appliance.node("node", None);
    // The node has an environment that children would inherit.
    until("the node's environment", || {
        let environ = fs::read_to_string(format!("/proc/{}/environ", node.id())).ok()?;
        environ.contains("PATH=").then_some(())
    });
    let id = appliance.submit(&key, &quick::job(&files));
    let child = until("a sandboxed renderer", || {
        let shut_in = |dir: &PathBuf| {
            let status = fs::read_to_string(dir.join("status")).unwrap_or_default();
            status.contains("Seccomp:\t2\n") && status.contains("NoNewPrivs:\t1\n")
        };
        children(node.id(), "--job").into_iter().find(shut_in)
    });
    let environ = fs::read_to_string(child.join("environ")).unwrap();
    let names: Vec<_> = environ.split_terminator('\0').map(|each| each.split('=').next().unwrap()).collect();
    assert_eq!(names, ["TMPDIR"], "{environ}");
    let limits = fs::read_to_string(child.join("limits")).unwrap();
    for (limit, value) in [
        ("Max address space", child_memory_bytes()),
        ("Max core file size", 0),
        ("Max open files", 64),
        ("Max file size", 4 << 30),
    ] {
        let line = limits.lines().find(|line| line.starts_with(limit)).unwrap();
        let values: Vec<_> = line[limit.len()..].split_whitespace().take(2).collect();
        assert_eq!(values, [value.to_string(), value.to_string()], "{line}");
    }
    assert!(limits.lines().any(|line| line.starts_with("Max cpu time") && !line.contains("unlimited")), "{limits}");
    assert_eq!(appliance.wait_for_clip(&key, &id)["error"], json!(null));
}
