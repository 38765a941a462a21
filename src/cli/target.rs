//! Output files: checked before the work begins, so that hours of it are not lost to a bad path.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::cli::{output, wrong_usage};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::files;

/// Checks that a new file can be written at `path`, without leaving a trace. An existing file will be replaced, with
/// a warning.
pub fn check(path: &Path) -> Result<()> {
    check_all(&[path], try_replacing)
}

/// The same for a small file, which [`write`] writes in one go.
pub fn check_in_place(path: &Path) -> Result<()> {
    check_all(&[path], try_writing)
}

/// The same for a clip and the poster next to it.
pub fn check_with_poster(path: &Path, poster: &Path) -> Result<()> {
    if path == poster {
        return Err(wrong_usage(format!(
            "The clip cannot be called {}: that is the name of its poster. Choose another name, such as clip.mp4.",
            path.display()
        )));
    }
    check_all(&[path, poster], try_replacing)
}

/// Refuses to overwrite the input demo.
pub fn refuse_demo(path: &Path, demo: &Path) -> Result<()> {
    let is_same =
        |one: io::Result<_>, other: io::Result<_>| matches!((one, other), (Ok(one), Ok(other)) if one == other);
    if is_same(fs::canonicalize(path), fs::canonicalize(demo)) {
        return Err(wrong_usage(format!(
            "The clip would replace the demo {}. Choose another name, such as clip.mp4.",
            path.display()
        )));
    }
    Ok(())
}

/// Checks that files can be written in a directory, and creates it if it does not exist.
pub fn check_dir(path: &Path) -> Result<()> {
    refuse_dash(path)?;
    if fs::metadata(path).is_ok_and(|found| !found.is_dir()) {
        return Err(wrong_usage(format!(
            "{} is not a directory, but several clips need one. Name a directory with -o.",
            path.display()
        )));
    }
    let made = if path.is_dir() { Ok(()) } else { fs::create_dir(path) };
    made.and_then(|()| files::replacement(&path.join("clip.mp4")).map(drop)).map_err(|error| unwritable(path, &error))
}

fn check_all(paths: &[&Path], try_out: fn(&Path) -> io::Result<()>) -> Result<()> {
    for path in paths {
        refuse_dash(path)?;
        try_out(path).map_err(|error| unwritable(path, &error))?;
        if path.is_file() {
            output::say(&format!("Replacing {}.", path.display()));
        }
    }
    Ok(())
}

/// Writes a small file in one go.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    fs::write(path, content).map_err(|error| unwritable(path, &error))
}

/// The error for an output file that cannot be written.
pub fn unwritable(path: &Path, error: &io::Error) -> Error {
    let path = path.display();
    let message = match error.kind() {
        ErrorKind::IsADirectory => format!("{path} is a folder. Name a file in it."),
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            format!("Could not write {path}: its folder does not exist. Create it, or choose another path.")
        }
        _ => format!("Could not write {path}: {error}. Choose another path."),
    };
    Error::new(Kind::Invalid, ErrorCode::UnwritableFile, message)
}

/// `-` usually means standard output, which is not supported here.
pub fn refuse_dash(path: &Path) -> Result<()> {
    if path.as_os_str() == "-" {
        return Err(wrong_usage(
            "Standard output (`-`) is not supported here: name a file. For a file called `-`, use `./-`.",
        ));
    }
    Ok(())
}

fn try_replacing(path: &Path) -> io::Result<()> {
    try_writing(path)?;
    files::replacement(path).map(drop)
}

fn try_writing(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(ErrorKind::IsADirectory.into()),
        // A device or a pipe: opening one may block.
        Ok(found) if !found.is_file() => Ok(()),
        Ok(_) => OpenOptions::new().append(true).open(path).map(drop),
        Err(error) if error.kind() == ErrorKind::NotFound => files::replacement(path).map(drop),
        Err(error) => Err(error),
    }
}
