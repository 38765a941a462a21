//! Orphaned uploads are found by `doctor` while a server runs; files of running uploads are left alone.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::cli::Cli;
use crate::support::cli_server::CliServer;

/// Writes a file that is two minutes old.
fn write(path: &Path) -> File {
    fs::write(path, "left over").unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let file = File::options().read(true).write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(120)).unwrap();
    file
}

/// Codes of the open faults, and the first message.
fn doctor(cli: &Cli, flags: &[&str]) -> (Vec<String>, String) {
    let answer = cli.run(&[&["--json", "admin", "doctor"], flags].concat()).json();
    let faults = answer["faults"].as_array().unwrap();
    let open = faults.iter().filter(|fault| fault["mended"] == false);
    let message = faults.first().map_or(&Value::Null, |fault| &fault["message"]);
    (open.map(|fault| fault["code"].as_str().unwrap().to_owned()).collect(), message.as_str().unwrap_or("").to_owned())
}

#[test]
fn orphaned_demos_are_removed_but_running_uploads_are_spared() {
    let cli = Cli::new();
    assert_eq!(cli.run(&["admin", "account", "create", "studio"]).status, 0);
    let _server = CliServer::start(&cli, &["--plain-http", "loopback"]);
    let folder = cli.home().join(".local/share/dinkem-appliance/demos");
    assert_eq!(doctor(&cli, &[]).0, Vec::<String>::new());
    let (whole, broken, going_on) = (folder.join("0a".repeat(32)), folder.join("01.part"), folder.join("02.part"));
    for path in [&whole, &broken] {
        write(path);
    }
    // Locked, as by a running upload.
    let held = write(&going_on);
    held.lock().unwrap();
    let (codes, message) = doctor(&cli, &[]);
    assert!(codes == ["orphans"] && message.contains("(2)"), "{codes:?} {message}");
    assert!(doctor(&cli, &["--fix"]).0.is_empty());
    assert_eq!((whole.exists(), broken.exists(), going_on.exists()), (false, false, true));
    drop(held);
    assert_eq!(doctor(&cli, &[]).0, ["orphans"]);
}
