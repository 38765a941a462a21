//! Flags, environment, file: one validated value for each setting. The only reader of the environment.
//!
//! A flag is also an environment variable (`--data-dir` is `DINKEM_DATA_DIR`) and a line of `config.toml`
//! (`data_dir = …`); flags win, then environment, then file. This holds for every flag of every command: the command
//! tree is handed in, and each of its flags is told of its two other places. Knows nothing of what the flags mean, but
//! for one thing: a path is absolute from here on, wherever it came from.

mod refusals;

use std::any::TypeId;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::{BoolishValueParser, OsStr, PathBufValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use directories::ProjectDirs;
use toml::de::{DeTable, DeValue};

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
/// What stands before every variable's name.
const PREFIX: &str = "DINKEM_";
/// The flag that names the file; it cannot stand in the file.
const CONFIG: &str = "config";
/// What the file is called.
const FILE: &str = "config.toml";
/// `[renderer]`, the one table of the file (`nodes.md`): `kind` is `--renderer`, the others belong to other kinds.
const RENDERER: (&str, [&str; 2]) = ("renderer", ["program", "args"]);

/// Parses the process's own command line over environment and file. The error prints itself and knows its exit status.
pub fn parse(command: Command) -> Result<ArgMatches, clap::Error> {
    let args: Vec<OsString> = std::env::args_os().collect();
    let file = match file_to_read(&args) {
        Some(path) => File::read(&path, &command).map_err(|fault| wrong(&command, fault))?,
        None => File::default(),
    };
    let mut command = taught(command, &file);
    command.try_get_matches_from_mut(args).map_err(|error| file.blame(&command, refusals::plainly(&command, error)))
}

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

/// Where the packages put the file: below /etc, or below %ProgramData% on Windows.
fn packaged_file() -> Option<PathBuf> {
    let all = if cfg!(windows) { std::env::var_os("ProgramData")? } else { "/etc".into() };
    Some(Path::new(&all).join("dinkem-appliance").join(FILE))
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

fn project_dirs() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "dinkem-appliance")
}

/// The file that was asked for, else the first that exists of the user's and the packages'.
fn file_to_read(args: &[OsString]) -> Option<PathBuf> {
    let asked = asked_on_the_line(args).or_else(|| std::env::var_os(variable(CONFIG)).filter(|path| !path.is_empty()));
    asked.map(PathBuf::from).or_else(|| {
        // A home that may not be looked into is another user's: the one who has typed `sudo`.
        let own = project_dirs().map(|dirs| dirs.config_dir().join(FILE)).filter(|path| path.exists());
        // The packages' file that may not be looked at is there: reading it says so.
        own.or_else(|| packaged_file().filter(|path| path.try_exists().unwrap_or(true)))
    })
}

/// The file must be known before the line can be parsed, because it may hold what the line lacks.
fn asked_on_the_line(args: &[OsString]) -> Option<OsString> {
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

/// `lease-seconds` is `DINKEM_LEASE_SECONDS`.
fn variable(flag: &str) -> String {
    format!("{PREFIX}{}", flag.replace('-', "_").to_uppercase())
}

/// The command tree, each flag told of its variable and its line in the file.
fn taught(command: Command, file: &File) -> Command {
    command.mut_args(|arg| teach(arg, file)).mut_subcommands(|sub| taught(sub, file))
}

fn teach(mut arg: Arg, file: &File) -> Arg {
    if arg.get_value_parser().type_id() == TypeId::of::<PathBuf>() {
        // Here and once for all: nodes, renderers and readers of demos work in directories of their own.
        arg = arg.value_parser(PathBufValueParser::new().try_map(absolute));
    }
    if arg.get_action().takes_values() {
        // `-1` is then a value, which is refused by name, and no flag that nobody knows.
        arg = arg.allow_negative_numbers(true);
    }
    let Some(flag) = arg.get_long().map(str::to_owned) else { return arg };
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        arg = arg.value_parser(BoolishValueParser::new());
    }
    if let Some(setting) = file.settings.get(&flag) {
        // A default in clap's words: it gives way to the variable and to the flag, and does for a flag that must be there.
        arg = arg.default_values(setting.values.iter().map(OsStr::from)).required(false);
    }
    let name = variable(&flag);
    // An empty variable says nothing: that is how unit files and compose files leave one out.
    if std::env::var_os(&name).is_some_and(|value| !value.is_empty()) {
        arg = arg.env(OsStr::from(name)).hide_env(true);
    }
    arg
}

/// A path as any process can use it. `-` is none: it stands for standard input or output where a command has them.
fn absolute(path: PathBuf) -> std::io::Result<PathBuf> {
    if path.as_os_str() == "-" { Ok(path) } else { std::path::absolute(path) }
}

/// The flags of the whole tree: what may stand in the file, and whether it may stand there more than once.
fn flags(command: &Command, found: &mut BTreeMap<String, bool>) {
    for arg in command.get_arguments() {
        if let Some(flag) = arg.get_long().filter(|flag| *flag != CONFIG) {
            found.insert(flag.to_owned(), matches!(arg.get_action(), ArgAction::Append));
        }
    }
    for sub in command.get_subcommands() {
        flags(sub, found);
    }
}

/// What the file says of one flag.
#[derive(Debug, PartialEq, Eq)]
struct Setting {
    values: Vec<String>,
    line: usize,
}

/// `config.toml`, checked against the command tree.
#[derive(Debug, Default, PartialEq, Eq)]
struct File {
    path: PathBuf,
    settings: BTreeMap<String, Setting>,
}

impl File {
    fn read(path: &Path, command: &Command) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read the config file {}: {error}", path.display()))?;
        let settings = Self::settings(&text, command).map_err(|(line, fault)| at(&fault, line, path))?;
        Ok(Self { path: path.to_owned(), settings })
    }

    /// The error says the line and what is wrong with it.
    fn settings(text: &str, command: &Command) -> Result<BTreeMap<String, Setting>, (usize, String)> {
        let line_of = |offset: usize| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        let table = DeTable::parse(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            (line_of(offset), format!("not proper TOML: {}", error.message().replace('\n', ", ")))
        })?;
        let mut known = BTreeMap::new();
        flags(command, &mut known);
        let mut settings = BTreeMap::new();
        for (key, value) in table.get_ref() {
            let line = line_of(key.span().start);
            let flag = key.get_ref().replace('_', "-");
            let Some(list) = known.get(&flag) else {
                return Err((
                    line,
                    format!("unknown key `{key}`: keys are the flags that --help lists", key = key.get_ref()),
                ));
            };
            let values = match value.get_ref() {
                DeValue::Table(table) if flag == RENDERER.0 => renderer(table, &line_of)?,
                DeValue::Array(items) if *list => items
                    .iter()
                    .map(|item| scalar(item.get_ref()))
                    .collect::<Option<_>>()
                    .ok_or_else(|| (line, format!("`{}` must be a list of plain values", key.get_ref())))?,
                other => {
                    vec![scalar(other).ok_or_else(|| (line, format!("`{}` must be one plain value", key.get_ref())))?]
                }
            };
            settings.insert(flag, Setting { values, line });
        }
        Ok(settings)
    }

    /// Says where a value stands that clap refuses, when it is the file's.
    fn blame(&self, command: &Command, error: clap::Error) -> clap::Error {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let flag = text(ContextKind::InvalidArg).and_then(|arg| arg.strip_prefix("--"));
        let flag = flag.and_then(|arg| arg.split([' ', '=']).next()).unwrap_or_default();
        let value = text(ContextKind::InvalidValue).unwrap_or_default();
        match self.settings.get(flag) {
            Some(setting) if setting.values.iter().any(|own| own == value) => {
                let rendered = error.to_string();
                let sentence = rendered.lines().next().unwrap_or_default().trim_start_matches("error: ");
                wrong(command, at(sentence, setting.line, &self.path))
            }
            _ => error,
        }
    }
}

/// `[renderer]`: its kind; the other keys are known, and mean nothing to the kinds there are.
fn renderer(table: &DeTable<'_>, line_of: &dyn Fn(usize) -> usize) -> Result<Vec<String>, (usize, String)> {
    let mut kind = Vec::new();
    for (key, value) in table {
        let line = line_of(key.span().start);
        match key.get_ref().as_ref() {
            "kind" => kind.push(scalar(value.get_ref()).ok_or_else(|| (line, "`kind` must be a word".to_owned()))?),
            other if RENDERER.1.contains(&other) => {}
            other => return Err((line, format!("unknown key `{other}` in [renderer]"))),
        }
    }
    Ok(kind)
}

/// A plain value as a flag's text.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn at(sentence: &str, line: usize, path: &Path) -> String {
    format!("{sentence} (line {line} of {})", path.display())
}

/// Wrong usage, in clap's form.
fn wrong(command: &Command, sentence: String) -> clap::Error {
    command.clone().error(ErrorKind::ValueValidation, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Command {
        let list = Arg::new("allow").long("fetch-allow").action(ArgAction::Append);
        let serve = Command::new("serve").arg(Arg::new("listen").long("listen")).arg(list);
        let node = Command::new("node").arg(Arg::new("renderer").long("renderer")).arg(Arg::new("TOKEN"));
        Command::new("x").arg(Arg::new("config").long("config")).subcommand(serve).subcommand(node)
    }

    #[test]
    fn the_file_holds_the_flags_of_all_commands_and_nothing_else() {
        let good = |text| {
            let settings = File::settings(text, &tree()).unwrap();
            settings.into_iter().map(|(flag, setting)| (flag, setting.values.join("+"))).collect::<Vec<_>>()
        };
        let pair = |flag: &str, value: &str| (flag.to_owned(), value.to_owned());
        assert_eq!(good(""), []);
        assert_eq!(good("listen = '127.0.0.1:0'"), [pair("listen", "127.0.0.1:0")]);
        assert_eq!(good("fetch_allow = ['10.0.0.0/8', '::1']"), [pair("fetch-allow", "10.0.0.0/8+::1")]);
        assert_eq!(good("fetch-allow = '10.0.0.0/8'"), [pair("fetch-allow", "10.0.0.0/8")]);
        assert_eq!(good("[renderer]\nkind = 'command'\nargs = ['x']"), [pair("renderer", "command")]);
        assert_eq!(good("renderer = 'builtin'"), [pair("renderer", "builtin")]);
    }

    #[test]
    fn a_fault_in_the_file_is_named_with_its_line() {
        let cases = [
            ("# x\n\nlisten = '1'\nlisen = 1", 4, "unknown key `lisen`"),
            ("config = 'other.toml'", 1, "unknown key `config`"),
            ("TOKEN = 'x'", 1, "unknown key `TOKEN`"),
            ("\nlisten = ['a', 'b']", 2, "`listen` must be one plain value"),
            ("\n\nlisten = [", 3, "not proper TOML"),
            ("[serve]\nlisten = 'x'", 1, "unknown key `serve`"),
            ("[renderer]\nkind = 'csdm'\ncolour = 'red'", 3, "unknown key `colour`"),
            ("listen = 0x1F", 1, "must be one plain value"),
        ];
        for (text, line, words) in cases {
            let (at, fault) = File::settings(text, &tree()).unwrap_err();
            assert_eq!(at, line, "{text:?}: {fault}");
            assert!(fault.contains(words), "{text:?}: {fault}");
        }
    }

    #[test]
    fn the_file_is_found_on_the_line_before_the_line_is_parsed() {
        let found = |line: &str| asked_on_the_line(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(found("x serve --config a.toml"), Some("a.toml".into()));
        assert_eq!(found("x --config=a.toml serve"), Some("a.toml".into()));
        assert_eq!(found("x serve -- --config a.toml"), None);
        assert_eq!(found("x serve"), None);
    }
}
