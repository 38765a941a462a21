//! Draws and encodes a clip on several threads. The clip is split at key frames; each thread draws and encodes one
//! piece after another, and the pieces are joined in order. Every piece starts with a fresh encoder, so the video is
//! byte-identical for any number of threads.
//!
//! A piece begins wherever the camera comes to rest: a move leaves a coarse picture, which would be seen until the next
//! key frame.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::{Sender, bounded};

use super::draw::{Look, Painter, Replay};
use super::preview::Preview;
use super::video::{Encoder, I420, Mp4Writer, Packet, key_interval};
use crate::domain::error::{Error, Result};

/// Maximum number of threads: each takes 100 MB at 1440p, and a machine with more cores runs more jobs.
const THREADS: usize = 2;
/// Seconds that a piece lasts at least if it begins or ends where the camera comes to rest.
const SHORTEST_SECONDS: u32 = 1;
/// Maximum number of encoded frames waiting to be joined.
const PACKETS: usize = 64;

/// Draws and encodes all frames into the video, and shows them to `preview`. `progress` is called for each frame with
/// the fraction done; an error from it stops the work.
pub fn run(
    replay: &Replay<'_>,
    video: &mut Mp4Writer,
    preview: Option<&Preview>,
    progress: &mut dyn FnMut(f64) -> Result<()>,
) -> Result<()> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    run_on(cores.min(THREADS), replay, video, preview, progress)
}

fn run_on(
    threads: usize,
    replay: &Replay<'_>,
    video: &mut Mp4Writer,
    preview: Option<&Preview>,
    progress: &mut dyn FnMut(f64) -> Result<()>,
) -> Result<()> {
    let (frames, fps) = (replay.frames(), replay.look().fps);
    let limits = (u64::from(SHORTEST_SECONDS * fps), u64::from(key_interval(fps)));
    let cut =
        Cut { pieces: pieces(frames, replay.rests(), limits), next: AtomicUsize::new(0), stop: AtomicBool::new(false) };
    thread::scope(|scope| {
        let (packets, arrived) = bounded(PACKETS);
        for _ in 0..threads {
            let packets = packets.clone();
            scope.spawn(|| work(replay, &cut, preview, packets));
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

/// Cuts a clip where the camera comes to rest, and what lies between into equal pieces of at most `most` frames: as many
/// pieces for one thread as for another, whatever number of threads there is. No cut for a rest is nearer than `least`
/// frames to another or to an end.
fn pieces(frames: u64, rests: impl Iterator<Item = u64>, (least, most): (u64, u64)) -> Vec<Range<u64>> {
    let mut cuts = vec![0];
    for rest in rests {
        if cuts.last().is_some_and(|last| rest >= last + least) && rest + least <= frames {
            cuts.push(rest);
        }
    }
    cuts.push(frames);
    let stretches: Vec<_> = cuts.windows(2).map(|ends| ends[0]..ends[1]).collect();
    let length = |stretch: &Range<u64>| stretch.end - stretch.start;
    let mut counts: Vec<u64> = stretches.iter().map(|stretch| length(stretch).div_ceil(most).max(1)).collect();
    while counts.iter().sum::<u64>() % THREADS as u64 != 0 {
        let each = counts.iter_mut().zip(&stretches);
        let longest = each.max_by_key(|(count, stretch)| length(stretch) / **count);
        longest.into_iter().for_each(|(count, _)| *count += 1);
    }
    let each = stretches.iter().zip(counts);
    let cut = each.flat_map(|(stretch, count)| {
        let at = move |part: u64| stretch.start + length(stretch) * part / count;
        (0..count).map(move |part| at(part)..at(part + 1))
    });
    cut.filter(|piece| !piece.is_empty()).collect()
}

/// How the clip is split, at key frames, and which piece is next.
struct Cut {
    /// Frames of each piece, in order.
    pieces: Vec<Range<u64>>,
    next: AtomicUsize,
    stop: AtomicBool,
}

/// Draws and encodes pieces until none is left.
fn work(replay: &Replay<'_>, cut: &Cut, preview: Option<&Preview>, packets: Sender<(u64, Result<Packet>)>) {
    let mut renderer = match FrameRenderer::new(replay) {
        Ok(renderer) => renderer,
        Err(error) => {
            // The receiver stops at the first error.
            let _ = packets.send((0, Err(error)));
            return;
        }
    };
    while let Some(piece) = cut.pieces.get(cut.next.fetch_add(1, Ordering::Relaxed)) {
        let Look { width, height, fps, .. } = replay.look();
        let mut encoder = Encoder::new(width, height, fps);
        for frame in piece.clone() {
            let packet = match &mut encoder {
                Ok(encoder) => renderer.render(frame).and_then(|picture| encoder.encode(picture)),
                Err(error) => Err(error.clone()),
            };
            let failed = packet.is_err();
            if let Some(preview) = preview {
                preview.show(renderer.painter.picture());
            }
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
        self.frame.begin();
        let changes: Vec<_> = self.painter.changes().collect();
        for run in changes {
            self.frame.take(self.painter.picture().data(), run.x, run.y, run.width, run.height)?;
        }
        Ok(&self.frame)
    }
}

#[cfg(test)]
mod tests {
    use openh264::decoder::Decoder;
    use openh264::formats::YUVSource;

    use super::*;
    use crate::domain::camera::CameraMode;
    use crate::render::draw::tests::everything;
    use crate::render::scene::{Kill, Scene};

    fn look(camera: CameraMode, deathnotices_only: bool, height: u32) -> Look {
        Look { fps: 30, width: height * 16 / 9, height, xray: true, deathnotices_only, camera }
    }

    #[test]
    fn video_is_the_same_to_the_byte_with_any_number_of_threads() {
        let scene = everything();
        let replay = Replay::new(&scene, look(CameraMode::Follow, false, 180)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let made = [1, 2, 4].map(|threads| {
            let path = dir.path().join(format!("{threads}.mp4"));
            let mut video = Mp4Writer::create(&path, 320, 180, 30).unwrap();
            run_on(threads, &replay, &mut video, None, &mut |_| Ok(())).unwrap();
            video.finish().unwrap();
            std::fs::read(&path).unwrap()
        });
        assert!(made[0].len() > 10_000 && made[0] == made[1] && made[0] == made[2]);
    }

    #[test]
    fn pieces_are_not_longer_than_allowed_and_as_many_for_each_thread() {
        let rests: [&[u64]; 4] = [&[], &[90], &[90, 200, 1_000], &[10, 90, 100, 240]];
        for (frames, rests) in [0, 1, 2, 3, 119, 120, 121, 240, 241, 2_251, 18_000]
            .into_iter()
            .flat_map(|frames| rests.map(|rests| (frames, rests)))
        {
            let pieces = pieces(frames, rests.iter().copied(), (30, 120));
            let ends = pieces.iter().map(|piece| piece.end);
            assert!(ends.eq(pieces.iter().skip(1).map(|piece| piece.start).chain((frames > 0).then_some(frames))));
            assert!(pieces.iter().all(|piece| (1..=120).contains(&(piece.end - piece.start))), "{frames}: {pieces:?}");
            // The shortest clips have no frames for a second thread.
            if frames > 3 {
                assert_eq!(pieces.len() % THREADS, 0, "{frames}: {pieces:?}");
            }
        }
    }

    #[test]
    fn piece_begins_where_the_camera_comes_to_rest_unless_another_is_near() {
        let starts = |rests: &[u64]| -> Vec<u64> {
            let pieces = pieces(400, rests.iter().copied(), (30, 120));
            rests.iter().copied().filter(|rest| pieces.iter().any(|piece| piece.start == *rest)).collect()
        };
        assert_eq!(starts(&[90, 207, 301]), [90, 207, 301]);
        assert_eq!(starts(&[10, 90, 100, 371]), [90]);
    }

    /// Pixels from the ring to its dark rim.
    const RIM: f32 = 2.4;

    /// How much of a circle is brighter than what surrounds it, of 24 points.
    fn bright(luma: &[u8], stride: usize, (x, y): (f32, f32), radius: f32) -> usize {
        let at = |sin: f32, cos: f32, radius: f32| {
            let (x, y) = ((x + cos * radius).round(), (y + sin * radius).round());
            let inside = x >= 0.0 && y >= 0.0 && (x as usize) < stride;
            luma.get(y.max(0.0) as usize * stride + x.max(0.0) as usize).filter(|_| inside).copied()
        };
        let stands_out = |point: &u8| {
            let (sin, cos) = (f32::from(*point) / 24.0 * std::f32::consts::TAU).sin_cos();
            let around = at(sin, cos, radius + RIM).max(at(sin, cos, radius - RIM));
            at(sin, cos, radius).zip(around).is_some_and(|(ring, around)| ring > around.saturating_add(50))
        };
        (0..24).filter(stands_out).count()
    }

    /// The brightness of the pixels in an area, row by row.
    fn cut(luma: &[u8], stride: usize, [x, y, width, height]: [usize; 4]) -> Vec<u8> {
        let rows = luma.chunks(stride).skip(y).take(height);
        rows.flat_map(|row| row.iter().skip(x).take(width)).copied().collect()
    }

    /// Whether there is bright text on something dark.
    fn is_panel(pixels: &[u8]) -> bool {
        let part = |which: &dyn Fn(u8) -> bool| {
            pixels.iter().filter(|pixel| which(**pixel)).count() as f32 / pixels.len() as f32
        };
        part(&|pixel| pixel < 60) > 0.5 && part(&|pixel| pixel > 120) > 0.02
    }

    #[test]
    fn decoded_frames_show_the_kills_so_far_and_the_clock_of_their_tick() {
        let scene = everything();
        // The same round, whose clock is a second or two ahead or behind.
        let wrong = [-2.0, -1.0, 1.0, 2.0]
            .map(|seconds| Scene { round_seconds: scene.round_seconds + seconds, ..everything() });
        for camera in CameraMode::ALL {
            let look = look(camera, false, 720);
            let replay = Replay::new(&scene, look).unwrap();
            let wrong = wrong.each_ref().map(|scene| Replay::new(scene, look).unwrap());
            let mut wrong = wrong.each_ref().map(|replay| FrameRenderer::new(replay).unwrap());
            let (rows, clock) = replay.feed_and_clock();
            let mut renderer = FrameRenderer::new(&replay).unwrap();
            let mut encoder = Encoder::new(1280, 720, 30).unwrap();
            let mut decoder = Decoder::new().unwrap();
            let (mut feeds, mut clocks) = (Vec::new(), 0);
            for frame in 0..284 {
                let drawn = renderer.render(frame).unwrap();
                let expected = cut(drawn.picture().luma, 1280, clock);
                let packet = encoder.encode(drawn).unwrap();
                let picture = decoder.decode(&packet.bytes).unwrap();
                // The round is 32 ticks a second, and the clip begins at tick 1,000.
                let tick = 1_000 + frame as i32 * 32 / 30;
                let since = |kill: &Kill| tick - kill.tick;
                let slides = scene.kills.iter().any(|kill| (-2..8).contains(&since(kill)));
                if frame < 95 || frame % 5 > 0 || slides {
                    continue;
                }
                let picture = picture.unwrap();
                let stride = picture.strides().0;
                let kills = scene.kills.iter().filter(|kill| (0..6 * 32).contains(&since(kill))).count();
                let shown: Vec<bool> = rows.iter().map(|row| is_panel(&cut(picture.y(), stride, *row))).collect();
                let wanted: Vec<bool> = (0..rows.len()).map(|row| row < kills).collect();
                assert_eq!(shown, wanted, "{camera:?} frame {frame}");
                feeds.push(kills);
                // From the plant on the clock counts the bomb.
                if tick < 1_170 {
                    let seen = cut(picture.y(), stride, clock);
                    let far = |other: &[u8]| -> u32 {
                        seen.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(*other))).sum()
                    };
                    for other in &mut wrong {
                        let other = cut(other.render(frame).unwrap().picture().luma, 1280, clock);
                        assert!(
                            far(&expected) * 3 < far(&other) * 2,
                            "{camera:?} frame {frame}: {} {}",
                            far(&expected),
                            far(&other)
                        );
                    }
                    clocks += 1;
                }
            }
            feeds.dedup();
            // The fourth kill comes while the third slides in.
            assert_eq!(feeds, [0, 1, 2, 4], "{camera:?}");
            assert!(clocks > 5, "{clocks} clocks were read");
        }
    }

    #[test]
    fn decoded_frames_show_the_ring_around_the_followed_player() {
        let scene = everything();
        for (camera, deathnotices_only) in
            [(CameraMode::Follow, false), (CameraMode::Follow, true), (CameraMode::Map, false)]
        {
            let replay = Replay::new(&scene, look(camera, deathnotices_only, 720)).unwrap();
            let mut renderer = FrameRenderer::new(&replay).unwrap();
            let mut encoder = Encoder::new(1280, 720, 30).unwrap();
            let mut decoder = Decoder::new().unwrap();
            // From after the intro card to before the end card.
            for frame in 0..284 {
                let packet = encoder.encode(renderer.render(frame).unwrap()).unwrap();
                let picture = decoder.decode(&packet.bytes).unwrap();
                if frame < 95 || frame % 9 > 0 {
                    continue;
                }
                let picture = picture.unwrap();
                let (stride, _, _) = picture.strides();
                let (x, y, radius) = replay.followed_ring(frame);
                let score = |right: i16, down: i16| {
                    bright(picture.y(), stride, (x + f32::from(right) * 3.0, y + f32::from(down) * 3.0), radius)
                };
                let around = (-20..=20).flat_map(|right| (-20..=20).map(move |down| (right, down)));
                let best =
                    around.max_by_key(|(right, down)| (score(*right, *down), -right.abs() - down.abs())).unwrap();
                assert!(best.0.abs() <= 1 && best.1.abs() <= 1, "{camera:?} frame {frame}: {best:?}");
                assert!(score(best.0, best.1) >= 8, "{camera:?} frame {frame}: {} points", score(best.0, best.1));
            }
        }
    }
}
