//! Bits of parameter sets and slice headers, and NAL units.

/// Writes bits, most significant first.
#[derive(Default)]
pub struct Bits {
    bytes: Vec<u8>,
    /// Bits that do not yet fill a byte.
    pending: u64,
    /// How many they are.
    count: u32,
}

impl Bits {
    /// Appends the lowest `count` bits of a number, at most 32.
    pub fn put(&mut self, count: u32, value: u32) {
        self.pending = self.pending << count | u64::from(value);
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.pending >> self.count) as u8);
        }
        self.pending &= (1 << self.count) - 1;
    }

    /// Appends one bit.
    pub fn flag(&mut self, set: bool) {
        self.put(1, u32::from(set));
    }

    /// Appends a number as an unsigned exponential Golomb code.
    pub fn unsigned(&mut self, value: u32) {
        let length = (value + 1).ilog2();
        self.put(length, 0);
        self.put(length + 1, value + 1);
    }

    /// The same, signed.
    pub fn signed(&mut self, value: i32) {
        self.unsigned(if value > 0 { value as u32 * 2 - 1 } else { value.unsigned_abs() * 2 });
    }

    /// The bytes, after a last bit of 1 and zeros to fill a byte.
    pub fn finish(mut self) -> Vec<u8> {
        self.flag(true);
        self.align(false);
        self.bytes
    }

    /// Fills the last byte with ones or zeros.
    pub fn align(&mut self, with: bool) {
        while self.count > 0 {
            self.flag(with);
        }
    }

    /// The bytes so far. A byte that is not full is left out.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Appends a NAL unit: a start code, a header, and the payload, in which no start code can appear.
pub fn nal(stream: &mut Vec<u8>, header: u8, payload: &[u8]) {
    stream.extend_from_slice(&[0, 0, 0, 1, header]);
    let mut zeros = 0;
    for byte in payload {
        if zeros >= 2 && *byte <= 3 {
            stream.push(3);
            zeros = 0;
        }
        stream.push(*byte);
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
    }
}
