//! Videos with a false length: an index of many frames over few bytes.

use std::sync::Arc;

/// An MP4 box.
fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap();
    [&length.to_be_bytes()[..], name, content].concat()
}

/// A full MP4 box with version and flags 0.
fn full(name: &[u8; 4], numbers: &[u32]) -> Vec<u8> {
    let content: Vec<u8> = std::iter::once(&0).chain(numbers).flat_map(|number| number.to_be_bytes()).collect();
    boxed(name, &content)
}

/// A 1080p30 video whose index lists this many frames. `each` and `table` are the content of `stsz`: the size of every
/// frame, or 0 and a table.
fn video(frames: u32, each: u32, table: &[u8], media_bytes: usize) -> Arc<[u8]> {
    let mut entry = vec![0; 24];
    entry.extend([1920_u16.to_be_bytes(), 1080_u16.to_be_bytes()].concat());
    entry.extend([0; 50]);
    entry.extend(boxed(b"avcC", &[1, 100, 0, 40, 0xff, 0xe0, 0]));
    let described = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &boxed(b"avc1", &entry)].concat();
    let mut sizes = full(b"stsz", &[each, frames]);
    sizes.extend(table);
    let length = u32::try_from(sizes.len()).unwrap();
    sizes[..4].copy_from_slice(&length.to_be_bytes());
    let kind = boxed(b"ftyp", b"isom\0\0\0\0isom");
    let index = |chunk: u32| {
        let tables = [
            boxed(b"stsd", &described),
            full(b"stts", &[1, frames, 1_000]),
            full(b"stsc", &[1, 1, frames, 1]),
            sizes.clone(),
            full(b"stco", &[1, chunk]),
        ];
        let handler = boxed(b"hdlr", b"\0\0\0\0\0\0\0\0vide\0\0\0\0\0\0\0\0\0\0\0\0\0");
        let media = [
            full(b"mdhd", &[0, 0, 30_000, frames.saturating_mul(1_000), 0]),
            handler,
            boxed(b"minf", &boxed(b"stbl", &tables.concat())),
        ];
        boxed(b"moov", &boxed(b"trak", &boxed(b"mdia", &media.concat())))
    };
    let first = u32::try_from(kind.len() + index(0).len() + 8).unwrap();
    [kind, index(first), boxed(b"mdat", &vec![0; media_bytes])].concat().into()
}

/// 60 million frames of one byte: 555 hours in 57 MiB.
pub fn one_byte_frames() -> Arc<[u8]> {
    video(60_000_000, 1, &[], 60_000_000)
}

/// Eight million empty frames: 74 hours in an index of 32 MB.
pub fn empty_frames() -> Arc<[u8]> {
    let frames = 8_000_000;
    video(frames, 0, &vec![0; frames as usize * 4], 16)
}
