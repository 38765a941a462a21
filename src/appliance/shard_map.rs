//! Keeps the file with the shard's map as the keys are.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::app::App;
use crate::app::accounts::shard_map;
use crate::domain::error::{Error, Result};
use crate::domain::shard::{SHARD_MAP_SECONDS, Shard};
use crate::os::files;
use crate::scheduler::{First, Pass};

/// Writes the file, which must succeed, and returns the pass that writes it again whenever it differs from the keys.
pub fn keep(app: &App, shard: Shard, file: PathBuf) -> Result<Pass> {
    write(app, &shard, &file)?;
    let mut is_failing = false;
    let run = move |app: &App| match write(app, &shard, &file) {
        // One message until it works again.
        Err(_) if is_failing => Ok(0),
        outcome => {
            is_failing = outcome.is_err();
            outcome.map(|()| 0)
        }
    };
    Ok(Pass::new("the shard's map", Duration::from_secs(SHARD_MAP_SECONDS), First::AfterItsPeriod, run))
}

/// Replaces the file if its content is not the map.
fn write(app: &App, shard: &Shard, file: &Path) -> Result<()> {
    let text = shard_map::text(app, shard)?;
    if fs::read(file).is_ok_and(|content| content == text.as_bytes()) {
        return Ok(());
    }
    files::write_public_durably(file, text.as_bytes())
        .map_err(|error| Error::internal(format!("Could not write --shard-map {}.", file.display()), error))
}
