//! Parses the command line over environment and file, and reports which of the three a bad value came from.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStr, PathBufValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command};

use crate::config::file::File;
use crate::config::place::file_to_read;
use crate::config::refusals::Refused;
use crate::config::settings;

/// Fallback values for flags missing from the command line.
#[derive(Clone, Copy, Default)]
struct Sources<'a> {
    environment: bool,
    file: Option<&'a File>,
}

/// Parses the process's command line over environment and file. The error prints itself and knows its exit status.
pub fn parse(command: &Command) -> Result<ArgMatches, clap::Error> {
    let args: Vec<OsString> = std::env::args_os().collect();
    let parsed = |sources| with_sources(command.clone(), "", sources).try_get_matches_from(&args);
    let environment = Sources { environment: true, file: None };
    let file = match file_to_read(&args).map(|path| File::read(&path)).transpose() {
        Ok(file) => file.unwrap_or_default(),
        // `--help` must work even if the file is invalid.
        Err(fault) => {
            let help = parsed(environment).err().filter(|answer| !answer.use_stderr());
            return Err(help.unwrap_or_else(|| wrong(command, &args, fault)));
        }
    };
    parsed(Sources { environment: true, file: Some(&file) }).map_err(|error| {
        let Some(refused) = Refused::of(&error) else { return error };
        let came_with =
            |sources| parsed(sources).err().and_then(|error| Refused::of(&error)).as_ref() == Some(&refused);
        let path = path(command, &args).join(" ");
        let (flag, value) = (refused.flag(), refused.without_argument());
        let sentence = if came_with(Sources::default()) {
            refused.with_argument()
        } else if came_with(environment) {
            let variable = settings::variable(&path, flag);
            variable.map_or_else(|| refused.with_argument(), |variable| format!("{variable}: {value}"))
        } else {
            let setting =
                settings::find(&path, flag).and_then(|(table, key)| Some((table, key, file.get(table, key)?)));
            setting.map_or_else(
                || refused.with_argument(),
                |(table, key, setting)| file.fault(setting, &refused.named(&format!("\"{key}\"{}", table.suffix()))),
            )
        };
        wrong(command, &args, sentence)
    })
}

/// The command tree with each setting's environment variable, for `--help` and the manual.
pub fn with_variables(command: Command) -> Command {
    with_sources(command, "", Sources { environment: true, file: None })
}

/// The command tree with the environment variable and file value of each setting.
fn with_sources(command: Command, path: &str, sources: Sources<'_>) -> Command {
    command.mut_args(|arg| add_sources(arg, path, sources)).mut_subcommands(|sub| {
        let below = format!("{path} {}", sub.get_name());
        with_sources(sub, below.trim_start(), sources)
    })
}

fn add_sources(mut arg: Arg, path: &str, sources: Sources<'_>) -> Arg {
    if arg.get_value_parser().type_id() == TypeId::of::<PathBuf>() {
        // Resolved here once, because nodes, renderers and demo readers run in other working directories.
        arg = arg.value_parser(PathBufValueParser::new().try_map(absolute));
    }
    if arg.get_action().takes_values() {
        // This makes `-1` a value, which gets a better error than an unknown flag.
        arg = arg.allow_negative_numbers(true);
    }
    let Some(flag) = arg.get_long().map(str::to_owned) else { return arg };
    let setting = settings::find(path, &flag);
    if let Some(setting) = setting.and_then(|(table, key)| sources.file?.get(table, key)) {
        // As a clap default: overridden by variable and flag, and enough for a required flag.
        arg = arg.default_values(setting.values.iter().map(OsStr::from)).required(false);
    }
    // An empty variable counts as unset: unit and compose files cannot omit one conditionally.
    let is_empty = |name: &String| std::env::var_os(name).is_some_and(|value| value.is_empty());
    match settings::variable(path, &flag).filter(|name| sources.environment && !is_empty(name)) {
        Some(name) => arg.env(OsStr::from(name)).hide_env_values(true),
        None => arg,
    }
}

/// An absolute path. `-` is kept: it means standard input or output where a command supports it.
fn absolute(path: PathBuf) -> std::io::Result<PathBuf> {
    if path.as_os_str() == "-" { Ok(path) } else { std::path::absolute(path) }
}

/// The subcommands on the command line, as far as it can be parsed.
fn path(command: &Command, args: &[OsString]) -> Vec<String> {
    let lenient = with_sources(command.clone(), "", Sources::default()).ignore_errors(true);
    let matches = lenient.try_get_matches_from(args).unwrap_or_default();
    let mut names = Vec::new();
    let mut below = matches.subcommand();
    while let Some((name, matches)) = below {
        names.push(name.to_owned());
        below = matches.subcommand();
    }
    names
}

/// A usage error in clap's format, with the usage of the subcommand that was called.
fn wrong(command: &Command, args: &[OsString], sentence: String) -> clap::Error {
    let mut tree = command.clone();
    tree.build();
    wrong_below(&mut tree, &path(command, args), sentence)
}

fn wrong_below(command: &mut Command, path: &[String], sentence: String) -> clap::Error {
    match path.split_first() {
        Some((name, rest)) if command.find_subcommand(name).is_some() => match command.find_subcommand_mut(name) {
            Some(sub) => wrong_below(sub, rest, sentence),
            None => clap::Error::raw(ErrorKind::ValueValidation, sentence),
        },
        _ => command.error(ErrorKind::ValueValidation, sentence),
    }
}
