//! `quickstart`: an appliance and a first clip in one command, using the same API as a studio's client.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::app::accounts;
use crate::app::tls::Source;
use crate::appliance::server_url::{self, ServerUrl};
use crate::appliance::{Appliance, Options};
use crate::cli::client::{Api, Order, check_done};
use crate::cli::moment::{self, Moment};
use crate::cli::progress::Progress;
use crate::cli::{Call, clip_args, interrupted, output, stop_on_signals, target};
use crate::config;
use crate::domain::camera::CameraMode;
use crate::domain::error::{Error, Result};
use crate::domain::job::JobSpec;
use crate::domain::job::SteamId;
use crate::domain::key::Secret;
use crate::domain::lease::LEASE_SECONDS;
use crate::domain::operator::OPERATOR_CODE_SECONDS;
use crate::domain::player::PlayerRef;
use crate::domain::quota::Quotas;
use crate::domain::schedule::policy::ReservedBeyondDinks;
use crate::domain::wording::quoted;
use crate::http::Limits;
use crate::os::files;
use crate::os::scratch::Scratch;
use crate::os::stop::StopFlag;
use crate::render::demo::{DemoIndex, IndexedHighlight};
use crate::render::forge;
use crate::wire::job::{ClipView, JobView};

/// Prefix of scratch directories.
const SCRATCH: &str = "dinkem-quickstart-";
const ACCOUNT: &str = "quickstart";
/// Other rounds to name when the best one was chosen.
const OTHERS: usize = 5;

/// Render a first clip in one command: an appliance with one node in a scratch directory, a job over HTTP, an MP4
///
/// Keeps serving until Ctrl-C, so that the clip's URL can be opened, unless --exit is given. Without a demo it uses
/// the built-in sample; without --player or --round, the best round of the demo, of the player, or the best player of
/// the round. The scratch directory is removed at the end; the clip is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: the sample, then the best round of a demo of your own, then another round of it:
  dinkem-appliance quickstart
  dinkem-appliance quickstart match.dem
  dinkem-appliance quickstart match.dem --player 76561197991272318 --round 2 -o ace.mp4")]
pub struct Args {
    /// Demo file, uncompressed or compressed with gzip, bzip2, zstd or zip [default: the built-in sample]
    demo: Option<PathBuf>,
    /// Player to follow: a Steam ID in any form, a profile's URL, or a name in the demo [default: the best]
    #[arg(long, value_name = "PLAYER", value_parser = clip_args::player, requires = "demo")]
    player: Option<PlayerRef>,
    /// Round number, 1 or greater [default: the best]
    #[arg(long, value_name = "N", value_parser = clip_args::round, requires = "demo")]
    round: Option<u32>,
    /// Output file
    #[arg(short, long, value_name = "FILE", default_value = "clip.mp4")]
    output: PathBuf,
    /// Exit when the clip is finished
    #[arg(long)]
    exit: bool,
}

/// The clip to make.
struct Wanted {
    demo: PathBuf,
    player: SteamId,
    round: u32,
}

pub fn run(args: Args, call: &Call) -> Result<()> {
    if let Some(demo) = &args.demo {
        files::open_named(demo)?;
        target::refuse_demo(&args.output, demo)?;
    }
    target::check(&args.output)?;
    let stop = stop_on_signals()?;
    let scratch =
        Scratch::new(SCRATCH).map_err(|error| Error::internal("Could not create a scratch directory.", error))?;
    let wanted = wanted(&args, scratch.path())?;
    let appliance = Appliance::start(Options {
        data_dir: &scratch.path().join("data"),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        public_url: None,
        certificate: Some(Source::Own),
        lease_seconds: LEASE_SECONDS,
        local_nodes: 1,
        fetch_allow: Vec::new(),
        trusted_proxies: Vec::new(),
        metrics_allow: Vec::new(),
        metrics_token: None,
        embed_allow: Vec::new(),
        dashboard_listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        limits: Limits::default(),
        quotas: Quotas::default(),
        camera: CameraMode::default(),
        default_renderer: JobSpec::DEFAULT_RENDERER,
        reserved_beyond_dinks: ReservedBeyondDinks::default(),
        leader: None,
        replica_socket: None,
        shard_map: None,
        storage: None,
    })?;
    let made = make_clip(&appliance, &wanted, &args.output, &stop);
    if let Ok(made) = &made
        && !args.exit
    {
        show_served(made, &appliance, &args.output, call)?;
        output::say("Serving. Press Ctrl-C to stop.");
        while !stop.wait(Duration::from_secs(3_600)) {}
    }
    appliance.stop();
    match made {
        Ok(made) if args.exit => show_alone(&made, &args.output, call),
        Ok(_) => {}
        Err(_) if stop.stopped() => {
            return Err(interrupted("Interrupted: the appliance and its job are gone, and no clip was written."));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// The given demo, or the sample. What is left open is the best of the demo; then also says what else there is.
fn wanted(args: &Args, scratch: &Path) -> Result<Wanted> {
    if let Some(demo) = &args.demo {
        let (player, round) = match (&args.player, args.round) {
            (Some(PlayerRef::Id(player)), Some(round)) => (*player, round),
            (player, round) => {
                let index = moment::read(demo)?;
                let best = moment::best(&index, player.as_ref(), round)?;
                if player.is_none() || round.is_none() {
                    show_choice(&index, best, player.is_some(), round, demo);
                }
                best
            }
        };
        return Ok(Wanted { demo: demo.clone(), player, round });
    }
    let demo = scratch.join("sample.dem");
    std::fs::write(&demo, forge::sample())
        .map_err(|error| Error::internal("Could not write the sample demo into the scratch directory.", error))?;
    let player = SteamId::new(forge::SAMPLE_PLAYER)
        .ok_or_else(|| Error::internal("The sample's player has no Steam ID.", forge::SAMPLE_PLAYER))?;
    Ok(Wanted { demo, player, round: forge::SAMPLE_ROUND })
}

/// Says which round was chosen and which other good ones there are, of the given player or round.
fn show_choice(index: &DemoIndex, (player, round): Moment, of_player: bool, of_round: Option<u32>, demo: &Path) {
    let player = player.to_string();
    let is_chosen = |highlight: &&IndexedHighlight| highlight.player == player && highlight.round == round;
    let chosen = index.highlights.iter().find(is_chosen);
    let what = chosen.map_or(String::new(), |highlight| format!(": {}", moment::in_words(highlight)));
    let name = output::plain(moment::name_of(index, &player));
    output::say(&format!("Making the clip of {name} in round {round}{what}."));
    let others = index.highlights.iter().filter(|highlight| {
        let is_asked =
            (!of_player || highlight.player == player) && of_round.is_none_or(|asked| highlight.round == asked);
        is_asked && !is_chosen(highlight)
    });
    let others: Vec<_> = others.take(OTHERS).collect();
    if !others.is_empty() {
        output::say(&format!("Other rounds:\n{}", moment::table(index, others.into_iter(), demo)));
    }
}

/// A finished clip and its request.
struct Made {
    job: JobView,
    key: Secret,
    /// The body of the submission.
    body: Value,
}

/// Creates an account as the operator would, then uploads, submits, watches and downloads as its owner would.
fn make_clip(appliance: &Appliance, wanted: &Wanted, to: &Path, stop: &StopFlag) -> Result<Made> {
    let (account, keys) = accounts::create(&appliance.app, &config::operator(), ACCOUNT, true)?;
    accounts::activate(&appliance.app, &config::operator(), Some(&account.name))?;
    let key = keys.metered.ok_or_else(|| Error::internal("The account got no metered key.", "none minted"))?;
    let ServerUrl { url: server, ca } = appliance.local.clone();
    let api = Api::new(&server, key.clone(), ca)?;
    output::say(&format!("An appliance is running at {server}, with one render node and an account with keys."));
    let mut progress = Progress::new();
    let demo_url = api.upload(&wanted.demo, &mut progress, stop)?;
    let order = Order { demo_url: &demo_url, player: wanted.player, round: wanted.round, look: None, renderer: None };
    let job = api.submit(&order)?;
    let job = api.watch(&job.id, &mut progress, stop)?;
    check_done(&job)?;
    api.download(&job, |_| Ok(to.to_owned()), &mut progress, stop)?;
    Ok(Made { body: order.body(), job, key })
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Printed while the appliance serves: the clip's file and URL, and the request.
fn show_served(made: &Made, appliance: &Appliance, to: &Path, call: &Call) -> Result<()> {
    let (server, ca) = (&appliance.local.url, server_url::ca_file(appliance.app.data_dir()));
    let (path, key) = (absolute(to), made.key.reveal());
    let address = made.job.clip.as_ref().map_or("", |clip: &ClipView| clip.url.as_str());
    let dashboard = appliance.dashboard.as_ref();
    let link = dashboard.map(|dashboard| dashboard.link(&appliance.app, &config::operator())).transpose()?;
    if call.json {
        output::json(&json!({
            "clip": path,
            "address": address,
            "dashboard": link,
            "server": server,
            "ca": ca,
            "metered_key": key,
            "job": made.job,
        }));
        return Ok(());
    }
    output::line(&format!("clip:    {}", path.display()));
    output::line(&format!("address: {address}"));
    if let Some(link) = link {
        output::line(&format!("dashboard: {link}"));
        output::say(&format!("The dashboard's link works once, for {} minutes.", OPERATOR_CODE_SECONDS / 60));
    }
    output::say(&server_url::browser_warning(&ca.display().to_string()));
    output::say("The same request with curl:");
    output::say(&format!(
        "  curl --cacert {} {server}/api/clips -H \"Authorization: Bearer {key}\" -H \"Content-Type: application/json\" -d '{}'",
        quoted(&ca.to_string_lossy()),
        made.body
    ));
    Ok(())
}

/// Printed after shutdown: only the file, since URL, server and key no longer exist.
fn show_alone(made: &Made, to: &Path, call: &Call) {
    let path = absolute(to);
    if call.json {
        return output::json(&json!({
            "clip": path,
            "address": null,
            "dashboard": null,
            "server": null,
            "ca": null,
            "metered_key": null,
            "job": made.job,
        }));
    }
    output::line(&format!("clip:    {}", path.display()));
    output::say("The appliance has stopped, so the clip's URL no longer works. Without --exit it keeps serving.");
}
