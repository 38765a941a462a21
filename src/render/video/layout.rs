//! How an MP4 lies on the disk: the boxes at its top, its index in memory, and where its media are.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use super::boxes::{Fields, Name};
use crate::domain::limits;

/// Boxes at the top of a file at most.
const TOP_BOXES: usize = 1_024;

/// How the file lies on the disk.
pub struct Layout {
    /// Content of the `moov` box.
    pub index: Vec<u8>,
    /// Whether it comes before all media.
    pub index_first: bool,
    /// Where the contents of `mdat` boxes begin and end, in order.
    pub media: Vec<Range<u64>>,
}

impl Layout {
    /// Walks the boxes at the top of a file. `Ok(None)` when they do not add up to a whole MP4.
    pub fn read(file: &mut File) -> std::io::Result<Option<Self>> {
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
                b"moov" if index.is_none() && content <= limits::CLIP_INDEX_BYTES => {
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

/// The box at an offset of the file: its name, the length of its head, the length of its content. `None` when it does
/// not end inside the file.
fn top_box(file: &mut File, at: u64, end: u64) -> std::io::Result<Option<(Name, u64, u64)>> {
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
