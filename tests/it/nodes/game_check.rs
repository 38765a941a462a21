//! `node check` of nodes that drive the game: each precondition has its own check, and its message says what to do.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::cli::Cli;

/// Checks of every node whose results do not depend on the game.
const COMMON: [&str; 4] = ["directory", "identity", "server", "sandbox"];
/// Checks that depend on the machine that runs the tests.
const OF_THIS_MACHINE: [&str; 3] = ["disk", "idle", "overlays"];

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn script(path: &Path, text: &str) {
    write(path, &format!("#!/bin/sh\n{text}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A home with a config file.
struct Machine {
    cli: Cli,
    home: PathBuf,
}

impl Machine {
    fn new(kind: &str, more: &str) -> Self {
        let cli = Cli::new();
        let home = cli.home().to_owned();
        script(&home.join("ffmpeg"), "echo ffmpeg version 7.1 Copyright; echo configuration:");
        let home_text = home.display().to_string();
        let table = format!("[renderer]\nkind = '{kind}'\nffmpeg = 'HOME/ffmpeg'\n{more}").replace("HOME", &home_text);
        write(&home.join("node.toml"), &table);
        Self { cli, home }
    }

    /// A game of this build, with its program for Windows and for Linux.
    fn install_game(&self) {
        write(&self.home.join("cs2/game/csgo/steam.inf"), "PatchVersion=1.41.5.2\n");
        write(&self.home.join("cs2/game/csgo/gameinfo.gi"), "");
        write(&self.home.join("cs2/game/bin/win64/cs2.exe"), "");
        write(&self.home.join("cs2/game/bin/linuxsteamrt64/cs2"), "");
    }

    /// The messages of all checks, by name; failed ones begin with `!`.
    fn check(&self, environment: &[(&str, &str)]) -> BTreeMap<String, String> {
        let args = ["node", "check", "--state-dir", "node", "--config", "node.toml", "--json"];
        let output = self.cli.run_in(environment, &args);
        assert_eq!(output.status, 1, "no node has joined: {output:?}");
        let checks = output.json()["checks"].as_array().unwrap().clone();
        let told = checks.iter().map(|check| {
            let mark = if check["ok"] == true { "" } else { "!" };
            (check["name"].as_str().unwrap().to_owned(), format!("{mark}{}", check["message"].as_str().unwrap()))
        });
        told.collect()
    }

    /// Checks that these are all checks besides the common ones, and how their messages begin.
    fn expect(&self, environment: &[(&str, &str)], expected: &[(&str, &str)]) {
        let mut checks = self.check(environment);
        for name in COMMON {
            assert!(checks.remove(name).is_some(), "{name}");
        }
        for name in OF_THIS_MACHINE {
            checks.remove(name);
        }
        let named: Vec<_> = expected.iter().map(|(name, _)| *name).collect();
        assert_eq!(checks.keys().map(String::as_str).collect::<Vec<_>>(), named);
        for (name, start) in expected {
            assert!(checks[*name].starts_with(start), "{name}: {}", checks[*name]);
        }
    }
}

#[test]
fn check_with_hlae_names_what_is_missing_until_nothing_is() {
    let machine = Machine::new("hlae", "hlae = 'HOME/hlae/HLAE.exe'\ngame_dir = 'HOME/cs2'\n");
    machine.expect(
        &[],
        &[
            ("account", "!The node does not know which account"),
            ("canary", "none is set"),
            ("desktop", "!There is no desktop"),
            ("ffmpeg", "ffmpeg 7.1, no ffprobe"),
            ("game", "!The game is not in"),
            ("hlae", "!HLAE is not at"),
            ("paths", "all paths are plain"),
            ("steam", "!Steam is not running"),
        ],
    );
    machine.install_game();
    let hlae = machine.home.join("hlae");
    write(&hlae.join("HLAE.exe"), "");
    assert!(machine.check(&[])["hlae"].contains("AfxHookSource2.dll is missing"));
    write(&hlae.join("x64/AfxHookSource2.dll"), "");
    assert!(machine.check(&[])["hlae"].starts_with("!HLAE has no ffmpeg of its own."));
    write(&hlae.join("ffmpeg/ffmpeg.ini"), "[Ffmpeg]\nPath=C:\\ffmpeg.exe\n");
    assert!(machine.check(&[])["hlae"].starts_with("!The version of"));
    write(&hlae.join("changelog.xml"), "<changelog><release><version>2.189.9</version></release>");
    assert!(machine.check(&[])["hlae"].starts_with("!HLAE 2.189.9 is too old: 2.190.0 or newer is needed."));
    write(&hlae.join("changelog.xml"), "<changelog><release><version>2.191.0</version></release>");
    let users = "\"users\" { \"76561197960265730\" { \"MostRecent\" \"1\" } }";
    write(&machine.home.join(".steam/steam/config/loginusers.vdf"), users);
    fs::create_dir(machine.home.join(".steam/steam/steamapps")).unwrap();
    machine.expect(
        &[("DISPLAY", ":0")],
        &[
            (
                "account",
                "!The node does not know which account is logged in to Steam. Set steam_id in [renderer] to \"76561197960265730\".",
            ),
            ("canary", "none is set"),
            ("desktop", "DISPLAY is :0"),
            ("ffmpeg", "ffmpeg 7.1"),
            ("game", "build 14152, "),
            ("hlae", "HLAE 2.191.0, "),
            ("paths", "all paths are plain"),
            ("steam", "!Steam is not running"),
        ],
    );
    for (steam_id, start) in [("76561197960265730", "76561197960265730"), ("76561197960265731", "!Steam was last used")]
    {
        assert!(machine.check(&[("DINKEM_RENDERER_STEAM_ID", steam_id)])["account"].starts_with(start));
    }
}

#[test]
fn check_with_cs_demo_manager_runs_its_command_line() {
    let machine = Machine::new("csdm", "csdm = 'HOME/csdm/cs-demo-manager'\ngame_dir = 'HOME/cs2'\n");
    machine.install_game();
    let program = machine.home.join("csdm/cs-demo-manager");
    let asked = |script: &str| format!("[ \"$ELECTRON_RUN_AS_NODE\" = 1 ] && [ \"$2\" = help ] || exit 9\n{script}");
    for (text, start) in [
        ("exit 3", "!The command line of CS Demo Manager"),
        ("echo 'Cannot find module' >&2; exit 1", "!The command line of CS Demo Manager"),
        ("echo hello", "!The command line of CS Demo Manager"),
        ("echo CS Demo Manager 3.20.0", "!CS Demo Manager 3.20.0 is too old: 3.20.1 or newer is needed."),
        ("echo CS Demo Manager 3.21.0; echo", "CS Demo Manager 3.21.0, "),
    ] {
        script(&program, &asked(text));
        let checks = machine.check(&[]);
        assert!(checks["csdm"].starts_with(start), "{text}: {}", checks["csdm"]);
    }
    assert!(machine.check(&[])["settings"].starts_with("!CS Demo Manager has no settings at"));
    write(&machine.home.join(".config/csdm/settings.json"), "{}");
    machine.expect(
        &[("WAYLAND_DISPLAY", "wayland-0"), ("DINKEM_RENDERER_STEAM_ID", "76561197960265730")],
        &[
            ("account", "76561197960265730"),
            ("canary", "none is set"),
            ("csdm", "CS Demo Manager 3.21.0"),
            ("desktop", "WAYLAND_DISPLAY is wayland-0"),
            ("ffmpeg", "ffmpeg 7.1"),
            ("game", "build 14152, "),
            ("gameinfo", ""),
            ("paths", "all paths are plain"),
            ("settings", ""),
            ("steam", "!Steam is not running"),
        ],
    );
}

#[test]
fn check_with_an_own_program_needs_no_game_and_no_ffmpeg() {
    let machine = Machine::new("command", "program = 'HOME/render'\nargs = ['{job_json}']\n");
    let expect = |environment: &[(&str, &str)], program: &str, ffmpeg: &str| {
        machine.expect(
            environment,
            &[("canary", "none is set"), ("ffmpeg", ffmpeg), ("paths", "all paths"), ("program", program)],
        );
    };
    expect(&[], "!The program", "ffmpeg 7.1");
    write(&machine.home.join("render"), "");
    expect(&[], "!/", "ffmpeg 7.1");
    script(&machine.home.join("render"), "exit 0");
    expect(&[("DINKEM_RENDERER_FFMPEG", "no-such-ffmpeg")], "/", "Warning: ffmpeg was not found");
    // Found in the search path by its name.
    expect(&[("DINKEM_RENDERER_PROGRAM", "sh")], "/", "ffmpeg 7.1");
}

#[test]
fn both_renderers_of_a_node_are_checked() {
    let machine = Machine::new("command", "program = 'sh'\n");
    let checks = machine.check(&[("DINKEM_RENDERER", "builtin,command")]);
    assert!(checks["renderer"].starts_with("builtin: ") && checks["program"].starts_with('/'), "{checks:?}");
}
