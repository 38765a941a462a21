//! `GET /api/usage`: the requested period and the usage in it.

use serde::Serialize;

use crate::domain::error::{Error, Result};
use crate::domain::money::Currency;
use crate::domain::month::{Month, Period};
use crate::domain::usage::{Tally, Usage};
use crate::wire::money::MoneyView;
use crate::wire::time::{read_moment, rfc3339};

/// Maximum number of days that `GET /api/usage` covers: a leap year.
const USAGE_DAYS: i64 = 366;

/// Milliseconds per day.
const DAY_MS: i64 = 86_400_000;

/// The period from `from` (inclusive) to `to` (exclusive). `to` defaults to the end of the current month, and `from` to
/// the start of the month in which the period ends: with neither, it is the current month.
pub fn read_period(from: Option<&str>, to: Option<&str>, now_ms: i64) -> Result<Period> {
    let start = from.map(|text| read_moment("from", text)).transpose()?;
    let end = to.map(|text| read_moment("to", text)).transpose()?;
    let to_ms = end.unwrap_or_else(|| Month::of(now_ms).period().to_ms);
    let from_ms = start.unwrap_or_else(|| Month::of(to_ms - 1).period().from_ms);
    if from_ms >= to_ms {
        return match end {
            Some(_) => Err(Error::invalid("to", "to must be later than from.")),
            None => Err(Error::invalid("from", "Without to, from must be before the end of this month.")),
        };
    }
    if to_ms - from_ms > USAGE_DAYS * DAY_MS {
        return Err(Error::invalid("from", format!("from must be at most {USAGE_DAYS} days before to.")));
    }
    Ok(Period { from_ms, to_ms })
}

/// The response.
#[derive(Clone, Debug, Serialize)]
pub struct UsageView {
    /// Start of the period, inclusive. RFC 3339.
    pub from: String,
    /// End of the period, exclusive. RFC 3339.
    pub to: String,
    /// One line per class, renderer, resolution and fps; empty without usage.
    pub lines: Vec<UsageLineView>,
    /// Totals of all lines.
    pub totals: TallyView,
}

/// Usage of one kind of work.
#[derive(Clone, Debug, Serialize)]
pub struct UsageLineView {
    /// `metered` or `reserved`.
    pub class: String,
    /// `builtin` or `game`.
    pub renderer: String,
    /// Height in lines.
    pub resolution: u32,
    /// Frames per second.
    pub fps: u32,
    /// Job counts and cost.
    #[serde(flatten)]
    pub tally: TallyView,
}

/// Job counts and cost.
#[derive(Clone, Debug, Serialize)]
pub struct TallyView {
    /// Jobs by outcome. Unfinished jobs are not counted.
    pub jobs: JobCountsView,
    /// Seconds of completed footage.
    pub rendered_seconds: f64,
    /// One amount per currency, never added up across currencies. Reserved work costs 0: dinks cover it.
    pub money: Vec<MoneyView>,
}

/// Jobs by outcome.
#[derive(Clone, Debug, Serialize)]
pub struct JobCountsView {
    /// Completed: the only ones that are billed, even after their clips are deleted.
    pub done: u64,
    /// Failed permanently.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
}

impl TallyView {
    fn of(tally: &Tally, currency: Currency) -> Self {
        Self {
            jobs: JobCountsView { done: tally.done, failed: tally.failed, cancelled: tally.cancelled },
            rendered_seconds: seconds(tally.footage_ms),
            money: MoneyView::all(&tally.money.clone().or_zero(currency)),
        }
    }
}

/// An account's usage, as its owner sees it.
pub fn view(usage: &Usage) -> UsageView {
    let lines = usage.lines.iter().map(|((class, kind), tally)| UsageLineView {
        class: class.as_str().into(),
        renderer: kind.renderer.as_str().into(),
        resolution: kind.resolution,
        fps: kind.fps,
        tally: TallyView::of(tally, usage.currency),
    });
    UsageView {
        from: rfc3339(usage.period.from_ms),
        to: rfc3339(usage.period.to_ms),
        lines: lines.collect(),
        totals: TallyView::of(&usage.total(), usage.currency),
    }
}

/// Seconds for display only: amounts are computed from milliseconds.
pub fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-06T21:20:00Z.
    const NOW_MS: i64 = 1_794_000_000_000;

    #[test]
    fn the_period_defaults_to_the_current_month() {
        let cases = [
            (None, None, "2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z"),
            (Some("2026-11-05"), None, "2026-11-05T00:00:00.000Z", "2026-12-01T00:00:00.000Z"),
            (None, Some("2026-10-01"), "2026-09-01T00:00:00.000Z", "2026-10-01T00:00:00.000Z"),
            (None, Some("2026-10-01T00:00:00.001Z"), "2026-10-01T00:00:00.000Z", "2026-10-01T00:00:00.001Z"),
            (Some("2024-01-01"), Some("2025-01-01"), "2024-01-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z"),
            (
                Some("2026-11-06T01:00:00+01:00"),
                Some("2026-11-07"),
                "2026-11-06T00:00:00.000Z",
                "2026-11-07T00:00:00.000Z",
            ),
        ];
        for (from, to, first, end) in cases {
            let period = read_period(from, to, NOW_MS).unwrap();
            assert_eq!(
                (rfc3339(period.from_ms).as_str(), rfc3339(period.to_ms).as_str()),
                (first, end),
                "{from:?} {to:?}"
            );
        }
    }

    #[test]
    fn an_invalid_period_is_an_error_that_names_the_parameter() {
        let cases = [
            (Some("yesterday"), None, "from"),
            (None, Some("2026-11-31"), "to"),
            (Some("x"), Some("y"), "from"),
            (Some("2026-11-02"), Some("2026-11-01"), "to"),
            (Some("2026-11-02"), Some("2026-11-02"), "to"),
            (Some("2026-12-01"), None, "from"),
            (Some("2025-11-01"), None, "from"),
            (Some("2024-01-01"), Some("2025-01-02"), "from"),
            // The last day that has a time of its own in every zone.
            (Some("0000-01-01"), Some("9999-12-30"), "from"),
        ];
        for (from, to, field) in cases {
            let refused = read_period(from, to, NOW_MS).unwrap_err();
            assert_eq!(refused.field.as_deref(), Some(field), "{from:?} {to:?}");
        }
    }
}
