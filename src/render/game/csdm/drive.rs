//! Starts CS Demo Manager's command line, follows it and the game to the end, and finishes the file.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::config::{System, config, output_name};
use super::messages::fault;
use super::{plugin, settings, tool};
use crate::os::process::{Child, Event};
use crate::os::programs;
use crate::render::game::ending::{Fault, Step, Stop};
use crate::render::game::files::ffmpeg;
use crate::render::game::hlae::Ticks;
use crate::render::game::leftovers::RAW;
use crate::render::game::mux;
use crate::render::game::script::pov_script;
use crate::render::game::session::{Session, bytes_below, token};
use crate::render::game::stage::Stage;
use crate::render::game::tail::Tail;
use crate::render::game::versions::CSDM_AS_NODE;

/// How long to wait for the tool before looking at everything else.
const LOOP: Duration = Duration::from_millis(100);
/// What the tool prints when it begins to encode.
const ENCODES: &str = "Converting sequence";

/// Records the job's clip and writes its output.
pub fn render(session: &mut Session<'_>) -> Step<()> {
    let program = tool::program(session.setup)?.to_owned();
    let Call { args, variables } = prepare(session, &program)?;
    if System::of(session.setup) == System::Game {
        analyze(session, &program, &variables)?;
    }
    // Raw files of the game and the plugin's log belong to this attempt.
    let log = session.files.game.with_file_name("csdm.log");
    let _ = crate::os::files::remove(&log);
    let started = Child::spawn_launcher(&program, &args, &session.files.own, &variables);
    let tool = started.map_err(|error| cannot_start(&error))?;
    let id = tool.id();
    let console = Tail::new(session.files.console_log());
    let mut run = Run { tool, plugin: Tail::new(log.clone()), console, reason: None, is_over: false };
    let recorded = run.follow(session);
    if !run.is_over {
        programs::kill_tree(id);
    }
    programs::kill(&session.files.game);
    let _ = crate::os::files::remove(&log);
    // What the tool itself has said explains a timeout better than the timeout.
    recorded.map_err(|stop| match (stop, run.reason) {
        (Stop::Fault(_), Some(reason)) => reason.into(),
        (stop, _) => stop,
    })?;
    let ticks = Ticks::of(session.job)?;
    let video = session.files.record.join(output_name(&ticks));
    if !video.is_file() {
        let sentence = "Raw files not found: CS Demo Manager wrote no video.";
        return Err(Fault::once(session.job.attempt, sentence).into());
    }
    mux::finish(session, &video, None)
}

/// What the tool is started with.
struct Call {
    args: Vec<OsString>,
    variables: [(&'static str, OsString); 2],
}

/// Checks what fails silently otherwise, and writes everything that the tool reads. Returns its arguments and variables.
fn prepare(session: &Session<'_>, program: &Path) -> Step<Call> {
    let (job, files) = (session.job, session.files);
    tool::check_game_info(&files.csgo)?;
    let ffmpeg = ffmpeg(session.setup)?;
    let script = pov_script(job.player.steam64, token(job))
        .ok_or_else(|| Fault::transient("Internal error: the job's token is not usable."))?;
    let config = config(job, files, System::of(session.setup), &ffmpeg)?;
    let path = files.own.join("csdm.json");
    let written = fs::write(&files.script, script).and_then(|()| fs::write(&path, format!("{config:#}")));
    written.map_err(|error| Fault::not_ready(format!("Cannot write to the work directory: {error}.")))?;
    let home = settings::write(&files.own.join("settings"), session.setup, &ffmpeg)?;
    let args = tool::args(program, ["video".into(), "--config-file".into(), path.into(), "--verbose".into()]);
    Ok(Call { args, variables: [(CSDM_AS_NODE.0, CSDM_AS_NODE.1.into()), home] })
}

/// Has the tool read the demo: it knows players' slots, which cameras need, only of demos in its database.
fn analyze(session: &mut Session<'_>, program: &Path, variables: &[(&str, OsString)]) -> Step<()> {
    session.enter(Stage::Analyzing)?;
    let args = tool::args(program, ["analyze".into(), session.job.demo.path.clone().into()]);
    let started = Child::spawn_launcher(program, &args, &session.files.own, variables);
    let mut tool = started.map_err(|error| cannot_start(&error))?;
    let id = tool.id();
    let mut reason = None;
    let mut follow = || loop {
        session.look(&|| 0)?;
        match tool.next(LOOP) {
            Ok(Event::Out(line) | Event::Err(line)) => {
                // It goes on to the next demo after an error, and exits with success.
                reason = fault(&line, session.job.attempt, true).or(reason.take());
                session.pass_on(&line)?;
            }
            Ok(Event::Silence) => {}
            Ok(Event::Ended(_)) => return Ok(()),
            Err(error) => return Err(lost(&error)),
        }
    };
    let ended = follow();
    if ended.is_err() {
        programs::kill_tree(id);
    }
    match (ended, reason) {
        (Err(Stop::Cancelled), _) => Err(Stop::Cancelled),
        (_, Some(reason)) => Err(reason.into()),
        (ended, None) => ended,
    }?;
    session.enter(Stage::Starting)
}

fn cannot_start(error: &io::Error) -> Fault {
    Fault::not_ready(format!("Cannot start CS Demo Manager: {error}. Check csdm in the [renderer] table."))
}

fn lost(error: &io::Error) -> Stop {
    Fault::transient(format!("Lost contact with CS Demo Manager: {error}.")).into()
}

/// The tool and what can be seen of the game.
struct Run {
    tool: Child,
    plugin: Tail,
    console: Tail,
    /// What the tool's last known message means.
    reason: Option<Fault>,
    is_over: bool,
}

impl Run {
    /// Follows the tool until it has written the video.
    fn follow(&mut self, session: &mut Session<'_>) -> Step<()> {
        loop {
            let event = self.tool.next(LOOP);
            for line in self.plugin.lines() {
                session.pass_on(&line)?;
                // The plugin's log and the script's reports tell of the same events.
                let stage = plugin::stage(&line);
                if stage > session.stage() {
                    session.enter(stage)?;
                }
            }
            self.console.lines().iter().try_for_each(|line| session.hear(line))?;
            let (record, csgo) = (session.files.record.clone(), session.files.csgo.clone());
            session.look(&|| bytes_below(&record).saturating_add(raw_bytes(&csgo)))?;
            match event {
                Ok(Event::Out(line) | Event::Err(line)) => self.hear(session, &line)?,
                Ok(Event::Silence) => {}
                Ok(Event::Ended(exit)) => {
                    self.is_over = true;
                    return if exit == Some(0) { Ok(()) } else { Err(self.failed(session).into()) };
                }
                Err(error) => return Err(lost(&error)),
            }
        }
    }

    fn hear(&mut self, session: &mut Session<'_>, line: &str) -> Step<()> {
        let at_once = session.age() <= session.patience.fast_crash;
        if let Some(fault) = fault(line, session.job.attempt, at_once) {
            self.reason = Some(fault);
        }
        if line.contains(ENCODES) {
            session.enter(Stage::Encoding)?;
        }
        session.pass_on(line)
    }

    fn failed(&self, session: &Session<'_>) -> Fault {
        self.reason.clone().unwrap_or_else(|| match session.stage() {
            Stage::Encoding => Fault::once(session.job.attempt, "CS Demo Manager could not encode the video."),
            _ => session.game_is_gone(),
        })
    }
}

/// Bytes of the game's own recordings, which it writes next to its content.
fn raw_bytes(csgo: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(csgo) else { return 0 };
    let raw = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(RAW));
    raw.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    })
    .sum()
}
