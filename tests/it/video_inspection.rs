//! The check of a clip before its upload: what is refused for its structure, its sound, and its picture.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dinkem_appliance::domain::clip::VideoFacts;
use dinkem_appliance::domain::error::{Error, Kind};
use dinkem_appliance::render::video::{Expected, inspect};

use crate::support::mp4::Mp4;
use crate::support::tools::have;

const ANY: Expected = Expected { width: 1920, height: 1080, fps: 30, length_ms: None, audio: None };
/// Of the videos that ffmpeg makes.
const SMALL: Expected = Expected { width: 320, height: 180, ..ANY };

fn inspected(path: &Path, expected: &Expected, ffmpeg: Option<&str>) -> Result<Option<VideoFacts>, Error> {
    inspect(path, expected, ffmpeg, &mut || true)
}

fn assert_verdict(path: &Path, expected: &Expected, ffmpeg: Option<&str>, fault: Option<&str>, case: &str) {
    match (inspected(path, expected, ffmpeg), fault) {
        (Ok(Some(_)), None) => {}
        (Err(error), Some(fault)) => {
            assert_eq!((error.kind, error.code.as_str()), (Kind::Invalid, "render_failed"), "{case}");
            assert!(error.message.starts_with(fault), "{case}: {}", error.message);
        }
        (verdict, _) => panic!("{case}: {verdict:?}, not {fault:?}"),
    }
}

#[test]
fn length_and_sound_are_checked_without_ffmpeg() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    let sound = |ms: u32| Some((48_000, vec![(ms * 48, 1)]));
    let (long, silent, loud) = (
        |ms| Expected { length_ms: Some(ms), ..ANY },
        Expected { audio: Some(false), ..ANY },
        Expected { audio: Some(true), ..ANY },
    );
    let cases = [
        ("any clip without sound", None, ANY, None),
        ("any clip with sound", sound(10_000), ANY, None),
        ("sound as asked", sound(10_000), loud, None),
        ("sound within 0.1 s", sound(10_100), loud, None),
        ("no sound as asked", None, silent, None),
        ("the right length", None, long(10_000), None),
        ("half a second too long", None, long(9_500), None),
        ("more than half a second too long", None, long(9_499), Some("The video is 10.0 s long, not 9.5 s.")),
        ("more than half a second too short", None, long(12_000), Some("The video is 10.0 s long, not 12.0 s.")),
        ("no sound", None, loud, Some("The video has no sound.")),
        ("unwanted sound", sound(10_000), silent, Some("The video has sound")),
        ("short sound", sound(9_880), loud, Some("The video's sound is 9.88 s long, its picture 10.00 s.")),
        ("short sound that nobody asked for", sound(4_000), ANY, Some("The video's sound is 4.00 s long")),
        ("sound without a time unit", Some((0, vec![(480_000, 1)])), ANY, Some("The index of the video's sound")),
        ("endless sound", Some((1, vec![(u32::MAX, u32::MAX); 3])), ANY, Some("The index of the video's sound")),
        ("another size", None, Expected { height: 1440, width: 2560, ..ANY }, Some("The video is 1920x1080, not")),
    ];
    for (case, audio, expected, fault) in cases {
        fs::write(&path, Mp4 { audio, ..Mp4::of(300, 30, 40) }.bytes()).unwrap();
        assert_verdict(&path, &expected, None, fault, case);
    }
}

/// A video of 20 seconds made by ffmpeg from its test picture and these filters.
fn make(dir: &Path, filters: &str, more: &[&str]) -> PathBuf {
    let path = dir.join("clip.mp4");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=20"])
        .args(["-f", "lavfi", "-i", "sine=r=48000:d=20", "-vf", filters])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart"])
        .args(["-c:a", "aac", "-t", "20"])
        .args(more)
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    path
}

/// Shows one frame of the test picture again and again, from second 4 on.
fn frozen(seconds: u32) -> String {
    format!("loop=loop={}:size=1:start=120,setpts=N/30/TB", seconds * 30)
}

/// Covers a part of the picture with black for a while.
fn black(seconds: u32, level: &str, height: &str) -> String {
    format!("drawbox=h={height}:c={level}:t=fill:enable='between(t,3,{}-0.01)'", 3 + seconds)
}

#[test]
fn black_and_frozen_pictures_are_refused_with_the_stretch() {
    if !have("ffmpeg", "black_and_frozen_pictures_are_refused_with_the_stretch") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let clock = "drawbox=x=8:y=160:w=8:h=8:c=white:t=fill:enable='lt(mod(t,2),1)'";
    let cases = [
        ("the test picture", "null".to_owned(), None),
        ("black for 2 s", black(2, "black", "ih"), None),
        ("black for 6 s", black(6, "black", "ih"), Some("The picture is black from 3.0 to 9.0 s.")),
        ("nearly black for 6 s", black(6, "0x060606", "ih"), Some("The picture is black from 3.0 to 9.0 s.")),
        ("dark for 6 s", black(6, "0x202020", "ih-20"), None),
        ("mostly black for 6 s, as through a scope", black(6, "black", "ih*0.9"), None),
        ("black to the end", black(30, "black", "ih"), Some("The picture is black from 3.0 to")),
        ("frozen for 6 s", frozen(6), None),
        ("frozen for 9 s", frozen(9), Some("The picture is frozen from 4.0 to 13.0 s.")),
        ("frozen to the end", frozen(30), Some("The picture is frozen from 4.0 to 20.0 s.")),
        ("frozen below a clock", format!("{},copy,{clock}", frozen(30)), None),
    ];
    for (case, filters, fault) in cases {
        // A key frame every second: its new noise must not count as a change.
        let path = make(dir.path(), &filters, &["-g", "30", "-crf", "28"]);
        let expected = Expected { length_ms: Some(20_000), audio: Some(true), ..SMALL };
        assert_verdict(&path, &expected, Some("ffmpeg"), fault, case);
    }
}

#[test]
fn real_sound_is_measured_and_broken_video_is_refused() {
    if !have("ffmpeg", "real_sound_is_measured_and_broken_video_is_refused") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let loud = Expected { audio: Some(true), ..SMALL };
    for (sound, fault) in
        [("atrim=end=19.95", None), ("atrim=end=19.5", Some("The video's sound is 19.5")), ("atempo=2", Some("The"))]
    {
        assert_verdict(&make(dir.path(), "null", &["-af", sound]), &loud, Some("ffmpeg"), fault, sound);
    }
    let path = make(dir.path(), "null", &["-an"]);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 5_000].fill(0);
    fs::write(&path, bytes).unwrap();
    assert_verdict(&path, &SMALL, None, None, "the structure is whole");
    assert_verdict(&path, &SMALL, Some("ffmpeg"), Some("The video cannot be decoded"), "its media is not");
}

#[test]
fn without_a_usable_ffmpeg_the_structure_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.mp4");
    fs::write(&path, Mp4::of(300, 30, 40).bytes()).unwrap();
    assert_verdict(&path, &ANY, Some("/no/such/ffmpeg"), None, "no ffmpeg");
    let short = Expected { length_ms: Some(1), ..ANY };
    assert_verdict(&path, &short, Some("/no/such/ffmpeg"), Some("The video is 10.0 s long"), "no ffmpeg");
}

#[test]
#[cfg(unix)]
fn check_ends_when_the_caller_gives_up() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (path, program) = (dir.path().join("clip.mp4"), dir.path().join("slow"));
    fs::write(&path, Mp4::of(300, 30, 40).bytes()).unwrap();
    for script in ["exec sleep 600", "while :; do echo frame >&2; done"] {
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let asked = Cell::new(0);
        let verdict = inspect(&path, &ANY, program.to_str(), &mut || {
            asked.set(asked.get() + 1);
            asked.get() < 5
        });
        assert_eq!((verdict.unwrap(), asked.get()), (None, 5), "{script}");
    }
}
