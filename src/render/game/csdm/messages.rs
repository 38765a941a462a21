//! What CS Demo Manager's messages mean: a table.

use crate::render::game::ending::Fault;

/// What a message means for the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    /// The node cannot render at present.
    NotReady,
    /// The node cannot render if it comes soon after the start; later, it may work elsewhere.
    NotReadyIfAtOnce,
    /// May work elsewhere.
    Transient,
    /// May work elsewhere; the second time, the node is to blame.
    Once,
    /// The demo cannot be played.
    BadDemo,
    /// Our own fault.
    Internal,
}

/// One row.
struct Row {
    /// The message: parts in order, separated by `…`. Versions word it differently.
    messages: &'static [&'static str],
    means: Means,
    /// The sentence for people.
    sentence: &'static str,
}

const fn row(messages: &'static [&'static str], means: Means, sentence: &'static str) -> Row {
    Row { messages, means, sentence }
}

const ROWS: &[Row] = &[
    row(
        &["connect ECONNREFUSED"],
        Means::NotReady,
        "CS Demo Manager cannot reach its database. Start PostgreSQL on the render node.",
    ),
    row(
        &["database…does not exist", "The database schema is outdated"],
        Means::NotReady,
        "CS Demo Manager's database does not exist. Open CS Demo Manager once to create it.",
    ),
    row(&["Steam is not running"], Means::NotReady, "Steam is not running on the render node. Start it and log in."),
    row(
        &["Access denied", "exited with an access denied error"],
        Means::NotReady,
        "CS Demo Manager was denied access. Close anti-cheat software, and do not run Steam as administrator.",
    ),
    row(
        &["Custom CS executable not found", "Counter-Strike executable not found"],
        Means::NotReady,
        "CS Demo Manager cannot find the game. Check the game's path in its settings.",
    ),
    row(
        &["An error occurred while contacting GitHub", "HLAE is not installed", "FFmpeg is not installed"],
        Means::NotReady,
        "CS Demo Manager tried to download HLAE or ffmpeg. Install both and set their paths in its settings.",
    ),
    row(
        &["Network error", "A network error occurred"],
        Means::NotReady,
        "CS Demo Manager needed the network. Install HLAE and ffmpeg, and set their paths in its settings.",
    ),
    row(
        &["EPERM….dem.json"],
        Means::NotReady,
        "CS Demo Manager cannot write next to the demo. Check the permissions of the work directory.",
    ),
    row(
        &["Failed to start Counter-Strike", "Failed to start the game"],
        Means::NotReadyIfAtOnce,
        "Failed to start Counter-Strike. Check Steam on the render node, and that the game is up to date.",
    ),
    row(&["Game error", "The game crashed"], Means::Transient, "The game crashed."),
    row(&["HLAE error", "HLAE returned an error"], Means::Transient, "HLAE reported an error."),
    row(&["Raw files not found"], Means::Once, "Raw files not found: the game recorded no video."),
    row(&["FFmpeg error", "FFmpeg returned an error"], Means::Transient, "ffmpeg could not encode the video."),
    row(&["WAV file not found"], Means::Transient, "WAV file not found: the game recorded no sound."),
    row(&["Demo not found"], Means::BadDemo, "CS Demo Manager cannot find the demo."),
    row(
        &["Invalid demo path", "The demo path contains characters that are not supported"],
        Means::BadDemo,
        "CS Demo Manager cannot use the demo's path.",
    ),
    row(
        &["Invalid demo header", "The demo header is invalid"],
        Means::BadDemo,
        "CS Demo Manager cannot read the demo.",
    ),
    row(
        &["Failed to read or parse config file"],
        Means::Internal,
        "Internal error: CS Demo Manager could not read its job file.",
    ),
    row(&["Config file not found"], Means::Internal, "Internal error: CS Demo Manager did not find its job file."),
    row(
        &["No sequences found", "No sequences provided"],
        Means::Internal,
        "Internal error: the job file of CS Demo Manager has no sequence.",
    ),
];

/// What a line of output means; `None` if it is no known message. `at_once`: the run has only just begun.
pub fn fault(line: &str, attempt: u32, at_once: bool) -> Option<Fault> {
    let row = ROWS.iter().find(|row| row.messages.iter().any(|message| contains(line, message)))?;
    Some(match row.means {
        Means::NotReady => Fault::not_ready(row.sentence),
        Means::NotReadyIfAtOnce if at_once => Fault::not_ready(row.sentence),
        Means::NotReadyIfAtOnce | Means::Transient | Means::Internal => Fault::transient(row.sentence),
        Means::Once => Fault::once(attempt, row.sentence),
        Means::BadDemo => Fault::bad_demo(row.sentence),
    })
}

/// Whether a line has all parts of a message in order.
fn contains(line: &str, message: &str) -> bool {
    let mut rest = line;
    message.split('…').all(|part| rest.find(part).map(|at| rest = &rest[at + part.len()..]).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_message_has_its_exit_code() {
        let exit = |line: &str, attempt, at_once| fault(line, attempt, at_once).map(|fault| fault.exit);
        for (line, code) in [
            ("Error: connect ECONNREFUSED 127.0.0.1:5432", 21),
            ("error: database \"csdm\" does not exist", 21),
            ("Steam is not running", 21),
            ("Access denied", 21),
            ("Custom CS executable not found", 21),
            ("An error occurred while contacting GitHub", 21),
            ("Network error", 21),
            ("EPERM: operation not permitted, open 'C:\\w\\a.dem.json'", 21),
            ("Failed to start Counter-Strike", 20),
            ("Game error", 20),
            ("HLAE error", 20),
            ("Raw files not found", 20),
            ("FFmpeg error", 20),
            ("WAV file not found", 20),
            ("Demo not found", 10),
            ("Invalid demo path", 10),
            ("Invalid demo header", 10),
            ("Failed to read or parse config file", 20),
            ("Config file not found", 20),
            ("No sequences found", 20),
            ("A network error occurred, check your internet connection.", 21),
            ("Failed to start the game, make sure Steam is running and you are connected.", 20),
            ("The game process exited with an access denied error, make sure to close any anti-cheat software.", 21),
            ("Counter-Strike executable not found, check your app playback settings.", 21),
            ("The game crashed, see https://cs-demo-manager.com/docs", 20),
            ("HLAE is not installed.", 21),
            ("FFmpeg returned an error.", 20),
            ("The demo header is invalid, the file may be corrupted.", 10),
            ("No sequences provided.", 20),
        ] {
            assert_eq!(exit(line, 1, false), Some(code), "{line}");
        }
        assert_eq!(exit("Failed to start Counter-Strike", 1, true), Some(21));
        assert_eq!(exit("Raw files not found", 2, false), Some(21));
        assert_eq!(exit("Game error", 2, false), Some(20));
        assert_eq!(exit("does not exist: database", 1, false), None);
        assert_eq!(exit("Video generated in /w", 1, false), None);
        assert_eq!(ROWS.len(), 20, "a row without a case");
    }
}
