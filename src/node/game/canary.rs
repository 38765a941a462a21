//! The canary: a short recording that shows whether the game still works after an update.
//!
//! Its demo is that of the last good clip, or the one that the studio names; then the best round in it is taken.

use std::fs;
use std::path::{Path, PathBuf};

use log::{info, warn};
use serde::{Deserialize, Serialize};

use crate::domain::failure::{Failure, FailureCode};
use crate::os::files;
use crate::os::stop::StopFlag;
use crate::render::command::Space;

use crate::node::context::Context;
use crate::node::game::desk::Desk;
use crate::node::game::recording::{GameJob, record};
use crate::node::lease::{Ended, Hold};
use crate::node::unpack::Unpacker;

/// Seconds of video in a try.
const CANARY_SECONDS: u32 = 8;
/// Picture of a try.
const CANARY_SIZE: (u32, u32) = (1920, 1080);
const CANARY_FPS: u32 = 30;

/// What was recorded last, in the file beside its demo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    sha256: String,
    /// As a string: too large for a JSON number.
    steam64: String,
    round: u32,
}

fn demo_file(dir: &Path) -> PathBuf {
    dir.join("canary.dem")
}

fn about_file(dir: &Path) -> PathBuf {
    dir.join("canary.json")
}

/// Keeps the demo of a good clip for the next try.
pub fn keep(desk: &Desk, job: &GameJob<'_>) {
    let last =
        Last { sha256: job.sha256.unwrap_or_default().to_owned(), steam64: job.steam64.to_string(), round: job.round };
    if read_last(desk.dir()).is_some_and(|known| known.sha256 == last.sha256) {
        return;
    }
    let (demo, about) = (demo_file(desk.dir()), about_file(desk.dir()));
    let kept = files::remove(&about)
        .and_then(|()| files::remove(&demo))
        .and_then(|()| files::link_or_copy(job.demo, &demo))
        .and_then(|()| files::write_durably(&about, &serde_json::to_vec(&last)?));
    if let Err(error) = kept {
        warn!("The demo of the last good clip cannot be kept for later tries: {error}");
    }
}

fn read_last(dir: &Path) -> Option<Last> {
    serde_json::from_slice(&fs::read(about_file(dir)).ok()?).ok()
}

/// Tries the game, if there is a demo for it, and notes the result. The caller has taken the game.
pub fn attempt(node: &Context, desk: &Desk, stop: &StopFlag) {
    let work = node.canary_dir();
    let hold = Hold::new(node.clock.clone(), stop, node.patience.total * 2);
    let tried = files::empty_dir(&work).map_err(|error| error.to_string()).and_then(|()| {
        let Some((demo, last)) = choose(node, desk, &work, &hold)? else { return Ok(None) };
        info!("{}: trying the game with player {} in round {}.", node.name, last.steam64, last.round);
        let job = GameJob {
            id: "canary",
            attempt: 1,
            demo: &demo,
            sha256: None,
            steam64: last.steam64.parse().unwrap_or_default(),
            round: last.round,
            fps: CANARY_FPS,
            width: CANARY_SIZE.0,
            height: CANARY_SIZE.1,
            spec_show_xray: false,
            cl_draw_only_deathnotices: true,
            most_seconds: Some(CANARY_SECONDS),
        };
        match record(node, desk, &job, &work, &hold) {
            Ok(_) => Ok(Some(())),
            // The update is one after which older demos no longer play.
            Err(Ended::Failed(failure)) if failure.code == FailureCode::WrongGameBuild => Ok(None),
            Err(ended) => Err(in_words(ended)),
        }
    });
    if let Err(error) = fs::remove_dir_all(&work) {
        warn!("{}: the directory of a try cannot be removed: {error}", node.name);
    }
    if stop.stopped() {
        return;
    }
    match tried {
        Ok(Some(())) => {
            info!("{}: the game works.", node.name);
            desk.works("passed");
        }
        Ok(None) => {
            warn!("{}: there is no demo that this game plays to try it with: the next job does.", node.name);
            desk.works("not tried for lack of a demo");
        }
        Err(why) => {
            warn!("{}: the try of the game failed: {why}\n{}", node.name, hold.log().unwrap_or_default());
            desk.failed(&why);
        }
    }
}

/// The demo to try the game with, its player and round; `None` if there is none.
fn choose(node: &Context, desk: &Desk, work: &Path, hold: &Hold<'_>) -> Result<Option<(PathBuf, Last)>, String> {
    let Some(named) = node.renderers.canary.clone() else {
        let last = read_last(desk.dir()).filter(|_| demo_file(desk.dir()).is_file());
        return Ok(last.map(|last| (demo_file(desk.dir()), last)));
    };
    let space = Space { most_bytes: crate::domain::demo::UNPACKED_BYTES, room: u64::MAX };
    let unpacker = Unpacker { program: &node.program, space, hold };
    let (unpacked, index) = (work.join("unpacked"), work.join("index"));
    let is_plain = crate::render::demo::PlainDemo::is_at(&named)
        .map_err(|error| format!("The demo {} for tries of the game cannot be read: {error}.", named.display()))?;
    let demo = if is_plain { named } else { unpacker.unpack(&named, &unpacked).map_err(in_words)? };
    let index = unpacker.index(&demo, &index).map_err(in_words)?;
    let (player, round) = index.best(None, None).map_err(|error| error.message)?;
    let last = Last { sha256: String::new(), steam64: player.steam64_id.clone(), round };
    Ok(Some((demo, last)))
}

fn in_words(ended: Ended) -> String {
    match ended {
        Ended::Failed(Failure { message, .. }) => message,
        Ended::Left(_) => "It was interrupted.".to_owned(),
    }
}
