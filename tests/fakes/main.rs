//! Fakes of the game and the programs around it, for tests without any of them. One program that plays the part of the
//! name under which it is called, or of its first argument if it is called `fakes`:
//!
//! - `HLAE.exe`: starts the game as its arguments say, and exits at once.
//! - `cs2.exe`, `cs2`: the game. Obeys its config files or the actions of CS Demo Manager's plugin, and really records.
//! - `cs-demo-manager`: the command line of CS Demo Manager.
//! - `tasklist`: lists windows' titles.
//! - `preset`: no fake, but a preset of the product with shorter limits.
//! - `renderer`: a renderer under the command contract.
//!
//! A file `misbehave.txt` next to the program or in a folder above it orders misbehavior, one word a line; see
//! [`orders`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "tests"
)]

mod console;
mod csdm;
mod game;
mod hlae;
mod orders;
mod preset;
mod renderer;
mod video;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let own = std::env::current_exe().unwrap();
    let mut part = own.file_stem().unwrap().to_string_lossy().into_owned();
    if part.starts_with("fakes") {
        part = args.remove(0);
    }
    let orders = orders::Orders::near(&own);
    let code = match part.as_str() {
        "HLAE" => hlae::run(&args, &orders),
        "cs2" => game::run(&own, &args, orders),
        "cs-demo-manager" => csdm::run(&own, &args, &orders),
        "tasklist" => tasklist(&orders),
        "preset" => preset::run(&args),
        "renderer" => renderer::run(&args, &orders),
        other => panic!("no fake is called {other:?}"),
    };
    ExitCode::from(code)
}

/// Lists the windows of a machine, with HLAE's error box if that is ordered.
fn tasklist(orders: &orders::Orders) -> u8 {
    println!(
        "\"Image Name\",\"PID\",\"Session Name\",\"Session#\",\"Mem Usage\",\"Status\",\"User Name\",\"CPU Time\",\"Window Title\""
    );
    println!("\"explorer.exe\",\"4\",\"Console\",\"1\",\"9 K\",\"Running\",\"PC\\studio\",\"0:00:01\",\"N/A\"");
    let title = if orders.has("error-window") { "Error - AfxHookSource2" } else { "Counter-Strike 2" };
    println!("\"cs2.exe\",\"8\",\"Console\",\"1\",\"9 K\",\"Running\",\"PC\\studio\",\"0:00:01\",\"{title}\"");
    0
}

/// Waits to be killed, for ten minutes at most.
fn hang() -> ! {
    for _ in 0..600 {
        dinkem_appliance::os::clock::pause(std::time::Duration::from_secs(1));
    }
    std::process::exit(99)
}

/// Starts a program that outlives this one.
#[allow(clippy::zombie_processes, reason = "it ends with this program")]
fn leave_running(command: &mut Command) {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
}

/// A path as text.
fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
