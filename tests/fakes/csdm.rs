//! The command line of CS Demo Manager: installs its plugin, starts the game, waits for it, and encodes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::orders::Orders;
use crate::video::ffmpeg;
use crate::{hang, text};

/// Keys of the job file without any of which the real one fails.
const KEYS: &[&str] = &[
    "demoPath",
    "recordingSystem",
    "recordingOutput",
    "encoderSoftware",
    "framerate",
    "width",
    "height",
    "closeGameAfterRecording",
    "concatenateSequences",
    "trueView",
    "outputFolderPath",
];
const FFMPEG_KEYS: &[&str] = &[
    "customExecutableLocation",
    "audioBitrate",
    "constantRateFactor",
    "videoContainer",
    "videoCodec",
    "audioCodec",
    "inputParameters",
    "outputParameters",
];
const SEQUENCE_KEYS: &[&str] = &[
    "number",
    "startTick",
    "endTick",
    "showXRay",
    "showAssists",
    "showOnlyDeathNotices",
    "deathNoticesDuration",
    "playerVoicesEnabled",
    "recordAudio",
    "playersOptions",
    "cameras",
    "playerCameras",
    "cfg",
];

pub fn run(own: &Path, args: &[String], orders: &Orders) -> u8 {
    assert_eq!(std::env::var("ELECTRON_RUN_AS_NODE").as_deref(), Ok("1"), "it would open its window");
    let script = own.with_file_name("resources").join("app.asar").join("cli.js");
    assert_eq!(args.first().map(PathBuf::from), Some(script));
    let args: Vec<&str> = args[1..].iter().map(String::as_str).collect();
    if let ["analyze", demo] = args[..] {
        return analyze(Path::new(demo), orders);
    }
    let ["video", "--config-file", config, "--verbose"] = args[..] else {
        println!("CS Demo Manager {}", orders.value("version").unwrap_or("3.20.1"));
        return u8::from(args != ["help"]);
    };
    if let Some(message) = orders.value("says") {
        eprintln!("{message}");
        return 1;
    }
    match record(Path::new(config), orders) {
        Ok(folder) => {
            println!("Video generated in {folder}");
            0
        }
        Err(message) => {
            eprintln!("{message}");
            1
        }
    }
}

/// Reads a demo into the database, which is a file in the settings folder. Always succeeds, as the real one does.
fn analyze(demo: &Path, orders: &Orders) -> u8 {
    println!("Analyzing demo {}...", demo.display());
    if orders.has("hang-analyzing") {
        hang();
    }
    match orders.value("analysis-says") {
        Some(message) => eprintln!("{message}"),
        None => fs::write(settings_folder().join("database.txt"), text(demo)).unwrap(),
    }
    0
}

fn record(config: &Path, orders: &Orders) -> Result<String, &'static str> {
    let config = read_config(config).ok_or("Failed to read or parse config file")?;
    let sequence = &config["sequences"][0];
    let demo = PathBuf::from(config["demoPath"].as_str().unwrap());
    if !demo.is_file() {
        return Err("Demo not found");
    }
    let cameras = sequence["playerCameras"].as_array().unwrap();
    if !cameras.is_empty() && fs::read_to_string(settings_folder().join("database.txt")).ok() != Some(text(&demo)) {
        return Err("Match not found");
    }
    let settings = settings();
    let game = PathBuf::from(settings["playback"]["cs2ExecutablePath"].as_str().unwrap());
    let csgo = game.ancestors().nth(3).unwrap().join("csgo");
    let name = format!("sequence-1-tick-{}-to-{}", sequence["startTick"], sequence["endTick"]);
    let out = PathBuf::from(config["outputFolderPath"].as_str().unwrap());
    fs::write(format!("{}.json", text(&demo)), actions(&config, &name).to_string()).unwrap();
    fs::write(std::env::temp_dir().join("csdm-audio.tmp"), "x").unwrap();
    install(&csgo);
    println!("Counter-Strike started");
    let options = settings["playback"]["launchParameters"].as_str().unwrap();
    let mut command = Command::new(&game);
    command.args(["-insecure", "-novid", "+playdemo"]).arg(&demo).args(options.split_whitespace());
    command.args(["-width", &config["width"].to_string(), "-height", &config["height"].to_string(), "-sw"]);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    if !status.success() {
        let crashed_at_once = orders.has("crash-start");
        return Err(if crashed_at_once { "Failed to start Counter-Strike" } else { "Game error" });
    }
    println!("Converting sequence 1...");
    encode(&config, &csgo, &out, &name)?;
    if orders.has("no-output") {
        fs::remove_file(out.join(format!("{name}.mp4"))).unwrap();
    }
    uninstall(&csgo);
    fs::remove_file(format!("{}.json", text(&demo))).unwrap();
    Ok(text(&out))
}

/// The job file, if it has all keys and nothing that looks like a comment.
fn read_config(path: &Path) -> Option<Value> {
    let content = fs::read_to_string(path).ok()?;
    if content.contains("//") || content.contains("/*") || content.contains('#') {
        return None;
    }
    let config: Value = serde_json::from_str(&content).ok()?;
    let all = |value: &Value, keys: &[&str]| keys.iter().all(|key| value.get(key).is_some());
    let complete = all(&config, KEYS)
        && all(&config["ffmpegSettings"], FFMPEG_KEYS)
        && all(&config["sequences"][0], SEQUENCE_KEYS)
        && Path::new(config["ffmpegSettings"]["customExecutableLocation"].as_str()?).is_file();
    complete.then_some(config)
}

fn settings() -> Value {
    serde_json::from_str(&fs::read_to_string(settings_folder().join("settings.json")).unwrap()).unwrap()
}

fn settings_folder() -> PathBuf {
    if cfg!(windows) {
        PathBuf::from(std::env::var_os("USERPROFILE").unwrap()).join(".csdm")
    } else {
        PathBuf::from(std::env::var_os("XDG_CONFIG_HOME").unwrap()).join("csdm")
    }
}

/// What the plugin is to do.
fn actions(config: &Value, name: &str) -> Value {
    let sequence = &config["sequences"][0];
    let (start, end) = (sequence["startTick"].as_i64().unwrap(), sequence["endTick"].as_i64().unwrap());
    let setup = start - 64;
    let mut actions = vec![
        (1, "sv_cheats 1".to_owned()),
        (1, "mirv_streams record screen enabled 1".to_owned()),
        (1, format!("demo_gototick {}", setup - 1)),
    ];
    for camera in sequence["playerCameras"].as_array().unwrap() {
        actions.push((camera["tick"].as_i64().unwrap(), "spec_player 7".to_owned()));
    }
    actions.extend(sequence["cfg"].as_str().unwrap().lines().map(|line| (setup, line.to_owned())));
    if config["recordingSystem"] == "HLAE" {
        let folder = config["outputFolderPath"].as_str().unwrap();
        let video = format!("-c:v libx264 -crf 18 {{QUOTE}}{{AFX_STREAM_PATH}}\\\\video.{}{{QUOTE}}", "mp4");
        actions.extend([
            (setup, "mirv_streams record startMovieWav 1".to_owned()),
            (setup, format!("mirv_streams record name \"{folder}/{name}\"")),
            (setup, format!("mirv_streams settings add ffmpeg csdmPreset1 \"{video}\"")),
            (setup, "mirv_streams record screen settings csdmPreset1".to_owned()),
            (setup, format!("mirv_streams record fps {}", config["framerate"])),
            (start, "mirv_streams record start".to_owned()),
            (end, "mirv_streams record end".to_owned()),
        ]);
    } else {
        actions.extend([
            (setup, format!("host_framerate {}", config["framerate"])),
            (start, format!("startmovie {name}")),
            (end, "endmovie".to_owned()),
        ]);
    }
    actions.push((end + 64, "quit".to_owned()));
    let actions: Vec<Value> = actions.iter().map(|(tick, cmd)| json!({ "tick": tick, "cmd": cmd })).collect();
    json!([{ "actions": actions }])
}

fn install(csgo: &Path) {
    let info = csgo.join("gameinfo.gi");
    let content = fs::read_to_string(&info).unwrap();
    if !content.contains("csgo/csdm") {
        fs::copy(&info, csgo.join("gameinfo.gi.backup")).unwrap();
        fs::write(&info, content.replacen("Game\tcsgo", "Game\tcsgo/csdm\n\t\t\tGame\tcsgo", 1)).unwrap();
    }
    fs::create_dir_all(csgo.join("csdm/bin")).unwrap();
    fs::write(csgo.join("csdm/bin/server.so"), "x").unwrap();
}

fn uninstall(csgo: &Path) {
    fs::remove_dir_all(csgo.join("csdm")).unwrap();
    fs::rename(csgo.join("gameinfo.gi.backup"), csgo.join("gameinfo.gi")).unwrap();
}

/// Puts picture and sound together, with the index at the end of the file.
fn encode(config: &Value, csgo: &Path, out: &Path, name: &str) -> Result<(), &'static str> {
    let (picture, sound) = if config["recordingSystem"] == "HLAE" {
        let take = out.join(name).join("take0000");
        (take.join("screen/video.mp4"), take.join("audio.wav"))
    } else {
        (csgo.join(name).join("picture.mp4"), csgo.join(name).join("sound.wav"))
    };
    if !picture.is_file() {
        return Err("Raw files not found");
    }
    if !sound.is_file() {
        return Err("WAV file not found");
    }
    let (video, audio) = (text(&picture), text(&sound));
    let args = ["-i", &video, "-i", &audio, "-c:v", "copy", "-c:a", "aac", "-b:a", "192k", "-shortest"];
    ffmpeg(&args, &out.join(format!("{name}.mp4")));
    Ok(())
}
