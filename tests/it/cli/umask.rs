//! Scratch folders are private whatever the umask; results follow it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::support::cli::Cli;
use crate::support::process::BINARY;
use crate::support::quick;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn quick_demo(cli: &Cli) -> String {
    fs::write(cli.home().join("quick.dem"), dinkem_appliance::render::forge::quick()).unwrap();
    quick::PLAYER.to_string()
}

/// Runs the binary under a umask.
fn run_under(cli: &Cli, umask: &str, args: &[&str]) {
    let script = format!("umask {umask} && exec \"$0\" \"$@\"");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script, BINARY]).args(args).current_dir(cli.home());
    command.env_clear().env("HOME", cli.home()).env("PATH", std::env::var_os("PATH").unwrap());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Starts `quickstart` under a umask with its own temporary directory and waits until it serves.
fn start_quickstart(cli: &Cli, umask: &str, temp: &Path, player: &str) -> Child {
    let script = format!("umask {umask} && exec \"$0\" \"$@\"");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script, BINARY, "quickstart", "quick.dem", "--player", player, "--round", "1"]);
    command.current_dir(cli.home()).stdout(Stdio::null()).stderr(Stdio::piped()).stdin(Stdio::null());
    command.env_clear().env("HOME", cli.home()).env("TMPDIR", temp).env("PATH", std::env::var_os("PATH").unwrap());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut lines = lines.inspect(|line| assert!(!line.starts_with("error"), "{line}"));
    let lines_before: Vec<_> = lines.by_ref().take_while(|line| line != "Serving. Press Ctrl-C to stop.").collect();
    assert!(lines_before.iter().any(|line| line.starts_with("Browsers warn about this address")), "{lines_before:?}");
    child
}

fn scratch_folders(temp: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(temp).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("dinkem-quickstart-")).collect()
}

#[test]
fn quickstart_folder_is_private_under_any_umask_and_the_next_run_removes_leftovers() {
    let cli = Cli::with_empty_home();
    let player = quick_demo(&cli);
    let temp = cli.home().join("temp");
    fs::create_dir(&temp).unwrap();
    let mut before = Vec::new();
    for umask in ["000", "022"] {
        let mut child = start_quickstart(&cli, umask, &temp, &player);
        let folders = scratch_folders(&temp);
        assert!(
            folders.len() == 1 && !before.contains(&folders[0]),
            "leftovers of the killed run are deleted: {folders:?}"
        );
        assert_eq!((mode(&folders[0]), mode(&folders[0].join("data"))), (0o700, 0o700), "umask {umask}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(scratch_folders(&temp), folders, "a killed process cannot clean up");
        before = folders;
    }
}

#[test]
fn results_follow_the_umask_and_secrets_stay_private() {
    let cli = Cli::new();
    let player = quick_demo(&cli);
    for (umask, expected) in [("000", 0o666), ("022", 0o644), ("077", 0o600)] {
        let name = |what: &str| format!("{umask}-{what}");
        let (clip, sample, ca, backup) = (name("clip.mp4"), name("sample.dem"), name("ca.pem"), name("all.tar"));
        let line = ["quickstart", "quick.dem", "--player", &player, "--round", "1", "--exit", "-o", &clip];
        run_under(&cli, umask, &line);
        run_under(&cli, umask, &["sample", "-o", &sample]);
        run_under(&cli, umask, &["admin", "tls", "export", "-o", &ca]);
        run_under(&cli, umask, &["admin", "backup", &backup]);
        for result in [&clip, &sample, &ca] {
            assert_eq!(mode(&cli.home().join(result)), expected, "{result}");
        }
        assert_eq!(mode(&cli.home().join(&backup)), 0o600, "a backup holds secrets");
    }
}

#[test]
fn backup_removes_leftovers_of_a_killed_backup_but_not_of_a_running_one() {
    let cli = Cli::new();
    let left = |name: &str| {
        let folder = cli.home().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("store.db"), "all accounts").unwrap();
        let lock = fs::File::create(folder.join("lock")).unwrap();
        (folder, lock)
    };
    let (killed, lock) = left(".dinkem-backup-killed");
    drop(lock);
    let (going_on, lock) = left(".dinkem-backup-going-on");
    lock.try_lock().unwrap();
    let output = cli.run(&["admin", "backup", "all.tar"]);
    assert_eq!(output.status, 0, "{output:?}");
    assert!(output.err.contains(".dinkem-backup-killed"), "the removal is reported: {output:?}");
    assert!(!killed.exists() && going_on.join("store.db").exists());
    let names = fs::read_dir(cli.home()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.starts_with(".dinkem-")).count(), 1);
}
