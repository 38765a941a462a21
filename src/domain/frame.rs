//! Live frames: small pictures that show the operator what a node renders at the moment.

/// Bytes of a live frame, a JPEG: 11 KiB, which fits into a JSON body in base64. The built-in renderer's have about 3 KB.
pub const FRAME_BYTES: usize = 11 * 1024;
/// Width and height of a live frame, in pixels.
pub const FRAME_EDGE: u32 = 640;
/// Width in pixels of the built-in renderer's live frames.
pub const FRAME_WIDTH: u32 = 320;
/// Seconds between two live frames of a job while somebody watches.
pub const FRAME_SECONDS: u64 = 5;
