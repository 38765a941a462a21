//! Random numbers, injected so that tests are reproducible.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::error::{Error, Result};

/// Source of random bits. Tests use [`FakeRandom`].
pub trait Random: Send + Sync {
    /// 128 unpredictable bits.
    fn bits(&self) -> Result<u128>;
}

/// The operating system's random source.
#[derive(Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn bits(&self) -> Result<u128> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::internal("The operating system provided no random numbers.", error))?;
        Ok(u128::from_be_bytes(bytes))
    }
}

/// A deterministic counter, spread over all bits.
#[derive(Debug, Default)]
pub struct FakeRandom {
    drawn: AtomicU64,
}

impl Random for FakeRandom {
    fn bits(&self) -> Result<u128> {
        let draw = self.drawn.fetch_add(1, Ordering::Relaxed) + 1;
        // A Weyl sequence with two odd constants: no repetition within 2^64 draws.
        let high = draw.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let low = draw.wrapping_mul(0xD1B5_4A32_D192_ED03);
        Ok(u128::from(high) << 64 | u128::from(low))
    }
}
