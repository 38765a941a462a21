//! `submit`: a client for people and scripts.

use std::path::{Path, PathBuf};

use crate::cli::batch::{self, Batch};
use crate::cli::client::{Api, Order, check_done, is_unfinished};
use crate::cli::clip_args::{self, LookArgs};
use crate::cli::moment::{self, Moment};
use crate::cli::progress::Progress;
use crate::cli::server_args::ServerArgs;
use crate::cli::{Call, job_output, stop_on_signals, target, wrong_usage};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;
use crate::domain::job::Renderer;
use crate::domain::player::PlayerRef;
use crate::os::files;
use crate::os::stop::StopFlag;
use crate::render::demo::DemoIndex;

/// Submit a job to an appliance, uploading the demo if it is a local file; -o downloads the finished clip
///
/// The API key is read from the environment variable DINKEM_API_KEY or from --key-file, never from the command line. A
/// demo that the account has uploaded before is not uploaded again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: upload, wait, and download the clip; then the five best rounds of the demo, as files in clips/:
  DINKEM_API_KEY=3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234 dinkem-appliance submit match.dem \\
    --player 76561197991272318 --round 2 --server https://appliance:8443 --wait -o clip.mp4
  DINKEM_API_KEY=3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234 dinkem-appliance submit match.dem \\
    --highlights 5 --server https://appliance:8443 -o clips")]
pub struct Args {
    /// Demo file, or the URL of one
    #[arg(value_name = "DEMO-OR-URL")]
    demo: String,
    /// Player to follow: a Steam ID in any form, a profile's URL, or, for a demo file, a name in it
    #[arg(long, value_name = "PLAYER", value_parser = clip_args::player, required_unless_present = "highlights")]
    player: Option<PlayerRef>,
    /// Round number, 1 or greater
    #[arg(long, value_name = "N", value_parser = clip_args::round, required_unless_present_any = ["all_rounds", "highlights"])]
    round: Option<u32>,
    /// Submit a job for every round that the player played; for a demo file
    #[arg(long, requires = "player", conflicts_with_all = ["round", "highlights"])]
    all_rounds: bool,
    /// Submit jobs for the N best rounds, with --player only for the player's; for a demo file
    #[arg(long, value_name = "N", conflicts_with = "round", value_parser = clap::value_parser!(u32).range(1..=100))]
    highlights: Option<u32>,
    #[command(flatten)]
    look: LookArgs,
    /// Renderer: builtin, the tactical replay, or game, first person [default: the operator's choice]
    #[arg(long, value_name = "RENDERER", value_parser = clip_args::renderer)]
    renderer: Option<Renderer>,
    /// Wait until the job has ended, and exit with an error if it fails
    #[arg(long)]
    wait: bool,
    /// Output file for the finished clip, or for several clips their directory; implies --wait
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: &Args, call: &Call) -> Result<()> {
    if args.look.camera().is_some() {
        let message = "The camera cannot be set for a job: the operator sets it for all, with `serve --camera`.";
        return Err(wrong_usage(message));
    }
    let api = args.server.api(call)?;
    let is_url = args
        .demo
        .split_once("://")
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"));
    if !is_url && args.demo.contains("://") {
        return Err(wrong_usage(format!("{} is neither a file nor an http or https URL.", args.demo)));
    }
    let file = (!is_url).then(|| Path::new(&args.demo));
    if let Some(file) = file {
        files::open_named(file)?;
    }
    match (&args.player, args.round) {
        (Some(player), Some(round)) => one(args, &api, file, (player, round), call),
        _ => several(args, &api, file, call),
    }
}

fn one(args: &Args, api: &Api, file: Option<&Path>, (player, round): (&PlayerRef, u32), call: &Call) -> Result<()> {
    if let Some(to) = &args.output {
        target::refuse_demo(to, Path::new(&args.demo))?;
        target::check(to)?;
    }
    let stop = stop_on_signals()?;
    let player = moment::steam_id(player, || read(file))?;
    let mut progress = Progress::new();
    let demo_url = demo_url(args, api, file, &mut progress, &stop)?;
    let (look, renderer) = (Some(&args.look), args.renderer);
    let mut job = api.submit(&Order { demo_url: &demo_url, player, round, look, renderer })?;
    if args.wait || args.output.is_some() {
        job = api.watch(&job.id, &mut progress, &stop)?;
        if let (Some(to), "done") = (&args.output, job.status.as_str()) {
            api.download(&job, |_| Ok(to.clone()), &mut progress, &stop)?;
        }
    }
    drop(progress);
    job_output::show(&job, api, args.output.as_deref(), call);
    if is_unfinished(&job) { Ok(()) } else { check_done(&job) }
}

fn several(args: &Args, api: &Api, file: Option<&Path>, call: &Call) -> Result<()> {
    if let Some(dir) = &args.output {
        target::check_dir(dir)?;
    }
    let stop = stop_on_signals()?;
    let index = read(file)?;
    let moments = moments(args, &index)?;
    let mut progress = Progress::new();
    let demo_url = demo_url(args, api, file, &mut progress, &stop)?;
    drop(progress);
    let labelled = moments.into_iter().map(|moment| (moment, label(&index, moment)));
    let batch = Batch {
        demo_url: &demo_url,
        look: &args.look,
        renderer: args.renderer,
        waits: args.wait || args.output.is_some(),
        dir: args.output.as_deref(),
    };
    batch::run(api, &batch, labelled, &stop, call)
}

/// The rounds to submit.
fn moments(args: &Args, index: &DemoIndex) -> Result<Vec<Moment>> {
    let player = args.player.as_ref();
    let moments = match (player, args.highlights) {
        (_, Some(most)) => moment::highlights(index, player, most as usize)?,
        (Some(player), None) => moment::all_rounds(index, player)?,
        (None, None) => Vec::new(),
    };
    if moments.is_empty() {
        let message = "The demo has no round that is a highlight. `inspect` lists its rounds; choose one with --round.";
        return Err(Error::of_failure(Kind::Invalid, FailureCode::RoundNotInDemo, message));
    }
    Ok(moments)
}

fn label(index: &DemoIndex, (player, round): Moment) -> String {
    format!("round {round}, {}", moment::name_of(index, &player.to_string()))
}

/// Reads the demo, which must be a file.
fn read(file: Option<&Path>) -> Result<DemoIndex> {
    let Some(file) = file else {
        return Err(wrong_usage(
            "A demo's URL is not read here, so its rounds and its players' names are unknown. Give the player's Steam ID \
             and the round, or name a demo file.",
        ));
    };
    moment::read(file)
}

/// The demo's URL for a job; a file is uploaded if the server lacks it.
fn demo_url(args: &Args, api: &Api, file: Option<&Path>, progress: &mut Progress, stop: &StopFlag) -> Result<String> {
    match file {
        Some(file) => api.upload_if_missing(file, progress, stop),
        None => Ok(args.demo.clone()),
    }
}
