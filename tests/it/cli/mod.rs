//! The command line: every subcommand's output, exit status and error messages, run as the real binary.

mod admin;
mod bad_values;
mod client;
mod clips;
mod config;
mod dinks;
mod help_and_errors;
mod hints;
#[cfg(unix)]
mod interrupted;
mod jobs;
mod keys;
mod manual;
mod moment;
mod no_data_dir;
mod outputs;
mod plurals;
mod rates;
mod relative_paths;
mod retention;
#[cfg(unix)]
mod umask;
