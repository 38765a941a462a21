//! Only `serve` and `quickstart` create a data directory: `admin` on a missing one says so and creates nothing.

use std::fs;

use crate::support::cli::Cli;

/// One command of each kind, except `doctor` and `healthcheck`, which work on any directory.
const COMMANDS: &[&[&str]] = &[
    &["account", "create", "studio"],
    &["account", "list"],
    &["activate"],
    &["keys", "mint", "studio"],
    &["keys", "identify"],
    &["dinks", "set", "studio", "1"],
    &["dinks", "undo", "studio"],
    &["dinks", "show"],
    &["nodes", "token"],
    &["nodes", "list"],
    &["jobs", "list"],
    &["rates", "currency", "EUR"],
    &["usage"],
    &["tls", "show"],
    &["tls", "export", "-o", "ca.pem"],
    &["audit"],
    &["backup", "all.tar"],
];

#[test]
fn admin_refuses_missing_and_foreign_directories_and_creates_nothing() {
    let cli = Cli::with_empty_home();
    fs::create_dir(cli.home().join("photos")).unwrap();
    fs::write(cli.home().join("photos/cat.jpg"), "a cat").unwrap();
    fs::create_dir(cli.home().join("half")).unwrap();
    // An empty database file, as SQLite leaves it.
    fs::write(cli.home().join("half/store.db"), "").unwrap();
    for (dir, why, left) in
        [("none", "does not exist", 0), ("photos", "holds no store", 1), ("half", "holds no store", 1)]
    {
        for args in COMMANDS {
            let output = cli.run(&[&["--data-dir", dir, "admin"], *args].concat());
            assert_eq!((output.status, output.out.as_str()), (1, ""), "{dir} {args:?}: {output:?}");
            for part in [dir, why, "--data-dir DIR", "serve --data-dir"] {
                assert!(output.err.contains(part), "{dir} {args:?} must say {part}: {output:?}");
            }
        }
        let found = fs::read_dir(cli.home().join(dir)).into_iter().flatten().count();
        assert_eq!((found, cli.home().join(dir).exists()), (left, left > 0), "{dir}");
    }
    for args in [["doctor"], ["healthcheck"]] {
        let output = cli.run(&[&["--data-dir", "none", "admin"], &args[..]].concat());
        assert_eq!((output.status, cli.home().join("none").exists()), (1, false), "{output:?}");
    }
    assert!(!cli.home().join("ca.pem").exists() && !cli.home().join("all.tar").exists());
}

#[test]
fn restore_creates_a_new_data_directory() {
    let cli = Cli::new();
    assert_eq!(cli.run(&["admin", "account", "create", "studio"]).status, 0);
    assert_eq!(cli.run(&["admin", "backup", "all.tar"]).status, 0);
    let output = cli.run(&["--data-dir", "new", "admin", "restore", "all.tar"]);
    assert_eq!(output.status, 0, "{output:?}");
    let listed = cli.run(&["--data-dir", "new", "admin", "account", "list"]);
    assert!(listed.status == 0 && listed.out.contains("studio"), "{listed:?}");
}
