//! Draws and encodes a clip on several threads. The clip is split at key frames; each thread draws and encodes one
//! piece after another, and the pieces are joined in order. Every piece starts with a fresh encoder, so the video is
//! byte-identical for any number of threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crossbeam_channel::{Sender, bounded};

use super::draw::{Painter, Replay};
use super::video::{Effort, Encoder, I420, Mp4Writer, Packet, key_interval};
use crate::domain::error::{Error, Result};

/// Maximum number of threads: each takes 100 MB at 1440p, and a machine with more cores runs more jobs.
const THREADS: usize = 2;
/// Maximum number of encoded frames waiting to be joined.
const PACKETS: usize = 64;
/// Key intervals per piece.
const PIECE_INTERVALS: u64 = 2;

/// Draws and encodes all frames into the video. `progress` is called for each frame with the fraction done; an error
/// from it stops the work.
pub fn run(replay: &Replay<'_>, video: &mut Mp4Writer, progress: &mut dyn FnMut(f64) -> Result<()>) -> Result<()> {
    let frames = replay.frames();
    let cut = Cut {
        length: key_interval(replay.look().fps) * PIECE_INTERVALS,
        next: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let (packets, arrived) = bounded(PACKETS);
        for _ in 0..cores.min(THREADS) {
            let packets = packets.clone();
            scope.spawn(|| work(replay, &cut, packets));
        }
        drop(packets);
        let mut early = BTreeMap::new();
        let mut done = 0;
        let joined = arrived.iter().try_for_each(|(frame, packet): (u64, Result<Packet>)| {
            early.insert(frame, packet?);
            while let Some(packet) = early.remove(&video.frames()) {
                video.add(&packet)?;
            }
            done += 1;
            progress(done as f64 / frames as f64)
        });
        // The threads stop at their next frame; closing the channel releases those waiting to send.
        cut.stop.store(true, Ordering::Relaxed);
        drop(arrived);
        joined
    })?;
    if video.frames() == frames {
        Ok(())
    } else {
        Err(Error::internal("The rendered clip is incomplete.", "frames are missing"))
    }
}

/// How the clip is split, and which piece is next.
struct Cut {
    /// Frames per piece.
    length: u64,
    next: AtomicU64,
    stop: AtomicBool,
}

/// Draws and encodes pieces until none is left.
fn work(replay: &Replay<'_>, cut: &Cut, packets: Sender<(u64, Result<Packet>)>) {
    let mut renderer = match FrameRenderer::new(replay) {
        Ok(renderer) => renderer,
        Err(error) => {
            // The receiver stops at the first error.
            let _ = packets.send((0, Err(error)));
            return;
        }
    };
    loop {
        let first = cut.next.fetch_add(1, Ordering::Relaxed) * cut.length;
        let piece = first..(first + cut.length).min(replay.frames());
        if piece.is_empty() {
            return;
        }
        let mut encoder = Encoder::new(replay.look().fps, Effort::Fast);
        for frame in piece {
            let packet = match &mut encoder {
                Ok(encoder) => renderer.render(frame).and_then(|picture| encoder.encode(picture)),
                Err(error) => Err(error.clone()),
            };
            let failed = packet.is_err();
            if packets.send((frame, packet)).is_err() || failed || cut.stop.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// Draws frames and converts them for the encoder.
pub struct FrameRenderer<'a> {
    painter: Painter<'a>,
    frame: I420,
}

impl<'a> FrameRenderer<'a> {
    /// Creates a renderer for a replay.
    ///
    /// Fails like [`Painter::new`].
    pub fn new(replay: &'a Replay<'a>) -> Result<Self> {
        let (width, height) = (replay.look().width as usize, replay.look().height as usize);
        Ok(Self { painter: Painter::new(replay)?, frame: I420::new(width, height) })
    }

    /// Draws a frame and converts what changed.
    pub fn render(&mut self, frame: u64) -> Result<&I420> {
        self.painter.frame(frame);
        let changes: Vec<_> = self.painter.changes().collect();
        for run in changes {
            self.frame.take(self.painter.picture().data(), run.x, run.y, run.width, run.height)?;
        }
        Ok(&self.frame)
    }

    /// Forgets the previous frame: the next one is drawn and converted in full.
    pub fn invalidate(&mut self) {
        self.painter.invalidate();
    }
}
