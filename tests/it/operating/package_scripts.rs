//! The package's maintainer scripts, which run as root, and the data directory of the service's user.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

fn script(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/deb").join(name)).unwrap()
}

/// Runs `postinst` on a test folder. Commands that would change the machine are replaced by stand-ins, including
/// `runuser`, whose stand-in cannot read what only root can read.
fn run_postinst(data: &Path) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let stand_ins = [
        ("systemctl", "exit 0"),
        ("systemd-sysusers", "exit 0"),
        ("systemd-tmpfiles", "exit 0"),
        ("deb-systemd-helper", "exit 0"),
        ("deb-systemd-invoke", "exit 0"),
        ("dinkem-appliance", "echo 'SHA-256: 0f'"),
        // As another user, a symlink to a file of root's cannot be read.
        (
            "runuser",
            "[ \"$1 $2 $3\" = '-u dinkem --' ] || exit 9\nshift 3\nfor last; do :; done\n[ -L \"$last\" ] && { echo denied >&2; exit 1; }\nexec \"$@\"",
        ),
    ];
    for (name, body) in stand_ins {
        let path = scratch.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let text = script("postinst").replace("/var/lib/dinkem-appliance", data.to_str().unwrap());
    // The messages are only printed on machines with systemd.
    let text = text.replace("[ -d /run/systemd/system ]", "true");
    let path = format!("{}:{}", scratch.path().display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh").args(["-c", &text, "postinst", "configure"]).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn package_scripts_follow_no_symlink_as_root() {
    let data = tempfile::tempdir().unwrap();
    let url = data.path().join("server-url");
    fs::write(&url, "https://10.0.0.5").unwrap();
    assert!(run_postinst(data.path()).contains("is running at https://10.0.0.5\n"));

    // Control characters are removed.
    fs::write(&url, "https://10.0.0.5\u{1b}]0;owned\u{7}\nrun: rm").unwrap();
    let printed = run_postinst(data.path());
    assert!(printed.contains("is running at https://10.0.0.5]0;ownedrun:rm\n"), "{printed:?}");

    let secret = data.path().join("shadow");
    fs::write(&secret, "root:s3cret").unwrap();
    fs::remove_file(&url).unwrap();
    symlink(&secret, &url).unwrap();
    let printed = run_postinst(data.path());
    assert!(printed.contains("is running at") && !printed.contains("s3cret"), "{printed}");
}

#[test]
fn package_scripts_access_the_data_directory_only_as_its_user() {
    for name in ["postinst", "prerm", "postrm"] {
        for line in script(name).lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let names_the_folder = line.contains("$DATA") || line.contains("/var/lib/dinkem-appliance");
            // Removing does not follow symlinks.
            let is_good = line.starts_with("runuser -u dinkem -- ")
                || line == "rm -rf /var/lib/dinkem-appliance"
                || line == "DATA=/var/lib/dinkem-appliance";
            assert!(!names_the_folder || is_good, "{name}: {line}");
        }
    }
}
