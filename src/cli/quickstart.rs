//! `quickstart`: the main job in one command, every step of it the way a studio's own client goes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::appliance::{Appliance, Options};
use super::client::{Api, Order, check_done};
use super::clip_args;
use super::progress::Progress;
use super::server_url::{self, ServerUrl};
use super::submit::check_target;
use super::{Call, output, stop_on_signals};
use crate::app::accounts;
use crate::app::tls::Source;
use crate::domain::error::{Error, Result};
use crate::domain::job::SteamId;
use crate::domain::key::Secret;
use crate::domain::limits;
use crate::domain::quota::Quotas;
use crate::http::Limits;
use crate::os::stop::StopFlag;
use crate::render::forge;
use crate::wire::job::{ClipView, JobView};

/// What the account is called.
const ACCOUNT: &str = "quickstart";

/// The main job in one command: an appliance with one node in a scratch directory, one clip over HTTP, the MP4
///
/// Goes on serving until Ctrl-C, so that the clip's address can be opened, or ends with --exit. Without a demo it uses
/// its own sample. The scratch directory goes away at the end; the clip stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: the sample, then a demo of your own:
  dinkem-appliance quickstart
  dinkem-appliance quickstart match.dem --player 76561197991272318 --round 2 -o ace.mp4")]
pub struct Args {
    /// The demo, plain or packed with gzip, bzip2 or zstd [default: the product's own sample]
    #[arg(requires = "player", requires = "round")]
    demo: Option<PathBuf>,
    /// Whom to follow: a 17-digit Steam ID
    #[arg(long, value_name = "ID", value_parser = clip_args::player)]
    player: Option<SteamId>,
    /// The N-th round, 1 or greater
    #[arg(long, value_name = "N", value_parser = clip_args::round)]
    round: Option<u32>,
    /// Where the clip goes
    #[arg(short, long, value_name = "FILE", default_value = "clip.mp4")]
    output: PathBuf,
    /// End when the clip is there
    #[arg(long)]
    exit: bool,
}

/// Which clip.
struct Wanted {
    demo: PathBuf,
    player: SteamId,
    round: u32,
}

pub fn run(args: Args, call: &Call) -> Result<()> {
    check_target(&args.output)?;
    let stop = stop_on_signals()?;
    let scratch = tempfile::Builder::new().prefix("dinkem-quickstart-").tempdir();
    let scratch = scratch.map_err(|error| Error::internal("Could not make a scratch directory.", error))?;
    let wanted = wanted(&args, scratch.path())?;
    let appliance = Appliance::start(Options {
        data_dir: &scratch.path().join("data"),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        public_url: None,
        certificate: Some(Source::Own),
        lease_seconds: limits::LEASE_SECONDS,
        local_nodes: 1,
        fetch_allow: Vec::new(),
        trusted_proxies: Vec::new(),
        metrics_allow: Vec::new(),
        limits: Limits::default(),
        quotas: Quotas::default(),
    })?;
    let clip = make_clip(&appliance, &wanted, &args.output, call, &stop);
    if clip.is_ok() && !args.exit {
        output::say("Serving until Ctrl-C.");
        while !stop.wait(Duration::from_secs(3_600)) {}
    }
    appliance.stop();
    clip
}

/// The demo that was named, or the sample.
fn wanted(args: &Args, scratch: &Path) -> Result<Wanted> {
    if let (Some(demo), Some(player), Some(round)) = (&args.demo, args.player, args.round) {
        return Ok(Wanted { demo: demo.clone(), player, round });
    }
    let demo = scratch.join("sample.dem");
    std::fs::write(&demo, forge::sample())
        .map_err(|error| Error::internal("Could not write the sample demo into the scratch directory.", error))?;
    let player = SteamId::new(forge::SAMPLE_PLAYER)
        .ok_or_else(|| Error::internal("The sample's player has no Steam ID.", forge::SAMPLE_PLAYER))?;
    Ok(Wanted { demo, player, round: forge::SAMPLE_ROUND })
}

/// An account as the operator makes it; then upload, submit, watch and download as its owner does.
fn make_clip(appliance: &Appliance, wanted: &Wanted, to: &Path, call: &Call, stop: &StopFlag) -> Result<()> {
    let (account, keys) = accounts::create(&appliance.app, ACCOUNT, true)?;
    accounts::activate(&appliance.app, Some(&account.name))?;
    let key = keys.metered.ok_or_else(|| Error::internal("The account got no metered key.", "none minted"))?;
    let ServerUrl { url: server, ca } = appliance.local.clone();
    let api = Api::new(&server, key.clone(), ca)?;
    output::say(&format!("An appliance answers at {server}, with one render node and an account with keys."));
    let mut progress = Progress::new();
    let demo_url = api.upload(&wanted.demo, &mut progress)?;
    let order = Order { demo_url: &demo_url, player: wanted.player, round: wanted.round, look: None };
    let job = api.submit(&order)?;
    let job = api.watch(&job.id, &mut progress, stop)?;
    check_done(&job)?;
    api.download(&job, to, &mut progress)?;
    drop(progress);
    show(&job, &order, appliance, &key, to, call);
    Ok(())
}

fn show(job: &JobView, order: &Order<'_>, appliance: &Appliance, key: &Secret, to: &Path, call: &Call) {
    let (server, ca) = (&appliance.local.url, server_url::ca_file(appliance.app.data_dir()));
    let path = std::path::absolute(to).unwrap_or_else(|_| to.to_owned());
    let address = job.clip.as_ref().map_or("", |clip: &ClipView| clip.url.as_str());
    if call.json {
        return output::json(&json!({
            "clip": path,
            "address": address,
            "server": server,
            "ca": ca,
            "metered_key": key.reveal(),
            "job": job,
        }));
    }
    output::line(&format!("clip:    {}", path.display()));
    output::line(&format!("address: {address}"));
    output::say("The same with curl, as any client would:");
    output::say(&format!(
        "  curl --cacert {} {server}/api/clips -H \"Authorization: Bearer {}\" -H \"Content-Type: application/json\" -d '{}'",
        ca.display(),
        key.reveal(),
        order.body()
    ));
}
