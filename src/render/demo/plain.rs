//! A local demo in the form the parser needs: uncompressed, in a scratch file if necessary.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::kind::MAGIC;
use super::unpack::unpack;
use super::unpack_limits::UnpackLimits;
use crate::domain::error::{Error, Result};
use crate::os::files;

/// An uncompressed demo. Its scratch file, if any, is removed on drop.
pub struct PlainDemo {
    path: PathBuf,
    _scratch: Option<TempPath>,
}

impl PlainDemo {
    /// Opens a demo that may be compressed; the content decides, not the name. The scratch file is created in
    /// `scratch`, or in the platform's temporary directory.
    ///
    /// Errors: `unreadable_file`, and those of [`unpack`].
    pub fn open(path: &Path, scratch: Option<&Path>) -> Result<Self> {
        Self::open_within(path, scratch, UnpackLimits::default())
    }

    /// Like [`Self::open`], with the given limits.
    pub fn open_within(path: &Path, scratch: Option<&Path>, limits: UnpackLimits) -> Result<Self> {
        let cannot = |error| files::cannot_read(path, &error);
        let mut file = files::open_named(path)?;
        if begins_plain(&mut file).map_err(cannot)? {
            return Ok(Self { path: path.to_owned(), _scratch: None });
        }
        file.rewind().map_err(cannot)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix("dinkem-").suffix(".dem");
        let scratch = scratch.map_or_else(|| builder.tempfile(), |dir| builder.tempfile_in(dir));
        let scratch =
            scratch.map_err(|error| Error::internal("Could not create a scratch file to decompress into.", error))?;
        let scratch = scratch.into_temp_path();
        unpack(&mut file, &scratch, limits)?;
        Ok(Self { path: scratch.to_path_buf(), _scratch: Some(scratch) })
    }

    /// Whether a file is an uncompressed demo, so that nothing has to be decompressed.
    pub fn is_at(path: &Path) -> io::Result<bool> {
        begins_plain(&mut File::open(path)?)
    }

    /// Path of the uncompressed demo.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn begins_plain(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut start)?;
    Ok(start == MAGIC)
}
