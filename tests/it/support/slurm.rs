//! A Slurm cluster on this machine for one test: its daemons, configuration and ports are its own.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use super::process::BINARY;
use super::tools::{have, is_gate, skip};
use super::wait::{until, until_within};

/// How long jobs may take to end when the cluster is stopped.
const END: Duration = Duration::from_secs(10);

/// Processors that the machine pretends to have: enough for two nodes, whatever it has.
const PROCESSORS: u32 = 8;

/// A running cluster with the partitions `render`, whose jobs are preempted, and `urgent`, whose jobs preempt them.
pub struct Slurm {
    folder: tempfile::TempDir,
    daemons: Vec<Child>,
}

impl Slurm {
    /// Starts a cluster; `None` if that is impossible here, which is printed.
    pub fn start(test: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            assert!(!is_gate(), "the gate runs as root");
            skip(&format!("{test}: Slurm's daemons need root"));
            return None;
        }
        if !["munged", "slurmctld", "slurmd", "squeue", "python3"].iter().all(|program| have(program, test)) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut slurm = Self { folder, daemons: Vec::new() };
        slurm.configure();
        let socket = format!("--socket={}", slurm.path("munge.sock").display());
        let file = |option: &str, name: &str| format!("--{option}={}", slurm.path(name).display());
        let files = [
            file("key-file", "key"),
            file("pid-file", "pid"),
            file("seed-file", "seed"),
            file("log-file", "munged.log"),
        ];
        slurm.daemon(
            "munged",
            &[&["--foreground", "--force", &socket], &files.each_ref().map(String::as_str)[..]].concat(),
        );
        until("munged", || slurm.path("munge.sock").exists().then_some(()));
        slurm.daemon("slurmctld", &["-D"]);
        slurm.daemon("slurmd", &["-D"]);
        until("the cluster", || (slurm.run("sinfo", &["-h", "-p", "render", "-o", "%T"]) == "idle").then_some(()));
        Some(slurm)
    }

    fn configure(&self) {
        for folder in ["state", "spool", "bin"] {
            fs::create_dir(self.path(folder)).unwrap();
        }
        symlink(BINARY, self.path("bin/dinkem-appliance")).unwrap();
        fs::write(self.path("key"), [7; 128]).unwrap();
        fs::set_permissions(self.path("key"), fs::Permissions::from_mode(0o600)).unwrap();
        let host = Command::new("hostname").arg("-s").output().unwrap();
        let host = String::from_utf8(host.stdout).unwrap();
        let (host, dir) = (host.trim(), self.folder.path().display());
        let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [controller, node] = ports.each_ref().map(|port| port.local_addr().unwrap().port());
        let text = format!(
            "ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={controller}\nSlurmdPort={node}\n\
             AuthType=auth/munge\nAuthInfo=socket={dir}/munge.sock\nSlurmUser=root\nSlurmdUser=root\n\
             StateSaveLocation={dir}/state\nSlurmdSpoolDir={dir}/spool\nSlurmctldPidFile={dir}/slurmctld.pid\n\
             SlurmdPidFile={dir}/slurmd.pid\nProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\n\
             JobAcctGatherType=jobacct_gather/none\nSelectType=select/cons_tres\nSelectTypeParameters=CR_Core\n\
             SlurmdParameters=config_overrides\nPreemptType=preempt/partition_prio\nPreemptMode=REQUEUE\n\
             CommunicationParameters=NoInAddrAny,NoCtldInAddrAny\n\
             NodeName={host} NodeAddr=127.0.0.1 CPUs={PROCESSORS} RealMemory=16000\n\
             PartitionName=render Nodes={host} Default=YES PriorityTier=1 PreemptMode=REQUEUE\n\
             PartitionName=urgent Nodes={host} PriorityTier=10 PreemptMode=OFF\n"
        );
        fs::write(self.path("slurm.conf"), text).unwrap();
    }

    fn daemon(&mut self, program: &str, arguments: &[&str]) {
        let log = fs::File::create(self.path(&format!("{program}.out"))).unwrap();
        let mut command = self.command(program);
        command.args(arguments).stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
        self.daemons.push(command.spawn().unwrap());
    }

    /// A file in the cluster's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program that finds this cluster, and the binary on its `PATH`.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DINKEM_") || name.starts_with("SLURM_"))
        {
            command.env_remove(name);
        }
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        command.env("PATH", path).env("SLURM_CONF", self.path("slurm.conf")).current_dir(self.folder.path());
        command
    }

    /// Runs a command of Slurm: its trimmed output, also when it fails.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        text(&self.command(program).args(arguments).output().unwrap())
    }

    /// Ids of the jobs with this name that wait or run.
    pub fn jobs(&self, name: &str) -> Vec<String> {
        self.run("squeue", &["-h", "-n", name, "-o", "%i"]).lines().map(str::to_owned).collect()
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        self.run("scancel", &["--me"]);
        until_within(END, || self.run("squeue", &["-h"]).is_empty().then_some(()));
        for daemon in self.daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// Standard output and standard error, trimmed.
pub fn text(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&both).trim().to_owned()
}
