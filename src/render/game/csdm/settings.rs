//! The settings folder that CS Demo Manager is given: the user's settings, because they say how to reach its database,
//! with what a recording needs.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::render::game::ending::Fault;
use crate::render::game::install::Places;
use crate::render::game::setup::GameSetup;

/// Its folder below the user's or the platform's folder of settings.
const FOLDER: &str = if cfg!(windows) { ".csdm" } else { "csdm" };
/// The variable that names the folder above.
const VARIABLE: &str = if cfg!(windows) { "USERPROFILE" } else { "XDG_CONFIG_HOME" };
/// The launch option that makes the game write `console.log`.
const LOG_OPTION: &str = "-condebug";

/// Writes the settings below `home` and returns the variable that makes the tool find them.
pub fn write(home: &Path, setup: &GameSetup, ffmpeg: &Path) -> Result<(&'static str, OsString), Fault> {
    let theirs = user_settings().ok_or_else(|| {
        Fault::not_ready("CS Demo Manager has no settings yet. Open it once on the render node, as the node's user.")
    })?;
    let text = fs::read_to_string(&theirs).map_err(|error| {
        Fault::not_ready(format!("Cannot read the settings of CS Demo Manager, {}: {error}.", theirs.display()))
    })?;
    let settings: Value = serde_json::from_str(&text)
        .map_err(|error| Fault::not_ready(format!("The settings of CS Demo Manager are damaged: {error}.")))?;
    save(home, &for_recording(settings, setup, ffmpeg))
        .map_err(|error| Fault::not_ready(format!("Cannot write to the work directory: {error}.")))?;
    Ok((VARIABLE, home.into()))
}

fn save(home: &Path, settings: &Value) -> io::Result<()> {
    let folder = home.join(FOLDER);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("settings.json"), serde_json::to_vec_pretty(settings)?)
}

/// The settings file of the user who runs the node.
pub fn user_settings() -> Option<PathBuf> {
    Places::of_this_user().csdm_settings_file().filter(|path| path.is_file())
}

/// The user's settings with what a recording needs.
fn for_recording(settings: Value, setup: &GameSetup, ffmpeg: &Path) -> Value {
    let mut root = object(settings);
    root.insert("autoDownloadUpdates".to_owned(), false.into());
    within(&mut root, "playback", |playback| {
        let before = playback.get("launchParameters").and_then(Value::as_str).unwrap_or_default();
        if !before.split_whitespace().any(|option| option == LOG_OPTION) {
            let options = format!("{before} {LOG_OPTION}").trim().to_owned();
            playback.insert("launchParameters".to_owned(), options.into());
        }
    });
    let location =
        |path: &Path| json!({ "customLocationEnabled": true, "customExecutableLocation": path.to_string_lossy() });
    within(&mut root, "video", |video| {
        within(video, "ffmpegSettings", |settings| settings.extend(object(location(ffmpeg))));
        if let Some(hlae) = &setup.hlae {
            within(video, "hlae", |settings| settings.extend(object(location(hlae))));
        }
    });
    root.into()
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

/// Changes an object within an object; it is created if it is missing.
fn within(map: &mut Map<String, Value>, name: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut inner = object(map.remove(name).unwrap_or_default());
    change(&mut inner);
    map.insert(name.to_owned(), inner.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::node::RendererKind;

    #[test]
    fn users_settings_are_kept_and_completed() {
        let setup = GameSetup { hlae: Some("/tools/HLAE.exe".into()), ..GameSetup::new(RendererKind::Csdm) };
        let ours = |theirs: Value| for_recording(theirs, &setup, Path::new("/usr/bin/ffmpeg"));
        let settings = ours(json!({
            "schemaVersion": 14,
            "database": { "hostname": "127.0.0.1", "port": 5433 },
            "playback": { "width": 1024, "launchParameters": "-high" },
        }));
        assert_eq!(settings["database"]["port"], 5433);
        assert_eq!(settings["playback"], json!({ "width": 1024, "launchParameters": "-high -condebug" }));
        assert_eq!(settings["video"]["ffmpegSettings"]["customExecutableLocation"], "/usr/bin/ffmpeg");
        assert_eq!(settings["video"]["hlae"]["customLocationEnabled"], true);
        assert_eq!(settings["autoDownloadUpdates"], false);
        assert_eq!(ours(settings.clone()), settings, "the option is added once");
        assert_eq!(ours(json!({ "playback": 3 }))["playback"]["launchParameters"], "-condebug");
    }
}
