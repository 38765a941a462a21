//! `inspect`: lists a demo's rounds and players, to choose what to render.

use std::path::{Path, PathBuf};

use crate::cli::{Call, moment, output};
use crate::domain::demo::UNPACKED_BYTES;
use crate::domain::error::Result;
use crate::render::command::{self, Reading, Space};
use crate::render::demo::{self, DemoIndex, PlainDemo};
use crate::render::scene::MAX_PLAYERS;

/// Best rounds that are printed; `--json` has all.
const BEST_ROUNDS: usize = 10;

/// List a demo's map, its rounds with ticks, its players with Steam IDs and kills, and the best rounds
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance inspect match.dem.zst")]
pub struct Args {
    /// Demo file, uncompressed or compressed with gzip, bzip2, zstd or zip
    demo: PathBuf,
    /// Run as a sandboxed child process that writes its result to a file in this directory
    #[arg(long, hide = true, value_name = "DIR")]
    child: Option<PathBuf>,
    /// As a child: only decompress the demo
    #[arg(long, hide = true, requires = "child")]
    unpack: bool,
    /// As a child: maximum size of the decompressed demo
    #[arg(long, hide = true, value_name = "BYTES", requires = "child", default_value_t = UNPACKED_BYTES)]
    unpacked_bytes: u64,
    /// As a child: free disk space in bytes
    #[arg(long, hide = true, value_name = "BYTES", requires = "child", default_value_t = u64::MAX)]
    room: u64,
}

pub fn run(args: Args, call: &Call) -> Result<u8> {
    if let Some(workdir) = &args.child {
        let reading = if args.unpack { Reading::Unpack } else { Reading::Index };
        let space = Space { most_bytes: args.unpacked_bytes, room: args.room };
        return Ok(command::run_reader_child(&args.demo, workdir, reading, space));
    }
    let demo = PlainDemo::open(&args.demo, None)?;
    let index = demo::index(demo.path())?;
    if call.json {
        output::json(&index)
    } else {
        show(&index, &args.demo)
    }
    Ok(0)
}

/// Prints the tables of rounds, players and best rounds, and a warning about many players.
fn show(index: &DemoIndex, demo: &Path) {
    output::line(&format!("map {}, {} ticks per second\n", output::plain(&index.map), index.tick_rate));
    let rounds: Vec<_> = index
        .rounds
        .iter()
        .map(|round| {
            let seconds = f64::from(round.end_tick - round.start_tick) / f64::from(index.tick_rate.max(1.0));
            [
                round.number.to_string(),
                round.start_tick.to_string(),
                round.end_tick.to_string(),
                format!("{seconds:.0} s"),
                round.winner.clone().unwrap_or_else(|| "-".to_owned()),
                round.reason.as_deref().unwrap_or("-").replace('_', " "),
            ]
        })
        .collect();
    if rounds.is_empty() {
        output::line("The demo has no completed rounds.");
    } else {
        output::line(&output::table(["ROUND", "FROM TICK", "TO TICK", "LENGTH", "WINNER", "WON BY"], &rounds));
    }
    let mut players: Vec<_> = index.players.iter().collect();
    // Stable sort: within a team the demo's order is kept.
    players.sort_by_key(|player| &player.team);
    let players: Vec<_> = players
        .into_iter()
        .map(|player| {
            let kills: u32 = player.kills_by_round.values().sum();
            let deaths: u32 = player.deaths_by_round.values().sum();
            let by_round: Vec<_> =
                player.kills_by_round.iter().map(|(round, kills)| format!("{round}:{kills}")).collect();
            [
                player.steam64_id.clone(),
                player.name.clone(),
                player.team.clone().unwrap_or_else(|| "-".to_owned()),
                kills.to_string(),
                deaths.to_string(),
                by_round.join(" "),
            ]
        })
        .collect();
    output::line(&format!(
        "\n{}",
        output::table(["STEAM ID", "NAME", "TEAM", "KILLS", "DEATHS", "KILLS BY ROUND"], &players)
    ));
    if players.len() > MAX_PLAYERS {
        output::line(&format!(
            "\nAny of them can be followed. A clip draws {MAX_PLAYERS} players of a round: the followed one and the \
             enemies first."
        ));
    }
    if !index.highlights.is_empty() {
        output::line("\nBest rounds:");
        output::line(&moment::table(index, index.highlights.iter().take(BEST_ROUNDS), demo));
    }
}
