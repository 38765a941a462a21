//! Charts as SVG, drawn by the server, each with its numbers in a table behind it.

use maud::{Markup, html};

use crate::app::upkeep::history::{DiskTrend, LastDay, Slot};
use crate::domain::wording::{counted, size};
use crate::http::operator::context::Context;
use crate::http::operator::parts::{nothing, number, numbered};

/// Width and height of a chart in its own units; it is stretched to its place.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 160.0;
/// Lines across a chart, without the one at its bottom.
const LINES: u64 = 4;
/// Every so many half hours have their time below.
const LABELLED: usize = 6;

/// The clips, failures and waiting jobs of the last 24 hours.
pub fn last_day(context: &Context<'_>, day: &LastDay) -> Markup {
    let ended = |slot: &Slot| slot.done_reserved + slot.done_metered + slot.failed;
    let top = round_up(day.slots.iter().map(ended).max().unwrap_or_default());
    let most_waiting = day.slots.iter().filter_map(|slot| slot.waiting).max().unwrap_or_default();
    // A long queue has a scale of its own: beside it, the clips of a half hour could not be seen.
    let has_own_scale = most_waiting > top;
    let step = WIDTH / day.slots.len().max(1) as f64;
    let height = |value: u64| value as f64 / top as f64 * HEIGHT;
    let waiting_height =
        |value: u64| if has_own_scale { value as f64 / most_waiting as f64 * HEIGHT } else { height(value) };
    html! {
        p.key {
            span { i.k2 {} "metered clips, each half hour" }
            span { i.k1 {} "reserved clips" }
            span { i.kx {} "failed" }
            span { i.kw {} "jobs waiting" @if has_own_scale { ", up to " (number(most_waiting)) } }
        }
        div.chart {
            div.plot {
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(summary(day)) {
                    @for line in 0..=LINES { (grid(line)) }
                    @for (at, slot) in day.slots.iter().enumerate() {
                        @let x = at as f64 * step + step * 0.12;
                        @let below = height(slot.done_reserved);
                        @let metered = height(slot.done_metered);
                        (bar("bar1", x, step * 0.76, 0.0, below))
                        (bar("bar2", x, step * 0.76, below, metered))
                        (bar("barx", x, step * 0.76, below + metered, height(slot.failed)))
                    }
                    @for line in waiting_lines(&day.slots, step, &waiting_height) { polyline.wait points=(line) {} }
                }
                (scale(top))
                div.x {
                    @for (at, slot) in day.slots.iter().enumerate().step_by(LABELLED) {
                        span.odd[at / LABELLED % 2 == 1] { (context.formatted(slot.at_ms, "%H:%M")) }
                    }
                    span { "now" }
                }
            }
        }
        details.numbers {
            summary { "As a table" }
            div.scroll tabindex="0" role="region" aria-label="The last 24 hours as a table" {
                table {
                    thead { tr { th { "From" } th.r { "Metered" } th.r { "Reserved" } th.r { "Failed" } th.r { "Cancelled" } th.r { "Waiting" } } }
                    tbody {
                        @for slot in day.slots.iter().rev() {
                            tr {
                                td { (context.formatted(slot.at_ms, "%H:%M")) }
                                td.r { (number(slot.done_metered)) } td.r { (number(slot.done_reserved)) }
                                td.r { (number(slot.failed)) } td.r { (number(slot.cancelled)) }
                                td.r { @match slot.waiting { Some(waiting) => (number(waiting)), None => "–" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn summary(day: &LastDay) -> String {
    format!("Last 24 hours: {} completed, {} failed.", numbered(day.done, "clip"), numbered(day.failed, "job"))
}

/// The disk's free space in the last 30 days, and when it will be full.
pub fn disk(context: &Context<'_>, trend: &DiskTrend) -> Markup {
    let points: Vec<(i64, u64)> =
        trend.points.iter().filter_map(|point| Some((point.at_ms, point.free_bytes?))).collect();
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else {
        return nothing("Disk space is sampled every half hour; the first figures appear soon.");
    };
    let top = points.iter().map(|(_, free)| *free).max().unwrap_or_default().max(trend.reserve_bytes * 2).max(1);
    let y = |free: u64| HEIGHT - free as f64 / top as f64 * HEIGHT;
    let x = |at_ms: i64| (at_ms - first) as f64 / (last - first).max(1) as f64 * WIDTH;
    let line: Vec<_> = points.iter().map(|(at_ms, free)| format!("{},{}", tenth(x(*at_ms)), tenth(y(*free)))).collect();
    let reserve = y(trend.reserve_bytes);
    html! {
        p.key { span { i.kw.kf {} "free" } span { i.kw.kx {} "reserve: below it, new work is refused" } }
        div.chart {
            div.plot {
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(disk_in_words(trend)) {
                    @for line in 0..=LINES { (grid(line)) }
                    @if line.len() > 1 { polyline.free points=(line.join(" ")) {} }
                    line.reserve x1="0" x2=(WIDTH) y1=(tenth(reserve)) y2=(tenth(reserve)) {}
                }
                div.y aria-hidden="true" { @for line in (0..=LINES).rev() { span { (size(top / LINES * line)) } } }
                div.x { span { (context.formatted(*first, "%-d %b")) } span { "now" } }
            }
        }
        p.nothing { (disk_in_words(trend)) }
        details.numbers {
            summary { "As a table" }
            div.scroll tabindex="0" role="region" aria-label="Free space as a table" {
                table {
                    thead { tr { th { "When" } th.r { "Free" } } }
                    tbody { @for (at_ms, free) in points.iter().rev() { tr { td { (context.formatted(*at_ms, "%-d %b, %H:%M")) } td.r { (size(*free)) } } } }
                }
            }
        }
    }
}

fn disk_in_words(trend: &DiskTrend) -> String {
    let free =
        trend.free_bytes.map_or_else(|| "Free space is unknown.".to_owned(), |free| format!("{} free.", size(free)));
    match (trend.gained_per_day, trend.days_left) {
        (_, Some(days)) if days < 1.0 => format!("{free} At this rate only the reserve will be left within a day."),
        (_, Some(days)) => {
            format!("{free} At this rate only the reserve will be left in {}.", counted(days as u64, "day"))
        }
        (Some(_), None) => format!("{free} It is not shrinking."),
        (None, None) => format!("{free} The trend is known after a day."),
    }
}

/// A line across a chart, counted from its bottom.
fn grid(line: u64) -> Markup {
    let y = HEIGHT - HEIGHT * line as f64 / LINES as f64;
    html! { line.grid x1="0" x2=(WIDTH) y1=(y) y2=(y) {} }
}

/// The numbers beside a chart whose top is `top`.
fn scale(top: u64) -> Markup {
    html! {
        div.y aria-hidden="true" {
            @for line in (0..=LINES).rev() { span { (number(top * line / LINES)) } }
        }
    }
}

fn bar(class: &str, x: f64, width: f64, above: f64, height: f64) -> Markup {
    html! {
        @if height > 0.0 {
            rect.(class) x=(tenth(x)) width=(tenth(width)) y=(tenth(HEIGHT - above - height)) height=(tenth(height)) {}
        }
    }
}

/// The line of waiting jobs, broken where the server was not running.
fn waiting_lines(slots: &[Slot], step: f64, height: &impl Fn(u64) -> f64) -> Vec<String> {
    let mut lines = vec![Vec::new()];
    for (at, slot) in slots.iter().enumerate() {
        match (slot.waiting, lines.last_mut()) {
            (Some(waiting), Some(line)) => {
                line.push(format!("{},{}", tenth((at as f64 + 0.5) * step), tenth(HEIGHT - height(waiting))));
            }
            _ => lines.push(Vec::new()),
        }
    }
    lines.into_iter().filter(|line| line.len() > 1).map(|line| line.join(" ")).collect()
}

/// With one decimal: more would only make the page longer.
fn tenth(value: f64) -> String {
    format!("{value:.1}")
}

/// The next number of the form 4, 8, 20, 40, 80, 200, … that is not smaller, so that a quarter of it is round, too.
fn round_up(most: u64) -> u64 {
    let mut unit = 4;
    loop {
        for factor in [1, 2, 5] {
            if unit * factor >= most {
                return unit * factor;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_chart_is_round_and_not_below_its_bars() {
        let cases = [(0, 4), (4, 4), (5, 8), (9, 20), (21, 40), (41, 80), (81, 200), (4_812, 8_000), (8_001, 20_000)];
        for (most, top) in cases {
            assert_eq!(round_up(most), top, "{most}");
        }
    }
}
