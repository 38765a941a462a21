//! Any bytes as a demo: unpacked, indexed, and a few frames drawn.

#![no_main]

#[path = "../../tests/it/support/compression.rs"]
mod compression;
#[path = "../../tests/it/support/demo_trial.rs"]
mod demo_trial;
#[path = "../../tests/it/support/mutation.rs"]
mod mutation;
#[path = "../../tests/it/support/rng.rs"]
mod rng;
#[path = "../../tests/it/support/zip.rs"]
mod zip;

use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use rng::Rng;
use tempfile::TempDir;

static SCRATCH: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|demo: &[u8]| {
    // Round, player and camera are chosen at random, but the same for the same demo.
    let seed = demo.iter().fold(0_u32, |sum, &byte| sum.rotate_left(5) ^ u32::from(byte));
    demo_trial::run(demo, SCRATCH.path(), 2, &mut Rng::new(seed.into())).unwrap();
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed.is_multiple_of(2) {
        return fuzzer_mutate(data, size, max_size);
    }
    let changed = mutation::mutated(&data[..size], &mut Rng::new(seed.into()));
    let length = changed.len().min(max_size);
    data[..length].copy_from_slice(&changed[..length]);
    length
});
