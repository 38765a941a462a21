//! The file of `serve --metrics-token-file`: a token with which monitoring may read the metrics.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::key::{KeyHash, Secret};

/// Characters of a token.
const TOKEN_CHARS: std::ops::RangeInclusive<usize> = 16..=256;

/// Reads the token and returns its hash. One line break at the end is ignored.
///
/// Errors: the file cannot be read, everyone can read it, or it holds no proper token.
pub fn read(path: &Path) -> Result<KeyHash> {
    let name = path.display();
    let cannot = |error: std::io::Error| {
        Error::internal(format!("Cannot read {name}, the file of --metrics-token-file."), error)
    };
    // Opening a named pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(unfit(format!("{name}, the file of --metrics-token-file, is not a regular file.")));
    }
    let file = File::open(path).map_err(cannot)?;
    if is_open_to_everyone(&file).map_err(cannot)? {
        return Err(unfit(format!(
            "Every user of this machine can read or change {name}, the file of --metrics-token-file. Restrict it: chmod 640 {name}"
        )));
    }
    let (least, most) = TOKEN_CHARS.into_inner();
    let mut bytes = Vec::new();
    // A line break may follow the longest token, and one byte more shows that it is too long.
    file.take(most as u64 + 3).read_to_end(&mut bytes).map_err(cannot)?;
    let line = bytes.strip_suffix(b"\n").map_or(&*bytes, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let token = std::str::from_utf8(line).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
    match token {
        Some(token) if TOKEN_CHARS.contains(&token.len()) => Ok(KeyHash::of(&Secret::new(token))),
        _ => Err(unfit(format!(
            "The file of --metrics-token-file, {name}, must hold one token of {least} to {most} visible ASCII characters \
             and no spaces. Make one: openssl rand -hex 32"
        ))),
    }
}

fn unfit(message: String) -> Error {
    Error::new(Kind::Invalid, ErrorCode::InvalidField, message)
}

#[cfg(unix)]
fn is_open_to_everyone(file: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o006 != 0)
}

#[cfg(not(unix))]
fn is_open_to_everyone(_: &File) -> std::io::Result<bool> {
    Ok(false)
}
