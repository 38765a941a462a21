//! The disk: a bar, and a table of what lies on it.

use maud::{Markup, html};

use crate::app::upkeep::storage::{Measured, Storage};
use crate::domain::wording::counted;
use crate::http::operator::context::Context;
use crate::http::operator::parts::card;
use crate::os::disk_usage::Usage;
use crate::wire::human;

/// Width of the bar in its own units.
const BAR: f64 = 1_000.0;
/// Width of the smallest part that is not nothing, so that it can be seen.
const THIN: f64 = 3.0;

/// A part of the disk: its name, bytes, how many of what, and the class of its color.
struct Part {
    name: &'static str,
    bytes: u64,
    count: String,
    class: &'static str,
}

/// The card.
pub fn disk(context: &Context<'_>, measured: &Measured) -> Markup {
    let storage = &measured.storage;
    let parts = parts(storage);
    let whole = storage.total.unwrap_or_else(|| parts.iter().map(|part| part.bytes).sum());
    let more = html! { span.dim { "as of " (context.when(measured.at_ms)) } };
    let body = html! {
        div.body {
            p { (in_words(storage)) }
            (bar(&parts, whole))
        }
        table.stack.parts {
            thead { tr { th { "What" } th.r { "Size" } th.r { "Count" } th.r { "Of the disk" } } }
            tbody { @for part in &parts { (row(part, whole)) } }
        }
    };
    card("full", "disk", "The disk", &more, &body)
}

fn in_words(storage: &Storage) -> Markup {
    let reserve = human::size(storage.reserve);
    html! {
        @match (storage.free, storage.total) {
            (Some(free), Some(total)) => { b { (human::size(free)) " free" } " of " (human::size(total)) ". " }
            (Some(free), None) => { b { (human::size(free)) " free" } ". " }
            (None, _) => "Free space is unknown. ",
        }
        span.dim { "Below " (reserve) " the server accepts no new work." }
    }
}

fn parts(storage: &Storage) -> Vec<Part> {
    let part = |name, usage: &Usage, class| {
        let count = counted(usage.files, "file");
        Part { name, bytes: usage.bytes, count, class }
    };
    let database = Part { name: "Database", bytes: storage.store, count: String::new(), class: "s5" };
    let archive = Part {
        name: "Archive of jobs",
        bytes: storage.archive.bytes,
        count: format!("{}, {}", counted(storage.archive.files, "file"), counted(storage.archived_jobs, "job")),
        class: "s4",
    };
    let mut parts = vec![
        part("Clips", &storage.clips, "s1"),
        part("Posters", &storage.posters, "s2"),
        part("Uploaded demos", &storage.demos, "s3"),
        archive,
        database,
        part("Copies made before migrations", &storage.backups, "s6"),
        part("Local nodes and their caches", &storage.local_nodes, "s7"),
    ];
    if let (Some(total), Some(free)) = (storage.total, storage.free) {
        let ours: u64 = parts.iter().map(|part| part.bytes).sum();
        let bytes = total.saturating_sub(free).saturating_sub(ours);
        parts.push(Part { name: "Other files on this disk", bytes, count: String::new(), class: "s8" });
        parts.push(Part { name: "Free", bytes: free, count: String::new(), class: "s9" });
    }
    parts
}

/// The table below has the same figures, so screen readers skip the bar.
fn bar(parts: &[Part], whole: u64) -> Markup {
    let widths: Vec<f64> = parts
        .iter()
        .map(|part| if part.bytes == 0 { 0.0 } else { (share(part.bytes, whole) * BAR).max(THIN) })
        .collect();
    let scale = BAR / widths.iter().sum::<f64>().max(BAR);
    // Where each part begins.
    let starts = widths.iter().scan(0.0, |end, width| {
        let start = *end;
        *end += width * scale;
        Some(start)
    });
    html! {
        svg.disk viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
            @for ((part, width), from) in parts.iter().zip(&widths).zip(starts) {
                @if *width > 0.0 {
                    rect class=(part.class) x=(format!("{from:.1}")) y="0" width=(format!("{:.1}", width * scale)) height="10" {}
                }
            }
        }
    }
}

fn share(bytes: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { bytes as f64 / whole as f64 }
}

fn row(part: &Part, whole: u64) -> Markup {
    let percent = share(part.bytes, whole) * 100.0;
    html! {
        tr data-key=(part.name) {
            td { i.swatch.(part.class) aria-hidden="true" {} (part.name) }
            td.r { (human::size(part.bytes)) }
            td.r { (part.count) }
            td.r { @if part.bytes > 0 && percent < 0.1 { "< 0.1 %" } @else { (format!("{percent:.1} %")) } }
        }
    }
}
