//! Flags, environment, file: one validated value for each setting. The only reader of the environment.
//!
//! A setting is a flag (`--lease-seconds`), a variable (`DINKEM_LEASE_SECONDS`) and a key in a table of `config.toml`
//! (`[serve]`, `lease_seconds = …`); flags win, then environment, then file. `settings` lists them; flags that are not
//! listed exist on the command line only. Paths are absolute from here on, wherever they came from.

mod file;
mod line;
mod place;
mod refusals;
mod settings;

use std::ffi::OsString;
use std::path::PathBuf;

pub use line::{parse, with_variables};

use crate::config::place::{file_to_read, packaged_file, project_dirs};
use crate::domain::error::{Error, Result};
use crate::domain::key::Secret;
use crate::domain::operator::Operator;
use crate::os::host;

/// This program's name, as it is typed.
pub const NAME: &str = env!("CARGO_PKG_NAME");
/// This program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit that it was built from, where the builder says: nothing is asked of the machine, so that equal sources make
/// equal programs.
const COMMIT: Option<&str> = option_env!("DINKEM_COMMIT");
/// This program's version, the commit that it was built from, and for what machine.
pub fn version() -> String {
    let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
    match COMMIT.filter(|commit| !commit.is_empty()) {
        Some(commit) => format!("{VERSION} ({commit}, {arch}-{os})"),
        None => format!("{VERSION} ({arch}-{os})"),
    }
}

/// An account's key for the client's commands: never a flag, so that no list of processes shows it.
pub fn api_key() -> Option<Secret> {
    let key = std::env::var("DINKEM_API_KEY").ok()?;
    (!key.trim().is_empty()).then(|| Secret::new(key.trim()))
}

/// The data directory when nobody says: the platform's place for it.
pub fn default_data_dir() -> Option<PathBuf> {
    Some(project_dirs()?.data_dir().to_path_buf())
}

/// Where a service writes its logs: beside the file.
pub fn logs_dir() -> Option<PathBuf> {
    let args: Vec<OsString> = std::env::args_os().collect();
    Some(file_to_read(&args).or_else(packaged_file)?.parent()?.join("logs"))
}

/// Whether the command line begins with this word, for who must know it although the line cannot be read.
pub fn first_word_is(word: &str) -> bool {
    std::env::args_os().nth(1).is_some_and(|first| first == word)
}

/// Whether a flag stands on the command line itself, where every user of the machine can read its value.
pub fn stands_on_the_line(flag: &str) -> bool {
    let is_it = |arg: OsString| {
        let named = arg.to_str().and_then(|arg| arg.strip_prefix("--")).and_then(|arg| arg.strip_prefix(flag));
        named.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    std::env::args_os().skip(1).any(is_it)
}

/// This very program, for the children that render.
pub fn program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|error| Error::internal("Could not find out where this program lies.", error))
}

/// What this machine is called, where it says.
pub fn host_name() -> Option<String> {
    host::name().or_else(|| std::env::var("COMPUTERNAME").ok()).filter(|name| !name.is_empty())
}

/// Who acts as the operator: the operating system's user, and behind `sudo` the one who called it.
pub fn operator() -> Operator {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = host::user().or_else(|| set("USERNAME")).unwrap_or_else(|| "unknown".to_owned());
    Operator::named(match set("SUDO_USER") {
        Some(caller) if caller != user => format!("{caller} (sudo as {user})"),
        _ => user,
    })
}
