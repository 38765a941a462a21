//! What the encoder keeps is what a decoder shows, to the bit.

#![allow(clippy::unwrap_used, reason = "tests")]

use openh264::decoder::Decoder;
use openh264::formats::YUVSource;

use crate::{Encoder, Picture, Rect, Settings};

const SETTINGS: Settings =
    Settings { width: 200, height: 138, fps: 30, key_interval: 12, key_quantizer: 18, quantizer: 28 };

/// A number from 0 to 255 for two others.
fn noise(x: usize, y: usize) -> usize {
    let mixed = (x as u32).wrapping_mul(374_761_393) ^ (y as u32).wrapping_mul(668_265_263);
    ((mixed ^ (mixed >> 13)).wrapping_mul(1_274_126_177) >> 20) as usize & 255
}

/// Shapes of all kinds: texture that moves by parts of a pixel, flat discs over it, lines, noise that comes and goes.
fn planes(settings: &Settings, frame: usize) -> [Vec<u8>; 3] {
    let Settings { width, height, .. } = *settings;
    let smooth = |x: f32, y: f32| 110.0 + 60.0 * (x / 9.0).sin() + 50.0 * (y / 13.0 + x / 31.0).cos();
    let luma = |x: usize, y: usize| {
        let (right, down) = (x as f32 - frame as f32 * 1.3, y as f32 + frame as f32 * 0.4);
        let disc = |at: (f32, f32)| (x as f32 - at.0).hypot(y as f32 - at.1) < 14.0;
        if disc((20.0 + frame as f32 * 2.7, 60.0)) {
            225
        } else if x + y == 100 + frame * 3 || (y > 110 && (x / 3 + y).is_multiple_of(7)) {
            15
        } else if x > 150 && y < 40 && frame % 9 < 4 {
            noise(x, y * 31 + frame)
        } else if x < 60 && y > 80 {
            90 + noise(x / 4, y / 4) / 8
        } else {
            smooth(right, down) as usize
        }
    };
    let chroma =
        |x: usize, y: usize, by: usize| 100 + ((x + frame) * by / 3 + y) % 50 + noise(x / 8, y / 8 + frame / 5) / 9;
    let fill = |width: usize, height: usize, color: &dyn Fn(usize, usize) -> usize| {
        (0..width * height).map(|at| color(at % width, at / width).min(255) as u8).collect()
    };
    let half = |by: usize| fill(width / 2, height / 2, &|x, y| chroma(x, y, by));
    [fill(width, height, &luma), half(1), half(2)]
}

fn everywhere(settings: &Settings) -> Rect {
    Rect { x: 0, y: 0, width: settings.width, height: settings.height }
}

fn encode(encoder: &mut Encoder, planes: &[Vec<u8>; 3], changes: &[Rect]) -> Vec<u8> {
    let [luma, blue, red] = planes;
    encoder.encode(&Picture { luma, blue, red }, changes).unwrap().bytes
}

/// Asserts that a decoder shows exactly the frame that the encoder goes on from.
fn assert_shown(encoder: &Encoder, shown: &impl YUVSource, settings: &Settings, what: &str) {
    let strides = shown.strides();
    let shown = [(shown.y(), strides.0), (shown.u(), strides.1), (shown.v(), strides.2)];
    for (number, (plane, (shown, stride))) in encoder.frame.planes.iter().zip(shown).enumerate() {
        let part = if number == 0 { 1 } else { 2 };
        for y in 0..settings.height / part {
            let start = plane.at(0, y as i32);
            let kept = &plane.data[start..start + settings.width / part];
            let shown = &shown[y * stride..y * stride + settings.width / part];
            let first = kept.iter().zip(shown).position(|(kept, shown)| kept != shown);
            assert_eq!(first, None, "{what}, plane {number}, row {y}");
        }
    }
}

#[test]
fn a_decoder_shows_exactly_what_the_encoder_goes_on_from() {
    for (key_quantizer, quantizer) in [(0, 0), (4, 9), (12, 20), (18, 28), (26, 33), (37, 40), (51, 51)] {
        let settings = Settings { key_quantizer, quantizer, ..SETTINGS };
        let mut encoder = Encoder::new(settings).unwrap();
        let mut decoder = Decoder::new().unwrap();
        for frame in 0..30 {
            let bytes = encode(&mut encoder, &planes(&settings, frame), &[everywhere(&settings)]);
            let shown = decoder.decode(&bytes).unwrap().unwrap();
            assert_shown(
                &encoder,
                &shown,
                &settings,
                &format!("quantizers {key_quantizer} and {quantizer}, frame {frame}"),
            );
        }
    }
}

#[test]
fn what_did_not_change_is_not_looked_at_and_stays_in_place() {
    let mut encoder = Encoder::new(SETTINGS).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let mut shown = planes(&SETTINGS, 0);
    for frame in 0..30 {
        // A window that wanders over the picture.
        let window = Rect { x: frame * 5, y: 30 + frame, width: 48, height: 32 };
        let next = planes(&SETTINGS, frame);
        if frame > 0 {
            for (number, (to, from)) in shown.iter_mut().zip(&next).enumerate() {
                let part = if number == 0 { 1 } else { 2 };
                let width = SETTINGS.width / part;
                for y in window.y / part..(window.y + window.height) / part {
                    let columns =
                        y * width + window.x / part..y * width + ((window.x + window.width) / part).min(width);
                    to[columns.clone()].copy_from_slice(&from[columns]);
                }
            }
        }
        let bytes = encode(&mut encoder, &shown, &[window]);
        let decoded = decoder.decode(&bytes).unwrap().unwrap();
        assert_shown(&encoder, &decoded, &SETTINGS, &format!("frame {frame}"));
        let far: u64 = (0..SETTINGS.height)
            .flat_map(|y| shown[0][y * 200..(y + 1) * 200].iter().zip(&decoded.y()[y * decoded.strides().0..]))
            .map(|(one, other)| u64::from(one.abs_diff(*other)))
            .sum();
        assert!(far < 3 * 200 * 138, "frame {frame}: {far}");
    }
}

#[test]
fn wide_registers_change_no_bit() {
    let [narrow, any] = [true, false].map(|narrow| {
        let mut encoder = Encoder::new(SETTINGS).unwrap();
        if narrow {
            encoder.tools.iter_mut().for_each(|tools| tools.wide = false);
        }
        let all = (0..25).map(|frame| encode(&mut encoder, &planes(&SETTINGS, frame), &[everywhere(&SETTINGS)]));
        all.collect::<Vec<_>>()
    });
    assert_eq!(narrow, any);
}

/// Random numbers, the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    /// Draws a rectangle of noise, of one color, or of a piece of the picture that lay elsewhere.
    fn draw(&mut self, planes: &mut [Vec<u8>; 3], settings: &Settings) -> Rect {
        let mut side = |most: usize| 2 + self.below(most / 2) / 2 * 2;
        let (width, height) = (side(settings.width), side(settings.height));
        let (x, y) = (self.below(settings.width - width + 1) & !1, self.below(settings.height - height + 1) & !1);
        let (kind, color, spread) = (self.below(4), self.below(256), 1 + self.below(255));
        let from = (self.below(settings.width - width + 1) & !1, self.below(settings.height - height + 1) & !1);
        for (number, plane) in planes.iter_mut().enumerate() {
            let part = if number == 0 { 1 } else { 2 };
            let (stride, before) = (settings.width / part, plane.clone());
            for row in 0..height / part {
                for column in 0..width / part {
                    plane[(y / part + row) * stride + x / part + column] = match kind {
                        0 => color as u8,
                        1 => (color + self.below(spread)).min(255) as u8,
                        2 => (color * (column + 1) / width + row).min(255) as u8,
                        _ => before[(from.1 / part + row) * stride + from.0 / part + column],
                    };
                }
            }
        }
        Rect { x, y, width, height }
    }
}

#[test]
fn pictures_of_all_kinds_and_sizes_are_shown_exactly() {
    for seed in 0..150 {
        let mut dice = Dice(seed);
        let settings = Settings {
            width: 16 + dice.below(90) * 2,
            height: 16 + dice.below(60) * 2,
            fps: 30,
            key_interval: 1 + dice.below(12) as u32,
            key_quantizer: dice.below(52) as u8,
            quantizer: dice.below(52) as u8,
        };
        let mut planes = [settings.width * settings.height, 0, 0].map(|bytes| vec![128; bytes]);
        for plane in &mut planes[1..] {
            plane.resize(settings.width * settings.height / 4, 128);
        }
        let (mut encoder, mut decoder) = (Encoder::new(settings).unwrap(), Decoder::new().unwrap());
        for frame in 0..16 {
            let changes: Vec<_> = (0..dice.below(5)).map(|_| dice.draw(&mut planes, &settings)).collect();
            let bytes = encode(&mut encoder, &planes, &changes);
            let shown = decoder.decode(&bytes).unwrap().unwrap();
            assert_shown(&encoder, &shown, &settings, &format!("seed {seed}, {settings:?}, frame {frame}"));
        }
    }
}
