//! Bit-level writer, least significant bit first, with the number formats of Source 2.

/// A growable bit buffer.
#[derive(Clone, Debug, Default)]
pub struct Bits {
    bytes: Vec<u8>,
    /// Bits in use; the rest of the last byte is zero.
    len: usize,
}

impl Bits {
    /// The bytes, with the last one zero-padded.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes the low `count` bits of `value`.
    pub fn put(&mut self, count: usize, value: u64) {
        let mut left = count;
        let mut rest = value;
        while left > 0 {
            let used = self.len % 8;
            if used == 0 {
                self.bytes.push(0);
            }
            let take = left.min(8 - used);
            let part = (rest & ((1 << take) - 1)) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= part << used;
            }
            rest = rest.checked_shr(take as u32).unwrap_or(0);
            self.len += take;
            left -= take;
        }
    }

    /// One bit.
    pub fn flag(&mut self, value: bool) {
        self.put(1, u64::from(value));
    }

    /// Whole bytes at any bit position.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.len.is_multiple_of(8) {
            self.bytes.extend_from_slice(bytes);
            self.len += bytes.len() * 8;
        } else {
            bytes.iter().for_each(|byte| self.put(8, u64::from(*byte)));
        }
    }

    /// A zero-terminated string.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.put(8, 0);
    }

    /// LEB128: seven bits per byte, the eighth says that more follow.
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.put(8, (value & 0x7f) | 0x80);
            value >>= 7;
        }
        self.put(8, value);
    }

    /// A signed number as a zigzag varint.
    pub fn zigzag(&mut self, value: i64) {
        self.varint(((value << 1) ^ (value >> 63)) as u64);
    }

    /// `ubitvar`: four bits, then two that say how many more follow, then those.
    pub fn ubitvar(&mut self, value: u32) {
        let (class, more) = match value {
            0..16 => (0, 0),
            16..256 => (1, 4),
            256..4096 => (2, 8),
            _ => (3, 28),
        };
        self.put(6, u64::from(value & 15) | class << 4);
        self.put(more, u64::from(value >> 4));
    }

    /// `ubitvarfp`: the format of numbers in field paths.
    pub fn ubitvarfp(&mut self, value: u32) {
        let (zeros, bits) = match value {
            0..4 => (0, 2),
            4..16 => (1, 4),
            16..1024 => (2, 10),
            _ => (3, 17),
        };
        self.put(zeros + 1, 1 << zeros);
        self.put(bits, u64::from(value));
    }

    /// The bits of a float.
    pub fn float(&mut self, value: f32) {
        self.put(32, u64::from(value.to_bits()));
    }
}

/// A varint in plain bytes, as used in file frames.
pub fn varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_fill_bytes_from_the_low_end() {
        let mut bits = Bits::default();
        bits.flag(true);
        bits.put(2, 0b10);
        bits.put(9, 0b1_0000_0001);
        assert_eq!(bits.into_bytes(), [0b0000_1101, 0b0000_1000]);
    }

    #[test]
    fn numbers_use_the_shortest_encoding() {
        let written = |write: fn(&mut Bits)| {
            let mut bits = Bits::default();
            write(&mut bits);
            (bits.len, bits.into_bytes())
        };
        assert_eq!(written(|bits| bits.varint(300)), (16, vec![0xac, 0x02]));
        assert_eq!(written(|bits| bits.zigzag(-2)), (8, vec![3]));
        assert_eq!(written(|bits| bits.ubitvar(15)), (6, vec![15]));
        assert_eq!(written(|bits| bits.ubitvar(205)).0, 10);
        assert_eq!(written(|bits| bits.ubitvarfp(3)), (3, vec![0b111]));
        assert_eq!(written(|bits| bits.ubitvarfp(900)).0, 13);
    }
}
