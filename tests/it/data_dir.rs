//! Ownership and permissions of the data directory.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::support::cli::Cli;
use crate::support::tools::skip;

/// A user and a group that need not exist.
#[cfg(target_os = "linux")]
const SERVICE: (u32, u32) = (54_321, 54_322);

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The directory and everything below it.
fn all_below(path: &Path) -> Vec<PathBuf> {
    let inside = fs::read_dir(path).into_iter().flatten().flat_map(|entry| all_below(&entry.unwrap().path()));
    [path.to_owned()].into_iter().chain(inside).collect()
}

#[test]
fn data_directory_is_accessible_only_to_its_owner() {
    let cli = Cli::new();
    let data = cli.home().join("data");
    // Created beforehand with open permissions.
    fs::create_dir(&data).unwrap();
    set_mode(&data, 0o755);
    cli.make_data_dir("data");
    let line = ["--data-dir", "data", "admin", "account", "create", "studio"];
    assert_eq!(cli.run(&line).status, 0);
    assert_eq!(cli.run(&["--data-dir", "data", "admin", "tls", "show"]).status, 0);
    for path in all_below(&data) {
        let mode = fs::metadata(&path).unwrap().mode() & 0o777;
        assert!(mode & 0o077 == 0 || path != data && path.is_file(), "{}: {mode:o}", path.display());
    }
    assert_eq!(fs::metadata(&data).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn data_directory_open_to_others_is_refused_with_the_chmod_command() {
    let cli = Cli::new();
    let data = cli.make_data_dir("data");
    let list = ["--data-dir", "data", "admin", "account", "list"];
    for mode in [0o755, 0o750, 0o701] {
        set_mode(&data, mode);
        for line in [&list[..], &["--data-dir", "data", "serve", "--listen", "127.0.0.1:0"]] {
            let output = cli.run(line);
            assert_eq!(output.status, 1, "{mode:o} {line:?}: {output:?}");
            assert!(output.err.contains(&format!("chmod 700 {}", data.display())), "{output:?}");
        }
    }
    set_mode(&data, 0o700);
    assert_eq!(cli.run(&list).status, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn root_runs_admin_commands_as_the_owner_but_cannot_start_server_or_node() {
    let cli = Cli::new();
    let data = cli.make_data_dir("data");
    let chown = |path: &PathBuf| chown(path, Some(SERVICE.0), Some(SERVICE.1));
    if all_below(&data).iter().any(|path| chown(path).is_err()) {
        return skip("acting as the data directory's owner: only root can");
    }
    // The service's user must be able to reach the directory.
    set_mode(cli.home(), 0o711);
    let admin = |args: &[&str]| {
        let output = cli.run(&[&["--data-dir", "data", "admin"], args].concat());
        assert_eq!(output.status, 0, "{args:?}: {output:?}");
        output.out
    };
    admin(&["account", "create", "studio"]);
    admin(&["activate"]);
    admin(&["tls", "export", "-o", "ca.pem"]);
    admin(&["backup", "all.tar"]);
    for named in ["ca.pem", "all.tar"] {
        let owner = fs::metadata(cli.home().join(named)).unwrap();
        assert_eq!((owner.uid(), owner.gid()), (0, 0), "{named}: output files belong to the caller");
    }
    admin(&["restore", "all.tar"]);
    for path in all_below(&data) {
        let owner = fs::metadata(&path).unwrap();
        assert_eq!((owner.uid(), owner.gid()), SERVICE, "{}", path.display());
    }
    assert!(admin(&["audit"]).contains("root"), "the audit log names the real user");

    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["node"], &["node", "--state-dir", "data"]] {
        let output = cli.run(&[&["--data-dir", "data"], args].concat());
        assert_eq!(output.status, 1, "{args:?}: {output:?}");
        let advice = ["belongs to the user uid 54321", "systemctl start dinkem-appliance", "sudo -u"];
        assert!(advice.iter().all(|part| output.err.contains(part)), "{args:?}: {output:?}");
    }
}
