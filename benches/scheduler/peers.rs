//! Job queues to compare with: `benches/peers/queues`. A program that is missing is reported, not left out.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dinkem_appliance::os::clock::pause;
use dinkem_appliance::os::files::on_same_disk;
use tempfile::TempDir;

use crate::TURN;

/// The user `nobody` and its group: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;
/// Node.js processes of a peer: as many as this kind of machine has cores.
const PROCESSES: usize = 2;
/// How long a server may take to start, in polls of [`POLL`].
const POLLS: usize = 300;
const POLL: Duration = Duration::from_millis(100);

/// The peers that could be started, and why the others could not.
pub struct Peers {
    postgres: Result<Postgres, String>,
    redis: Result<Redis, String>,
    packages: Result<PathBuf, String>,
    /// Removed last.
    _folder: TempDir,
}

struct Postgres {
    programs: PathBuf,
    sockets: PathBuf,
    _server: Server,
}

struct Redis {
    port: u16,
    _server: Server,
}

/// A server's process, stopped on drop.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // PostgreSQL ends its children only when it is asked to stop.
        let _asked = Command::new("kill").arg("-INT").arg(self.0.id().to_string()).status();
        let _ended = self.0.wait();
    }
}

/// Peers by name.
pub const NAMES: [&str; 4] = ["PostgreSQL SKIP LOCKED", "PostgreSQL, same rows as ours", "pg-boss", "BullMQ on Redis"];

/// Databases of PostgreSQL. `{name}.sql` creates the tables, `{name}-cycle.sql` is a cycle.
const DATABASES: [&str; 2] = ["postgres", "postgres-rows"];

impl Peers {
    pub fn start() -> Self {
        // Not in the target directory, which an unprivileged user may not be able to reach.
        let folder = tempfile::tempdir().expect("a scratch directory");
        if !on_same_disk(folder.path(), Path::new(env!("CARGO_TARGET_TMPDIR"))) {
            println!("The peers' files are on another disk than ours: {}", folder.path().display());
        }
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("a directory of ours");
        let postgres = Postgres::start(folder.path());
        let redis = Redis::start(folder.path());
        let packages = install();
        Self { postgres, redis, packages, _folder: folder }
    }

    /// Cycles a second of this peer with so many workers, or why it cannot be measured.
    pub fn cycles(&self, name: &str, workers: usize) -> Result<f64, String> {
        let Self { postgres, redis, packages, .. } = self;
        match name {
            "PostgreSQL SKIP LOCKED" => postgres.as_ref().map_err(Clone::clone)?.cycles(DATABASES[0], workers),
            "PostgreSQL, same rows as ours" => postgres.as_ref().map_err(Clone::clone)?.cycles(DATABASES[1], workers),
            "pg-boss" => {
                let sockets = postgres.as_ref().map_err(Clone::clone)?.sockets.display().to_string();
                node(packages, "pg-boss.mjs", &sockets, workers)
            }
            _ => node(packages, "bullmq.mjs", &redis.as_ref().map_err(Clone::clone)?.port.to_string(), workers),
        }
    }
}

fn queues() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/queues")
}

impl Postgres {
    fn start(folder: &Path) -> Result<Self, String> {
        let programs = programs().ok_or("PostgreSQL is missing (Debian: postgresql)")?;
        let (data, sockets) = (folder.join("postgres"), folder.join("sockets"));
        for owned in [&data, &sockets] {
            fs::create_dir(owned).expect("a directory of ours");
            if is_root() {
                chown(owned, Some(NOBODY), Some(NOBODY)).expect("root may");
            }
        }
        let mut init = unprivileged(&programs.join("initdb"));
        init.args(["--auth=trust", "--username=bench", "--encoding=UTF8", "--locale=C", "-D"]).arg(&data);
        succeed(&mut init)?;
        let log = fs::File::create(folder.join("postgres.log")).expect("a directory of ours");
        let mut command = unprivileged(&programs.join("postgres"));
        command.arg("-D").arg(&data).arg("-k").arg(&sockets);
        let settings = [
            "fsync=on",
            "synchronous_commit=on",
            "listen_addresses=",
            "shared_buffers=512MB",
            "max_wal_size=4GB",
            "max_connections=300",
        ];
        settings.iter().for_each(|setting| _ = command.arg("-c").arg(setting));
        let process = command.stderr(log).stdout(Stdio::null()).spawn().map_err(|error| error.to_string())?;
        let postgres = Self { programs, sockets, _server: Server(process) };
        let client = |name: &str| postgres.client(name, "postgres");
        wait_for(|| succeed(client("psql").args(["-c", "SELECT 1"])).is_ok()).ok_or("PostgreSQL did not start")?;
        for database in DATABASES {
            if database != "postgres" {
                succeed(client("createdb").arg(database))?;
            }
            let tables = queues().join(format!("{database}.sql"));
            succeed(postgres.client("psql", database).args(["-v", "ON_ERROR_STOP=1", "-f"]).arg(tables))?;
        }
        Ok(postgres)
    }

    fn client(&self, name: &str, database: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.arg("-h").arg(&self.sockets).args(["-U", "bench"]);
        // `-d` is the database for psql, and debug output for pgbench.
        command.env("PGDATABASE", database);
        command
    }

    fn cycles(&self, database: &str, workers: usize) -> Result<f64, String> {
        let mut command = self.client("pgbench", database);
        command.args([
            "-n",
            "-M",
            "prepared",
            "-j",
            "2",
            "-c",
            &workers.to_string(),
            "-T",
            &TURN.as_secs().to_string(),
        ]);
        let output = succeed(command.arg("-f").arg(queues().join(format!("{database}-cycle.sql"))))?;
        let rate = output.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.ok_or(format!("unexpected output of pgbench: {output}"))
    }
}

impl Redis {
    fn start(folder: &Path) -> Result<Self, String> {
        let data = folder.join("redis");
        fs::create_dir(&data).expect("a directory of ours");
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).expect("a port").port();
        let log = fs::File::create(folder.join("redis.log")).expect("a directory of ours");
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "yes"])
            .args(["--appendfsync", "always", "--maxmemory-policy", "noeviction", "--dir"])
            .arg(data)
            .stdout(log)
            .spawn()
            .map_err(|_| "Redis is missing (Debian: redis-server)")?;
        let redis = Self { port, _server: Server(process) };
        wait_for(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()).ok_or("Redis did not start")?;
        Ok(redis)
    }
}

/// Installs the packages of Node.js in the target directory.
fn install() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("queues");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    for name in ["package.json", "package-lock.json", "pg-boss.mjs", "bullmq.mjs"] {
        fs::copy(queues().join(name), folder.join(name)).map_err(|error| error.to_string())?;
    }
    succeed(Command::new("npm").args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&folder))
        .map_err(|error| format!("the packages of Node.js could not be installed: {error}"))?;
    Ok(folder)
}

/// The sum of all processes.
fn node(packages: &Result<PathBuf, String>, script: &str, server: &str, workers: usize) -> Result<f64, String> {
    let folder = packages.as_ref().map_err(Clone::clone)?;
    let processes = PROCESSES.min(workers);
    let start = || {
        let mut command = Command::new("node");
        command.arg(script).arg(server).arg((workers / processes).to_string()).arg(TURN.as_secs().to_string());
        command.current_dir(folder).stdout(Stdio::piped()).spawn().map_err(|error| format!("Node.js: {error}"))
    };
    let running = (0..processes).map(|_| start()).collect::<Result<Vec<_>, _>>()?;
    let rate = |mut process: Child| {
        let mut text = String::new();
        process.stdout.take().expect("a pipe").read_to_string(&mut text).map_err(|error| error.to_string())?;
        let _ended = process.wait();
        text.trim().parse::<f64>().map_err(|_| format!("{script} failed"))
    };
    running.into_iter().map(rate).sum()
}

/// Where PostgreSQL's programs are: Debian does not put the server's on the path.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.filter_map(|version| Some(version.ok()?.path().join("bin"))).collect();
    found.retain(|folder| folder.join("postgres").exists() && folder.join("pgbench").exists());
    found.sort();
    found.pop()
}

fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(program);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn succeed(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr))),
    }
}

fn wait_for(is_ready: impl Fn() -> bool) -> Option<()> {
    (0..POLLS).find(|_| {
        pause(POLL);
        is_ready()
    })?;
    Some(())
}
