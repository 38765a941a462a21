//! `submit`: a client for people and scripts.

use std::io;
use std::path::{Path, PathBuf};

use crate::appliance::server_url;
use crate::cli::client::{Api, Order, check_done};
use crate::cli::clip_args::{self, LookArgs};
use crate::cli::progress::Progress;
use crate::cli::{Call, moment, output, stop_on_signals, target, wrong_usage};
use crate::config;
use crate::domain::error::Result;
use crate::domain::key::Secret;
use crate::domain::player::PlayerRef;
use crate::os::files;
use crate::wire::job::JobView;

/// Submit a job to an appliance, uploading the demo if it is a local file; -o downloads the finished clip
///
/// The API key is read from the environment variable DINKEM_API_KEY or from --key-file, never from the command line.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: upload, wait, and download the clip:
  DINKEM_API_KEY=3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234 dinkem-appliance submit match.dem \\
    --player 76561197991272318 --round 2 --server https://appliance:8443 --wait -o clip.mp4")]
pub struct Args {
    /// Demo file, or the URL of one
    #[arg(value_name = "DEMO-OR-URL")]
    demo: String,
    /// Player to follow: a Steam ID in any form, a profile's URL, or, for a demo file, a name in it
    #[arg(long, value_name = "PLAYER", value_parser = clip_args::player)]
    player: PlayerRef,
    /// Round number, 1 or greater
    #[arg(long, value_name = "N", value_parser = clip_args::round)]
    round: u32,
    #[command(flatten)]
    look: LookArgs,
    /// Wait until the job has ended, and exit with an error if it fails
    #[arg(long)]
    wait: bool,
    /// Output file for the finished clip; implies --wait
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// URL of the appliance
    #[arg(long, value_name = "URL")]
    server: String,
    /// PEM file of the only CA to trust [default: the CA of this machine's own appliance for that appliance, else the
    /// system's CAs]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// File that contains the account's key [default: the key in DINKEM_API_KEY]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

pub fn run(args: Args, call: &Call) -> Result<()> {
    let ca_pem = match &args.ca {
        Some(file) => Some(read(file)?),
        None => call.data_dir().ok().and_then(|data_dir| server_url::authority_here(&data_dir, &args.server)),
    };
    let api = Api::new(&args.server, key(args.key_file.as_deref())?, ca_pem)?;
    let is_url = args
        .demo
        .split_once("://")
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"));
    if !is_url {
        files::open_named(Path::new(&args.demo))?;
    }
    if let Some(to) = &args.output {
        target::refuse_demo(to, Path::new(&args.demo))?;
        target::check(to)?;
    }
    let stop = stop_on_signals()?;
    let player = moment::steam_id(&args.player, || match is_url {
        true => {
            Err(wrong_usage("A demo's URL is not read here, so its players' names are unknown. Give the Steam ID."))
        }
        false => moment::read(Path::new(&args.demo)),
    })?;
    let mut progress = Progress::new();
    let demo_url = if is_url { args.demo.clone() } else { api.upload(Path::new(&args.demo), &mut progress, &stop)? };
    let order = Order { demo_url: &demo_url, player, round: args.round, look: Some(&args.look) };
    let mut job = api.submit(&order)?;
    if args.wait || args.output.is_some() {
        job = api.watch(&job.id, &mut progress, &stop)?;
        if let (Some(to), true) = (&args.output, job.status == "done") {
            api.download(&job, to, &mut progress, &stop)?;
        }
    }
    drop(progress);
    show(&job, &api, args.output.as_deref(), call);
    if ["queued", "rendering"].contains(&job.status.as_str()) { Ok(()) } else { check_done(&job) }
}

fn show(job: &JobView, api: &Api, output_file: Option<&Path>, call: &Call) {
    if call.json {
        return output::json(job);
    }
    match (&job.clip, output_file) {
        (Some(clip), Some(file)) => {
            output::line(&format!("clip:    {}", file.display()));
            output::line(&format!("address: {}", output::plain(&clip.url)));
        }
        (Some(clip), None) => output::line(&format!("address: {}", output::plain(&clip.url))),
        (None, _) => {
            output::line(&format!("job:     {} ({})", output::plain(&api.job_url(&job.id)), output::plain(&job.status)))
        }
    }
}

/// The account's key, from the given file or the environment.
fn key(file: Option<&Path>) -> Result<Secret> {
    match file {
        Some(file) => Ok(Secret::new(read(file)?.trim())),
        None => config::api_key()
            .ok_or_else(|| wrong_usage("There is no API key. Set DINKEM_API_KEY, or name a file with --key-file.")),
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error: io::Error| files::cannot_read(path, &error))
}
