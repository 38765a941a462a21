//! Starts HLAE, follows the game to the end of the recording, and finishes the file.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::cfg::{argv, cfgs, problem};
use super::take::{self, Take};
use crate::os::clock::pause;
use crate::os::process::{Child, Event};
use crate::os::programs;
use crate::render::game::ending::{Fault, Step, Stop};
use crate::render::game::mux;
use crate::render::game::script::pov_script;
use crate::render::game::session::{Session, bytes_below, token};
use crate::render::game::stage::Stage;
use crate::render::game::tail::Tail;
use crate::render::game::windows::ErrorWindows;

/// How long to wait for the launcher before looking at everything else.
const LOOP: Duration = Duration::from_millis(100);
/// The variable that names the folder of the game's settings, so that the user's own do not break recordings.
const SETTINGS_VARIABLE: &str = "USRLOCALCSGO";

/// Records the job's clip and writes its output.
pub fn render(session: &mut Session<'_>) -> Step<()> {
    let settings = session.files.own.join("settings");
    prepare(session, &settings)?;
    let args: Vec<OsString> = argv(session.job, session.setup)?.into_iter().map(Into::into).collect();
    let program = session.setup.hlae.clone().unwrap_or_default();
    let variables = [(SETTINGS_VARIABLE, OsString::from(&settings))];
    let started = Child::spawn_launcher(&program, &args, &session.files.own, &variables);
    let launcher = started.map_err(|error| Fault::not_ready(format!("Cannot start HLAE: {error}. Check hlae.")))?;
    let id = launcher.id();
    let mut game =
        Game { launcher, exit: None, log: Tail::new(session.files.console_log()), windows: ErrorWindows::default() };
    let recorded = game.follow(session);
    if game.exit.is_none() {
        programs::kill_tree(id);
    }
    programs::kill(&session.files.game);
    recorded?;
    let take = settled(session)?;
    mux::finish(session, &take.video, take.sound.as_deref())
}

/// Checks the tool and writes everything that it reads.
fn prepare(session: &Session<'_>, settings: &Path) -> Step<()> {
    if let Some(problem) = problem(session.setup) {
        return Err(Fault::not_ready(problem).into());
    }
    let script = pov_script(session.job.player.steam64, token(session.job))
        .ok_or_else(|| Fault::transient("Internal error: the job's token is not usable."))?;
    let cfg = settings.join("cfg");
    let mut write = fs::create_dir_all(&cfg).and_then(|()| fs::write(&session.files.script, script));
    for (name, content) in cfgs(session.job, session.files)? {
        write = write.and_then(|()| fs::write(cfg.join(name), content));
    }
    write.map_err(|error| Fault::not_ready(format!("Cannot write to the work directory: {error}.")).into())
}

/// The launcher and what can be seen of the game.
struct Game {
    launcher: Child,
    exit: Option<i32>,
    log: Tail,
    windows: ErrorWindows,
}

impl Game {
    /// Follows the game until it has recorded and quit.
    fn follow(&mut self, session: &mut Session<'_>) -> Step<()> {
        loop {
            self.hear_launcher(session)?;
            self.hear_game(session)?;
            let record = session.files.record.clone();
            let is_fresh = session.look(&|| bytes_below(&record))?;
            if self.windows.any(session.patience.windows, &session.job.workdir, session.now()) {
                let sentence = "HLAE reported an error: it does not work with this build of the game. Update HLAE.";
                return Err(Fault::not_ready(sentence).into());
            }
            if is_fresh && self.is_gone(session) {
                // Its last lines were written before it ended.
                self.hear_game(session)?;
                let is_complete = session.stage() == Stage::Quitting;
                return if is_complete { Ok(()) } else { Err(session.game_is_gone().into()) };
            }
        }
    }

    /// Whether the game has run and ended, or should long since have been seen.
    fn is_gone(&self, session: &Session<'_>) -> bool {
        let is_late = session.age() > session.patience.fast_crash;
        !session.game_runs() && self.exit.is_some() && (session.game_was_seen() || is_late)
    }

    fn hear_launcher(&mut self, session: &mut Session<'_>) -> Step<()> {
        // What the launcher has started may still write to its output, so it is read to the end.
        match self.launcher.next(LOOP) {
            Ok(Event::Out(line) | Event::Err(line)) => session.pass_on(&line),
            Ok(Event::Silence) => Ok(()),
            Ok(Event::Ended(exit)) if self.exit.is_none() => {
                self.exit = exit.or(Some(-1));
                if exit == Some(0) { Ok(()) } else { Err(failed(session)) }
            }
            Ok(Event::Ended(_)) => {
                pause(LOOP);
                Ok(())
            }
            Err(error) => Err(Fault::transient(format!("Lost contact with HLAE: {error}.")).into()),
        }
    }

    fn hear_game(&mut self, session: &mut Session<'_>) -> Step<()> {
        self.log.lines().iter().try_for_each(|line| session.hear(line))
    }
}

fn failed(session: &Session<'_>) -> Stop {
    Fault::once(session.job.attempt, "HLAE error: it could not start the game.").into()
}

/// The recorded files, once they no longer grow: the encoder may end after the game.
fn settled(session: &mut Session<'_>) -> Step<Take> {
    let mut before = None;
    loop {
        let record = session.files.record.clone();
        let bytes = bytes_below(&record);
        let is_fresh = session.look(&|| bytes)?;
        if is_fresh && before.replace(bytes) == Some(bytes) {
            break;
        }
        pause(LOOP);
    }
    let take = take::last(&session.files.record).unwrap_or_default();
    let attempt = session.job.attempt;
    let take = take.ok_or_else(|| Fault::once(attempt, "Raw files not found: the game recorded no video."))?;
    if take.sound.is_none() && session.setup.audio == Some(true) {
        return Err(Fault::transient("WAV file not found: the game recorded no sound.").into());
    }
    Ok(take)
}
