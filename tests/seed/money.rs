//! Prices.

use rusqlite::params;

use crate::store::{DAY, Seed};

/// The price of an hour of metered footage, in micro-units.
pub fn hour(renderer: &str, resolution: i64, fps: i64) -> i64 {
    let base = if renderer == "game" { 1_900_000 } else { 470_000 };
    base + if resolution == 1_440 { base / 2 } else { 0 } + if fps == 60 { base / 4 } else { 0 }
}

/// Sets the currency and all prices, once long ago.
pub fn create(seed: &mut Seed) {
    let at = seed.now - 500 * DAY;
    seed.insert("INSERT INTO currencies (code, at_ms) VALUES ('EUR', ?)", [at]);
    seed.insert("INSERT INTO dink_prices (price, at_ms) VALUES (215000000, ?)", [at]);
    for renderer in ["builtin", "game"] {
        for resolution in [1_080, 1_440] {
            for fps in [30, 60] {
                seed.insert(
                    "INSERT INTO hour_prices (renderer, resolution, fps, price, at_ms) VALUES (?, ?, ?, ?, ?)",
                    params![renderer, resolution, fps, hour(renderer, resolution, fps), at],
                );
            }
        }
    }
}
