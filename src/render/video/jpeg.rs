//! Reads the header of an untrusted JPEG: whether it can be a live frame. Does not decode it.

use crate::domain::frame::{FRAME_BYTES, FRAME_EDGE};

/// First bytes of a JPEG: the start of the image.
const START: [u8; 2] = [0xff, 0xd8];
/// Last bytes: the end of the image.
const END: [u8; 2] = [0xff, 0xd9];

/// Whether this is a whole JPEG of at most [`FRAME_BYTES`] whose width and height are at most [`FRAME_EDGE`].
pub fn is_frame(bytes: &[u8]) -> bool {
    let fits = |edge: u32| (1..=FRAME_EDGE).contains(&edge);
    bytes.len() <= FRAME_BYTES
        && bytes.ends_with(&END)
        && jpeg_size(bytes).is_some_and(|(width, height)| fits(width) && fits(height))
}

/// Width and height in pixels by a JPEG's frame header; `None` if it has none that browsers show: baseline, extended or
/// progressive.
pub fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(&START)?;
    loop {
        let [0xff, marker, after @ ..] = rest else { return None };
        match marker {
            // A fill byte before the marker.
            0xff => {
                rest = rest.get(1..)?;
                continue;
            }
            0xc0..=0xc2 => {
                let [_, _, _precision, high, low, wide, narrow, ..] = after else { return None };
                let edge = |high: &u8, low: &u8| u32::from(u16::from_be_bytes([*high, *low]));
                return Some((edge(wide, narrow), edge(high, low)));
            }
            // The picture's data, the end, and markers without a length do not come before the frame header.
            0x00..=0x01 | 0xd0..=0xda => return None,
            _ => {}
        }
        let length = after.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)))?;
        rest = after.get(length.max(2)..)?;
    }
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder};

    use super::*;

    fn jpeg(width: u16, height: u16, is_progressive: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 50);
        encoder.set_progressive(is_progressive);
        encoder.add_app_segment(1, vec![7; 300]).unwrap();
        let pixels = vec![90; usize::from(width) * usize::from(height) * 3];
        encoder.encode(&pixels, width, height, ColorType::Rgb).unwrap();
        bytes
    }

    #[test]
    fn size_is_read_from_the_header() {
        for (width, height, is_progressive) in [(320, 180, false), (640, 64, true), (1, 3, false)] {
            let jpeg = jpeg(width, height, is_progressive);
            assert_eq!(jpeg_size(&jpeg), Some((width.into(), height.into())));
            assert!(is_frame(&jpeg));
        }
    }

    #[test]
    fn what_is_too_large_cut_off_or_no_jpeg_is_no_frame() {
        let good = jpeg(320, 180, false);
        let cut = |bytes: usize| good[..bytes].to_vec();
        let long = [&good[..good.len() - 2], &vec![0; FRAME_BYTES], &END].concat();
        let others =
            [vec![], b"\x89PNG\r\n".to_vec(), [START, END].concat(), vec![0xff; 64], cut(good.len() - 1), long];
        for bytes in others.iter().chain(&[jpeg(641, 8, false), jpeg(8, 641, false)]) {
            assert!(!is_frame(bytes), "{} bytes", bytes.len());
        }
        // No header, however short, is read past its end.
        for bytes in 0..good.len() {
            assert!(!is_frame(&cut(bytes)), "the first {bytes} bytes");
        }
    }
}
