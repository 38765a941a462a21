//! `packaging/farms/` and `packaging/oci/`: each file runs, or is checked against the schemas of what reads it.

mod kubernetes;
mod oci;
mod openjd;
mod slurm;
mod systemd;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::tools::{is_gate, skip};

/// A file in `packaging/`.
fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)
}

/// Whether Python has this module. If not, prints that `test` is skipped; panics in the gate.
fn has_module(module: &str, test: &str) -> bool {
    let output = Command::new("python3").args(["-c", &format!("import {module}")]).output();
    let found = output.is_ok_and(|output| output.status.success());
    if !found {
        assert!(!is_gate(), "the gate installs the Python module {module}");
        skip(&format!("{test}: Python has no {module}"));
    }
    found
}
