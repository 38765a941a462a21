//! HLAE: starts a program as its arguments say, and exits at once.

use std::path::Path;
use std::process::Command;

use crate::console::words;
use crate::leave_running;
use crate::orders::Orders;

/// Switches without which the real one opens windows or uses settings of its own.
const SWITCHES: [&str; 5] = ["-customLoader", "-noGui", "-autoStart", "-noConfig", "-afxDisableSteamStorage"];

pub fn run(args: &[String], orders: &Orders) -> u8 {
    if orders.has("hlae-fails") {
        return 1;
    }
    for switch in SWITCHES {
        assert!(args.iter().any(|arg| arg == switch), "{switch} is missing: {args:?}");
    }
    let value = |name: &str| {
        let at = args.iter().position(|arg| arg == name).unwrap_or_else(|| panic!("{name} is missing: {args:?}"));
        args[at + 1].as_str()
    };
    assert!(Path::new(value("-hookDllPath")).is_file(), "no library at {}", value("-hookDllPath"));
    if orders.has("no-game") {
        return 0;
    }
    let mut game = Command::new(value("-programPath"));
    leave_running(game.args(words(value("-cmdLine"))));
    0
}
