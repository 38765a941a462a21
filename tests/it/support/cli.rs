//! The binary as a person or a script calls it: a home of its own, nothing of this process's environment.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use dinkem_appliance::store::Store;
use serde_json::Value;

/// What a call came to.
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

    /// Standard output as the one JSON value that it must be.
    pub fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "one line of JSON: {self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A place to call the binary from.
pub struct Cli {
    home: tempfile::TempDir,
}

impl Cli {
    /// A home with an appliance in the platform's place for data: the store that a server has made there.
    pub fn new() -> Self {
        let cli = Self::bare();
        cli.make_appliance(".local/share/dinkem-appliance");
        cli
    }

    /// An empty home.
    pub fn bare() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// Makes an appliance of a folder below the home, as a server does that starts there and stops again.
    pub fn make_appliance(&self, data_dir: &str) -> PathBuf {
        let path = self.home().join(data_dir);
        drop(Store::serve(&path, Arc::default()).unwrap());
        path
    }

    /// The home directory: also where the program is called.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Calls the binary with these words; standard input is empty.
    pub fn run(&self, args: &[&str]) -> CliOutput {
        self.run_in(&[], args)
    }

    /// The same with these variables in the environment.
    pub fn run_in(&self, environment: &[(&str, &str)], args: &[&str]) -> CliOutput {
        CliOutput::of(self.command(environment, args).output().unwrap())
    }

    /// The same with a text on standard input.
    pub fn run_with_input(&self, input: &str, args: &[&str]) -> CliOutput {
        let mut command = self.command(&[], args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that needs no input may have ended before it is written.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        CliOutput::of(child.wait_with_output().unwrap())
    }

    /// The same, to be started by the test.
    pub fn command(&self, environment: &[(&str, &str)], args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dinkem-appliance"));
        command.args(args).current_dir(self.home()).stdin(Stdio::null());
        command.env_clear().env("HOME", self.home()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(environment.iter().copied());
        command
    }
}
