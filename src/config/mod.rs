//! Command line, environment and file, merged into one validated value per setting. Only this module reads the
//! environment.
//!
//! A setting is a flag (`--lease-seconds`), a variable (`DINKEM_LEASE_SECONDS`) and a key in a table of `config.toml`
//! (`[serve]`, `lease_seconds = …`), in this order of precedence. `settings` lists them; other flags exist on
//! the command line only. All paths are absolute after parsing.

mod file;
mod line;
mod place;
mod refusals;
mod settings;

use std::ffi::OsString;
use std::path::PathBuf;

pub use line::{parse, with_variables};

use crate::config::place::{file_to_read, named_file, own_file, packaged_file, project_dirs};
use crate::domain::error::{Error, Result};
use crate::domain::key::Secret;
use crate::domain::operator::Operator;
use crate::os::host;

/// The program's name on the command line.
pub const NAME: &str = env!("CARGO_PKG_NAME");
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit of the build, if the builder sets it. Not read from git, so that builds are reproducible.
const COMMIT: Option<&str> = option_env!("DINKEM_COMMIT");
/// Version, commit and target of the build.
pub fn version() -> String {
    let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
    match COMMIT.filter(|commit| !commit.is_empty()) {
        Some(commit) => format!("{VERSION} ({commit}, {arch}-{os})"),
        None => format!("{VERSION} ({arch}-{os})"),
    }
}

/// The account key for client commands. Not a flag, because other users can read the process list.
pub fn api_key() -> Option<Secret> {
    let key = std::env::var("DINKEM_API_KEY").ok()?;
    (!key.trim().is_empty()).then(|| Secret::new(key.trim()))
}

/// The access key and its secret for the bucket of clips. No flags, because other users can read the process list.
pub fn storage_credentials() -> Option<(String, Secret)> {
    let set =
        |name: &str| std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    Some((set("AWS_ACCESS_KEY_ID")?, Secret::new(set("AWS_SECRET_ACCESS_KEY")?)))
}

/// The platform's default data directory.
pub fn default_data_dir() -> Option<PathBuf> {
    Some(project_dirs()?.data_dir().to_path_buf())
}

/// The config file to write settings into: the named one, else the one that is read if `is_shared`, else the user's own.
pub fn file_to_write(is_shared: bool) -> Option<PathBuf> {
    let args: Vec<OsString> = std::env::args_os().collect();
    let read = || file_to_read(&args).filter(|_| is_shared);
    named_file(&args).or_else(read).or_else(own_file).and_then(|path| std::path::absolute(path).ok())
}

/// Log directory of a service, next to the config file.
pub fn logs_dir() -> Option<PathBuf> {
    let args: Vec<OsString> = std::env::args_os().collect();
    Some(file_to_read(&args).or_else(packaged_file)?.parent()?.join("logs"))
}

/// Whether this is the first argument, for callers that need to know before the command line is parsed.
pub fn first_word_is(word: &str) -> bool {
    std::env::args_os().nth(1).is_some_and(|first| first == word)
}

/// Whether a flag is on the command line itself, where every user of the machine can read its value.
pub fn is_on_command_line(flag: &str) -> bool {
    let is_it = |arg: OsString| {
        let named = arg.to_str().and_then(|arg| arg.strip_prefix("--")).and_then(|arg| arg.strip_prefix(flag));
        named.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    std::env::args_os().skip(1).any(is_it)
}

/// Path of this executable, for child processes that render.
pub fn program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|error| Error::internal("Could not determine the path of this program.", error))
}

/// This machine's host name, if known.
pub fn host_name() -> Option<String> {
    host::name().or_else(|| std::env::var("COMPUTERNAME").ok()).filter(|name| !name.is_empty())
}

/// This user's account as Windows names it, `DOMAIN\\user`.
#[cfg(windows)]
pub fn windows_account() -> Option<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    Some(format!("{}\\{}", set("USERDOMAIN")?, set("USERNAME")?))
}

/// The operator for the audit log: the operating system user, or the user who called `sudo`.
pub fn operator() -> Operator {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = host::user().or_else(|| set("USERNAME")).unwrap_or_else(|| "unknown".to_owned());
    Operator::named(match set("SUDO_USER") {
        Some(caller) if caller != user => format!("{caller} (sudo as {user})"),
        _ => user,
    })
}
