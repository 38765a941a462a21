//! What a backup says of itself: its first entry, JSON.

use serde::{Deserialize, Serialize};

use crate::config;
use crate::domain::error::{Error, Result};
use crate::store::copies::Copy;

/// The entry's name: by it a file is known as a backup.
pub const NAME: &str = "dinkem-backup.json";
/// The form of backups that this program writes and reads.
const FORMAT: u32 = 1;

/// The description. Later forms may have more members.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Description {
    /// The form of the whole file.
    format: u32,
    /// The program that made it.
    program: String,
    /// Unix time in milliseconds.
    pub made_at_ms: i64,
    /// Rows of accounts.
    pub accounts: u64,
    /// Rows of jobs.
    pub jobs: u64,
    /// Whether videos were asked for.
    pub videos: bool,
}

impl Description {
    /// What is to be said of a copy of the store.
    pub fn of(copy: &Copy, made_at_ms: i64, videos: bool) -> Result<Self> {
        Ok(Self {
            format: FORMAT,
            program: config::VERSION.to_owned(),
            made_at_ms,
            accounts: copy.rows("accounts")?,
            jobs: copy.rows("jobs")?,
            videos,
        })
    }

    /// Whether the store that was found in the backup is the one that was described.
    pub fn fits(&self, copy: &Copy) -> Result<bool> {
        Ok((self.accounts, self.jobs) == (copy.rows("accounts")?, copy.rows("jobs")?))
    }

    /// Its text in the backup.
    pub fn text(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|error| Error::internal("The backup could not be described.", error))
    }

    /// Reads it. A form that a newer program wrote is refused in words.
    pub fn parse(text: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
            program: String,
        }
        let unreadable =
            |error| Error::conflict("backup_damaged", "The backup's description cannot be read.").because(error);
        let form: Form = serde_json::from_slice(text).map_err(unreadable)?;
        if form.format != FORMAT {
            let message = format!(
                "The backup was made by another version of this program ({}), in a form that this one ({}) does not \
                 read. Restore it with that version.",
                form.program,
                config::VERSION
            );
            return Err(Error::conflict("backup_newer", message));
        }
        serde_json::from_slice(text).map_err(unreadable)
    }
}
