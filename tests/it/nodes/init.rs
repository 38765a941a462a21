//! `node init`: what it finds, what it writes, and what it leaves alone.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::cli::Cli;

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A home in which Steam, the game and ffmpeg are installed.
fn installed() -> Cli {
    let cli = Cli::with_empty_home();
    let steam = cli.home().join(".local/share/Steam");
    let library = cli.home().join("games");
    let folders = format!("\"libraryfolders\" {{ \"1\" {{ \"path\" \"{}\" }} }}", library.display());
    write(&steam.join("steamapps/libraryfolders.vdf"), &folders);
    write(&steam.join("config/loginusers.vdf"), "\"users\" { \"76561197960265730\" { \"MostRecent\" \"1\" } }");
    let game = library.join("steamapps/common/Counter-Strike Global Offensive");
    write(&game.join("game/csgo/steam.inf"), "PatchVersion=1.41.5.2\n");
    write(&game.join("game/bin/linuxsteamrt64/cs2"), "");
    write(&cli.home().join("bin/ffmpeg"), "");
    cli
}

#[test]
fn init_writes_a_table_that_node_check_reads() {
    let cli = installed();
    let path = cli.home().join("bin").display().to_string();
    let output = cli.run_in(&[("PATH", &path)], &["node", "init", "--kind", "csdm", "--json"]);
    let report = output.json();
    assert_eq!((output.status, &report["written"]), (0, &json!(true)), "{output:?}");
    let file = cli.home().join(".config/dinkem-appliance/config.toml");
    assert_eq!(report["file"], json!(file));
    let home = cli.home();
    let found = json!({
        "steam": home.join(".local/share/Steam"),
        "steam_id": "76561197960265730",
        "game_dir": home.join("games/steamapps/common/Counter-Strike Global Offensive"),
        "hlae": null,
        "csdm": null,
        "ffmpeg": home.join("bin/ffmpeg"),
    });
    // A machine that runs the tests may have CS Demo Manager.
    let is_missing = report["found"]["csdm"].is_null();
    assert!(!is_missing || report["found"] == found, "{report}");
    // The default file is read from now on; what was not found is asked for.
    let check = ["node", "check", "--state-dir", "node", "--json"];
    if is_missing {
        assert_eq!(report["missing"], json!(["csdm"]));
        let output = cli.run(&check);
        assert!(output.status == 2 && output.err.contains("needs CS Demo Manager"), "{output:?}");
    }
    let output = cli.run_in(&[("DINKEM_RENDERER_CSDM", "/no/such/csdm")], &check);
    assert!(output.out.contains("build 14152"), "{output:?}");
}

#[test]
fn init_adds_its_table_and_replaces_one_only_when_told_to() {
    let cli = Cli::with_empty_home();
    let file = cli.home().join("own.toml");
    let ours = "# ours\n[serve]\nlisten = '127.0.0.1:1'\n";
    fs::write(&file, ours).unwrap();
    let text = || fs::read_to_string(&file).unwrap();
    let output = cli.run(&["node", "init", "--kind", "command", "-o", "own.toml"]);
    assert!(output.status == 0 && output.out.contains("Not found: program."), "{output:?}");
    assert!(output.out.contains("Next: dinkem-appliance node check --config "), "{output:?}");
    let first = text();
    assert!(first.starts_with(ours) && first.contains("kind = \"command\""), "{first}");

    let output = cli.run(&["node", "init", "--kind", "builtin", "-o", "own.toml"]);
    assert_eq!(output.status, 1, "{output:?}");
    assert!(output.out.contains("kind = \"builtin\"") && output.err.contains("--force"), "{output:?}");
    assert_eq!(text(), first, "nothing was changed");
    let output = cli.run(&["node", "init", "--kind", "builtin", "-o", "own.toml", "--json"]);
    assert!(output.status == 1 && output.json()["written"] == false, "{output:?}");

    assert_eq!(cli.run(&["node", "init", "--kind", "builtin", "-o", "own.toml", "--force"]).status, 0);
    let second = text();
    assert!(second.starts_with(ours) && second.contains("kind = \"builtin\""), "{second}");
    assert!(!second.contains("command"), "{second}");
}

#[test]
fn init_refuses_unknown_kinds_and_files_that_cannot_be_written() {
    let cli = Cli::with_empty_home();
    let output = cli.run(&["node", "init", "--kind", "obs"]);
    assert!(output.status == 2 && output.err.contains("builtin or hlae or csdm or command"), "{output:?}");
    assert_eq!(cli.run(&["node", "init"]).status, 2);
    fs::write(cli.home().join("file"), "").unwrap();
    let output = cli.run(&["node", "init", "--kind", "hlae", "-o", "file/config.toml"]);
    assert_eq!((output.status, output.out.as_str()), (1, ""), "{output:?}");
}
