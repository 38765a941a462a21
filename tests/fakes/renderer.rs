//! A renderer under the command contract that ends as ordered: by `--ending WORD`, or by the first word of the orders.
//! The job file is its first argument.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::orders::Orders;
use crate::video::{Picture, Video};
use crate::{hang, leave_running};

/// Frames per second that no job asks for.
const WRONG_RATE: u32 = 24;
/// Seconds by which a video is too short or too long.
const WRONG_SECONDS: f64 = 1.0;

pub fn run(args: &[String], orders: &Orders) -> u8 {
    let by_option = args.iter().position(|arg| arg == "--ending").map(|at| args[at + 1].as_str());
    let ending = by_option.or(orders.first()).unwrap_or("success").to_owned();
    let job: Value = serde_json::from_str(&fs::read_to_string(&args[0]).unwrap()).unwrap();
    if ending == "silence" {
        hang();
    }
    say("openjd_status: rendering");
    say("openjd_progress: 10");
    let output = PathBuf::from(job["output"].as_str().unwrap());
    let mut video = wanted(&job);
    match ending.as_str() {
        "poster-pipe" | "poster-text" | "changes-demo" | "escapes" => {}
        "success" | "children" | "wrong-player" | "no-pov" | "reports-player" | "reports-other" | "reports-late" => {}
        "progress-then-hang" | "cancel-ignored" => hang(),
        "cancel-obeyed" => return wait_for_cancel(Path::new(job["workdir"].as_str().unwrap())),
        "crash" => std::process::abort(),
        "wrong-size" => video.width /= 2,
        "wrong-rate" => video.fps = WRONG_RATE,
        "too-short" => video.seconds -= WRONG_SECONDS,
        "too-long" => video.seconds += WRONG_SECONDS,
        "black" => video.picture = Picture::Black,
        "frozen" => video.picture = Picture::Frozen,
        "no-audio" => video.sound = false,
        "no-file" => return 0,
        "file-elsewhere" => {
            write(&video, &output.with_file_name("elsewhere.mp4"));
            return 0;
        }
        "endless-output" => loop {
            say("frame 1 of 1");
        },
        "disk-full" => {
            say("openjd_fail: The disk is full.");
            return 21;
        }
        other => {
            let code = other.strip_prefix("exit-").unwrap_or_else(|| panic!("no ending is called {other:?}"));
            say(&format!("openjd_fail: Ended with exit code {code}."));
            return code.parse().unwrap();
        }
    }
    let poster = output.with_extension("jpg");
    match ending.as_str() {
        "children" => leave_running(Command::new("sleep").arg("600")),
        // Out of the process group.
        "escapes" => leave_running(Command::new("setsid").args(["sleep", "600"])),
        "poster-pipe" => assert!(Command::new("mkfifo").arg(&poster).status().unwrap().success()),
        "poster-text" => fs::write(&poster, "no picture").unwrap(),
        "changes-demo" => fs::write(job["demo"]["path"].as_str().unwrap(), "no demo").unwrap(),
        _ => {}
    }
    if ending.starts_with("reports") {
        say(if ending == "reports-late" { "openjd_status: encoding" } else { "openjd_status: recording" });
        report(&job, &args[args.iter().position(|arg| arg == "--game").unwrap() + 1], &ending);
    }
    write(&video, &output);
    say("openjd_progress: 100");
    if !ending.starts_with("reports") {
        prove(&job, &video, &ending);
    }
    0
}

/// Reports whom the picture shows as the game does by Game State Integration, to the address in its config file.
fn report(job: &Value, game_dir: &str, ending: &str) {
    let cfg = Path::new(game_dir).join("game/csgo/cfg/gamestate_integration_dinkem.cfg");
    let cfg = fs::read_to_string(cfg).unwrap();
    let value = |name: &str| {
        let (_, rest) = cfg.split_once(&format!("\"{name}\" \"")).unwrap();
        rest.split('"').next().unwrap()
    };
    let address = value("uri").trim_start_matches("http://").trim_end_matches('/').to_owned();
    let player = job["player"]["steam64"].as_str().unwrap();
    let shown = if ending == "reports-other" { "76561197960265728" } else { player };
    let body = serde_json::json!({ "auth": { "token": value("token") }, "player": { "steamid": shown } }).to_string();
    // The line must have been heard before the first report.
    for _ in 0..20 {
        let mut connection = TcpStream::connect(&address).unwrap();
        let head = format!("POST / HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n", body.len());
        connection.write_all(format!("{head}{body}").as_bytes()).unwrap();
        connection.read_exact(&mut [0]).unwrap();
        dinkem_appliance::os::clock::pause(std::time::Duration::from_millis(20));
    }
}

/// The lines that prove whom the picture shows, as pov.js prints them.
fn prove(job: &Value, video: &Video, ending: &str) {
    let Some(token) = job["pov_token"].as_str() else { return };
    let steam = job["player"]["steam64"].as_str().unwrap();
    say(&format!("DINKEM_POV {token} loaded steam={steam} contract=1"));
    say(&format!("DINKEM_POV {token} record-start tick=1000"));
    let frames = (video.seconds * f64::from(video.fps)).round();
    let (good, wrong) = if ending == "wrong-player" { (0.0, frames) } else { (frames, 0.0) };
    if ending != "no-pov" {
        say(&format!(
            "DINKEM_POV {token} record-end tick=2000 frames={frames} good={good} wrong={wrong} third=0 dead=0 blind=0"
        ));
    }
}

/// What the job asks for.
fn wanted(job: &Value) -> Video {
    let number = |name: &str| job[name].as_f64();
    let by_ticks = || Some((number("end_tick")? - number("start_tick")?) / 64.0);
    let seconds = number("length_ms").map(|ms| ms / 1_000.0).or_else(by_ticks).unwrap_or(3.0);
    let whole = |name: &str| u32::try_from(job[name].as_u64().unwrap()).unwrap();
    Video {
        width: whole("width"),
        height: whole("height"),
        fps: whole("fps"),
        seconds,
        picture: Picture::Moving,
        sound: true,
        faststart: true,
    }
}

fn write(video: &Video, path: &Path) {
    video.write(&["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"], path);
}

fn wait_for_cancel(workdir: &Path) -> u8 {
    while !workdir.join("cancel").exists() {
        dinkem_appliance::os::clock::pause(std::time::Duration::from_millis(20));
    }
    130
}

/// Prints a line at once.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The output is no longer read: the fake of an endless renderer must end, too.
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}
