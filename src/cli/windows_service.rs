//! `windows-service`: `serve` under the Windows service manager, with messages in a log file; `windows-firewall`: the
//! firewall rule, for the installer. Not meant for users, so hidden from `--help`.

use std::process::ExitCode;
use std::{fs, io, panic};

use clap::ValueEnum;
use log::LevelFilter;

use crate::cli::{Call, Cli, Command, Global, exit_status, logging, output, serve, wrong_usage};
use crate::config;
use crate::domain::error::{Error, Result};
use crate::os::firewall;
use crate::os::log_file::LogFile;
use crate::os::service::{self, Service};

/// Bytes of a Windows service's log file: 16 MiB, enough for a few hundred thousand requests.
const SERVICE_LOG_BYTES: u64 = 16 << 20;
/// Rotated log files kept for a Windows service.
const SERVICE_OLD_LOGS: u32 = 7;

pub const COMMAND: &str = "windows-service";
/// Current log file.
const LOG_FILE: &str = "server.log";

/// Add or remove the Windows Firewall rule, for the installer
#[derive(Debug, clap::Args)]
pub struct FirewallArgs {
    what: Firewall,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Firewall {
    /// Allow clients to reach this program
    Open,
    /// Remove the rule
    Close,
}

/// Adds or removes the rule.
pub fn firewall(args: &FirewallArgs) -> Result<()> {
    match args.what {
        Firewall::Open => firewall::open(&config::program()?),
        Firewall::Close => firewall::close(),
    }
}

/// The error when [`COMMAND`] is not the first argument, the only place where it is recognized.
pub fn must_come_first() -> Error {
    wrong_usage(format!("`{COMMAND}` must be the first argument."))
}

/// Runs as a service. Errors in the command line and the config file are logged, too.
pub fn main(cli: Result<Cli, clap::Error>) -> ExitCode {
    match service::run(move |service| body(cli, service)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&format!("error: {error}"));
            exit_status(&error).into()
        }
    }
}

/// Reports `serve`'s exit status as the service's exit code.
fn body(cli: Result<Cli, clap::Error>, service: &Service) -> u8 {
    let level = cli.as_ref().ok().and_then(|cli| cli.global.log).unwrap_or(LevelFilter::Info);
    if open_log().and_then(|file| logging::start_queued(level, file)).is_err() {
        return 1;
    }
    output::say_to_log();
    panic::set_hook(Box::new(|panic| log::error!("{panic}")));
    let status = match serve(cli, service) {
        Ok(()) => 0,
        Err(error) => {
            log::error!("The service stopped: {error}");
            exit_status(&error)
        }
    };
    logging::end();
    status
}

fn serve(cli: Result<Cli, clap::Error>, service: &Service) -> Result<()> {
    let Cli { global: Global { json, data_dir, .. }, command } = cli.map_err(|error| {
        // The first line is the error; the rest is usage.
        let words = error.to_string();
        wrong_usage(words.lines().next().unwrap_or_default().trim_start_matches("error: "))
    })?;
    let Command::WindowsService(args) = command else { return Err(must_come_first()) };
    serve::run_until(&service.stop, args, &Call { json, data_dir, repeated_dir: None }, || service.running())
}

fn open_log() -> io::Result<LogFile> {
    let folder = config::logs_dir().ok_or(io::ErrorKind::NotFound)?;
    fs::create_dir_all(&folder)?;
    LogFile::open(&folder.join(LOG_FILE), SERVICE_LOG_BYTES, SERVICE_OLD_LOGS)
}
