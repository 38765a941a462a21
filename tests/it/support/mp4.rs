//! Hand-made MP4 files: an arbitrary index over media of zeros.

/// The content of the index. It is valid to start with.
#[derive(Clone)]
pub struct Mp4 {
    /// Height of the picture.
    pub lines: u32,
    /// Time units per second.
    pub timescale: u32,
    /// `stts`: frame counts and the duration of each frame.
    pub times: Vec<(u32, u32)>,
    /// `stsz`: the size of every frame, or 0 if each has its own in `sizes`.
    pub each: u32,
    /// `stsz`: number of frames.
    pub frames: u32,
    /// `stsz`: individual frame sizes.
    pub sizes: Vec<u32>,
    /// `stsc`: first chunk and frames for each chunk.
    pub runs: Vec<(u32, u32)>,
    /// `stco`: start of each chunk, relative to the first byte of the media.
    pub chunks: Vec<i64>,
    /// Bytes of the media.
    pub media: usize,
    /// Whether frame offsets have eight bytes (`co64`).
    pub long_offsets: bool,
    /// An audio track without samples: time units per second, and `stts` as above.
    pub audio: Option<(u32, Vec<(u32, u32)>)>,
}

impl Mp4 {
    /// 1080p frames of equal size in one chunk.
    pub fn of(frames: u32, fps: u32, bytes: u32) -> Self {
        Self {
            lines: 1080,
            timescale: fps * 512,
            times: vec![(frames, 512)],
            each: bytes,
            frames,
            sizes: Vec::new(),
            runs: vec![(1, frames)],
            chunks: vec![0],
            media: frames as usize * bytes as usize,
            long_offsets: false,
            audio: None,
        }
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let first = 24 + self.index(0).len() as u64 + 8;
        let mut file = named(b"ftyp", b"isom\0\0\x02\0isomavc1");
        assert_eq!(file.len(), 24);
        file.extend(self.index(first));
        file.extend((self.media as u32 + 8).to_be_bytes());
        file.extend(b"mdat");
        file.resize(file.len() + self.media, 0);
        file
    }

    fn index(&self, first: u64) -> Vec<u8> {
        let media_head = full(&[&[0, 0][..], &[self.timescale, 0, 0]].concat());
        let handler = [full(&[0]), b"vide".to_vec(), vec![0; 13]].concat();
        let media = [named(b"mdhd", &media_head), named(b"hdlr", &handler), named(b"minf", &self.tables(first))];
        let video = named(b"trak", &named(b"mdia", &media.concat()));
        let audio = self.audio.as_ref().map(|(timescale, times)| audio(*timescale, times));
        named(b"moov", &[video, audio.unwrap_or_default()].concat())
    }

    fn tables(&self, first: u64) -> Vec<u8> {
        let runs: Vec<u32> = self.runs.iter().flat_map(|&(chunk, frames)| [chunk, frames, 1]).collect();
        let offsets = self.chunks.iter().map(|offset| first.wrapping_add_signed(*offset));
        let (name, offsets): (&[u8; 4], Vec<u32>) = match self.long_offsets {
            true => (b"co64", offsets.flat_map(|offset| [(offset >> 32) as u32, offset as u32]).collect()),
            false => (b"stco", offsets.map(|offset| offset as u32).collect()),
        };
        let sizes = [vec![self.each, self.frames], self.sizes.clone()].concat();
        let tables = [
            named(b"stsd", &[full(&[1]), self.picture()].concat()),
            named(b"stts", &counted(self.times.len(), pairs(&self.times))),
            named(b"stsc", &counted(self.runs.len(), runs)),
            named(b"stsz", &full(&sizes)),
            named(name, &counted(self.chunks.len(), offsets)),
        ];
        named(b"stbl", &tables.concat())
    }

    fn picture(&self) -> Vec<u8> {
        let mut entry = vec![0; 24];
        entry.extend((self.lines as u16 / 9 * 16).to_be_bytes());
        entry.extend((self.lines as u16).to_be_bytes());
        entry.extend([0; 50]);
        entry.extend(named(b"avcC", &[1, 100, 0, 42, 255, 224, 0]));
        named(b"avc1", &entry)
    }
}

fn audio(timescale: u32, times: &[(u32, u32)]) -> Vec<u8> {
    let handler = [full(&[0]), b"soun".to_vec(), vec![0; 13]].concat();
    let tables = named(b"stbl", &named(b"stts", &counted(times.len(), pairs(times))));
    let media = [named(b"mdhd", &full(&[0, 0, timescale, 0, 0])), named(b"hdlr", &handler), named(b"minf", &tables)];
    named(b"trak", &named(b"mdia", &media.concat()))
}

fn pairs(of: &[(u32, u32)]) -> Vec<u32> {
    of.iter().flat_map(|&(a, b)| [a, b]).collect()
}

/// Content of a table: its number of entries, then the entries.
fn counted(count: usize, numbers: Vec<u32>) -> Vec<u8> {
    full(&[vec![count as u32], numbers].concat())
}

fn named(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes()[..], name, content].concat()
}

/// Content of a full box: version and flags, then numbers.
fn full(numbers: &[u32]) -> Vec<u8> {
    [0].iter().chain(numbers).flat_map(|number| number.to_be_bytes()).collect()
}
