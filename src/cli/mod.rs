//! The command line: one file per subcommand, and the only code that prints. Wiring only, no business rules.

mod admin;
mod batch;
mod client;
mod clip_args;
mod clips;
mod hints;
mod inspect;
mod job_args;
mod job_output;
mod leader_lock;
mod logging;
mod manual;
mod metrics_token;
mod moment;
mod node;
mod output;
mod progress;
mod prompt;
mod quickstart;
mod render;
mod sample;
mod serve;
mod serve_limits;
mod serve_quotas;
mod server_args;
mod storage_args;
mod submit;
mod target;
mod width;
#[cfg(windows)]
mod windows_service;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use log::LevelFilter;

use crate::config;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::clock::{Clock, SystemClock};
use crate::os::stop::StopFlag;

/// Help heading of the global options.
const GLOBAL_HEADING: &str = "Global options";
/// Exit status after Ctrl-C: what shells report for an interrupted program.
const INTERRUPTED: u8 = 130;
/// How long after the first signal another one counts as the same: `timeout` signals its child and then their whole
/// process group. Hardly anyone presses Ctrl-C twice as fast.
const ECHO: Duration = Duration::from_millis(300);

/// Turns Counter-Strike 2 demos into video clips, on your own machines.
#[derive(Debug, Parser)]
#[command(
    name = "dinkem-appliance",
    version = config::version(),
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "\
Options that show [env: …] can also be set in the environment and, except --config and the join tokens, in config.toml:
data_dir and log at the top, the others in [serve], [node] and [client], --renderer as kind in [renderer], --storage in
[storage]. Flags override the environment, which overrides the file. Each command's own --help ends with an example.

Example: a first clip in one command:
  dinkem-appliance quickstart"
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options that are accepted anywhere on the command line.
#[derive(Debug, clap::Args)]
struct Global {
    /// Print the result as one JSON value
    #[arg(long, global = true, help_heading = GLOBAL_HEADING)]
    json: bool,
    /// Data directory, with accounts, jobs, demos and clips [default: the platform's data directory]
    #[arg(long, global = true, help_heading = GLOBAL_HEADING, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Config file [default: config.toml in the platform's config directory, else the package's in
    /// /etc/dinkem-appliance or %ProgramData%\dinkem-appliance]
    #[arg(long, global = true, help_heading = GLOBAL_HEADING, value_name = "FILE")]
    #[allow(dead_code, reason = "`config` reads it before the line is parsed; here it is for --help")]
    config: Option<PathBuf>,
    /// Log level on standard error: off, error, warn, info, debug, trace [default: info for serve and node, else warn]
    #[arg(long, global = true, help_heading = GLOBAL_HEADING, value_name = "LEVEL")]
    log: Option<LevelFilter>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Quickstart(quickstart::Args),
    Serve(Box<serve::Args>),
    Node(Box<node::Args>),
    Submit(Box<submit::Args>),
    Clips(clips::Args),
    Render(render::Args),
    Inspect(inspect::Args),
    Sample(sample::Args),
    Admin(admin::Args),
    #[cfg(windows)]
    #[command(hide = true)]
    WindowsService(serve::Args),
    #[cfg(windows)]
    #[command(hide = true)]
    WindowsFirewall(windows_service::FirewallArgs),
    #[command(hide = true)]
    Manual(manual::Args),
}

/// Context passed to every command besides its own arguments.
struct Call {
    json: bool,
    data_dir: Option<PathBuf>,
    /// The data directory to repeat in suggested commands: the one given on the command line or in the environment.
    repeated_dir: Option<PathBuf>,
}

impl Call {
    /// The data directory as given, else the platform default.
    fn data_dir(&self) -> Result<PathBuf> {
        let known = self.data_dir.clone().or_else(config::default_data_dir);
        known.ok_or_else(|| {
            wrong_usage("There is no home directory for the data. Name a data directory with --data-dir.")
        })
    }
}

/// Parses and runs the command line. Exit status: 0 success, 1 failure, 2 usage error, 130 interrupted.
pub fn main() -> ExitCode {
    let matches = config::parse(&Cli::command());
    let explicit_data_dir = matches.as_ref().ok().and_then(explicit_data_dir);
    let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    #[cfg(windows)]
    if config::first_word_is(windows_service::COMMAND) {
        return windows_service::main(cli);
    }
    let Cli { global, command } = match cli {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let level = global.log.unwrap_or(match command {
        Command::Serve(_) | Command::Node(_) => LevelFilter::Info,
        _ => LevelFilter::Warn,
    });
    let started = match command {
        Command::Serve(_) => logging::start_queued(level, io::stderr()),
        _ => logging::start(level),
    };
    let call = Call { json: global.json, data_dir: global.data_dir, repeated_dir: explicit_data_dir };
    let is_here = matches!(command, Command::Serve(_) | Command::Admin(_));
    let status = started
        .map_err(|error| Error::internal("The log could not be started.", error))
        .and_then(|()| run(command, &call))
        .and_then(|status| output::loss().map_or(Ok(status), Err))
        .unwrap_or_else(|error| {
            // Commands suggested by a node or client run on the server's machine, whose data directory is unknown here.
            let message = if is_here { hints::complete(&error.to_string(), &call) } else { error.to_string() };
            output::say(&format!("error: {}", output::plain(&message)));
            exit_status(&error)
        });
    logging::end();
    status.into()
}

fn run(command: Command, call: &Call) -> Result<u8> {
    match command {
        Command::Render(args) => return render::run(args, call),
        Command::Inspect(args) => return inspect::run(args, call),
        Command::Quickstart(args) => quickstart::run(args, call)?,
        Command::Serve(args) => serve::run(*args, call)?,
        Command::Node(args) => node::run(*args, call)?,
        Command::Submit(args) => submit::run(&args, call)?,
        Command::Clips(args) => clips::run(args, call)?,
        Command::Sample(args) => sample::run(args, call)?,
        Command::Admin(args) => admin::run(args, call)?,
        #[cfg(windows)]
        Command::WindowsService(_) => return Err(windows_service::must_come_first()),
        #[cfg(windows)]
        Command::WindowsFirewall(args) => windows_service::firewall(&args)?,
        Command::Manual(args) => manual::run(args)?,
    }
    Ok(0)
}

/// A usage error that clap cannot detect.
fn wrong_usage(message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, ErrorCode::WrongUsage, message)
}

/// Ctrl-C before the work was done; `message` describes the resulting state.
fn interrupted(message: impl Into<String>) -> Error {
    Error::new(Kind::Unavailable, ErrorCode::Interrupted, message)
}

/// `several_waiting`: `admin activate` needs a name.
fn exit_status(error: &Error) -> u8 {
    match error.code {
        ErrorCode::WrongUsage | ErrorCode::SeveralWaiting => 2,
        ErrorCode::Interrupted => INTERRUPTED,
        _ => 1,
    }
}

/// The data directory if given only for this call, directly or by an explicit config file: suggested commands must
/// repeat it. The default and the package's config file apply to them anyway.
fn explicit_data_dir(matches: &ArgMatches) -> Option<PathBuf> {
    let is_said = match matches.value_source("data_dir")? {
        ValueSource::CommandLine | ValueSource::EnvVariable => true,
        _ => matches.value_source("config").is_some(),
    };
    // Kept as typed: the user will run the suggested command from the same directory.
    let said = matches.get_raw("data_dir").filter(|_| is_said)?.next()?;
    Some(PathBuf::from(said))
}

/// A flag set by Ctrl-C and SIGTERM. The second signal exits immediately, unless it is an echo of the first.
fn stop_on_signals() -> Result<Arc<StopFlag>> {
    stop_on_bursts(ECHO)
}

/// The same, but what follows the first signal within `burst` counts as part of it.
fn stop_on_bursts(burst: Duration) -> Result<Arc<StopFlag>> {
    let stop = Arc::new(StopFlag::new());
    let raised = Arc::clone(&stop);
    let clock = SystemClock::new();
    let mut first = None;
    ctrlc::set_handler(move || {
        let now = clock.monotonic();
        if now.saturating_sub(*first.get_or_insert(now)) > burst {
            logging::end();
            std::process::exit(INTERRUPTED.into());
        }
        raised.stop();
    })
    .map_err(|error| Error::internal("Could not listen for Ctrl-C.", error))?;
    Ok(stop)
}
