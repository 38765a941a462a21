//! The log of CS Demo Manager's plugin inside the game, `csdm.log` beside the game's program: which stage it is at.

use crate::render::game::stage::Stage;

/// What comes before a command that the plugin runs.
const COMMAND: &str = "Executing: ";
/// What the plugin says when the demo plays.
const PLAYS: &str = "Demo playback started";

/// The stage that a line begins. Any line says at least that the plugin is loaded.
pub fn stage(line: &str) -> Stage {
    let Some((_, command)) = line.split_once(COMMAND) else {
        return if line.contains(PLAYS) { Stage::Seeking } else { Stage::Loading };
    };
    let words: Vec<&str> = command.split_whitespace().collect();
    match words[..] {
        ["mirv_streams", "record", "start"] | ["startmovie", ..] => Stage::Recording,
        ["mirv_streams", "record", "end"] | ["endmovie"] | ["quit"] => Stage::Quitting,
        // Commands run only while the demo plays.
        _ => Stage::Seeking,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_plugin_name_the_stage() {
        for (line, expected) in [
            ("Connecting to WebSocket server...", Stage::Loading),
            ("JSON sequences file loaded: C:/w/a.dem.json", Stage::Loading),
            ("Demo playback started -1", Stage::Seeking),
            ("Executing: demo_gototick 6335", Stage::Seeking),
            ("Executing: mirv_streams record startMovieWav 1", Stage::Seeking),
            ("Executing: mirv_streams record start", Stage::Recording),
            ("Executing: startmovie sequence-1-tick-1-to-2", Stage::Recording),
            ("Executing: mirv_streams record end", Stage::Quitting),
            ("Executing: endmovie", Stage::Quitting),
            ("Executing: quit", Stage::Quitting),
        ] {
            assert_eq!(stage(line), expected, "{line}");
        }
        assert!(Stage::Recording > Stage::Seeking && Stage::Loading <= Stage::Loading);
    }
}
