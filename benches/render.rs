//! Rendering speed, size and quality: `cargo bench --bench render [-- DEMO STEAM64 ROUND]`; without a demo, uses the
//! forge's sample.
//!
//! Each figure is shown next to an alternative measured in the same run: our clip, drawn and encoded, next to
//! `ffmpeg -preset veryfast` encoding the finished frames from a pipe; our size next to what x264 needs for the same
//! structural similarity (SSIM) to the drawn frames.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints its results and panics on errors")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dinkem_appliance::domain::camera::CameraMode;
use dinkem_appliance::domain::error::Result;
use dinkem_appliance::os::clock::{Clock, SystemClock};
use dinkem_appliance::render::draw::{Look, Replay};
use dinkem_appliance::render::pipeline::{self, FrameRenderer};
use dinkem_appliance::render::preview::Preview;
use dinkem_appliance::render::scene::Scene;
use dinkem_appliance::render::video::{Encoder, Mp4Writer};
use dinkem_appliance::render::{demo, forge};

/// Frames that are drawn in advance and then fed to ffmpeg, so that drawing does not count for it.
const FED_FRAMES: usize = 60;
/// Constant rate factors of x264 between which its size at our SSIM is interpolated: the default in the middle.
const RATE_FACTORS: [u32; 3] = [18, 23, 28];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let dir = tempfile::tempdir().expect("a scratch directory");
    let (path, player, round) = match arguments.as_slice() {
        [path, player, round] => {
            (PathBuf::from(path), player.parse().expect("a Steam ID"), round.parse().expect("a round's number"))
        }
        [] => {
            let path = dir.path().join("sample.dem");
            std::fs::write(&path, forge::sample()).expect("room for the sample");
            (path, forge::SAMPLE_PLAYER, forge::SAMPLE_ROUND)
        }
        _ => panic!("usage: cargo bench --bench render [-- DEMO STEAM64 ROUND]"),
    };
    let clock = SystemClock::new();
    let megabytes = std::fs::metadata(&path).expect("the demo").len() as f64 / 1e6;
    let start = clock.monotonic();
    let scene = demo::scene(&path, round, player, &demo::Known::default())?;
    let took = (clock.monotonic() - start).as_secs_f64();
    println!("{}, round {round}, {megabytes:.1} MB, read in {took:.2} s", scene.map);
    let ffmpeg = Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).status().is_ok_and(|end| end.success());
    if !ffmpeg {
        println!("ffmpeg is not installed: nothing is compared with it");
    }
    for (height, fps) in [(1080, 30), (1440, 60)] {
        for camera in CameraMode::ALL {
            let look = Look { fps, width: height * 16 / 9, height, xray: false, deathnotices_only: false, camera };
            Measure { scene: &scene, look, dir: dir.path(), clock: &clock }.run(ffmpeg)?;
        }
    }
    Ok(())
}

struct Measure<'a> {
    scene: &'a Scene,
    look: Look,
    dir: &'a Path,
    clock: &'a dyn Clock,
}

impl Measure<'_> {
    fn run(&self, ffmpeg: bool) -> Result<()> {
        let Look { height, fps, camera, .. } = self.look;
        let start = self.clock.monotonic();
        let replay = Replay::new(self.scene, self.look)?;
        let prepared = self.clock.monotonic() - start;
        println!("{height}p{fps}, camera {}, {} frames", camera.as_str(), replay.frames());
        println!("  prepare         {:8.2} s", prepared.as_secs_f64());
        let (drawn, encoded) = self.one_thread(&replay)?;
        println!("  one thread      {drawn:8.1} frames/s drawn, {encoded:.1} encoded");

        let video = self.dir.join("clip.mp4");
        let took = self.render(&replay, &video, None)?;
        let ours = (took + prepared).as_secs_f64();
        let bytes = size(&video);
        println!("  ours            {:8.1} frames/s, {} kB", replay.frames() as f64 / ours, bytes / 1_000);
        let preview = Preview::at(self.dir.join("preview.jpg"));
        let with_previews = self.render(&replay, &video, Some(&preview))?;
        let each = with_previews.saturating_sub(took).as_secs_f64() / replay.frames() as f64;
        println!("  preview         {:8.2} ms, if each frame has one", each * 1_000.0);
        if ffmpeg { self.compare(&replay, &video, ours, bytes) } else { Ok(()) }
    }

    /// Draws and encodes a clip, with a preview of each frame if they are wanted. Returns how long it took.
    fn render(&self, replay: &Replay<'_>, video: &Path, preview: Option<&Preview>) -> Result<Duration> {
        let start = self.clock.monotonic();
        let mut writer = Mp4Writer::create(video, self.look.width, self.look.height, self.look.fps)?;
        pipeline::run(replay, &mut writer, preview, &mut |_| {
            preview.into_iter().for_each(Preview::ask);
            Ok(())
        })?;
        writer.finish()?;
        Ok(self.clock.monotonic() - start)
    }

    /// Frames per second of drawing and of encoding, each measured alone.
    fn one_thread(&self, replay: &Replay<'_>) -> Result<(f64, f64)> {
        let Look { width, height, fps, .. } = self.look;
        let mut renderer = FrameRenderer::new(replay)?;
        let mut encoder = Encoder::new(width, height, fps)?;
        let (mut drawing, mut encoding) = (Duration::ZERO, Duration::ZERO);
        for frame in 0..replay.frames() {
            let start = self.clock.monotonic();
            let picture = renderer.render(frame)?;
            let drawn = self.clock.monotonic();
            encoder.encode(picture)?;
            drawing += drawn - start;
            encoding += self.clock.monotonic() - drawn;
        }
        let rate = |took: Duration| replay.frames() as f64 / took.as_secs_f64();
        Ok((rate(drawing), rate(encoding)))
    }

    fn compare(&self, replay: &Replay<'_>, video: &Path, ours: f64, bytes: u64) -> Result<()> {
        let similarity = self.similarity(replay, video)?;
        println!("  SSIM            {similarity:8.4}");
        let mut points = Vec::new();
        for factor in RATE_FACTORS {
            let other = self.dir.join(format!("x264-{factor}.mp4"));
            let output = ["-c:v", "libx264", "-preset", "veryfast", "-crf", &factor.to_string()].map(str::to_owned);
            let took = self.feed(replay, self.raw_input().args(output).arg("-y").arg(&other))?;
            let its = self.similarity(replay, &other)?;
            let rate = replay.frames() as f64 / took;
            println!(
                "  x264 crf {factor}     {rate:8.1} frames/s, {} kB, SSIM {its:.4}; ours is {:.2} times as fast",
                size(&other) / 1_000,
                took / ours
            );
            points.push((its, size(&other) as f64));
        }
        let equal = size_at(&points, similarity);
        println!("  size            {:8.2} times x264's at our SSIM", bytes as f64 / equal);
        Ok(())
    }

    /// Mean structural similarity of a video to the drawn frames.
    fn similarity(&self, replay: &Replay<'_>, video: &Path) -> Result<f64> {
        let log = self.dir.join("ssim.log");
        let errors = std::fs::File::create(&log).expect("room for a log");
        let mut ffmpeg = self.raw_input();
        ffmpeg.arg("-i").arg(video).args(["-lavfi", "[1:v][0:v]ssim", "-f", "null", "-"]).stderr(errors);
        self.feed(replay, &mut ffmpeg)?;
        let text = std::fs::read_to_string(&log).expect("ffmpeg's log");
        let all = text.rsplit("All:").next().and_then(|rest| rest.split_whitespace().next());
        Ok(all.and_then(|number| number.parse().ok()).expect("ffmpeg's log ends with the similarity"))
    }

    /// ffmpeg with drawn frames as its input.
    fn raw_input(&self) -> Command {
        let Look { width, height, fps, .. } = self.look;
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", &format!("{width}x{height}")]);
        command.args(["-r", &fps.to_string(), "-i", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs ffmpeg on all frames. Returns its seconds, without those of drawing: it is stopped meanwhile, or it would
    /// encode for free what its queues hold.
    fn feed(&self, replay: &Replay<'_>, command: &mut Command) -> Result<f64> {
        let mut renderer = FrameRenderer::new(replay)?;
        let mut ffmpeg = command.spawn().expect("ffmpeg starts");
        let mut input = ffmpeg.stdin.take().expect("its input is a pipe");
        let mut took = Duration::ZERO;
        let mut drawn: Vec<Vec<u8>> = Vec::new();
        signal(&ffmpeg, "-STOP");
        let fed: Result<()> = (0..replay.frames()).try_for_each(|frame| {
            drawn.push(renderer.render(frame)?.to_bytes());
            if drawn.len() == FED_FRAMES || frame + 1 == replay.frames() {
                signal(&ffmpeg, "-CONT");
                let start = self.clock.monotonic();
                drawn.drain(..).for_each(|frame| input.write_all(&frame).expect("ffmpeg reads"));
                took += self.clock.monotonic() - start;
                signal(&ffmpeg, "-STOP");
            }
            Ok(())
        });
        signal(&ffmpeg, "-CONT");
        let start = self.clock.monotonic();
        drop(input);
        let end = ffmpeg.wait().expect("ffmpeg ends");
        took += self.clock.monotonic() - start;
        fed?;
        assert!(end.success(), "ffmpeg failed");
        Ok(took.as_secs_f64())
    }
}

/// Stops ffmpeg or lets it go on.
fn signal(ffmpeg: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &ffmpeg.id().to_string()]).status().expect("kill starts");
    assert!(sent.success(), "ffmpeg ended early");
}

/// The size at a similarity, interpolated on a logarithmic scale between measured points, or extrapolated.
fn size_at(points: &[(f64, f64)], similarity: f64) -> f64 {
    let mut sorted = points.to_vec();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
    let after = sorted.iter().position(|point| point.0 >= similarity).unwrap_or(sorted.len() - 1).max(1);
    let ((from, low), (to, high)) = (sorted[after - 1], sorted[after]);
    let part = (similarity - from) / (to - from);
    (low.ln() + (high.ln() - low.ln()) * part).exp()
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).expect("the file was written").len()
}
