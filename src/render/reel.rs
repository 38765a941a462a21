//! From a film to encoded frames, on all the threads that pay: the clip is cut where key frames are, each thread draws
//! and encodes one piece after the other, and the pieces are joined in order. A piece begins with a fresh encoder, so
//! the video is the same to the byte however many threads there are.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crossbeam_channel::{Sender, bounded};

use super::draw::{Film, Painter};
use super::video::{Effort, Encoder, I420, Movie, Packet, key_interval};
use crate::domain::error::{Error, Result};

/// Threads at most: each takes 100 MB at 1440p, and a machine with more cores has more slots.
const THREADS: usize = 2;
/// Encoded frames that may wait for the one thread that joins them.
const PACKETS: usize = 64;
/// Key intervals in one piece.
const PIECE_INTERVALS: u64 = 2;

/// Draws and encodes all frames and adds them to the movie. `progress` is called for each frame with the part that is
/// done; its error ends the work.
pub fn shoot(film: &Film<'_>, movie: &mut Movie, progress: &mut dyn FnMut(f64) -> Result<()>) -> Result<()> {
    let frames = film.frames();
    let cut = Cut {
        length: key_interval(film.look().fps) * PIECE_INTERVALS,
        next: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let (packets, arrived) = bounded(PACKETS);
        for _ in 0..cores.min(THREADS) {
            let packets = packets.clone();
            scope.spawn(|| work(film, &cut, packets));
        }
        drop(packets);
        let mut early = BTreeMap::new();
        let mut done = 0;
        let joined = arrived.iter().try_for_each(|(frame, packet): (u64, Result<Packet>)| {
            early.insert(frame, packet?);
            while let Some(packet) = early.remove(&movie.frames()) {
                movie.add(&packet)?;
            }
            done += 1;
            progress(done as f64 / frames as f64)
        });
        // The threads notice at their next frame; one that waits to hand over is let go with the channel.
        cut.stop.store(true, Ordering::Relaxed);
        drop(arrived);
        joined
    })?;
    if movie.frames() == frames { Ok(()) } else { Err(Error::internal("The clip is not whole.", "frames are missing")) }
}

/// How the clip is cut into pieces, and which is next.
struct Cut {
    /// Frames of a piece.
    length: u64,
    next: AtomicU64,
    stop: AtomicBool,
}

/// Draws and encodes pieces until there is none left.
fn work(film: &Film<'_>, cut: &Cut, packets: Sender<(u64, Result<Packet>)>) {
    let mut studio = Studio::new(film);
    loop {
        let first = cut.next.fetch_add(1, Ordering::Relaxed) * cut.length;
        let piece = first..(first + cut.length).min(film.frames());
        if piece.is_empty() {
            return;
        }
        let mut encoder = Encoder::new(film.look().fps, Effort::Fast);
        for frame in piece {
            let packet = match &mut encoder {
                Ok(encoder) => studio.shoot(frame).and_then(|picture| encoder.encode(picture)),
                Err(error) => Err(error.clone()),
            };
            let failed = packet.is_err();
            if packets.send((frame, packet)).is_err() || failed || cut.stop.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// A painter, and the frame it drew as the encoder wants it.
pub struct Studio<'a> {
    painter: Painter<'a>,
    frame: I420,
}

impl<'a> Studio<'a> {
    /// For frames of a film.
    pub fn new(film: &'a Film<'a>) -> Self {
        let (width, height) = (film.look().width as usize, film.look().height as usize);
        Self { painter: Painter::new(film), frame: I420::new(width, height) }
    }

    /// Draws a frame and converts what has changed.
    pub fn shoot(&mut self, frame: u64) -> Result<&I420> {
        self.painter.frame(frame);
        let changes: Vec<_> = self.painter.changes().collect();
        for run in changes {
            self.frame.take(self.painter.picture().data(), run.x, run.y, run.width, run.height)?;
        }
        Ok(&self.frame)
    }

    /// Forgets the frame before: the next one is drawn and converted whole.
    pub fn invalidate(&mut self) {
        self.painter.invalidate();
    }
}
