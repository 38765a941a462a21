//! Files of clips: a few are really rendered, from the forge's quick demo, so that they play; the others only have the
//! right length.

use std::fs::{self, OpenOptions};
use std::ops::ControlFlow;
use std::path::PathBuf;

use dinkem_appliance::domain::camera::CameraMode;
use dinkem_appliance::domain::clip::VideoFacts;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::render::clip::{ClipRequest, render};
use dinkem_appliance::render::draw::Look;
use dinkem_appliance::render::{demo, forge, video};
use dinkem_appliance::store::open_private;

use crate::epochs;
use crate::store::Seed;

/// Newest clips that have real files.
pub const REAL_CLIPS: usize = 12;
/// Newest clips that have files at all.
pub const FILES: usize = 5_000;
/// Picture and frame rate of the real clips.
pub const LINES: u32 = 1_080;
pub const FPS: u32 = 30;

/// A rendered clip.
pub struct Footage {
    video: Vec<u8>,
    poster: Vec<u8>,
    pub facts: VideoFacts,
}

impl Footage {
    pub fn bytes(&self) -> i64 {
        self.video.len() as i64
    }

    pub fn sha256(&self) -> [u8; 32] {
        Sha256::of(&self.video).0
    }
}

/// Renders this many clips, each of another player.
pub fn render_some(count: usize) -> Vec<Footage> {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("quick.dem");
    fs::write(&path, forge::quick()).unwrap();
    let index = demo::index(&path).unwrap();
    let plays = index.rounds.iter().rev().flat_map(|round| {
        let played = index.players.iter().filter(|player| player.rounds_played.contains(&round.number));
        played.map(|player| (player.steam64_id.parse::<u64>().unwrap(), round.number))
    });
    let (video, poster) = (scratch.path().join("clip.mp4"), scratch.path().join("clip.jpg"));
    let look = Look {
        fps: FPS,
        width: LINES * 16 / 9,
        height: LINES,
        xray: false,
        deathnotices_only: false,
        camera: CameraMode::default(),
    };
    plays
        .take(count)
        .map(|(steam64, round)| {
            let request = ClipRequest {
                demo: &path,
                steam64,
                round,
                look,
                maps: None,
                radars: None,
                video: &video,
                poster: &poster,
                preview: None,
            };
            render(&request, &mut |_, _| ControlFlow::Continue(())).unwrap();
            let facts = video::check(&video, look.width, look.height, look.fps).unwrap();
            Footage { video: fs::read(&video).unwrap(), poster: fs::read(&poster).unwrap(), facts }
        })
        .collect()
}

/// The files of a lease's clip: real ones, or a file of holes of this length without a poster.
pub fn store(seed: &Seed, lease: i64, bytes: i64, real: Option<&Footage>) {
    let create = |name: PathBuf| open_private(OpenOptions::new().write(true).create(true), &name).unwrap();
    let file = |ending: &str| seed.dir.join(epochs::clip_file(&seed.dir, lease, ending));
    match real {
        Some(footage) => {
            for (ending, content) in [("mp4", &footage.video), ("jpg", &footage.poster)] {
                std::io::Write::write_all(&mut create(file(ending)), content).unwrap();
            }
        }
        None => create(file("mp4")).set_len(bytes.cast_unsigned()).unwrap(),
    }
}
