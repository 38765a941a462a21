//! What is known about a clip: for its player page, and for the names of its downloads.

use crate::app::clips::unknown;
use crate::app::{App, demos};
use crate::domain::clip::{Clip, ClipToken, View, clip_second};
use crate::domain::error::Result;
use crate::domain::job::Job;
use crate::render::demo::{DemoIndex, IndexedRound};
use crate::store;

/// A clip and what it shows.
pub struct About {
    /// The clip.
    pub clip: Clip,
    /// Whether there is a poster.
    pub has_poster: bool,
    /// Round number.
    pub round: u32,
    /// From the demo's index; `None` if the demo was not uploaded, is not indexed yet, or has been deleted.
    pub play: Option<Play>,
}

/// What a demo's index knows about the round of a clip.
pub struct Play {
    /// Name of the followed player.
    pub player: String,
    /// The map, such as `de_nuke`.
    pub map: String,
    /// The player's kills in the round.
    pub kills: u32,
    /// Whether these are all enemies.
    pub ace: bool,
    /// The number of enemies against whom the player, as the last of the team, won the round.
    pub clutch: Option<u32>,
    /// Deaths that the clip shows, in order.
    pub moments: Vec<Moment>,
}

/// A death in a clip. Names are those of players; `None` for anyone else.
#[derive(Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds from the clip's start.
    pub at_ms: u64,
    /// What it means for the followed player.
    pub kind: MomentKind,
    /// Who gets the kill.
    pub attacker: Option<String>,
    /// Who died.
    pub victim: Option<String>,
}

/// What a death means for the followed player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MomentKind {
    /// The player's kill.
    Kill,
    /// The player's own death.
    Death,
    /// Neither.
    Other,
}

/// Everything about the clip with this public link.
pub fn about(app: &App, token: &ClipToken) -> Result<About> {
    let (job, clip) = find(app, token)?;
    let play = index(app, &job)?.and_then(|index| play(&index, &job, &clip));
    let has_poster = app.clip_files.open_poster(clip.lease).is_ok();
    Ok(About { has_poster, round: job.spec.round, play, clip })
}

/// Characters of a file name before the round.
const FILE_NAME_CHARS: usize = 150;

/// A file name for the clip with this public link, without its ending: `ropz-de_nuke-round-2`, or with the player's
/// Steam ID if the demo's index is not known.
pub fn file_name(app: &App, token: &ClipToken) -> Result<String> {
    let (job, _) = find(app, token)?;
    let (player, round) = (job.spec.steam64_id.to_string(), job.spec.round);
    let known = index(app, &job)?.and_then(|index| Some((name_of(&index, &player)?, index.map)));
    let of_round = |about: &str| format!("{}-round-{round}", about.chars().take(FILE_NAME_CHARS).collect::<String>());
    Ok(known.map_or_else(|| of_round(&player), |(name, map)| of_round(&format!("{name}-{map}"))))
}

fn find(app: &App, token: &ClipToken) -> Result<(Job, Clip)> {
    let job = app.store.read(|db| store::jobs::by_clip(db, token))?.ok_or_else(unknown)?;
    let clip = job.clip.clone().ok_or_else(unknown)?;
    Ok((job, clip))
}

fn index(app: &App, job: &Job) -> Result<Option<DemoIndex>> {
    app.store.read(|db| demos::index_of_job(db, job))
}

fn play(index: &DemoIndex, job: &Job, clip: &Clip) -> Option<Play> {
    let (id, number) = (job.spec.steam64_id.to_string(), job.spec.round);
    let player = index.player_with_id(&id)?;
    let round = index.rounds.iter().find(|round| round.number == number)?;
    let highlight = index.highlights.iter().find(|highlight| highlight.player == id && highlight.round == number);
    Some(Play {
        player: player.name.clone(),
        map: index.map.clone(),
        kills: player.kills_by_round.get(&number).copied().unwrap_or_default(),
        ace: highlight.is_some_and(|highlight| highlight.ace),
        clutch: highlight.and_then(|highlight| highlight.clutch),
        moments: moments(index, round, &id, clip),
    })
}

fn moments(index: &DemoIndex, round: &IndexedRound, followed: &str, clip: &Clip) -> Vec<Moment> {
    // The game cannot start exactly at a tick, so times in its clips are not known.
    let Some([first, _]) = round.clip_ticks.filter(|_| clip.view == View::Tactical) else { return Vec::new() };
    let name = |id: &Option<String>| id.as_deref().and_then(|id| name_of(index, id));
    let moments = round.kills.iter().filter_map(|kill| {
        let at_ms = clip_second(f64::from(kill.tick), first, index.tick_rate) * 1_000.0;
        let is_inside = (0.0..clip.video.duration_ms as f64).contains(&at_ms);
        let kind = match (kill.attacker.as_deref(), kill.victim.as_deref()) {
            (_, Some(victim)) if victim == followed => MomentKind::Death,
            (Some(attacker), _) if attacker == followed => MomentKind::Kill,
            _ => MomentKind::Other,
        };
        is_inside.then(|| Moment {
            at_ms: at_ms as u64,
            kind,
            attacker: name(&kill.attacker),
            victim: name(&kill.victim),
        })
    });
    moments.collect()
}

fn name_of(index: &DemoIndex, id: &str) -> Option<String> {
    index.player_with_id(id).map(|player| player.name.clone())
}
