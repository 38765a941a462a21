//! Detects the file type from the first bytes, never from the name: a demo, compressed or not, or something else.

/// First bytes of every Source 2 demo.
pub(super) const MAGIC: &[u8] = b"PBDEMS2\0";
pub(super) const GZIP: &[u8] = &[0x1f, 0x8b];
pub(super) const BZIP2: &[u8] = b"BZh";
pub(super) const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
pub(super) const ZIP: &[u8] = b"PK\x03\x04";
/// A zstd stream may begin with a skippable frame (`pzstd` writes one): any low four bits, then these bytes.
const ZSTD_SKIPPABLE: &[u8] = &[0x2a, 0x4d, 0x18];
/// Number of bytes needed to detect the type.
pub const HEAD_BYTES: usize = 8;

/// Whether the data is Zstandard-compressed.
pub(super) fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(ZSTD) || (head.len() > 3 && head[0] >> 4 == 5 && head[1..].starts_with(ZSTD_SKIPPABLE))
}

/// Whether the data is compressed in a supported format.
pub fn is_packed(head: &[u8]) -> bool {
    [GZIP, BZIP2, ZIP].iter().any(|magic| head.starts_with(magic)) || is_zstd(head)
}

/// Why the data cannot be a demo, compressed or not, to follow "it"; `None` if it may be one. `head`: the first
/// [`HEAD_BYTES`] bytes, or all if there are fewer.
pub fn why_not_a_demo(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(MAGIC) || is_packed(head) {
        return None;
    }
    Some(match head {
        [] => "is empty",
        _ if head.starts_with(b"HL2DEMO") => {
            "was recorded by an older Counter-Strike; only Counter-Strike 2 demos are supported"
        }
        _ if head.starts_with(b"Rar!") => {
            "is a RAR archive; only .dem, plain or as .gz, .bz2, .zst, or .zip, is supported"
        }
        _ if head.starts_with(&[b'7', b'z', 0xbc, 0xaf]) => {
            "is a 7z archive; only .dem, plain or as .gz, .bz2, .zst, or .zip, is supported"
        }
        _ if head.trim_ascii_start().starts_with(b"<") => "is not a CS2 demo but looks like a web page",
        _ => "is not a CS2 demo (.dem, plain or as .gz, .bz2, .zst, or .zip)",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_file_types_are_detected_by_their_first_bytes() {
        let cases: [(&[u8], &str); 14] = [
            (b"PBDEMS2\0....", ""),
            (&[0x1f, 0x8b, 8], ""),
            (b"BZh9", ""),
            (&[0x28, 0xb5, 0x2f, 0xfd, 0], ""),
            (&[0x50, 0x2a, 0x4d, 0x18], ""),
            (b"PK\x03\x04", ""),
            (b"PBDEMS", "not a CS2 demo"),
            (b"", "empty"),
            (b"HL2DEMO\0", "older"),
            (b"<!doctype html>", "web page"),
            (b"\n <html>", "web page"),
            (b"PK\x05\x06", "not a CS2 demo"),
            (b"Rar!\x1a\x07", "RAR"),
            (&[b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c], "7z"),
        ];
        for (head, words) in cases {
            let said = why_not_a_demo(head).unwrap_or_default();
            assert!(said.contains(words) && said.is_empty() == words.is_empty(), "{head:?}: {said:?}");
        }
    }
}
