//! The presets for the game: what they write, what they prove, and how they end, with fakes of the game and its tools.

#[cfg(unix)]
mod check;
#[cfg(unix)]
mod csdm;
#[cfg(unix)]
mod golden;
#[cfg(unix)]
mod hlae;
mod pov_script;
#[cfg(unix)]
mod renderer;
#[cfg(unix)]
mod rig;
#[cfg(unix)]
mod studio;
#[cfg(unix)]
mod updates;
#[cfg(unix)]
mod whole_jobs;

#[cfg(unix)]
use dinkem_appliance::render::command::JobFile;

/// Checks a finished clip of a second and a half: its picture, its sound of the same length, its poster, and that it can
/// be played while it loads.
#[cfg(unix)]
fn check_clip(job: &JobFile) {
    let probed = crate::support::tools::ffprobe(&job.output);
    let streams = probed["streams"].as_array().unwrap();
    let of = |kind: &str| streams.iter().find(|stream| stream["codec_type"] == kind).unwrap();
    let seconds = |stream: &serde_json::Value| stream["duration"].as_str().unwrap().parse::<f64>().unwrap();
    let (video, audio) = (of("video"), of("audio"));
    assert_eq!((&video["width"], &video["height"]), (&job.width.into(), &job.height.into()));
    assert_eq!((&video["codec_name"], &audio["codec_name"]), (&"h264".into(), &"aac".into()));
    assert_eq!(video["r_frame_rate"], format!("{}/1", job.fps));
    assert!((seconds(video) - 1.5).abs() < 0.1, "{video}");
    assert!((seconds(video) - seconds(audio)).abs() < 0.1, "{audio}");
    let bytes = std::fs::read(&job.output).unwrap();
    let place = |name: &[u8]| bytes.windows(4).position(|part| part == name).unwrap();
    assert!(place(b"moov") < place(b"mdat"), "faststart");
    assert!(std::fs::read(job.output.with_extension("jpg")).unwrap().starts_with(&[0xff, 0xd8, 0xff]));
}
