//! seccomp: the system calls that a process reading demos may make. All others, including those of future kernels,
//! fail with `ENOSYS`, which libraries know how to handle.

use std::io;

use seccompiler::{BpfProgram, TargetArch, apply_filter_all_threads, compile_from_json};
use serde_json::{Value, json};

const ENOSYS: u32 = 38;
/// Name of the filter.
const CHILD: &str = "child";

/// Calls allowed with any arguments: on files, which Landlock restricts, and on the process's own memory, threads,
/// clocks, and signals.
#[rustfmt::skip]
const CALLS: &[&str] = &[
    // Files.
    "close", "copy_file_range", "dup", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fdatasync", "flock",
    "fstat", "fstatfs", "fsync", "ftruncate", "getcwd", "getdents64", "lseek", "mkdirat", "newfstatat", "openat", "ppoll",
    "pread64", "preadv", "pwrite64", "pwritev", "read", "readlinkat", "readv", "renameat", "renameat2", "sendfile",
    "splice", "statfs", "statx", "unlinkat", "write", "writev",
    // Memory.
    "brk", "madvise", "mremap", "munmap",
    // Threads and exit.
    "exit", "exit_group", "futex", "getcpu", "gettid", "membarrier", "restart_syscall", "rseq", "sched_getaffinity",
    "sched_yield", "set_robust_list", "set_tid_address",
    // Its own signals.
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
    // Information.
    "clock_getres", "clock_gettime", "clock_nanosleep", "getegid", "geteuid", "getgid", "getpid", "getppid", "getrandom",
    "getrusage", "gettimeofday", "getuid", "nanosleep", "sysinfo", "times", "uname",
];

/// The same kinds of calls, which only older architectures have.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const OLD_CALLS: &[&str] = &[
    "access", "dup2", "getdents", "lstat", "mkdir", "open", "poll", "readlink", "rename", "stat", "time", "unlink",
];
#[cfg(not(target_arch = "x86_64"))]
const OLD_CALLS: &[&str] = &[];

/// A new thread rather than a new process.
const CLONE_THREAD: u64 = 0x1_0000;
/// All `CLONE_NEW*` flags: new namespaces.
const CLONE_NEW_FLAGS: u64 = 0x7e02_0000;
/// Executable memory.
const PROT_EXEC: u64 = 4;
/// Allowed `prctl` options: `PR_SET_NAME` for threads, `PR_SET_VMA` for allocators.
const PRCTL: [u64; 2] = [15, 0x5356_4d41];
/// Allowed `fcntl` commands: `F_DUPFD`, `F_GETFD`, `F_SETFD`, `F_GETFL`, `F_DUPFD_CLOEXEC`.
const FCNTL: [u64; 5] = [0, 1, 2, 3, 1030];

/// Restricts this process to the calls above.
pub(super) fn restrict() -> io::Result<()> {
    let Some(arch) = arch() else { return Ok(()) };
    let program = program(arch, std::process::id())?;
    apply_filter_all_threads(&program).map_err(io::Error::other)
}

/// The target architecture, if seccompiler supports it.
fn arch() -> Option<TargetArch> {
    if cfg!(target_arch = "x86_64") {
        Some(TargetArch::x86_64)
    } else if cfg!(target_arch = "aarch64") {
        Some(TargetArch::aarch64)
    } else {
        None
    }
}

fn program(arch: TargetArch, own: u32) -> io::Result<BpfProgram> {
    let policy = policy(own).to_string();
    let mut programs = compile_from_json(policy.as_bytes(), arch).map_err(io::Error::other)?;
    programs.remove(CHILD).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// The filter in seccompiler's JSON format; `own` is this process's PID.
fn policy(own: u32) -> Value {
    let mut rules: Vec<_> = CALLS.iter().chain(OLD_CALLS).map(|name| json!({ "syscall": name })).collect();
    // Threads but no processes. `clone3` cannot be filtered because its flags are in memory; libraries fall back to
    // `clone`.
    rules.push(when("clone", &[masked(0, CLONE_THREAD, CLONE_THREAD), masked(0, CLONE_NEW_FLAGS, 0)]));
    // Memory, but not executable.
    rules.push(when("mmap", &[masked(2, PROT_EXEC, 0)]));
    rules.push(when("mprotect", &[masked(2, PROT_EXEC, 0)]));
    // It may send a signal to itself only, to abort.
    rules.push(when("tgkill", &[equal(0, u64::from(own))]));
    // Its own limits, which can only be lowered.
    rules.push(when("prlimit64", &[equal(0, 0)]));
    rules.extend(PRCTL.map(|option| when("prctl", &[equal(0, option)])));
    rules.extend(FCNTL.map(|command| when("fcntl", &[equal(1, command)])));
    json!({ CHILD: { "mismatch_action": { "errno": ENOSYS }, "match_action": "allow", "filter": rules } })
}

fn when(call: &str, conditions: &[Value]) -> Value {
    json!({ "syscall": call, "args": conditions })
}

/// The argument equals `value`.
fn equal(argument: u8, value: u64) -> Value {
    json!({ "index": argument, "type": "dword", "op": "eq", "val": value })
}

/// The masked bits of the argument equal `value`.
fn masked(argument: u8, mask: u64, value: u64) -> Value {
    json!({ "index": argument, "type": "qword", "op": { "masked_eq": mask }, "val": value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_call_exists_and_the_filter_fits_the_kernel_limit() {
        let program = program(arch().unwrap(), 1).unwrap();
        assert!((CALLS.len()..4_096).contains(&program.len()), "{}", program.len());
        if cfg!(target_arch = "x86_64") {
            // Only the calls of newer architectures.
            let mut policy = policy(1);
            let old = |rule: &Value| OLD_CALLS.iter().any(|name| rule["syscall"] == *name);
            policy[CHILD]["filter"].as_array_mut().unwrap().retain(|rule| !old(rule));
            compile_from_json(policy.to_string().as_bytes(), TargetArch::aarch64).unwrap();
        }
    }

    #[test]
    fn no_call_that_reaches_other_processes_or_the_network_is_allowed() {
        for name in [
            "bpf",
            "clone3",
            "connect",
            "execve",
            "execveat",
            "fork",
            "io_uring_setup",
            "ioctl",
            "kexec_load",
            "kill",
            "link",
            "mount",
            "open_by_handle_at",
            "perf_event_open",
            "pidfd_getfd",
            "process_vm_readv",
            "process_vm_writev",
            "ptrace",
            "setuid",
            "socket",
            "socketpair",
            "symlinkat",
            "unshare",
            "userfaultfd",
            "vfork",
        ] {
            let policy = policy(1);
            let listed = policy[CHILD]["filter"].as_array().unwrap().iter().any(|rule| rule["syscall"] == name);
            assert!(!listed, "{name}");
        }
    }
}
