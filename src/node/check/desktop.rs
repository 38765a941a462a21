//! Checks of the desktop session that the game runs in: a screen, Steam, and nothing in the way.

use crate::domain::error::Result;
use crate::os::programs::{Running, all as running};
use crate::render::game::GameSetup;
use crate::render::game::install::{Places, find, logged_in};

use super::{Check, WARNING, not_ready};

/// Programs that draw over games or hook into them, and are known to break recording: the start of their names.
const OVERLAYS: &[(&str, &str)] = &[
    ("rtss", "RivaTuner Statistics Server (RTSS)"),
    ("lcore", "Logitech Gaming Software"),
    ("lghub", "Logitech G HUB"),
];

/// The checks of the session.
pub fn checks(setup: &GameSetup) -> Vec<Check> {
    let running = running();
    vec![
        Check { name: "desktop", outcome: desktop() },
        Check { name: "steam", outcome: steam(&running) },
        Check { name: "account", outcome: account(setup) },
        Check { name: "idle", outcome: idle(setup, &running) },
        Check { name: "overlays", outcome: overlays(&running) },
    ]
}

/// Windows gives services session 0, which has no screen.
#[cfg(windows)]
fn desktop() -> Result<String> {
    match crate::os::programs::own_session() {
        Some(0) => Err(not_ready(
            "The node runs as a service, which has no desktop. Run it in the session of the user who is logged on: `dinkem-appliance node install`.",
        )),
        Some(session) => Ok(format!("session {session}")),
        None => Ok(format!("{WARNING}the session of this program is not known.")),
    }
}

#[cfg(not(windows))]
fn desktop() -> Result<String> {
    let set = |name: &str| {
        Some((
            name.to_owned(),
            crate::os::process::variable(name)?.into_string().ok().filter(|value| !value.is_empty())?,
        ))
    };
    let screen = set("WAYLAND_DISPLAY").or_else(|| set("DISPLAY")).ok_or_else(|| {
        not_ready(
            "There is no desktop: neither DISPLAY nor WAYLAND_DISPLAY is set. Run the node in the desktop session of the user who is logged in to Steam: `systemctl --user start dinkem-appliance-game-node`.",
        )
    })?;
    Ok(format!("{} is {}", screen.0, screen.1))
}

fn steam(running: &[Running]) -> Result<String> {
    let is_steam = |program: &&Running| matches!(stem(&program.name).as_str(), "steam");
    let steam = running.iter().find(is_steam).ok_or_else(|| {
        not_ready("Steam is not running. Start it, log in with the account of this machine, and let it start with the session.")
    })?;
    match steam.is_root {
        Some(true) => Err(not_ready("Steam runs as root. Close it and start it as the user of this desktop.")),
        Some(false) => Ok("running, not as root".to_owned()),
        None => Ok("running; make sure that it was not started as administrator".to_owned()),
    }
}

/// The account's own demos show the wrong person, so the node must know it.
fn account(setup: &GameSetup) -> Result<String> {
    let last = find(&Places::of_this_user()).steam.and_then(|steam| logged_in(&steam));
    match (setup.steam_id, last) {
        (Some(set), Some(last)) if set != last => Err(not_ready(format!(
            "Steam was last used with the account {last}, but steam_id in [renderer] is {set}. Log in with that account, or change steam_id."
        ))),
        (Some(set), _) => Ok(set.to_string()),
        (None, Some(last)) => Err(not_ready(format!(
            "The node does not know which account is logged in to Steam. Set steam_id in [renderer] to \"{last}\"."
        ))),
        (None, None) => Err(not_ready(
            "The node does not know which account is logged in to Steam. Set steam_id in [renderer] to its Steam ID.",
        )),
    }
}

fn idle(setup: &GameSetup, running: &[Running]) -> Result<String> {
    let program = setup.game_program();
    let is_game = |one: &&Running| stem(&one.name) == "cs2" || program.is_some() && one.file == program;
    match running.iter().find(is_game) {
        Some(game) => Err(not_ready(format!(
            "The game is running ({}). Close it, or wait if it is the node that records.",
            game.file.as_ref().map_or_else(|| game.name.clone(), |file| file.display().to_string())
        ))),
        None => Ok("the game is not running".to_owned()),
    }
}

fn overlays(running: &[Running]) -> Result<String> {
    let is_running = |start: &str| running.iter().any(|program| stem(&program.name).starts_with(start));
    let found: Vec<_> = OVERLAYS.iter().filter(|(start, _)| is_running(start)).map(|(_, name)| *name).collect();
    Ok(match found[..] {
        [] => "none of those that are known to break recording".to_owned(),
        _ => format!(
            "{WARNING}{} can break recording. Close it if clips are black or the game crashes.",
            found.join(" and ")
        ),
    })
}

/// A program's name in lower case without its extension.
fn stem(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(names: &[(&str, Option<bool>)]) -> Vec<Running> {
        let program = |(name, is_root): &(&str, Option<bool>)| Running {
            name: (*name).to_owned(),
            file: None,
            is_root: *is_root,
        };
        names.iter().map(program).collect()
    }

    #[test]
    fn steam_must_run_and_not_as_root() {
        assert!(steam(&[]).is_err());
        for (name, is_root, is_ready) in [
            ("steamwebhelper", Some(false), false),
            ("steamservice.exe", None, false),
            ("steam", Some(false), true),
            ("steam", Some(true), false),
            ("Steam.exe", None, true),
        ] {
            assert_eq!(steam(&programs(&[(name, is_root)])).is_ok(), is_ready, "{name} {is_root:?}");
        }
    }

    #[test]
    fn overlays_are_only_a_warning() {
        for (name, is_warned) in
            [("RTSS.exe", true), ("LCore.exe", true), ("lghub_agent.exe", true), ("steam", false), ("lg", false)]
        {
            let outcome = overlays(&programs(&[(name, None)])).unwrap();
            assert_eq!(outcome.starts_with(WARNING), is_warned, "{name}: {outcome}");
        }
    }
}
