//! Test pictures and sound, by ffmpeg.

use std::path::Path;
use std::process::{Command, Stdio};

/// What to show.
#[derive(Clone, Copy, PartialEq)]
pub enum Picture {
    Moving,
    Black,
    Frozen,
}

/// A video to make.
#[derive(Clone, Copy)]
pub struct Video {
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    pub seconds: f64,
    pub picture: Picture,
    pub sound: bool,
    pub faststart: bool,
}

impl Video {
    /// Encodes it with these arguments for the picture.
    pub fn write(&self, encoder: &[&str], path: &Path) {
        let (width, height, fps, seconds) = (self.width, self.height, self.fps, self.seconds);
        let size = format!("size={width}x{height}:rate={fps}:duration={seconds}");
        let source = match self.picture {
            Picture::Moving => format!("testsrc2={size}"),
            Picture::Black => format!("color=black:{size}"),
            Picture::Frozen => format!("testsrc2={size},trim=end_frame=1,loop=loop=-1:size=1,fps={fps}"),
        };
        let seconds = seconds.to_string();
        let mut args = vec!["-f", "lavfi", "-i", &source];
        let tone = format!("sine=frequency=440:sample_rate=48000:duration={seconds}");
        if self.sound {
            args.extend(["-f", "lavfi", "-i", &tone, "-c:a", "aac", "-b:a", "192k"]);
        }
        args.extend(["-t", &seconds]);
        args.extend(encoder);
        if self.faststart {
            args.extend(["-movflags", "+faststart"]);
        }
        ffmpeg(&args, path);
    }
}

/// A wave file of this length.
pub fn wave(seconds: f64, path: &Path) {
    ffmpeg(
        &["-f", "lavfi", "-i", &format!("sine=frequency=440:sample_rate=44100:duration={seconds}"), "-ac", "2"],
        path,
    );
}

/// Runs ffmpeg, which must succeed.
pub fn ffmpeg(args: &[&str], output: &Path) {
    std::fs::create_dir_all(output.parent().unwrap()).unwrap();
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y"]).args(args).arg(output);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
}
