//! What HLAE and the game are given: the command line and the console's config files.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::ticks::Ticks;
use crate::render::command::contract::JobFile;
use crate::render::game::ending::Fault;
use crate::render::game::files::Files;
use crate::render::game::script::load_lines;
use crate::render::game::setup::GameSetup;
use crate::render::game::values::plain;

/// The config file that the game runs at start.
const MAIN: &str = "dinkem.cfg";
/// The one that loads the script.
const SCRIPT: &str = "dinkem_pov";
/// The one that sets up the view, a second before recording.
const VIEW: &str = "dinkem_view";

/// Settings of every recording: sound on without a window in front, nothing on screen that is not part of the game.
const ALWAYS: &[&str] = &[
    "sv_cheats 1",
    "volume 1",
    "snd_mute_losefocus 0",
    "engine_no_focus_sleep 0",
    "demo_ui_mode 0",
    "tv_nochat true",
    "tv_listen_voice_indices 0",
    "tv_listen_voice_indices_h 0",
    "cl_trueview_show_status 0",
    "r_show_build_info 0",
    "cl_hud_telemetry_frametime_show 0",
    "cl_hud_telemetry_net_misdelivery_show 0",
    "cl_hud_telemetry_ping_show 0",
    "cl_hud_telemetry_serverrecvmargin_graph_show 0",
];
/// What the recorder's ffmpeg is given. Outside scheduled commands, which lose quotes.
const ENCODER: &str =
    "-c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv420p {QUOTE}{AFX_STREAM_PATH}\\\\video.mp4{QUOTE}";

/// What is wrong with HLAE's installation, for people.
pub fn problem(setup: &GameSetup) -> Option<String> {
    let Some(hlae) = &setup.hlae else {
        return Some("HLAE is not set. Set hlae in the [renderer] table to HLAE.exe.".to_owned());
    };
    for path in [hlae.clone(), hook(hlae)] {
        if !path.is_file() {
            return Some(format!("HLAE is incomplete: there is no {}. Install it again.", path.display()));
        }
    }
    let encoders = encoders(hlae);
    let [program, pointer] = encoders.each_ref().map(|path| path.display());
    let has_encoder = encoders.iter().any(|path| path.is_file());
    (!has_encoder).then(|| format!("HLAE has no ffmpeg. Put it at {program}, or its path into {pointer}."))
}

/// HLAE's library beside its program, which it puts into the game.
pub fn hook(hlae: &Path) -> PathBuf {
    hlae.with_file_name("x64").join("AfxHookSource2.dll")
}

/// Where HLAE looks for its own ffmpeg: a program, or a file with its path.
pub fn encoders(hlae: &Path) -> [PathBuf; 2] {
    let folder = hlae.with_file_name("ffmpeg");
    [folder.join("bin").join("ffmpeg.exe"), folder.join("ffmpeg.ini")]
}

/// HLAE's arguments.
pub fn argv(job: &JobFile, setup: &GameSetup) -> Result<Vec<String>, Fault> {
    let Some(hlae) = &setup.hlae else {
        return Err(Fault::not_ready("HLAE is not set. Set hlae in the [renderer] table to HLAE.exe."));
    };
    plain("HLAE", hlae)?;
    let game = Files::of(job, setup)?.game;
    plain("The game", &game)?;
    let demo = plain("The demo", &job.demo.path)?;
    let (width, height) = (job.width, job.height);
    let game_line =
        format!("-insecure -novid +playdemo \"{demo}\" -width {width} -height {height} -sw -condebug +exec {MAIN}");
    let words = ["-customLoader", "-noGui", "-autoStart", "-noConfig", "-afxDisableSteamStorage"];
    let pairs = [
        ("-hookDllPath", hook(hlae).to_string_lossy().into_owned()),
        ("-programPath", game.to_string_lossy().into_owned()),
        ("-cmdLine", game_line),
    ];
    let pairs = pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
    Ok(words.map(str::to_owned).into_iter().chain(pairs).collect())
}

/// The config files, by name, for the `cfg` folder of the game's settings.
pub fn cfgs(job: &JobFile, files: &Files) -> Result<Vec<(String, String)>, Fault> {
    let ticks = Ticks::of(job)?;
    let record = plain("The work directory", &files.record)?;
    let view = view(job);
    let mut main = String::new();
    let mut line = |text: &str| _ = writeln!(main, "{text}");
    ALWAYS.iter().for_each(|text| line(text));
    // Prediction crashes some demos, and a job's second try is the time to find out.
    line(if job.attempt == 1 { "cl_demo_predict 1" } else { "cl_demo_predict 0" });
    view.iter().for_each(|text| line(text));
    line("mirv_deathmsg lifetime 5");
    line("mirv_streams record screen enabled 1");
    line(&format!("mirv_streams record fps {}", job.fps));
    line(&format!("mirv_streams settings add ffmpeg dinkem \"{ENCODER}\""));
    line("mirv_streams record screen settings dinkem");
    line("mirv_streams record startMovieWav 1");
    line(&format!("mirv_streams record name \"{record}\""));
    line("mirv_cmd clear");
    let mut at = |tick: i32, command: &str| line(&format!("mirv_cmd addAtTick {tick} \"{command}\""));
    // The script's path needs quotes, so it is in a file of its own.
    at(ticks.first, &format!("exec {SCRIPT}"));
    if let Some(jump) = ticks.jump {
        at(ticks.first, &format!("demo_gototick {jump}"));
    }
    at(ticks.setup, &format!("exec {VIEW}"));
    at(ticks.start, "mirv_streams record start");
    at(ticks.end, "mirv_streams record end");
    at(ticks.quit, "quit");
    let lines = |lines: &[String]| lines.iter().flat_map(|line| [line, "\n"]).collect::<String>();
    Ok(vec![
        (MAIN.to_owned(), main),
        (format!("{SCRIPT}.cfg"), lines(&load_lines(&files.script)?)),
        (format!("{VIEW}.cfg"), lines(&view)),
    ])
}

/// Both overrides of the job. Set again before recording, because starting a demo resets some settings.
fn view(job: &JobFile) -> [String; 2] {
    [
        format!("spec_show_xray {}", u8::from(job.spec_show_xray)),
        format!("cl_draw_only_deathnotices {}", u8::from(job.cl_draw_only_deathnotices)),
    ]
}
