//! A table of jobs, as several pages show it.

use maud::{Markup, html};

use crate::app::demos::titles;
use crate::app::jobs::any_job::AnyJob;
use crate::domain::error::Result;
use crate::domain::job::{Job, JobStatus};
use crate::http::operator::context::Context;
use crate::http::operator::jobs::query;
use crate::http::operator::parts::{class_tag, job_link, job_state};
use crate::wire::human;

/// Jobs, one a row.
pub fn table(context: &Context<'_>, jobs: &[AnyJob]) -> Result<Markup> {
    Ok(html! {
        @if !jobs.is_empty() {
            table.stack.jobs {
                thead {
                    tr {
                        th { "State" } th { "Job" } th { "Clip" } th { "Account" } th { "Node" } th { "Submitted" }
                        th.r { "Progress" }
                    }
                }
                tbody { @for job in jobs { (row(context, job)?) } }
            }
        }
    })
}

fn row(context: &Context<'_>, any: &AnyJob) -> Result<Markup> {
    let job = &any.info.job;
    Ok(html! {
        tr data-key=(job.public_id) {
            td { (job_state(job.status)) }
            td { (job_link(job.public_id)) }
            td.w.w2 { (clip(context, job)?) }
            td { a href=(query("account", &any.account)) { (any.account) } (class_tag(job.class)) }
            td.hide { (any.node.as_deref().unwrap_or("–")) }
            td { (context.clock(job.created_at_ms)) }
            td.r { (progress(context, any)) }
        }
    })
}

/// Which clip a job makes: `saltlick, round 4 1080p30`.
pub fn clip(context: &Context<'_>, job: &Job) -> Result<Markup> {
    let title = titles::of_job(context.app, job)?;
    let player = title.map_or_else(|| job.spec.steam64_id.to_string(), |title| title.player);
    Ok(html! {
        bdi { (player) } ", round " (job.spec.round)
        " " span.dim.small { (job.spec.resolution) "p" (job.spec.fps) @if job.spec.renderer.as_str() == "game" { " game" } }
    })
}

/// How a job goes, in a few words.
pub fn progress(context: &Context<'_>, any: &AnyJob) -> Markup {
    let job = &any.info.job;
    match job.status {
        JobStatus::Queued => {
            html! {
                @if let Some(position) = any.info.queue_position { (ordinal(position)) " in line" }
                @if let Some(why) = &any.info.waiting_because { br; span.dim.small { (why) } }
            }
        }
        JobStatus::Rendering => match any.info.progress {
            Some(progress) => {
                let percent = (progress.fraction * 100.0).floor().clamp(0.0, 100.0);
                html! {
                    (progress.stage.as_str()) ", " (percent) " %"
                    progress max="100" value=(percent) aria-label=(format!("{} of job {}", progress.stage.as_str(), human::short(job.public_id))) {}
                }
            }
            None => html! { "starting" },
        },
        JobStatus::Done => {
            let took = job.finished_at_ms.zip(job.started_at_ms).map(|(end, start)| human::span((end - start).max(0)));
            html! { @if let Some(took) = took { "in " (took) } @if job.clip.is_none() { br; span.dim.small { "clip deleted" } } }
        }
        JobStatus::Failed => {
            html! { @if let Some(failure) = &job.failure { span.bad.mono title=(failure.message) { (failure.code.as_str()) } } }
        }
        JobStatus::Cancelled => html! { (context.when_any(job.finished_at_ms)) },
    }
}

/// `1st`, `22nd`, `13th`.
fn ordinal(number: u64) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_end_as_they_are_spoken() {
        let cases = [
            (1, "1st"),
            (2, "2nd"),
            (3, "3rd"),
            (4, "4th"),
            (11, "11th"),
            (12, "12th"),
            (13, "13th"),
            (21, "21st"),
            (112, "112th"),
        ];
        for (number, spoken) in cases {
            assert_eq!(ordinal(number), spoken);
        }
    }
}
