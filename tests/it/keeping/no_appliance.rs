//! Only `serve` and `quickstart` make an appliance: `admin` beside none says so and leaves nothing.

use std::fs;

use crate::support::cli::Cli;

/// One command of each kind, but for the two that look at a directory whatever is in it.
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
fn admin_refuses_a_directory_that_is_missing_or_no_appliances_says_what_to_do_and_leaves_nothing_there() {
    let cli = Cli::bare();
    fs::create_dir(cli.home().join("photos")).unwrap();
    fs::write(cli.home().join("photos/cat.jpg"), "a cat").unwrap();
    fs::create_dir(cli.home().join("half")).unwrap();
    // What SQLite leaves of a store that was never written.
    fs::write(cli.home().join("half/store.db"), "").unwrap();
    for (dir, why, left) in
        [("none", "does not exist", 0), ("photos", "holds no store", 1), ("half", "holds no store", 1)]
    {
        for words in COMMANDS {
            let ended = cli.run(&[&["--data-dir", dir, "admin"], *words].concat());
            assert_eq!((ended.status, ended.out.as_str()), (1, ""), "{dir} {words:?}: {ended:?}");
            for part in [dir, why, "--data-dir DIR", "serve --data-dir"] {
                assert!(ended.err.contains(part), "{dir} {words:?} must say {part}: {ended:?}");
            }
        }
        let found = fs::read_dir(cli.home().join(dir)).into_iter().flatten().count();
        assert_eq!((found, cli.home().join(dir).exists()), (left, left > 0), "{dir}");
    }
    for words in [["doctor"], ["healthcheck"]] {
        let ended = cli.run(&[&["--data-dir", "none", "admin"], &words[..]].concat());
        assert_eq!((ended.status, cli.home().join("none").exists()), (1, false), "{ended:?}");
    }
    assert!(!cli.home().join("ca.pem").exists() && !cli.home().join("all.tar").exists());
}

#[test]
fn a_restore_makes_an_appliance_where_there_is_none() {
    let cli = Cli::new();
    assert_eq!(cli.run(&["admin", "account", "create", "studio"]).status, 0);
    assert_eq!(cli.run(&["admin", "backup", "all.tar"]).status, 0);
    let ended = cli.run(&["--data-dir", "new", "admin", "restore", "all.tar"]);
    assert_eq!(ended.status, 0, "{ended:?}");
    let listed = cli.run(&["--data-dir", "new", "admin", "account", "list"]);
    assert!(listed.status == 0 && listed.out.contains("studio"), "{listed:?}");
}
