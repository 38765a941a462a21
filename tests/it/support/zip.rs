//! ZIP archives in every form that demos come in.

use std::io::Write;

use flate2::write::DeflateEncoder;

/// How a member is stored.
#[derive(Clone, Copy)]
pub enum Encoding {
    Stored,
    Deflated,
    /// Deflated, with a data descriptor after the content.
    DataDescriptor,
    /// The same without the optional signature.
    UnsignedDescriptor,
}

/// All of them.
pub const ENCODINGS: [Encoding; 4] =
    [Encoding::Stored, Encoding::Deflated, Encoding::DataDescriptor, Encoding::UnsignedDescriptor];

/// One member: its header and content.
pub fn member(name: &str, plain: &[u8], encoding: Encoding) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(plain);
    let packed = match encoding {
        Encoding::Stored => plain.to_vec(),
        _ => {
            let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
    };
    let (method, flags) = match encoding {
        Encoding::Stored => (0_u16, 0_u16),
        Encoding::Deflated => (8, 0),
        Encoding::DataDescriptor | Encoding::UnsignedDescriptor => (8, 8),
    };
    let lengths: Vec<u8> =
        [crc.sum(), packed.len() as u32, plain.len() as u32].iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut out = b"PK\x03\x04\x14\0".to_vec();
    out.extend(flags.to_le_bytes());
    out.extend(method.to_le_bytes());
    out.extend([0; 4]);
    out.extend(if flags == 8 { vec![0; 12] } else { lengths.clone() });
    out.extend((name.len() as u16).to_le_bytes());
    out.extend([0, 0]);
    out.extend(name.bytes());
    out.extend(packed);
    match encoding {
        Encoding::DataDescriptor => out.extend([b"PK\x07\x08".as_slice(), &lengths].concat()),
        Encoding::UnsignedDescriptor => out.extend(lengths),
        _ => {}
    }
    out
}

/// An archive with a central directory that is not read.
pub fn archive(members: &[Vec<u8>]) -> Vec<u8> {
    [members.concat(), b"PK\x01\x02 and so on".to_vec()].concat()
}
