//! Finds the game, Steam and the tools in their usual places, for a first configuration.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::setup::GameSetup;
use super::vdf;
use crate::domain::node::RendererKind;
use crate::os::process::{find_program, search_path, variable};

/// Maximum bytes read of a settings file: 1 MiB.
const SETTINGS_BYTES: u64 = 1 << 20;
/// The game's folder below a library of Steam.
const GAME: &str = "steamapps/common/Counter-Strike Global Offensive";

/// Where this user's programs and settings are.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// Folders in which programs are installed for all users.
    pub programs: Vec<PathBuf>,
    /// Folder of programs installed for this user, on Windows.
    pub own_programs: Option<PathBuf>,
    /// Folder of this user's settings, on Linux.
    pub settings: Option<PathBuf>,
    /// Folders in which programs are looked for by name.
    pub search: Vec<PathBuf>,
    /// Whether they are those of Windows.
    pub is_windows: bool,
}

impl Places {
    /// Those of the user who runs this program.
    pub fn of_this_user() -> Self {
        let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let is_windows = cfg!(windows);
        let home = folder(if is_windows { "USERPROFILE" } else { "HOME" });
        let settings = folder("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
        let programs = match is_windows {
            true => ["ProgramFiles", "ProgramFiles(x86)"].into_iter().filter_map(folder).collect(),
            false => vec!["/opt".into()],
        };
        let search = search_path();
        Self { home, programs, own_programs: folder("LOCALAPPDATA"), settings, search, is_windows }
    }

    /// The folder of CS Demo Manager's settings and downloads.
    pub fn csdm_settings(&self) -> Option<PathBuf> {
        if self.is_windows {
            Some(self.home.as_ref()?.join(".csdm"))
        } else {
            Some(self.settings.as_ref()?.join("csdm"))
        }
    }

    /// CS Demo Manager's settings.
    pub fn csdm_settings_file(&self) -> Option<PathBuf> {
        Some(self.csdm_settings()?.join("settings.json"))
    }

    /// The HLAE that CS Demo Manager uses: a place of the user's choice, else its own download.
    pub fn hlae_of_csdm(&self) -> Option<PathBuf> {
        let settings: Option<Value> =
            self.csdm_settings_file().and_then(|path| serde_json::from_slice(&read(&path)?).ok());
        let hlae = settings.as_ref().and_then(|settings| settings.pointer("/video/hlae"));
        let chosen = hlae.filter(|hlae| hlae["customLocationEnabled"] == true);
        let chosen = chosen.and_then(|hlae| hlae["customExecutableLocation"].as_str()).filter(|path| !path.is_empty());
        chosen.map(PathBuf::from).or_else(|| self.csdm_hlae())
    }

    /// HLAE as CS Demo Manager downloads it.
    fn csdm_hlae(&self) -> Option<PathBuf> {
        first_file(
            self.csdm_settings()
                .into_iter()
                .flat_map(|folder| ["HLAE.exe", "hlae.exe"].map(|name| folder.join("hlae").join(name))),
        )
    }
}

/// The HLAE that records for a node: the configured one, else for CS Demo Manager the one of its settings.
pub fn hlae_of(setup: &GameSetup) -> Option<PathBuf> {
    let is_theirs = setup.kind == RendererKind::Csdm && cfg!(windows);
    setup.hlae.clone().or_else(|| Places::of_this_user().hlae_of_csdm().filter(|_| is_theirs))
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Steam's folder.
    pub steam: Option<PathBuf>,
    /// The account that was last logged in.
    pub steam_id: Option<u64>,
    /// The game's directory.
    pub game_dir: Option<PathBuf>,
    /// `HLAE.exe`.
    pub hlae: Option<PathBuf>,
    /// CS Demo Manager's program.
    pub csdm: Option<PathBuf>,
    /// ffmpeg's program.
    pub ffmpeg: Option<PathBuf>,
}

/// Looks in the usual places. Nothing is run, and the registry is not read.
pub fn find(places: &Places) -> Found {
    let steam = steam_folders(places).into_iter().find(|folder| folder.join("steamapps").is_dir());
    let game_dir = steam.as_deref().and_then(find_game);
    let steam_id = steam.as_deref().and_then(logged_in);
    Found { steam, steam_id, game_dir, hlae: find_hlae(places), csdm: find_csdm(places), ffmpeg: find_ffmpeg(places) }
}

fn steam_folders(places: &Places) -> Vec<PathBuf> {
    if places.is_windows {
        return places.programs.iter().map(|folder| folder.join("Steam")).collect();
    }
    let below = [".steam/steam", ".local/share/Steam", ".var/app/com.valvesoftware.Steam/.local/share/Steam"];
    places.home.iter().flat_map(|home| below.map(|path| home.join(path))).collect()
}

/// The game in one of Steam's libraries.
fn find_game(steam: &Path) -> Option<PathBuf> {
    let folders = read_settings(&steam.join("steamapps/libraryfolders.vdf")).unwrap_or_default();
    let others = folders.into_iter().filter(|pair| pair.key == "path").map(|pair| PathBuf::from(pair.value));
    let libraries = std::iter::once(steam.to_owned()).chain(others);
    libraries.map(|library| library.join(GAME)).find(|game| game.join("game/csgo/steam.inf").is_file())
}

/// The account that was last logged in to Steam.
pub fn logged_in(steam: &Path) -> Option<u64> {
    let users = read_settings(&steam.join("config/loginusers.vdf"))?;
    let last = users.iter().find(|pair| pair.key.eq_ignore_ascii_case("MostRecent") && pair.value == "1");
    last?.path.last()?.parse().ok()
}

fn read_settings(path: &Path) -> Option<Vec<vdf::Pair>> {
    Some(vdf::pairs(&String::from_utf8_lossy(&read(path)?)))
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(SETTINGS_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn find_hlae(places: &Places) -> Option<PathBuf> {
    if !places.is_windows {
        return None;
    }
    let own = places.own_programs.iter().flat_map(|folder| [folder.join("HLAE"), folder.join("Programs").join("HLAE")]);
    let folders = places.programs.iter().map(|folder| folder.join("HLAE")).chain(own);
    first_file(folders.map(|folder| folder.join("HLAE.exe"))).or_else(|| places.csdm_hlae())
}

fn find_csdm(places: &Places) -> Option<PathBuf> {
    if places.is_windows {
        let own = places.own_programs.iter().map(|folder| folder.join("Programs"));
        let folders = own.chain(places.programs.iter().cloned());
        return first_file(folders.map(|folder| folder.join("cs-demo-manager").join("cs-demo-manager.exe")));
    }
    let names = ["cs-demo-manager", "CS Demo Manager"];
    let folders = places.programs.iter().flat_map(|folder| names.map(|name| folder.join(name)));
    first_file(folders.map(|folder| folder.join("cs-demo-manager")))
}

fn find_ffmpeg(places: &Places) -> Option<PathBuf> {
    let own = places.csdm_settings().map(|folder| folder.join("ffmpeg"));
    let downloaded = own.into_iter().flat_map(|folder| [folder.join("bin/ffmpeg.exe"), folder.join("ffmpeg")]);
    find_program("ffmpeg", &places.search).or_else(|| first_file(downloaded))
}

fn first_file(mut candidates: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    candidates.find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(root: &Path, path: &str, text: &str) -> PathBuf {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    const USERS: &str = r#""users" {
        "76561197960265729" { "AccountName" "old" "MostRecent" "0" }
        "76561197960265730" { "AccountName" "render" "mostrecent" "1" } }"#;

    #[test]
    fn everything_is_found_on_windows() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let places = Places {
            home: Some(root.join("user")),
            programs: vec![root.join("pf"), root.join("pf86")],
            own_programs: Some(root.join("user/local")),
            settings: None,
            search: vec![root.join("bin")],
            is_windows: true,
        };
        assert_eq!(find(&places), Found::default());
        let steam = root.join("pf86/Steam");
        let library = root.join("library");
        let path = library.to_str().unwrap().replace('\\', r"\\");
        let folders = format!("\"libraryfolders\" {{ \"1\" {{ \"path\" \"{path}\" }} }}");
        touch(&steam, "steamapps/libraryfolders.vdf", &folders);
        touch(&steam, "config/loginusers.vdf", USERS);
        let game_dir = library.join(GAME);
        touch(&game_dir, "game/csgo/steam.inf", "PatchVersion=1.41.5.2");
        let theirs = touch(root, "user/.csdm/hlae/hlae.exe", "");
        let their_ffmpeg = touch(root, "user/.csdm/ffmpeg/bin/ffmpeg.exe", "");
        let csdm = touch(root, "user/local/Programs/cs-demo-manager/cs-demo-manager.exe", "");
        let found = Found {
            steam: Some(steam),
            steam_id: Some(76_561_197_960_265_730),
            game_dir: Some(game_dir),
            hlae: Some(theirs),
            csdm: Some(csdm),
            ffmpeg: Some(their_ffmpeg),
        };
        assert_eq!(find(&places), found);
        let (hlae, ffmpeg) = (touch(root, "pf/HLAE/HLAE.exe", ""), touch(root, "bin/ffmpeg.exe", ""));
        assert_eq!(find(&places), Found { hlae: Some(hlae), ffmpeg: Some(ffmpeg), ..found.clone() });
        assert_eq!(places.hlae_of_csdm(), found.hlae);
        let chosen =
            r#"{"video": {"hlae": {"customLocationEnabled": true, "customExecutableLocation": "/x/HLAE.exe"}}}"#;
        touch(root, "user/.csdm/settings.json", chosen);
        assert_eq!(places.hlae_of_csdm(), Some("/x/HLAE.exe".into()));
    }

    #[test]
    fn everything_is_found_on_linux() {
        for steam in [".steam/steam", ".local/share/Steam", ".var/app/com.valvesoftware.Steam/.local/share/Steam"] {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path();
            let places = Places {
                home: Some(root.to_owned()),
                programs: vec![root.join("opt")],
                settings: Some(root.join(".config")),
                search: vec![root.join("bin")],
                ..Places::default()
            };
            let steam = root.join(steam);
            touch(&steam.join(GAME), "game/csgo/steam.inf", "");
            touch(&steam, "config/loginusers.vdf", USERS);
            let csdm = touch(root, "opt/cs-demo-manager/cs-demo-manager", "");
            let ffmpeg = touch(root, "bin/ffmpeg", "");
            // HLAE is for Windows.
            touch(root, ".config/csdm/hlae/hlae.exe", "");
            let found = Found {
                game_dir: Some(steam.join(GAME)),
                steam: Some(steam),
                steam_id: Some(76_561_197_960_265_730),
                hlae: None,
                csdm: Some(csdm),
                ffmpeg: Some(ffmpeg),
            };
            assert_eq!(find(&places), found);
        }
    }
}
