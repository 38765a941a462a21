//! `render`: one clip without a server, or one job by the command contract.

use std::ops::ControlFlow;
use std::path::PathBuf;

use serde_json::json;

use crate::cli::clip_args::{self, LookArgs};
use crate::cli::progress::Progress;
use crate::cli::{Call, interrupted, moment, output, stop_on_signals, target, wrong_usage};
use crate::domain::error::Result;
use crate::domain::error_code::ErrorCode;
use crate::domain::failure::FailureCode;
use crate::domain::job::Stage;
use crate::domain::player::PlayerRef;
use crate::os::files;
use crate::render::clip::{self, ClipRequest};
use crate::render::command;
use crate::render::demo::{self, PlainDemo};
use crate::render::draw::Look;

/// Measured share of parsing in the total progress.
const PARSING: f64 = 0.05;

/// Render one clip without a server; or, for nodes, one job under the command contract
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  dinkem-appliance render match.dem --player 76561197991272318 --round 2 -o clip.mp4")]
pub struct Args {
    /// Demo file, uncompressed or compressed with gzip, bzip2, zstd or zip
    #[arg(required_unless_present = "job")]
    demo: Option<PathBuf>,
    /// Player to follow: a Steam ID in any form, a profile's URL, or a name in the demo
    #[arg(long, value_name = "PLAYER", value_parser = clip_args::player, required_unless_present = "job")]
    player: Option<PlayerRef>,
    /// Round number, 1 or greater
    #[arg(long, value_name = "N", value_parser = clip_args::round, required_unless_present = "job")]
    round: Option<u32>,
    #[command(flatten)]
    look: LookArgs,
    /// Folder with your own pictures of maps: MAP.png, and MAP.txt that says where it lies (pos_x, pos_y, scale)
    #[arg(long, value_name = "DIR", conflicts_with = "job")]
    radars: Option<PathBuf>,
    /// Output file (MP4); the poster is written next to it as .jpg
    #[arg(short, long, value_name = "FILE", required_unless_present = "job")]
    output: Option<PathBuf>,
    /// Run this job file and report on standard output under the command contract
    #[arg(long, value_name = "JOB.JSON", conflicts_with = "demo")]
    job: Option<PathBuf>,
}

pub fn run(args: Args, call: &Call) -> Result<u8> {
    if let Some(job) = &args.job {
        return Ok(command::run_child(job));
    }
    let (Some(demo), Some(player), Some(round), Some(video)) = (&args.demo, &args.player, args.round, &args.output)
    else {
        return Err(wrong_usage("A demo, --player, --round and -o are required."));
    };
    let poster = video.with_extension("jpg");
    files::open_named(demo)?;
    target::refuse_demo(video, demo)?;
    target::refuse_demo(&poster, demo)?;
    target::check_with_poster(video, &poster)?;
    if let Some(folder) = args.radars.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(wrong_usage(format!("--radars: {} is not a folder.", folder.display())));
    }
    let stop = stop_on_signals()?;
    let mut progress = Progress::new();
    progress.show("reading the demo", 0.0);
    let demo = PlainDemo::open(demo, None)?;
    let player = moment::steam_id(player, || demo::index(demo.path()))?;
    let commands = args.look.commands();
    let request = ClipRequest {
        demo: demo.path(),
        steam64: player.get(),
        round,
        look: Look {
            fps: args.look.fps,
            width: args.look.width(),
            height: args.look.resolution,
            xray: commands.spec_show_xray,
            deathnotices_only: commands.cl_draw_only_deathnotices,
            camera: args.look.camera().unwrap_or_default(),
        },
        maps: None,
        radars: args.radars.as_deref(),
        video,
        poster: &poster,
        preview: None,
    };
    let report = clip::render(&request, &mut |stage, part| {
        let whole = if stage == Stage::Parsing { PARSING * part } else { PARSING + (1.0 - PARSING) * part };
        progress.show(stage.as_str(), whole);
        if stop.stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .map_err(|error| {
        // Report a broken demo as such even if Ctrl-C arrived meanwhile.
        let is_stopped = stop.stopped() && error.code == ErrorCode::Failure(FailureCode::RenderFailed);
        if is_stopped { interrupted("Interrupted: no clip was written.") } else { error }
    })?;
    drop(progress);
    if let (Some(folder), false) = (&args.radars, report.own_map) {
        let message = "The map is drawn as for everybody: no picture of it that can be used is in";
        log::warn!("{message} {} (names of maps are in lower case).", folder.display());
    }
    let seconds = report.frames as f64 / f64::from(args.look.fps);
    if call.json {
        output::json(&json!({
            "video": video,
            "poster": poster,
            "frames": report.frames,
            "duration_seconds": seconds,
            "start_tick": report.start_tick,
            "end_tick": report.end_tick,
        }));
    } else {
        output::line(&format!("clip: {} ({seconds:.1} s)", video.display()));
    }
    Ok(0)
}
