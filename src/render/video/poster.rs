//! ffmpeg's arguments for a poster: one picture of a video as a JPEG.

use std::ffi::OsString;
use std::path::Path;

/// Arguments before all others: no banner, no questions, replace the output.
pub const QUIET: [&str; 5] = ["-hide_banner", "-nostdin", "-loglevel", "error", "-y"];

/// Arguments after [`QUIET`] that write the picture at this second of `video` to `poster`.
pub fn poster_args(video: &Path, second: f64, poster: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["-ss".into(), format!("{second:.3}").into(), "-i".into(), video.into()];
    args.extend(["-frames:v", "1", "-q:v", "3", "-update", "1"].map(Into::into));
    args.push(poster.into());
    args
}
