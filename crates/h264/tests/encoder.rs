//! The encoder, seen by a decoder.

#![allow(clippy::unwrap_used, reason = "tests")]

use h264::{Encoder, Error, Picture, Rect, Settings};
use openh264::decoder::Decoder;
use openh264::formats::YUVSource;

const SETTINGS: Settings =
    Settings { width: 320, height: 180, fps: 30, key_interval: 20, key_quantizer: 18, quantizer: 27 };

/// A still texture, across which a bright square moves.
fn picture(settings: &Settings, frame: usize) -> [Vec<u8>; 3] {
    let square = |x: usize, y: usize| (frame * 3..frame * 3 + 24).contains(&x) && (40..64).contains(&y);
    let texture = |x: usize, y: usize| 90 + ((x * 7919 + y * 104_729) % 61) as u8;
    let luma = (0..settings.width * settings.height).map(|at| (at % settings.width, at / settings.width));
    let luma = luma.map(|(x, y)| if square(x, y) { 230 } else { texture(x / 3, y / 3) }).collect();
    let chroma = vec![128; settings.width * settings.height / 4];
    [luma, chroma.clone(), chroma]
}

fn encode(encoder: &mut Encoder, planes: &[Vec<u8>; 3]) -> Result<h264::Packet, Error> {
    let all = Rect { x: 0, y: 0, width: 3840, height: 3840 };
    encoder.encode(&Picture { luma: &planes[0], blue: &planes[1], red: &planes[2] }, &[all])
}

/// The mean distance between what was drawn and what a viewer sees.
fn distance(drawn: &[u8], decoded: &impl YUVSource, settings: &Settings) -> f64 {
    let stride = decoded.strides().0;
    let rows = drawn.chunks(settings.width).zip(decoded.y().chunks(stride));
    let far: u64 = rows.flat_map(|(one, other)| one.iter().zip(other)).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    far as f64 / drawn.len() as f64
}

#[test]
fn every_picture_is_decoded_and_key_frames_come_at_their_interval() {
    let mut encoder = Encoder::new(SETTINGS).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let mut bytes = Vec::new();
    for frame in 0..50 {
        let planes = picture(&SETTINGS, frame);
        let packet = encode(&mut encoder, &planes).unwrap();
        assert_eq!(packet.key, frame % 20 == 0, "frame {frame}");
        let decoded = decoder.decode(&packet.bytes).unwrap().unwrap();
        assert_eq!(decoded.dimensions(), (320, 180));
        let distance = distance(&planes[0], &decoded, &SETTINGS);
        assert!(distance < 1.5, "frame {frame}: {distance}");
        bytes.push(packet.bytes.len());
    }
    // What stands still is not sent again.
    assert!(bytes[1..20].iter().all(|size| size * 10 < bytes[0]), "{bytes:?}");
}

#[test]
fn what_stands_still_keeps_the_quality_of_the_key_frame() {
    let still = |quantizer: u8| {
        let settings = Settings { quantizer, ..SETTINGS };
        let mut encoder = Encoder::new(settings).unwrap();
        let mut decoder = Decoder::new().unwrap();
        let planes = picture(&settings, 0);
        let mut far = 0.0;
        for _ in 0..10 {
            let packet = encode(&mut encoder, &planes).unwrap();
            far = distance(&planes[0], &decoder.decode(&packet.bytes).unwrap().unwrap(), &settings);
        }
        far
    };
    let (fine, coarse) = (still(18), still(40));
    assert!((fine - coarse).abs() < 0.05, "{fine} and {coarse}");
    let mut all_coarse = Encoder::new(Settings { key_quantizer: 40, ..SETTINGS }).unwrap();
    let planes = picture(&SETTINGS, 0);
    let packet = encode(&mut all_coarse, &planes).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let far = distance(&planes[0], &decoder.decode(&packet.bytes).unwrap().unwrap(), &SETTINGS);
    assert!(far > coarse + 1.0, "a coarse key frame is {far} away");
}

#[test]
fn the_same_pictures_give_the_same_bytes() {
    let all = || {
        let mut encoder = Encoder::new(SETTINGS).unwrap();
        (0..25).flat_map(|frame| encode(&mut encoder, &picture(&SETTINGS, frame)).unwrap().bytes).collect::<Vec<u8>>()
    };
    assert_eq!(all(), all());
}

#[test]
fn planes_of_the_wrong_size_are_refused_and_the_next_picture_is_encoded() {
    let mut encoder = Encoder::new(SETTINGS).unwrap();
    let right = picture(&SETTINGS, 0);
    for plane in 0..3 {
        for size in [0, right[plane].len() - 1, right[plane].len() + 1] {
            let mut wrong = right.clone();
            wrong[plane].resize(size, 0);
            assert_eq!(encode(&mut encoder, &wrong), Err(Error::Plane), "plane {plane}, {size} bytes");
        }
    }
    assert!(encode(&mut encoder, &right).unwrap().key);
}

#[test]
fn settings_out_of_range_are_refused() {
    let wrong = [
        Settings { width: 0, ..SETTINGS },
        Settings { width: 321, ..SETTINGS },
        Settings { width: 14, ..SETTINGS },
        Settings { height: 3842, ..SETTINGS },
        Settings { width: 2162, height: 2162, ..SETTINGS },
        Settings { fps: 0, ..SETTINGS },
        Settings { key_interval: 0, ..SETTINGS },
        Settings { quantizer: 52, ..SETTINGS },
        Settings { key_quantizer: 255, ..SETTINGS },
    ];
    for settings in wrong {
        assert_eq!(Encoder::new(settings).err(), Some(Error::Settings), "{settings:?}");
    }
    assert!(Encoder::new(Settings { width: 16, height: 16, quantizer: 51, key_quantizer: 0, ..SETTINGS }).is_ok());
}

#[test]
fn pictures_of_the_largest_and_smallest_sizes_are_encoded() {
    for (width, height) in [(3840, 2160), (2160, 3840), (16, 16), (16, 3840)] {
        let settings = Settings { width, height, ..SETTINGS };
        let mut encoder = Encoder::new(settings).unwrap();
        assert!(encode(&mut encoder, &picture(&settings, 0)).unwrap().key, "{width}x{height}");
    }
}
