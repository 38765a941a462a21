//! A consistent single-file copy of a store in use.

use std::fs;
use std::path::Path;

use rusqlite::named_params;

use crate::domain::error::{Error, Result};
use crate::os::files;
use crate::store::engine::db::Db;

/// Writes the whole store into one file, durably. An existing copy of the same name is replaced only by a complete one.
pub fn write(db: &Db, copy: &Path) -> Result<()> {
    let unwritable = |error| Error::internal(format!("{} cannot be written.", copy.display()), error);
    let part = copy.with_extension("part");
    // SQLite accepts an empty file as its target; created here so that only the owner can access it.
    files::create_private(&part).map_err(unwritable)?;
    let path =
        part.to_str().ok_or_else(|| Error::internal("The data directory's name is not UTF-8.", copy.display()))?;
    db.row("VACUUM INTO :path", named_params! { ":path": path }, |_| Ok(()))?;
    files::sync(&part)
        .and_then(|()| fs::rename(&part, copy))
        .and_then(|()| copy.parent().map_or(Ok(()), files::sync_dir))
        .map_err(unwritable)
}
