//! Context-adaptive binary arithmetic coding.

use crate::contexts::{CONTEXTS, INTER, INTRA};

/// Width of the interval of the less probable symbol, by state and quarter of the range.
const LESS_PROBABLE: [[u8; 4]; 64] = [
    [128, 176, 208, 240],
    [128, 167, 197, 227],
    [128, 158, 187, 216],
    [123, 150, 178, 205],
    [116, 142, 169, 195],
    [111, 135, 160, 185],
    [105, 128, 152, 175],
    [100, 122, 144, 166],
    [95, 116, 137, 158],
    [90, 110, 130, 150],
    [85, 104, 123, 142],
    [81, 99, 117, 135],
    [77, 94, 111, 128],
    [73, 89, 105, 122],
    [69, 85, 100, 116],
    [66, 80, 95, 110],
    [62, 76, 90, 104],
    [59, 72, 86, 99],
    [56, 69, 81, 94],
    [53, 65, 77, 89],
    [51, 62, 73, 85],
    [48, 59, 69, 80],
    [46, 56, 66, 76],
    [43, 53, 63, 72],
    [41, 50, 59, 69],
    [39, 48, 56, 65],
    [37, 45, 54, 62],
    [35, 43, 51, 59],
    [33, 41, 48, 56],
    [32, 39, 46, 53],
    [30, 37, 43, 50],
    [29, 35, 41, 48],
    [27, 33, 39, 45],
    [26, 31, 37, 43],
    [24, 30, 35, 41],
    [23, 28, 33, 39],
    [22, 27, 32, 37],
    [21, 26, 30, 35],
    [20, 24, 29, 33],
    [19, 23, 27, 31],
    [18, 22, 26, 30],
    [17, 21, 25, 28],
    [16, 20, 23, 27],
    [15, 19, 22, 25],
    [14, 18, 21, 24],
    [14, 17, 20, 23],
    [13, 16, 19, 22],
    [12, 15, 18, 21],
    [12, 14, 17, 20],
    [11, 14, 16, 19],
    [11, 13, 15, 18],
    [10, 12, 15, 17],
    [10, 12, 14, 16],
    [9, 11, 13, 15],
    [9, 11, 12, 14],
    [8, 10, 12, 14],
    [8, 9, 11, 13],
    [7, 9, 11, 12],
    [7, 9, 10, 12],
    [7, 8, 10, 11],
    [6, 8, 9, 11],
    [6, 7, 9, 10],
    [6, 7, 8, 9],
    [2, 2, 2, 2],
];

/// The state after the less probable symbol.
const AFTER_LESS: [u8; 64] = [
    0, 0, 1, 2, 2, 4, 4, 5, 6, 7, 8, 9, 9, 11, 11, 12, 13, 13, 15, 15, 16, 16, 18, 18, 19, 19, 21, 21, 22, 22, 23, 24,
    24, 25, 26, 26, 27, 27, 28, 29, 29, 30, 30, 30, 31, 32, 32, 33, 33, 33, 34, 34, 35, 35, 35, 36, 36, 36, 37, 37, 37,
    38, 38, 63,
];

/// An arithmetic coder. A context's state is its probability index times two, plus its more probable symbol.
pub struct Cabac {
    low: u32,
    range: u32,
    /// Bits ready in `low`, less the eight that a byte takes.
    queue: i32,
    /// Bytes of 255 that wait for a carry.
    outstanding: u32,
    bytes: Vec<u8>,
    states: [u8; CONTEXTS],
}

impl Cabac {
    /// Begins a slice after the bytes of its header. Key frames have contexts of their own.
    pub fn new(header: Vec<u8>, key: bool, quantizer: u8) -> Self {
        let table = if key { &INTRA } else { &INTER };
        let states = std::array::from_fn(|context| {
            let (slope, offset) = (i32::from(table[2 * context]), i32::from(table[2 * context + 1]));
            let state = (((slope * i32::from(quantizer)) >> 4) + offset).clamp(1, 126);
            if state <= 63 { (63 - state) as u8 * 2 } else { (state - 64) as u8 * 2 + 1 }
        });
        Self { low: 0, range: 510, queue: -9, outstanding: 0, bytes: header, states }
    }

    /// Codes a bit in a context.
    #[inline]
    pub fn bit(&mut self, context: usize, bit: bool) {
        let state = self.states[context];
        let index = usize::from(state >> 1);
        let less = u32::from(LESS_PROBABLE[index & 63][(self.range >> 6 & 3) as usize]);
        self.range -= less;
        let bit = u8::from(bit);
        if bit == state & 1 {
            self.states[context] = if index < 62 { state + 2 } else { state };
        } else {
            self.low += self.range;
            self.range = less;
            self.states[context] = if index == 0 { bit } else { AFTER_LESS[index & 63] * 2 + (state & 1) };
        }
        self.normalize();
    }

    /// Codes a bit with both values equally probable.
    #[inline]
    pub fn bypass(&mut self, bit: bool) {
        self.low <<= 1;
        if bit {
            self.low += self.range;
        }
        self.queue += 1;
        self.put();
    }

    /// Codes a number of at least 0 with an exponential Golomb code of this order, in bypass bits.
    pub fn golomb(&mut self, mut order: u32, mut value: u32) {
        while value >= 1 << order {
            self.bypass(true);
            value -= 1 << order;
            order += 1;
        }
        self.bypass(false);
        for bit in (0..order).rev() {
            self.bypass(value >> bit & 1 > 0);
        }
    }

    /// Codes that the slice goes on, or that no raw samples follow.
    #[inline]
    pub fn go_on(&mut self) {
        self.range -= 2;
        self.normalize();
    }

    /// Ends the slice. Returns all bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.low += self.range - 2;
        self.low |= 1;
        self.low <<= 9;
        self.queue += 9;
        self.put();
        self.put();
        self.low <<= -self.queue;
        self.queue = 0;
        self.put();
        self.bytes.extend(std::iter::repeat_n(0xff, self.outstanding as usize));
        self.bytes
    }

    #[inline]
    fn normalize(&mut self) {
        let shift = self.range.leading_zeros() - 23;
        self.range <<= shift;
        self.low <<= shift;
        self.queue += shift as i32;
        self.put();
    }

    #[inline]
    fn put(&mut self) {
        if self.queue < 0 {
            return;
        }
        let out = self.low >> (self.queue + 10);
        self.low &= (0x400 << self.queue) - 1;
        self.queue -= 8;
        if out & 0xff == 0xff {
            self.outstanding += 1;
            return;
        }
        let carry = (out >> 8) as u8;
        // A carry never reaches the slice's header: the coded number stays below 1.
        if carry > 0
            && let Some(last) = self.bytes.last_mut()
        {
            *last = last.wrapping_add(carry);
        }
        self.bytes.extend(std::iter::repeat_n(carry.wrapping_sub(1), self.outstanding as usize));
        self.outstanding = 0;
        self.bytes.push(out as u8);
    }
}
