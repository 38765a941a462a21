//! Finding the moment: reads a local demo, and words and lines to type for its best rounds.

use std::path::Path;

use crate::cli::output;
use crate::cli::progress::Progress;
use crate::config;
use crate::domain::error::{Error, Result};
use crate::domain::job::SteamId;
use crate::domain::player::PlayerRef;
use crate::domain::wording::{counted, quoted};
use crate::render::demo::{self, DemoIndex, IndexedHighlight, PlainDemo};

/// A player's round.
pub type Moment = (SteamId, u32);

/// Reads a demo, compressed or not.
pub fn read(demo: &Path) -> Result<DemoIndex> {
    let mut progress = Progress::new();
    progress.show("reading the demo", 0.0);
    demo::index(PlainDemo::open(demo, None)?.path())
}

/// The Steam ID of a player. The demo is read only to look up a name.
pub fn steam_id(player: &PlayerRef, read: impl FnOnce() -> Result<DemoIndex>) -> Result<SteamId> {
    match player {
        PlayerRef::Id(id) => Ok(*id),
        PlayerRef::Name(_) => id_of(&read()?.player(player)?.steam64_id),
    }
}

/// The best moment of a demo, or of a player or a round of it.
pub fn best(index: &DemoIndex, player: Option<&PlayerRef>, round: Option<u32>) -> Result<Moment> {
    let player = player.map(|player| index.player(player)).transpose()?;
    let (player, round) = index.best(player, round)?;
    Ok((id_of(&player.steam64_id)?, round))
}

/// Every round that a player played.
pub fn all_rounds(index: &DemoIndex, player: &PlayerRef) -> Result<Vec<Moment>> {
    let player = index.player(player)?;
    // Also reports a player without a round.
    index.best(Some(player), None)?;
    let id = id_of(&player.steam64_id)?;
    Ok(player.rounds_played.iter().map(|round| (id, *round)).collect())
}

/// The best highlights, best first: at most `most`, of all players or of one.
pub fn highlights(index: &DemoIndex, player: Option<&PlayerRef>, most: usize) -> Result<Vec<Moment>> {
    let player = player.map(|player| index.player(player)).transpose()?;
    let is_asked = |highlight: &&IndexedHighlight| player.is_none_or(|player| player.steam64_id == highlight.player);
    let found = index.highlights.iter().filter(is_asked).take(most);
    found.map(|highlight| Ok((id_of(&highlight.player)?, highlight.round))).collect()
}

/// A Steam ID from an index.
fn id_of(text: &str) -> Result<SteamId> {
    SteamId::parse(text, "player").map_err(|error| Error::internal("The demo has a player without a Steam ID.", error))
}

/// The name of a player of a demo; the Steam ID if it is unknown.
pub fn name_of<'a>(index: &'a DemoIndex, steam64_id: &'a str) -> &'a str {
    index.player_with_id(steam64_id).map_or(steam64_id, |player| &player.name)
}

/// `5 kills in 21.3 s (ace), won 1 against 3, opening kill`.
pub fn in_words(highlight: &IndexedHighlight) -> String {
    let mut parts = Vec::new();
    if highlight.kills > 0 {
        let kills = counted(highlight.kills, "kill");
        let span = if highlight.kills > 1 { format!(" in {:.1} s", highlight.seconds) } else { String::new() };
        parts.push(format!("{kills}{span}{}", if highlight.ace { " (ace)" } else { "" }));
    }
    parts.extend(highlight.clutch.map(|enemies| format!("won 1 against {enemies}")));
    parts.extend(highlight.opening_kill.then(|| "opening kill".to_owned()));
    parts.join(", ")
}

/// A table of highlights, each with the line to type for its clip.
pub fn table<'a>(index: &DemoIndex, highlights: impl Iterator<Item = &'a IndexedHighlight>, demo: &Path) -> String {
    let row = |highlight: &IndexedHighlight| {
        [
            highlight.round.to_string(),
            name_of(index, &highlight.player).to_owned(),
            in_words(highlight),
            line(demo, &highlight.player, highlight.round),
        ]
    };
    output::table(["ROUND", "PLAYER", "WHAT", "COMMAND"], &highlights.map(row).collect::<Vec<_>>())
}

/// The line to type for the clip of a round.
fn line(demo: &Path, player: &str, round: u32) -> String {
    let demo = quoted(&demo.to_string_lossy());
    format!("{} quickstart {demo} --player {player} --round {round}", config::NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highlight_is_described_by_what_makes_it_one() {
        let plain = IndexedHighlight {
            player: "76561197960287930".to_owned(),
            round: 3,
            kills: 1,
            seconds: 0.0,
            ace: false,
            clutch: None,
            opening_kill: true,
        };
        let several = IndexedHighlight { kills: 4, seconds: 12.345, opening_kill: false, ..plain.clone() };
        for (highlight, words) in [
            (plain.clone(), "1 kill, opening kill"),
            (several.clone(), "4 kills in 12.3 s"),
            (
                IndexedHighlight { kills: 5, ace: true, opening_kill: true, ..several.clone() },
                "5 kills in 12.3 s (ace), opening kill",
            ),
            (IndexedHighlight { clutch: Some(2), ..several }, "4 kills in 12.3 s, won 1 against 2"),
            (IndexedHighlight { kills: 0, clutch: Some(1), opening_kill: false, ..plain }, "won 1 against 1"),
        ] {
            assert_eq!(in_words(&highlight), words);
        }
    }
}
