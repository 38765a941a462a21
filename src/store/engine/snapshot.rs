//! A copy of the whole store in one file, made while the store is in use.

use std::fs;
use std::path::Path;

use rusqlite::named_params;

use crate::domain::error::{Error, Result};
use crate::os::files;
use crate::store::engine::db::Db;

/// Writes the whole store into one file, durably. An older copy of the same name is replaced only by a whole one.
pub fn write(db: &Db, copy: &Path) -> Result<()> {
    let unwritable = |error| Error::internal(format!("{} cannot be written.", copy.display()), error);
    let part = copy.with_extension("part");
    // Empty and its owner's alone: SQLite takes such a file for its copy.
    files::create_private(&part).map_err(unwritable)?;
    let path =
        part.to_str().ok_or_else(|| Error::internal("The data directory's name is not UTF-8.", copy.display()))?;
    db.row("VACUUM INTO :path", named_params! { ":path": path }, |_| Ok(()))?;
    files::sync(&part)
        .and_then(|()| fs::rename(&part, copy))
        .and_then(|()| copy.parent().map_or(Ok(()), files::sync_dir))
        .map_err(unwritable)
}
