//! Field paths of an entity update: paths through nested serializers, written as Huffman-coded operations.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::LazyLock;

use super::bits::Bits;

/// Maximum depth: a component, a field in it, and an array element of that.
pub const MAX_DEPTH: usize = 3;

/// A field's position: an index per nesting level. Ordered as fields are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    parts: [u16; MAX_DEPTH],
    depth: usize,
}

impl Path {
    /// A field of the outermost serializer.
    pub const fn root(index: u16) -> Self {
        Self { parts: [index, 0, 0], depth: 1 }
    }

    /// One level deeper.
    #[must_use]
    pub const fn child(mut self, index: u16) -> Self {
        self.parts[self.depth] = index;
        self.depth += 1;
        self
    }

    /// The same path inside field `index` of an outer serializer.
    #[must_use]
    pub const fn within(self, index: u16) -> Self {
        Self { parts: [index, self.parts[0], self.parts[1]], depth: self.depth + 1 }
    }

    fn parts(&self) -> &[u16] {
        &self.parts[..self.depth]
    }
}

/// Number of operations.
const STEPS: usize = 40;
/// Frequency of each operation according to Valve; determines the codes.
const WEIGHTS: [u32; STEPS] = [
    36271, 10334, 1375, 646, 4128, 35, 3, 521, 2942, 560, 471, 10530, 251, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 310,
    2, 1, 1837, 149, 300, 634, 1, 1, 1, 76, 271, 99, 25474,
];
/// Adds one to the last index; the next three operations add two to four.
const PLUS_ONE: usize = 0;
/// Adds five or more to the last index.
const PLUS_N: usize = 4;
/// Changes any indices and adds levels.
const PUSH_N_AND_MOVE: usize = 26;
/// Removes levels and changes any indices.
const POP_N_AND_MOVE: usize = 35;
/// Changes any indices.
const MOVE: usize = 36;
/// End of the list.
const FINISH: usize = 39;

/// Code and length of each operation, from a Huffman tree built like the game's.
static CODES: LazyLock<[(u64, usize); STEPS]> = LazyLock::new(codes);

fn codes() -> [(u64, usize); STEPS] {
    // Lightest first; the most recent among equals.
    let mut heap: BinaryHeap<(Reverse<u32>, usize)> =
        WEIGHTS.iter().enumerate().map(|(step, weight)| (Reverse(*weight), step)).collect();
    let mut branches = Vec::with_capacity(STEPS);
    while let (Some((Reverse(a), left)), Some((Reverse(b), right))) = (heap.pop(), heap.pop()) {
        heap.push((Reverse(a + b), STEPS + branches.len()));
        branches.push((left, right));
        if heap.len() == 1 {
            break;
        }
    }
    let mut codes = [(0, 0); STEPS];
    let mut open = vec![(STEPS + branches.len() - 1, 0_u64, 0_usize)];
    while let Some((node, code, length)) = open.pop() {
        if node < STEPS {
            codes[node] = (code, length);
        } else {
            let (left, right) = branches[node - STEPS];
            open.push((left, code, length + 1));
            open.push((right, code | 1 << length, length + 1));
        }
    }
    codes
}

/// Writes the field paths of an update, which must be in order, and the end marker.
pub fn write<'a>(bits: &mut Bits, paths: impl Iterator<Item = &'a Path>) {
    // The initial path is -1.
    let mut at: Vec<i64> = vec![-1];
    for path in paths {
        let next: Vec<i64> = path.parts().iter().map(|part| i64::from(*part)).collect();
        step(bits, &at, &next);
        at = next;
    }
    put(bits, FINISH);
}

fn put(bits: &mut Bits, step: usize) {
    let (code, length) = CODES[step];
    bits.put(length, code);
}

fn step(bits: &mut Bits, at: &[i64], next: &[i64]) {
    let shared = at.len().min(next.len());
    let last = shared - 1;
    let same_parent = at.len() == next.len() && at[..last] == next[..last];
    let forward = next[last] - at[last];
    if same_parent && (1..5).contains(&forward) {
        put(bits, PLUS_ONE + forward as usize - 1);
    } else if same_parent && forward >= 5 {
        put(bits, PLUS_N);
        bits.ubitvarfp(forward as u32 - 5);
    } else if next.len() > at.len() {
        put(bits, PUSH_N_AND_MOVE);
        moves(bits, at, next, shared, 1);
        bits.ubitvar((next.len() - shared) as u32);
        next[shared..].iter().for_each(|part| bits.ubitvarfp(*part as u32));
    } else {
        if next.len() < at.len() {
            put(bits, POP_N_AND_MOVE);
            bits.ubitvarfp((at.len() - shared) as u32);
        } else {
            put(bits, MOVE);
        }
        moves(bits, at, next, shared, 0);
    }
}

/// Writes the change of each shared level; `less` is what the reader adds implicitly.
fn moves(bits: &mut Bits, at: &[i64], next: &[i64], shared: usize, less: i64) {
    for level in 0..shared {
        let by = next[level] - at[level];
        bits.flag(by != 0);
        if by != 0 {
            bits.zigzag(by - less);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_a_complete_prefix_code_and_short_for_common_operations() {
        let codes = codes();
        let filled: f64 = codes.iter().map(|(_, length)| 0.5_f64.powi(*length as i32)).sum();
        assert!((filled - 1.0).abs() < 1e-9, "{filled}");
        assert_eq!((codes[PLUS_ONE].1, codes[FINISH].1), (1, 2));
        assert!(codes[PUSH_N_AND_MOVE].1 > 8);
    }

    #[test]
    fn components_come_before_their_fields() {
        let component = Path::root(3);
        assert!(component < component.child(0) && component.child(0) < component.child(1));
        assert!(component.child(9) < Path::root(4));
        assert_eq!(Path::root(1).child(2).within(3), Path::root(3).child(1).child(2));
    }
}
