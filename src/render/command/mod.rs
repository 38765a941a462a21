//! The contract between a node and a renderer program ([`contract`]), and the programs of our own that follow it: the
//! built-in renderer, the presets for the game ([`run_child`]), and the reader of demos.
//!
//! Must not know about leases, servers, or keys.

mod child;
pub mod contract;
mod index;
mod reader;
mod verdict;

pub use child::run_child;
pub use contract::{
    CANCEL_FILE, CONTRACT, EXIT_BAD_JOB, EXIT_CANCELLED, EXIT_DONE, EXIT_NOT_READY, EXIT_TRANSIENT, EXIT_WRONG_BUILD,
    JobDemo, JobFile, JobPlayer, Line, for_people,
};
pub use index::{INDEX_BYTES, run_reader_child};
pub use reader::{ReaderEnd, Reading, Space, read_in_child};
pub use verdict::{Exhausted, Verdict, no_memory};

/// Name of the file in the work directory for a demo's index.
pub const INDEX_FILE: &str = "index.json";
/// Name of the folder in the work directory for what is known of maps. Ours: the built-in renderer uses it if it is
/// there.
pub const MAPS_DIR: &str = "maps";
/// Name of the folder in the work directory for the studio's own pictures of maps. Ours, too.
pub const RADARS_DIR: &str = "radars";
/// Name of the file in the work directory for a small picture of what is being rendered: a JPEG that fits
/// [`crate::domain::frame`]. Optional; a renderer replaces it atomically and as often as it likes, anything else is
/// ignored.
pub const PREVIEW_FILE: &str = "preview.jpg";
/// Name of the file in the work directory for a decompressed demo.
pub const UNPACKED_FILE: &str = "demo.dem";
