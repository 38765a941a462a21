//! Names of clip files, which begin with the store's epoch.

use std::fmt::Display;
use std::fs;
use std::path::Path;

/// The epoch in the file `epoch` of a data directory.
pub fn epoch_of(data: &Path) -> String {
    let text = fs::read_to_string(data.join("epoch")).unwrap();
    text.lines().next().unwrap().strip_prefix("epoch ").unwrap().to_owned()
}

/// The path of a file of a lease of the current epoch, below the data directory.
pub fn clip_file(data: &Path, lease: impl Display, extension: &str) -> String {
    format!("clips/{}-{lease}.{extension}", epoch_of(data))
}
