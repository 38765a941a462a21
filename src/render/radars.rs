//! A studio's own pictures of maps: a folder with `<map>.png` and, as overviews of the game have it, `<map>.txt`, which
//! says where the picture lies. `<map>_lower.png` is the lower floor, if the map has one.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::ops::RangeInclusive;
use std::path::Path;

use tiny_skia::Pixmap;

use super::map_grounds::file_name;
use super::scene::Radar;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;

/// Extension of the pictures.
pub const PICTURE: &str = "png";
/// Extension of the texts that say where pictures lie.
pub const OVERVIEW: &str = "txt";
/// Maximum size of a file in bytes, 16 MiB.
pub const FILE_BYTES: u64 = 16 << 20;
/// Map units from a map's middle within which a picture's corner lies: no map is larger.
const REACH: f32 = 32_768.0;
/// Map units per pixel that make sense.
const SCALES: RangeInclusive<f32> = 0.1..=100.0;
/// Maximum width and height of a picture in pixels.
const SIDE: u32 = 4_096;
/// Where a PNG file has its width and height, each four bytes, the highest first.
const PNG_SIZE: std::ops::Range<usize> = 16..24;

/// Reads a folder's picture of a map. `None` without one.
///
/// Errors: files that are too large or not what they should be.
pub fn read(folder: &Path, map: &str) -> Result<Option<Radar>> {
    let Some(name) = file_name(map) else { return Ok(None) };
    let Some(upper) = picture(&folder.join(&name).with_extension(PICTURE))? else { return Ok(None) };
    let text = folder.join(&name).with_extension(OVERVIEW);
    let Some(overview) = bytes(&text)? else {
        return Err(unusable(&text, "is missing: it says where the picture lies"));
    };
    let overview = String::from_utf8_lossy(&overview);
    let number = |key: &str| number(&overview, key).ok_or_else(|| unusable(&text, &format!("has no number for {key}")));
    let (left, top, scale) = (number("pos_x")?, number("pos_y")?, number("scale")?);
    if left.abs() > REACH || top.abs() > REACH {
        return Err(unusable(&text, &format!("has a position that is not within {REACH} of the map's middle")));
    }
    if !SCALES.contains(&scale) {
        return Err(unusable(&text, &format!("has a scale that is not from {} to {}", SCALES.start(), SCALES.end())));
    }
    let lower = picture(&folder.join(format!("{name}_lower")).with_extension(PICTURE))?;
    Ok(Some(Radar { upper, lower, left, top, scale }))
}

fn picture(path: &Path) -> Result<Option<Pixmap>> {
    let Some(bytes) = bytes(path)? else { return Ok(None) };
    // The decoder reserves memory for what the file claims.
    let size = bytes.get(PNG_SIZE).unwrap_or_default();
    let fits = |side: &[u8]| side.try_into().is_ok_and(|side| (1..=SIDE).contains(&u32::from_be_bytes(side)));
    if size.is_empty() || !size.chunks(4).all(fits) {
        return Err(unusable(path, &format!("is not a PNG of at most {SIDE} by {SIDE} pixels")));
    }
    Pixmap::decode_png(&bytes).map(Some).map_err(|error| unusable(path, "cannot be decoded").because(error))
}

/// A whole file; `None` if there is none.
fn bytes(path: &Path) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    // Opening a pipe would block until something writes to it.
    let read = match fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(unusable(path, "is not a file")),
        Ok(_) => File::open(path).and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut bytes)),
        Err(error) => Err(error),
    };
    match read {
        Ok(read) if read as u64 > FILE_BYTES => {
            Err(unusable(path, &format!("is larger than {} MiB", FILE_BYTES >> 20)))
        }
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, "cannot be read").because(error)),
    }
}

fn unusable(path: &Path, why: &str) -> Error {
    let message = format!("The map's picture cannot be used: {} {why}.", path.display());
    Error::of_failure(Kind::Invalid, FailureCode::NodeFailed, message)
}

/// The value of a key in an overview: a list of keys and values, most of them in quotes. Comments begin with `//`.
fn number(overview: &str, key: &str) -> Option<f32> {
    let lines = overview.lines().map(|line| line.split("//").next().unwrap_or_default());
    let mut words = lines.flat_map(|line| line.split(['"', ' ', '\t', '\r'])).filter(|word| !word.is_empty());
    words.find(|word| word.eq_ignore_ascii_case(key))?;
    words.next()?.parse().ok().filter(|number: &f32| number.is_finite())
}

#[cfg(test)]
mod tests {
    use tiny_skia::Color;

    use super::*;

    const OVERVIEW_TEXT: &str = "// TAVR - AUTO RADAR\n\"de_test\"\n{\n\t\"material\"\t\"overviews/de_test\"\n\t\"pos_x\"\t\"-2476\" \
                                 // upper left \"pos_y\" \"1\"\r\n\tpos_y 3239.5\n\t\"scale\" \"4.4\"\n}\n";

    fn png(color: Color) -> Vec<u8> {
        let mut picture = Pixmap::new(4, 2).unwrap();
        picture.fill(color);
        picture.encode_png().unwrap()
    }

    #[test]
    fn picture_lies_where_its_overview_says() {
        let folder = tempfile::tempdir().unwrap();
        let read = || read(folder.path(), "De_Test").unwrap();
        assert!(read().is_none());
        fs::write(folder.path().join("de_test.png"), png(Color::WHITE)).unwrap();
        fs::write(folder.path().join("de_test.txt"), OVERVIEW_TEXT).unwrap();
        let radar = read().unwrap();
        assert_eq!((radar.left, radar.top, radar.scale, radar.lower), (-2476.0, 3239.5, 4.4, None));
        fs::write(folder.path().join("de_test_lower.png"), png(Color::BLACK)).unwrap();
        assert!(read().unwrap().lower.is_some());
    }

    #[test]
    fn unusable_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut huge = png(Color::WHITE);
        huge[PNG_SIZE].copy_from_slice(&[0, 0, 0x10, 1, 0, 0, 0, 1]);
        let picture = png(Color::WHITE);
        for (png, text, expected) in [
            (&b""[..], OVERVIEW_TEXT, "de_test.png is not a PNG"),
            (&huge, OVERVIEW_TEXT, "de_test.png is not a PNG"),
            (&picture[..40], OVERVIEW_TEXT, "de_test.png cannot be decoded"),
            (&picture, "\"pos_x\" \"1\" \"pos_y\" \"high\" \"scale\" \"4\"", "de_test.txt has no number for pos_y"),
            (&picture, "\"pos_x\" \"1\" \"pos_y\" \"2\"", "de_test.txt has no number for scale"),
            (&picture, "pos_x 1 pos_y 2 scale 0", "de_test.txt has a scale that is not from 0.1 to 100"),
            (&picture, "pos_x 1 pos_y 2 scale 1e30", "de_test.txt has a scale that is not from 0.1 to 100"),
            (&picture, "pos_x 1 pos_y 1e30 scale 1", "de_test.txt has a position that is not within 32768"),
            (&picture, "pos_x 1 pos_y inf scale 1", "de_test.txt has no number for pos_y"),
        ] {
            fs::write(folder.path().join("de_test.png"), png).unwrap();
            fs::write(folder.path().join("de_test.txt"), text).unwrap();
            let error = read(folder.path(), "de_test").unwrap_err();
            assert!(error.message.contains(expected), "{}", error.message);
        }
        fs::create_dir(folder.path().join("de_test_lower.png")).unwrap();
        fs::write(folder.path().join("de_test.txt"), OVERVIEW_TEXT).unwrap();
        assert!(read(folder.path(), "de_test").unwrap_err().message.contains("de_test_lower.png is not a file"));
        fs::remove_file(folder.path().join("de_test.txt")).unwrap();
        assert!(read(folder.path(), "de_test").unwrap_err().message.contains("de_test.txt is missing"));
        assert!(read(folder.path(), "../de_test").unwrap().is_none(), "a demo's map is not a path");
    }
}
