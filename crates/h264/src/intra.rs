//! Pictures of a block that continue what is above it and left of it.

/// Predicts from above.
pub const VERTICAL: u8 = 0;
/// Predicts from the left.
pub const HORIZONTAL: u8 = 1;
/// Predicts a mean.
pub const MEAN: u8 = 2;
/// Predicts a slope; only of whole macroblocks and chroma.
pub const PLANE: u8 = 3;

/// What surrounds a block of `N` × `N`.
pub struct Edge<const N: usize> {
    pub left: Option<[u8; N]>,
    pub corner: Option<u8>,
    pub top: Option<[u8; N]>,
}

/// Entries of the edge of an 8×8 block: left from below, corner, top, top right, and one to fill up.
const LINE: usize = 26;
/// What the directions choose from: the edge, means of two neighbors, and of three.
type Pool = [u8; 3 * LINE];

/// The predictions of a block of `N` × `N` pixels, 4 or 8, in all directions.
pub struct Directions<const N: usize> {
    pool: Pool,
    top: bool,
    left: bool,
    corner: bool,
}

impl<const N: usize> Directions<N> {
    /// From the left column, the corner, and the row above, which continues to the right.
    #[inline(always)]
    pub fn new(left: Option<&[u8]>, corner: Option<u8>, top: Option<&[u8]>, smooth: bool) -> Self {
        let mut line = [128_u8; LINE];
        if let Some(left) = left {
            line[..N].iter_mut().zip(left.iter().rev()).for_each(|(to, from)| *to = *from);
        }
        if let Some(corner) = corner {
            line[N] = corner;
        }
        if let Some(top) = top {
            line[N + 1..=3 * N].copy_from_slice(&top[..2 * N]);
        }
        if smooth {
            line = smoothed::<N>(&line, left.is_some(), corner.is_some(), top.is_some());
        }
        line[3 * N + 1] = line[3 * N];
        let mut pool = [0; 3 * LINE];
        pool[..LINE].copy_from_slice(&line);
        for at in 0..=3 * N {
            let (before, here, after) = (line[at.saturating_sub(1)], line[at], line[at + 1]);
            pool[LINE + at] = (u16::from(here) + u16::from(after)).div_ceil(2) as u8;
            pool[2 * LINE + at] = mean_3(before, here, after);
        }
        Self { pool, top: top.is_some(), left: left.is_some(), corner: corner.is_some() }
    }

    /// Whether a mode, 0 to 8, can be used here.
    #[inline(always)]
    pub fn allows(&self, mode: u8) -> bool {
        match mode {
            2 => true,
            0 | 3 | 7 => self.top,
            1 | 8 => self.left,
            _ => self.top && self.left && self.corner,
        }
    }

    /// Fills a block with the prediction of a mode.
    #[inline(always)]
    pub fn predict(&self, mode: u8, to: &mut [u8]) {
        if mode == MEAN {
            to.fill(self.mean());
            return;
        }
        let choice: &[u8] = if N == 4 { &CHOICES_4[usize::from(mode)] } else { &CHOICES_8[usize::from(mode)] };
        to.iter_mut().zip(choice).for_each(|(to, from)| *to = self.pool[usize::from(*from)]);
    }

    #[inline(always)]
    fn mean(&self) -> u8 {
        let sum = |from: usize| self.pool[from..from + N].iter().map(|value| u32::from(*value)).sum::<u32>();
        let count = N as u32;
        match (self.left, self.top) {
            (true, true) => ((sum(0) + sum(N + 1) + count) / (2 * count)) as u8,
            (true, false) => ((sum(0) + count / 2) / count) as u8,
            (false, true) => ((sum(N + 1) + count / 2) / count) as u8,
            (false, false) => 128,
        }
    }
}

#[inline(always)]
fn mean_3(before: u8, here: u8, after: u8) -> u8 {
    ((u16::from(before) + 2 * u16::from(here) + u16::from(after) + 2) >> 2) as u8
}

/// The edge of an 8×8 block with each pixel mixed with its neighbors.
#[inline(always)]
fn smoothed<const N: usize>(line: &[u8; LINE], left: bool, corner: bool, top: bool) -> [u8; LINE] {
    let mut to = *line;
    for at in 0..=3 * N {
        let known = |at: usize| {
            if at < N {
                left
            } else if at == N {
                corner
            } else {
                top && at <= 3 * N
            }
        };
        let here = line[at];
        let before = if at > 0 && known(at - 1) { line[at - 1] } else { here };
        let after = if known(at + 1) { line[at + 1] } else { here };
        to[at] = mean_3(before, here, after);
    }
    to
}

const CHOICES_4: [[u8; 16]; 9] = choices::<4, 16>();
const CHOICES_8: [[u8; 64]; 9] = choices::<8, 64>();

/// For each mode and pixel: which entry of the pool it takes.
const fn choices<const N: usize, const AREA: usize>() -> [[u8; AREA]; 9] {
    let mut all = [[0; AREA]; 9];
    let size = N as i32;
    let line = LINE as i32;
    let mut at = 0;
    while at < AREA {
        let (x, y) = ((at % N) as i32, (at / N) as i32);
        // Positions on the line: pixel k of the row above, and of the left column.
        let (top, left) = (size + 1, size - 1);
        let (two, three) = (line, 2 * line);
        let down_right = three + size + x - y;
        let (right, down) = (2 * x - y, 2 * y - x);
        let vertical_right = if right >= 0 && right % 2 == 0 {
            two + top + x - y / 2 - 1
        } else if right >= -1 {
            three + top + x - (y + 1) / 2
        } else {
            three + left - (y - 2 * x - 2)
        };
        let horizontal_down = if down >= 0 && down % 2 == 0 {
            two + left - (y - x / 2)
        } else if down >= -1 {
            three + left - (y - (x + 1) / 2)
        } else {
            three + top + x - 2 * y - 2
        };
        let vertical_left = if y % 2 == 0 { two + top + x + y / 2 } else { three + top + x + y / 2 + 1 };
        let up = x + 2 * y;
        let horizontal_up = if up > 2 * size - 3 {
            0
        } else if up == 2 * size - 3 {
            three
        } else if up % 2 == 0 {
            two + left - (y + x / 2) - 1
        } else {
            three + left - (y + x / 2) - 1
        };
        let entries = [
            top + x,
            left - y,
            0,
            three + top + x + y + 1,
            down_right,
            vertical_right,
            horizontal_down,
            vertical_left,
            horizontal_up,
        ];
        let mut mode = 0;
        while mode < 9 {
            all[mode][at] = entries[mode] as u8;
            mode += 1;
        }
        at += 1;
    }
    all
}

impl<const N: usize> Edge<N> {
    /// The slope of the surroundings, for `N` 8 or 16; `None` without all of them.
    #[inline(always)]
    pub fn plane(&self) -> Option<impl Fn(usize, usize) -> u8> {
        let (left, corner, top) = (self.left?, self.corner?, self.top?);
        let middle = N as i32 / 2;
        let slope = |line: &[u8; N]| -> i32 {
            let before = |step: i32| if step == middle { corner } else { line[(middle - 1 - step) as usize] };
            let far = |step: i32| i32::from(line[(middle - 1 + step) as usize]) - i32::from(before(step));
            (1..=middle).map(|step| step * far(step)).sum()
        };
        let (right, down) = if N == 16 {
            ((5 * slope(&top) + 32) >> 6, (5 * slope(&left) + 32) >> 6)
        } else {
            ((17 * slope(&top) + 16) >> 5, (17 * slope(&left) + 16) >> 5)
        };
        let base = 16 * (i32::from(left[N - 1]) + i32::from(top[N - 1]));
        Some(move |x: usize, y: usize| {
            let sum = base + right * (x as i32 - middle + 1) + down * (y as i32 - middle + 1) + 16;
            (sum >> 5).clamp(0, 255) as u8
        })
    }
}

/// Predicts the luma of a whole macroblock in a mode; `None` where it cannot be used.
#[inline(always)]
pub fn luma_16(edge: &Edge<16>, mode: u8) -> Option<[u8; 256]> {
    let mut to = [0; 256];
    match mode {
        VERTICAL => to.as_chunks_mut::<16>().0.fill(edge.top?),
        HORIZONTAL => {
            let rows = to.as_chunks_mut::<16>().0.iter_mut();
            rows.zip(edge.left?).for_each(|(row, left)| row.fill(left));
        }
        MEAN => {
            let sum = |line: &[u8; 16]| line.iter().map(|value| u32::from(*value)).sum::<u32>();
            to.fill(match (&edge.left, &edge.top) {
                (Some(left), Some(top)) => (sum(left) + sum(top) + 16) >> 5,
                (Some(line), None) | (None, Some(line)) => (sum(line) + 8) >> 4,
                (None, None) => 128,
            } as u8);
        }
        _ => {
            let plane = edge.plane()?;
            to.iter_mut().enumerate().for_each(|(at, to)| *to = plane(at % 16, at / 16));
        }
    }
    Some(to)
}

/// Predicts chroma in a mode; `None` where it cannot be used.
#[inline(always)]
pub fn chroma_8(edge: &Edge<8>, mode: u8) -> Option<[u8; 64]> {
    let mut to = [0; 64];
    match mode {
        VERTICAL => to.as_chunks_mut::<8>().0.fill(edge.top?),
        HORIZONTAL => {
            let rows = to.as_chunks_mut::<8>().0.iter_mut();
            rows.zip(edge.left?).for_each(|(row, left)| row.fill(left));
        }
        MEAN => {
            for quarter in 0..4 {
                let (x, y) = (quarter % 2 * 4, quarter / 2 * 4);
                let sum = |line: &[u8; 8], from: usize| {
                    line[from..from + 4].iter().map(|value| u32::from(*value)).sum::<u32>()
                };
                let (left, top) = (edge.left.map(|line| sum(&line, y)), edge.top.map(|line| sum(&line, x)));
                // The two quarters off the diagonal prefer one side.
                let (left, top) = match quarter {
                    1 if top.is_some() => (None, top),
                    2 if left.is_some() => (left, None),
                    _ => (left, top),
                };
                let mean = match (left, top) {
                    (Some(left), Some(top)) => (left + top + 4) >> 3,
                    (Some(sum), None) | (None, Some(sum)) => (sum + 2) >> 2,
                    (None, None) => 128,
                };
                for row in y..y + 4 {
                    to[row * 8 + x..row * 8 + x + 4].fill(mean as u8);
                }
            }
        }
        _ => {
            let plane = edge.plane()?;
            to.iter_mut().enumerate().for_each(|(at, to)| *to = plane(at % 8, at / 8));
        }
    }
    Some(to)
}
