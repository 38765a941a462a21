//! Retention rules as people type and read them.

use std::time::Duration;

use crate::domain::retention::{Doomed, Kind, Limits};
use crate::domain::wording::counted;
use crate::wire::{amounts, human};

/// Days of the longest age: a hundred years.
const MAX_AGE_DAYS: u64 = 36_500;

/// Parses a rule's age: `90d`, `36h`.
pub fn age(text: &str) -> Result<Duration, String> {
    let longest = Duration::from_secs(MAX_AGE_DAYS * 86_400);
    // `3m` would be minutes, where somebody means months.
    let is_plain = text.ends_with(['d', 'h']);
    amounts::duration(text)
        .filter(|age| is_plain && !age.is_zero() && *age <= longest)
        .ok_or_else(|| format!("it must be a number above 0 followed by d or h, at most {MAX_AGE_DAYS}d"))
}

/// Parses a rule's size: `500GB`, `20GiB`.
pub fn size(text: &str) -> Result<u64, String> {
    amounts::size(text).ok_or_else(|| "it must be a number with a unit, like 500GB or 20GiB".to_owned())
}

/// `at most 90 days and 500.0 GB`. `is_own`: a rule of one account; `limits`: `None` if there is no rule.
pub fn in_words(is_own: bool, limits: Option<Limits>) -> String {
    let Some(limits) = limits else {
        return if is_own { "as for all accounts" } else { "keep everything" }.to_owned();
    };
    let both: Vec<_> =
        limits.max_age_ms.map(human::span).into_iter().chain(limits.max_bytes.map(human::size)).collect();
    if both.is_empty() { "keep everything".to_owned() } else { format!("at most {}", both.join(" and ")) }
}

/// `12 clips, 3.4 GB, finished 91 days ago to 121 days ago`.
pub fn would_delete(kind: Kind, doomed: &Doomed, now_ms: i64) -> String {
    let Doomed { count, bytes, oldest_ms, newest_ms } = doomed;
    let what = counted(*count, kind.noun());
    let (Some(oldest), Some(newest)) = (oldest_ms, newest_ms) else { return "nothing".to_owned() };
    let (oldest, newest) = (human::when(now_ms, *oldest), human::when(now_ms, *newest));
    let when = if oldest == newest { oldest } else { format!("{oldest} to {newest}") };
    format!("{what}, {}, {} {when}", human::size(*bytes), kind.dated())
}
