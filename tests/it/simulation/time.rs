//! The server's clock and randomness. Both move only as the simulation says, and burn the fuse with which it ends the
//! server in the middle of its work.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use dinkem_appliance::domain::Result;
use dinkem_appliance::os::clock::Clock;
use dinkem_appliance::os::random::Random;

/// What a server's call unwinds with when its fuse has burnt down.
pub struct Crash;

/// Counts the looks at clock and random source until the server dies; 0: it does not.
#[derive(Default)]
pub struct Fuse(AtomicU32);

impl Fuse {
    pub fn light(&self, looks: u32) {
        self.0.store(looks, Ordering::Relaxed);
    }

    fn burn(&self) {
        let left = self.0.load(Ordering::Relaxed);
        if left > 0 {
            self.0.store(left - 1, Ordering::Relaxed);
        }
        if left == 1 {
            // Unlike a panic, this prints nothing.
            resume_unwind(Box::new(Crash));
        }
    }
}

/// The clock of one process.
#[derive(Default)]
pub struct SimClock {
    wall_ms: AtomicI64,
    monotonic_ms: AtomicU64,
    fuse: Arc<Fuse>,
}

impl SimClock {
    pub fn new(fuse: &Arc<Fuse>) -> Self {
        Self { fuse: Arc::clone(fuse), ..Self::default() }
    }

    pub fn set(&self, wall_ms: i64, monotonic_ms: u64) {
        self.wall_ms.store(wall_ms, Ordering::Relaxed);
        self.monotonic_ms.store(monotonic_ms, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        self.fuse.burn();
        self.wall_ms.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Duration {
        self.fuse.burn();
        Duration::from_millis(self.monotonic_ms.load(Ordering::Relaxed))
    }
}

/// Numbers that never repeat within a run.
pub struct SimRandom {
    drawn: AtomicU64,
    fuse: Arc<Fuse>,
}

impl SimRandom {
    /// `from`: different for random sources whose numbers meet in one store.
    pub fn new(from: u64, fuse: &Arc<Fuse>) -> Self {
        Self { drawn: AtomicU64::new(from << 40), fuse: Arc::clone(fuse) }
    }
}

impl Random for SimRandom {
    fn bits(&self) -> Result<u128> {
        self.fuse.burn();
        let draw = self.drawn.fetch_add(1, Ordering::Relaxed);
        let high = draw.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let low = draw.wrapping_mul(0xD1B5_4A32_D192_ED03);
        Ok(u128::from(high) << 64 | u128::from(low))
    }
}
