//! The game: plays a demo tick by tick as far as anything happens, obeys console commands, and records.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::console::commands;
use crate::orders::Orders;
use crate::video::{Picture, Video, wave};
use crate::{hang, leave_running, text};

/// Ticks per second of a demo.
const TICKS_PER_SECOND: i32 = 64;
/// The last tick that this demo reaches.
const LAST_TICK: i32 = 1_000_000;
/// Entity index of the wanted player.
const INDEX: i32 = 7;

/// What the script was filled in with.
struct Script {
    token: String,
    steam: String,
}

/// A recording that has begun.
struct Recording {
    start: i32,
    /// The name of the game's own recording; `None`: HLAE's.
    movie: Option<String>,
}

struct Game {
    orders: Orders,
    csgo: PathBuf,
    /// The plugin's log, if it is loaded.
    plugin: Option<File>,
    console: Option<File>,
    size: (u32, u32),
    tick: i32,
    /// Commands by tick, in order.
    schedule: BTreeMap<i32, Vec<String>>,
    script: Option<Script>,
    recording: Option<Recording>,
    takes: u32,
    settings: BTreeMap<String, String>,
    presets: BTreeMap<String, String>,
    quits: bool,
}

pub fn run(own: &Path, args: &[String], orders: Orders) -> u8 {
    if orders.has("crash-start") {
        return 1;
    }
    if orders.has("leaves-child") {
        leave_running(Command::new("sleep").arg("600"));
    }
    if orders.has("hang-start") || orders.has("error-window") {
        hang();
    }
    let value = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
    let number = |name: &str| value(name).and_then(|value| value.parse().ok()).unwrap();
    assert!(args.iter().any(|arg| arg == "-insecure"), "the game would be banned: {args:?}");
    let demo = PathBuf::from(value("+playdemo").expect("a demo"));
    assert!(demo.is_file(), "no demo at {}", demo.display());
    // The program is in game/bin/PLATFORM.
    let csgo = own.ancestors().nth(3).unwrap().join("csgo");
    let logs = args.iter().any(|arg| arg == "-condebug");
    let mut game = Game {
        console: logs.then(|| File::create(csgo.join("console.log")).unwrap()),
        plugin: None,
        orders,
        csgo,
        size: (number("-width"), number("-height")),
        tick: 0,
        schedule: BTreeMap::new(),
        script: None,
        recording: None,
        takes: 0,
        settings: BTreeMap::new(),
        presets: BTreeMap::new(),
        quits: false,
    };
    game.load_plugin(own, &demo);
    if let Some(cfg) = value("+exec") {
        game.exec(&cfg);
    }
    game.print(&format!("Playing demo {}", demo.display()));
    game.play()
}

impl Game {
    /// Loads the plugin if `gameinfo.gi` names it, with the actions next to the demo.
    fn load_plugin(&mut self, own: &Path, demo: &Path) {
        let info = fs::read_to_string(self.csgo.join("gameinfo.gi")).unwrap_or_default();
        if !info.contains("csgo/csdm") || self.orders.has("no-plugin") {
            return;
        }
        self.plugin = Some(File::create(own.with_file_name("csdm.log")).unwrap());
        self.log("Connecting to WebSocket server...");
        let actions: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(format!("{}.json", text(demo))).unwrap()).unwrap();
        for sequence in actions.as_array().unwrap() {
            for action in sequence["actions"].as_array().unwrap() {
                let tick = action["tick"].as_i64().unwrap().try_into().unwrap();
                self.schedule.entry(tick).or_default().push(action["cmd"].as_str().unwrap().to_owned());
            }
        }
        self.log("JSON sequences file loaded");
        self.log("Demo playback started -1");
    }

    fn play(&mut self) -> u8 {
        while !self.quits {
            let Some((&tick, _)) = self.schedule.range(self.tick..).next() else { break };
            if tick > LAST_TICK {
                break;
            }
            self.show_frames_until(tick);
            self.tick = tick;
            for command in self.schedule.remove(&tick).unwrap() {
                self.log(&format!("Executing: {command}"));
                self.run(&command);
            }
            if let Some(code) = self.misbehave() {
                return code;
            }
        }
        if !self.quits {
            // The demo is over, and the game shows its menu.
            hang();
        }
        0
    }

    /// What happens once the script is loaded or recording has begun, if it was ordered.
    fn misbehave(&self) -> Option<u8> {
        let is_seeking = self.script.is_some() || self.plugin.is_some();
        let state = if self.recording.is_some() { "recording" } else { "seeking" };
        if self.orders.has(&format!("hang-{state}")) && is_seeking && self.takes == 0 {
            hang();
        }
        let crashes = self.orders.has(&format!("crash-{state}")) && is_seeking && self.takes == 0;
        crashes.then_some(1)
    }

    fn exec(&mut self, name: &str) {
        let file = if name.contains('.') { name.to_owned() } else { format!("{name}.cfg") };
        let own = std::env::var_os("USRLOCALCSGO").map(|folder| PathBuf::from(folder).join("cfg").join(&file));
        let path = own.filter(|path| path.is_file()).unwrap_or_else(|| self.csgo.join("cfg").join(&file));
        let content = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        content.lines().for_each(|line| self.run(line));
    }

    /// Runs a console line.
    fn run(&mut self, line: &str) {
        for command in commands(line) {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            match words[..] {
                ["exec", name] => self.exec(name),
                ["quit"] => self.quits = !self.orders.has("never-quits"),
                ["demo_gototick", tick] => self.tick = tick.parse().unwrap(),
                // Quotes are lost here, as in the real one.
                ["mirv_cmd", "addAtTick", tick, ..] => {
                    self.schedule.entry(tick.parse().unwrap()).or_default().push(words[3..].join(" "));
                }
                ["mirv_cmd", "clear"] => self.schedule.clear(),
                ["mirv_script_load", path] => self.load_script(Path::new(path)),
                ["mirv_streams", "settings", "add", "ffmpeg", name, options] => {
                    self.presets.insert(name.to_owned(), options.to_owned());
                }
                ["mirv_streams", "record", "start"] => self.record(None),
                ["mirv_streams", "record", "end"] | ["endmovie"] => self.stop(),
                ["startmovie", name] => self.record(Some(name.to_owned())),
                ["mirv_streams", "record", ref name @ .., value] => {
                    self.settings.insert(name.join(" "), value.to_owned());
                }
                [name, value] => _ = self.settings.insert(name.to_owned(), value.to_owned()),
                _ => {}
            }
        }
    }

    fn load_script(&mut self, path: &Path) {
        let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let between = |start: &str| {
            let (_, rest) = source.split_once(start).unwrap_or_else(|| panic!("no {start} in the script"));
            rest.split_once('\'').unwrap().0.to_owned()
        };
        let script = Script { token: between("'DINKEM_POV "), steam: between("BigInt('") };
        self.script = Some(script);
        self.pov(&format!("loaded steam={} contract=1", self.script.as_ref().unwrap().steam));
        self.pov(&format!("found index={INDEX} tick={}", self.tick));
    }

    fn record(&mut self, movie: Option<String>) {
        self.recording = Some(Recording { start: self.tick, movie });
        self.pov(&format!("record-start tick={}", self.tick));
    }

    /// The script's lines while recording, once a second.
    fn show_frames_until(&mut self, tick: i32) {
        let (Some(recording), Some(script)) = (&self.recording, &self.script) else { return };
        let (start, seen) = (recording.start, script.steam.clone());
        for at in (self.tick.max(start)..tick).step_by(usize::try_from(TICKS_PER_SECOND).unwrap()) {
            let frames = at - start + 1;
            self.pov(&format!("seen={seen}/2 tick={at} frames={frames} good={frames}"));
        }
    }

    fn stop(&mut self) {
        let Some(recording) = self.recording.take() else { return };
        let seconds = f64::from(self.tick - recording.start) / f64::from(TICKS_PER_SECOND);
        match &recording.movie {
            None => self.write_take(seconds),
            Some(name) => self.write_movie(name, seconds),
        }
        self.takes += 1;
        let frames = (seconds * f64::from(self.fps())).round();
        let (good, wrong) = if self.orders.has("wrong-player") { (0.0, frames) } else { (frames, 0.0) };
        if !self.orders.has("no-pov") {
            self.pov(&format!(
                "record-end tick={} frames={frames} good={good} wrong={wrong} third=0 dead=0 blind=0",
                self.tick
            ));
        }
    }

    fn fps(&self) -> u32 {
        self.settings.get("fps").or(self.settings.get("host_framerate")).expect("a frame rate").parse().unwrap()
    }

    fn video(&self, seconds: f64) -> Video {
        let ((width, height), fps) = (self.size, self.fps());
        Video { width, height, fps, seconds, picture: Picture::Moving, sound: false, faststart: false }
    }

    /// HLAE's recording, as the preset that was chosen says.
    fn write_take(&self, seconds: f64) {
        assert_eq!(self.settings.get("screen enabled").map(String::as_str), Some("1"), "the screen is not recorded");
        let take = Path::new(&self.settings["name"]).join(format!("take{:04}", self.takes));
        let preset = &self.presets[&self.settings["screen settings"]];
        let stream = text(&take.join("screen"));
        let line = preset.replace("{AFX_STREAM_PATH}", &stream).replace("\\\\", "/").replace("{QUOTE}", "\"");
        let args = crate::console::words(&line);
        let (path, encoder) = args.split_last().unwrap();
        fs::create_dir_all(&take).unwrap();
        if !self.orders.has("no-video") {
            let encoder: Vec<&str> = encoder.iter().map(String::as_str).collect();
            self.video(seconds).write(&encoder, Path::new(path));
        }
        if self.settings.get("startMovieWav").is_some_and(|on| on == "1") && !self.orders.has("no-sound") {
            wave(seconds, &take.join("audio.wav"));
        }
    }

    /// The game's own recording, next to its content.
    fn write_movie(&self, name: &str, seconds: f64) {
        if !self.orders.has("no-video") {
            let encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
            self.video(seconds).write(&encoder, &self.csgo.join(name).join("picture.mp4"));
        }
        if !self.orders.has("no-sound") {
            wave(seconds, &self.csgo.join(name).join("sound.wav"));
        }
    }

    fn pov(&mut self, what: &str) {
        if let Some(script) = &self.script {
            self.print(&format!("DINKEM_POV {} {what}", script.token));
        }
    }

    fn print(&mut self, line: &str) {
        if let Some(console) = &mut self.console {
            writeln!(console, "11/29 18:00:00 {line}").unwrap();
        }
    }

    /// A line of the plugin.
    fn log(&mut self, line: &str) {
        if let Some(log) = &mut self.plugin {
            writeln!(log, "{line}").unwrap();
        }
    }
}
