//! Game State Integration: the game itself says whom its picture shows, to a listener on this machine. For recordings
//! without HLAE, whose script would say it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::files::csgo;
use super::pov::Seen;
use crate::os::clock::Clock;
use crate::os::files;
use crate::os::loopback::Listener;

/// The file that makes the game report. Each integration has one of its own.
pub const CFG: &str = "cfg/gamestate_integration_dinkem.cfg";

/// Seconds of silence that are normal while the game records: it reports once a second.
const SILENT_SECONDS: u64 = 3;

/// The game's reports while it records. The game reports until this is dropped.
pub struct StateIntegration {
    cfg: PathBuf,
    _listener: Listener,
    state: Arc<Mutex<State>>,
}

struct State {
    clock: Arc<dyn Clock>,
    player: String,
    token: String,
    /// While the game records: when it last said something.
    recording: Option<Duration>,
    seen: Seen,
}

impl StateIntegration {
    /// Has the game in `game_dir`, which must not run yet, report about one player. `token`: what its reports must carry.
    pub fn start(game_dir: &Path, steam64: u64, token: &str, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let (player, token) = (steam64.to_string(), token.to_owned());
        let state = State { clock, player, token, recording: None, seen: Seen::default() };
        let state = Arc::new(Mutex::new(state));
        let to = Arc::clone(&state);
        let listener = Listener::start(move |body| lock(&to).hear(body))?;
        let cfg = csgo(game_dir).join(CFG);
        fs::create_dir_all(files::folder_of(&cfg))?;
        fs::write(&cfg, config(listener.port(), &lock(&state).token))?;
        Ok(Self { cfg, _listener: listener, state })
    }

    /// Whether the game records now: only then a report counts.
    pub fn set_recording(&self, recording: bool) {
        lock(&self.state).set_recording(recording);
    }

    /// What the reports say once the game has ended.
    pub fn seen(&self) -> Seen {
        let mut state = lock(&self.state);
        state.set_recording(false);
        state.seen
    }
}

impl Drop for StateIntegration {
    fn drop(&mut self) {
        if let Err(error) = files::remove(&self.cfg) {
            log::warn!("Cannot remove {}: {error}", self.cfg.display());
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn set_recording(&mut self, recording: bool) {
        match (recording, self.recording) {
            (true, None) => self.recording = Some(self.clock.monotonic()),
            (false, Some(last)) => {
                self.note_silence(last);
                self.recording = None;
            }
            _ => {}
        }
    }

    /// A game that stops reporting may show anybody: each second of its silence counts as a blind frame.
    fn note_silence(&mut self, last: Duration) {
        let silent = self.clock.monotonic().saturating_sub(last).as_secs();
        // Without any report, nothing at all is known.
        if silent > SILENT_SECONDS && self.seen.frames > 0 {
            self.seen.frames += silent;
            self.seen.blind += silent;
        }
    }

    /// Counts one report. One without the token is not the game's.
    fn hear(&mut self, body: &[u8]) {
        let Ok(report) = serde_json::from_slice::<Value>(body) else { return };
        let Some(last) = self.recording.filter(|_| report["auth"]["token"] == self.token.as_str()) else { return };
        self.note_silence(last);
        self.recording = Some(self.clock.monotonic());
        self.seen.frames += 1;
        // Who watches a demo is told about all players.
        let is_dead = report["allplayers"][&self.player]["state"]["health"] == 0;
        let counter = match report["player"]["steamid"].as_str() {
            _ if is_dead => &mut self.seen.dead,
            Some(shown) if shown == self.player => &mut self.seen.good,
            Some(_) => &mut self.seen.wrong,
            None => &mut self.seen.blind,
        };
        *counter += 1;
    }
}

fn config(port: u16, token: &str) -> String {
    format!(
        "\"dinkem-appliance\"
{{
    \"uri\" \"http://127.0.0.1:{port}/\"
    \"timeout\" \"5.0\"
    \"buffer\" \"0.0\"
    \"throttle\" \"0.0\"
    \"heartbeat\" \"1.0\"
    \"auth\" {{ \"token\" \"{token}\" }}
    \"data\"
    {{
        \"provider\" \"1\"
        \"player_id\" \"1\"
        \"player_state\" \"1\"
        \"allplayers_id\" \"1\"
        \"allplayers_state\" \"1\"
    }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::clock::FakeClock;

    const PLAYER: &str = "76561197991272318";
    const OTHER: &str = "76561197991272319";

    fn report(token: &str, shown: Option<&str>, health: u32) -> Vec<u8> {
        let mut report = serde_json::json!({
            "provider": { "steamid": "76561197960287930" },
            "auth": { "token": token },
            "allplayers": { PLAYER: { "state": { "health": health } } },
        });
        if let Some(shown) = shown {
            report["player"] = serde_json::json!({ "steamid": shown });
        }
        report.to_string().into_bytes()
    }

    #[test]
    fn only_the_games_reports_while_it_records_count() {
        let (player, token) = (PLAYER.to_owned(), "f00d".to_owned());
        let clock = Arc::new(FakeClock::at(0));
        let mut state = State { clock: clock.clone(), player, token, recording: None, seen: Seen::default() };
        state.hear(&report("f00d", Some(OTHER), 100));
        state.set_recording(true);
        for body in [
            report("f00d", Some(PLAYER), 100),
            report("f00d", Some(PLAYER), 1),
            report("f00d", Some(OTHER), 100),
            report("f00d", None, 100),
            report("f00d", Some(OTHER), 0),
            report("beef", Some(OTHER), 100),
            b"{".to_vec(),
        ] {
            state.hear(&body);
        }
        assert_eq!(state.seen, Seen { frames: 5, good: 2, wrong: 1, third: 0, dead: 1, blind: 1 });
        clock.advance(Duration::from_secs(3));
        state.set_recording(false);
        assert_eq!(state.seen.blind, 1, "the game reports once a second");
        state.set_recording(true);
        clock.advance(Duration::from_secs(9));
        state.hear(&report("f00d", Some(PLAYER), 100));
        assert_eq!((state.seen.blind, state.seen.frames), (10, 15), "it may have shown anybody");
    }

    #[test]
    fn game_reports_to_the_listener_while_it_is_asked_to() {
        let dir = tempfile::tempdir().unwrap();
        let cfg = csgo(dir.path()).join(CFG);
        let integration =
            StateIntegration::start(dir.path(), PLAYER.parse().unwrap(), "f00d", Arc::new(FakeClock::at(0))).unwrap();
        let text = fs::read_to_string(&cfg).unwrap();
        let url = text.split('"').find(|word| word.starts_with("http://127.0.0.1:")).unwrap();
        integration.set_recording(true);
        ureq::post(url).send(&report("f00d", Some(PLAYER), 100)[..]).unwrap();
        assert_eq!(integration.seen(), Seen { frames: 1, good: 1, ..Seen::default() });
        drop(integration);
        assert!(!cfg.exists());
    }
}
