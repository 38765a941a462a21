//! Runs the binary as a person or a script would: with its own home directory and a clean environment.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use dinkem_appliance::store::Store;
use serde_json::Value;

/// Exit status and output of a finished command.
#[derive(Debug)]
pub struct CliOutput {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl CliOutput {
    fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Standard output, which must be one line of JSON.
    pub fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "one line of JSON: {self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A home directory to run the binary in.
pub struct Cli {
    home: tempfile::TempDir,
}

impl Cli {
    /// A home with an empty store in the platform's default data directory.
    pub fn new() -> Self {
        let cli = Self::with_empty_home();
        cli.make_data_dir(".local/share/dinkem-appliance");
        cli
    }

    pub fn with_empty_home() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// Creates a data directory below the home, as a server does that starts and stops there.
    pub fn make_data_dir(&self, data_dir: &str) -> PathBuf {
        let path = self.home().join(data_dir);
        drop(Store::serve(&path, Arc::default()).unwrap());
        path
    }

    /// The home directory, which is also the working directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs the binary with empty standard input.
    pub fn run(&self, args: &[&str]) -> CliOutput {
        self.run_in(&[], args)
    }

    pub fn run_in(&self, environment: &[(&str, &str)], args: &[&str]) -> CliOutput {
        CliOutput::of(self.command(environment, args).output().unwrap())
    }

    pub fn run_with_input(&self, input: &str, args: &[&str]) -> CliOutput {
        let mut command = self.command(&[], args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // The program may exit without reading its input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        CliOutput::of(child.wait_with_output().unwrap())
    }

    /// The command, not yet started.
    pub fn command(&self, environment: &[(&str, &str)], args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dinkem-appliance"));
        command.args(args).current_dir(self.home()).stdin(Stdio::null());
        command.env_clear().env("HOME", self.home()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(environment.iter().copied());
        command
    }
}
