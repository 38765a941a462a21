//! Finds `config.toml`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::config::settings;

const FILE: &str = "config.toml";

/// The platform's directories for this program.
pub fn project_dirs() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "dinkem-appliance")
}

/// Where packages install the file: below /etc, or below %ProgramData% on Windows.
pub fn packaged_file() -> Option<PathBuf> {
    let all = if cfg!(windows) { std::env::var_os("ProgramData")? } else { "/etc".into() };
    Some(Path::new(&all).join("dinkem-appliance").join(FILE))
}

/// The user's own file, whether or not it exists.
pub fn own_file() -> Option<PathBuf> {
    Some(project_dirs()?.config_dir().join(FILE))
}

/// The file that the command line or the environment names.
pub fn named_file(args: &[OsString]) -> Option<PathBuf> {
    let variable = || std::env::var_os(settings::variable("", settings::CONFIG)?).filter(|path| !path.is_empty());
    config_flag_on_command_line(args).or_else(variable).map(PathBuf::from)
}

/// The named file, otherwise the first that exists of the user's and the package's.
pub fn file_to_read(args: &[OsString]) -> Option<PathBuf> {
    named_file(args).or_else(|| {
        // Under `sudo`, the home directory may belong to another user and be unreadable.
        let own = own_file().filter(|path| path.exists());
        // If the package's file cannot be checked, assume that it exists; reading it reports the error.
        own.or_else(|| packaged_file().filter(|path| path.try_exists().unwrap_or(true)))
    })
}

/// Found before parsing, because the file may supply required values.
fn config_flag_on_command_line(args: &[OsString]) -> Option<OsString> {
    let mut args = args.iter().skip(1).take_while(|arg| *arg != "--");
    while let Some(arg) = args.next() {
        if arg == "--config" {
            return args.next().cloned();
        }
        if let Some(path) = arg.to_str().and_then(|arg| arg.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_flag_is_found_before_the_command_line_is_parsed() {
        let found = |line: &str| config_flag_on_command_line(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(found("x serve --config a.toml"), Some("a.toml".into()));
        assert_eq!(found("x --config=a.toml serve"), Some("a.toml".into()));
        assert_eq!(found("x serve -- --config a.toml"), None);
        assert_eq!(found("x serve"), None);
    }
}
