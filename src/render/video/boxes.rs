//! Parses MP4 boxes (ISO/IEC 14496-12) from an untrusted file. Every length is checked; nothing here can panic or
//! allocate more memory than the input.

/// A box's four-character code.
pub type Name = [u8; 4];

/// Reads big-endian numbers from a slice; `None` at its end.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.bytes(2)?.try_into().ok()?))
    }

    /// The next four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.bytes(4)?.try_into().ok()?))
    }

    /// The next eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.bytes(8)?.try_into().ok()?))
    }

    /// Eight bytes in a version 1 box, four in a version 0 box.
    pub fn u64_or_u32(&mut self, version: u8) -> Option<u64> {
        if version == 1 { self.u64() } else { self.u32().map(u64::from) }
    }

    /// The version of a full box; skips its flags.
    pub fn version(&mut self) -> Option<u8> {
        Some(self.bytes(4)?[0])
    }
}

/// The boxes in a slice: name and content. Stops at the first that does not fit.
pub fn boxes(inside: &[u8]) -> impl Iterator<Item = (Name, &[u8])> {
    let mut left = Fields(inside);
    std::iter::from_fn(move || {
        let short = left.u32()?;
        let name: Name = left.bytes(4)?.try_into().ok()?;
        let content = match short {
            0 => left.0.len() as u64,
            1 => left.u64()?.checked_sub(16)?,
            size => u64::from(size).checked_sub(8)?,
        };
        Some((name, left.bytes(usize::try_from(content).ok()?)?))
    })
}

/// The first box with this name in a slice.
pub fn find<'a>(inside: &'a [u8], name: &Name) -> Option<&'a [u8]> {
    boxes(inside).find_map(|(found, content)| (found == *name).then_some(content))
}

/// Follows a path of names, taking the first box of each.
pub fn find_path<'a>(inside: &'a [u8], path: &[&Name]) -> Option<&'a [u8]> {
    path.iter().try_fold(inside, |inside, name| find(inside, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_lengths_end_the_iteration() {
        let names = |bytes: &[u8]| boxes(bytes).map(|(name, content)| (name, content.len())).collect::<Vec<_>>();
        let free = *b"free";
        assert_eq!(names(b"\0\0\0\x0afree..\0\0\0\x08free"), [(free, 2), (free, 0)]);
        assert_eq!(names(b"\0\0\0\0free...."), [(free, 4)], "0: to the end");
        assert_eq!(names(b"\0\0\0\x01free\0\0\0\0\0\0\0\x12.."), [(free, 2)], "1: 64-bit length");
        for bad in [
            &b"\0\0\0\x07free"[..],
            b"\0\0\0\x09free",
            b"\xff\xff\xff\xfffree",
            b"\0\0\0\x01free\0\0\0\0\0\0\0\x0f",
            b"\0\0\0\x01free\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\0\0\0",
            b"",
        ] {
            assert_eq!(names(bad), [], "{bad:?}");
        }
    }
}
