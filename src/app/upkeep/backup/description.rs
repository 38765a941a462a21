//! The description of a backup: JSON, the first entry of the file.

use serde::{Deserialize, Serialize};

use crate::config;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::store::copies::Copy;

/// The entry's name, by which a file is recognized as a backup.
pub const NAME: &str = "dinkem-backup.json";
/// The backup format that this version writes and reads.
const FORMAT: u32 = 1;

/// The description. Later formats may add members.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Description {
    /// The backup format.
    format: u32,
    /// The version that made the backup.
    program: String,
    /// Unix time in milliseconds.
    pub made_at_ms: i64,
    /// Number of accounts.
    pub accounts: u64,
    /// Number of jobs.
    pub jobs: u64,
    /// Whether videos were requested.
    pub videos: bool,
}

impl Description {
    /// Describes a copy of the store.
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

    /// Whether the store found in the backup matches the description.
    pub fn fits(&self, copy: &Copy) -> Result<bool> {
        Ok((self.accounts, self.jobs) == (copy.rows("accounts")?, copy.rows("jobs")?))
    }

    /// Its text in the backup.
    pub fn text(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map_err(|error| Error::internal("The backup's description could not be written.", error))
    }

    /// Parses a description. Refuses formats of newer versions.
    pub fn parse(text: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
            program: String,
        }
        let unreadable = |error| {
            Error::conflict(ErrorCode::BackupDamaged, "The backup's description cannot be read.").because(error)
        };
        let form: Form = serde_json::from_slice(text).map_err(unreadable)?;
        if form.format != FORMAT {
            let message = format!(
                "The backup was made by another version of this program ({}), in a format that this one ({}) cannot \
                 read. Restore it with that version.",
                form.program,
                config::VERSION
            );
            return Err(Error::conflict(ErrorCode::BackupNewer, message));
        }
        serde_json::from_slice(text).map_err(unreadable)
    }
}
