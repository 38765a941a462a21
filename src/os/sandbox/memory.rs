//! Memory limit of a child that reads demos: a share of the machine's memory, or of the container's or service's.

/// Memory limit of a child process that reads demos: this fraction of the machine's or container's memory…
const CHILD_MEMORY_PART: u64 = 4;
/// …but at most this many bytes (4 GiB: demos of matches have up to 1 GiB)…
const CHILD_MEMORY_MOST_BYTES: u64 = 4 << 30;
/// …and at least this many (1.5 GiB): a 1 GB demo without full packets is held in memory, and 1440p at 60 fps takes another 250 MB.
const CHILD_MEMORY_LEAST_BYTES: u64 = 3 << 29;

/// Bytes that a child may map: a fixed share of this machine's or control group's memory.
pub fn child_memory_bytes() -> u64 {
    part_of(machine_bytes())
}

fn part_of(machine: Option<u64>) -> u64 {
    let part = machine.map_or(CHILD_MEMORY_MOST_BYTES, |bytes| bytes / CHILD_MEMORY_PART);
    part.clamp(CHILD_MEMORY_LEAST_BYTES, CHILD_MEMORY_MOST_BYTES)
}

/// Memory available to this process, in bytes.
#[cfg(target_os = "linux")]
fn machine_bytes() -> Option<u64> {
    use std::path::Path;
    let machine = rustix::system::sysinfo();
    let whole = (machine.totalram as u64).saturating_mul(u64::from(machine.mem_unit));
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = cgroup::limit(&groups, Path::new("/sys/fs/cgroup"));
    Some(group.map_or(whole, |group| group.min(whole)))
}

/// Unknown on this system.
#[cfg(not(target_os = "linux"))]
fn machine_bytes() -> Option<u64> {
    None
}

/// Control groups, versions 1 and 2.
#[cfg(target_os = "linux")]
mod cgroup {
    use std::fs;
    use std::path::Path;

    /// The lowest limit among the groups in `groups` (`/proc/self/cgroup`) and their ancestors, below `root`.
    pub fn limit(groups: &str, root: &Path) -> Option<u64> {
        groups.lines().filter_map(|line| of_line(line, root)).min()
    }

    fn of_line(line: &str, root: &Path) -> Option<u64> {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let (root, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => (root.join("memory"), "memory.limit_in_bytes"),
            _ => return None,
        };
        // A container may see its own group mounted as the root, while /proc shows the path outside.
        let path = Path::new(path.trim_start_matches('/'));
        path.ancestors().filter_map(|group| read(&root.join(group).join(file))).min()
    }

    /// `None` for `max`, which means no limit.
    fn read(path: &Path) -> Option<u64> {
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn child_gets_a_quarter_of_the_machine_within_bounds() {
        for (machine, child) in [
            (Some(GIB), 3 * GIB / 2),
            (Some(6 * GIB), 3 * GIB / 2),
            (Some(8 * GIB), 2 * GIB),
            (Some(12 * GIB), 3 * GIB),
            (Some(256 * GIB), 4 * GIB),
            (None, 4 * GIB),
        ] {
            assert_eq!(part_of(machine), child, "{machine:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn lowest_control_group_limit_applies_in_both_versions() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("a/memory.max", "9000\n");
        write("a/b/memory.max", "max\n");
        write("memory/c/memory.limit_in_bytes", "7000\n");
        write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        for (groups, limit) in [
            ("0::/\n", None),
            ("0::/a/b\n", Some(9_000)),
            ("0::/not/seen/here\n", None),
            ("9:cpu,memory:/c\n1:name=systemd:/a\n", Some(7_000)),
            ("9:memory:/c/d\n0::/a\n", Some(7_000)),
            ("", None),
        ] {
            assert_eq!(cgroup::limit(groups, root.path()), limit, "{groups:?}");
        }
    }
}
