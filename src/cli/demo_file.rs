//! A demo on this machine, as the renderer wants it: plain. A packed one is unpacked into a scratch file.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::client::cannot_read;
use crate::domain::error::{Error, Result};
use crate::render::demo::{self, UnpackLimits};

/// How a plain demo begins.
const PLAIN: &[u8] = b"PBDEMS2\0";

/// A plain demo. The scratch file, where there is one, goes away with it.
pub struct DemoFile {
    path: PathBuf,
    _scratch: Option<TempPath>,
}

impl DemoFile {
    /// Opens a demo, packed with gzip, bzip2 or zstd or not; content decides, not the name.
    pub fn open(path: &Path) -> Result<Self> {
        let cannot = |error: io::Error| cannot_read(path, &error);
        let mut file = File::open(path).map_err(cannot)?;
        let mut start = Vec::new();
        file.by_ref().take(PLAIN.len() as u64).read_to_end(&mut start).map_err(cannot)?;
        if start == PLAIN {
            return Ok(Self { path: path.to_owned(), _scratch: None });
        }
        file.rewind().map_err(cannot)?;
        let scratch = tempfile::Builder::new().prefix("dinkem-").suffix(".dem").tempfile();
        let scratch =
            scratch.map_err(|error| Error::internal("Could not make a scratch file to unpack into.", error))?;
        let scratch = scratch.into_temp_path();
        demo::unpack(&mut file, &scratch, UnpackLimits::default())?;
        Ok(Self { path: scratch.to_path_buf(), _scratch: Some(scratch) })
    }

    /// Where the plain demo is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
