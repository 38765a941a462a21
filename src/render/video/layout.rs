//! The file layout of an MP4: its top-level boxes, its index (read into memory), and the location of its media data.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use super::boxes::{Fields, Name};

/// Maximum bytes of a clip's index, 4 MiB: ten minutes at 60 fps with sound take less than 2 MiB.
const CLIP_INDEX_BYTES: u64 = 4 << 20;

/// Maximum number of top-level boxes.
const TOP_BOXES: usize = 1_024;

/// Layout of an MP4 file.
pub struct Layout {
    /// Content of the `moov` box.
    pub index: Vec<u8>,
    /// Whether it precedes all media data.
    pub index_first: bool,
    /// Byte ranges of the contents of `mdat` boxes, in order.
    pub media: Vec<Range<u64>>,
}

impl Layout {
    /// Reads the top-level boxes. `Ok(None)` if they do not form a complete MP4.
    pub fn read(file: &mut (impl Read + Seek)) -> std::io::Result<Option<Self>> {
        let bytes = file.seek(SeekFrom::End(0))?;
        let (mut index, mut media, mut index_first, mut has_type) = (None, Vec::new(), true, false);
        let mut at = 0;
        for _ in 0..TOP_BOXES {
            if at == bytes {
                break;
            }
            let Some((name, head, content)) = top_box(file, at, bytes)? else { return Ok(None) };
            match &name {
                b"ftyp" => has_type = true,
                b"mdat" => {
                    index_first &= index.is_some();
                    media.push(at + head..at + head + content);
                }
                b"moov" if index.is_none() && content <= CLIP_INDEX_BYTES => {
                    let mut buffer = vec![0; content as usize];
                    file.seek(SeekFrom::Start(at + head))?;
                    file.read_exact(&mut buffer)?;
                    index = Some(buffer);
                }
                _ => {}
            }
            at += head + content;
        }
        let whole = has_type && at == bytes;
        Ok(index.filter(|_| whole).map(|index| Self { index, index_first, media }))
    }
}

/// The box at an offset: name, header length, content length. `None` if it does not end inside the file.
fn top_box(file: &mut (impl Read + Seek), at: u64, end: u64) -> std::io::Result<Option<(Name, u64, u64)>> {
    let mut head = Vec::with_capacity(16);
    file.seek(SeekFrom::Start(at))?;
    file.by_ref().take(16).read_to_end(&mut head)?;
    let mut fields = Fields(&head);
    let parsed = (|| {
        let short = fields.u32()?;
        let name: Name = fields.bytes(4)?.try_into().ok()?;
        let (head, size) = match short {
            0 => (8, end - at),
            1 => (16, fields.u64()?),
            size => (8, u64::from(size)),
        };
        (size <= end - at).then_some((name, head, size.checked_sub(head)?))
    })();
    Ok(parsed)
}
