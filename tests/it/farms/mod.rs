//! `packaging/farms/` and `packaging/oci/`: each file runs, or is checked against the schemas of what reads it.

mod slurm;

use std::path::{Path, PathBuf};

/// A file in `packaging/`.
fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)
}
