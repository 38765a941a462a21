//! `manual`: generates man pages and shell completions from the command tree. Hidden: only for building packages.

use std::io;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::config;
use crate::domain::error::{Error, Result};

/// Write man pages and shell completions to a directory
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance manual target/manual")]
pub struct Args {
    /// An existing directory
    folder: PathBuf,
}

pub fn run(args: Args) -> Result<()> {
    write(&args.folder)
        .map_err(|error| Error::internal(format!("Could not write to {}.", args.folder.display()), error))
}

fn write(folder: &Path) -> io::Result<()> {
    let command = config::with_variables(Cli::command());
    clap_mangen::generate_to(command.clone(), folder)?;
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut command.clone(), command.get_name(), folder)?;
    }
    Ok(())
}
