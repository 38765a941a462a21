//! The page of one job: what was asked for, how it goes, its clip, and each attempt with its log.

use maud::{Markup, html};

use crate::app::demos::titles;
use crate::app::jobs::any_job::AnyJob;
use crate::app::jobs::operator::{self, Attempt};
use crate::app::leases::frames;
use crate::domain::error::Result;
use crate::domain::job::{Job, JobStatus};
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::jobs::{query, rows};
use crate::http::operator::nodes::frames as pictures;
use crate::http::operator::parts::{
    Dialog, action_button, card, changes, class_tag, dialog, job_state, nothing, opener,
};
use crate::store::leases::LeaseState;
use crate::wire::human;

/// The page.
pub fn view(context: &Context<'_>) -> Result<View> {
    frames::watch(context.app);
    let (any, attempts) = operator::log(context.app, context.id()?)?;
    let job = &any.info.job;
    let body = html! {
        (card("c7", "clip", "Clip", &html! {}, &clip(context, &any)?))
        (card("c5", "job", "Job", &buttons(context, job), &facts(context, &any)?))
        (card("full", "attempts", "Attempts", &html! {}, &list(context, &attempts)))
    };
    Ok(View { tab: Tab::Jobs, heading: format!("Job {}", human::short(job.public_id)), body })
}

fn buttons(context: &Context<'_>, job: &Job) -> Markup {
    let id = job.public_id.to_string();
    changes(
        context,
        html! {
            @if job.status == JobStatus::Queued { (action_button("jobs.cancel", &[("id", &id)], "Cancel", "")) }
            @if job.status == JobStatus::Rendering { (opener("cancel-job", "Cancel…", "danger")) (cancellation(&id)) }
            @if matches!(job.status, JobStatus::Failed | JobStatus::Cancelled) {
                (action_button("jobs.retry", &[("id", &id)], "Retry", "main"))
            }
        },
    )
}

/// A node's work is lost; a waiting job loses nothing.
fn cancellation(id: &str) -> Markup {
    dialog(&Dialog {
        id: "cancel-job",
        title: "Cancel this job?",
        action: "jobs.cancel",
        fields: &[("id", id)],
        body: html! { p { "A node is rendering it. What it has rendered is lost; if the job is retried, it starts again." } },
        confirm: "Cancel the job",
        asks_code: false,
    })
}

fn clip(context: &Context<'_>, any: &AnyJob) -> Result<Markup> {
    let job = &any.info.job;
    let Some(clip) = &job.clip else { return Ok(no_clip(context, any)) };
    let (id, token) = (job.public_id.to_string(), clip.token.reveal());
    let address = context.call.base.url(&format!("/embed/{token}"));
    Ok(html! {
        div.body {
            video controls preload="none" poster=(format!("/clips/{token}.jpg")) src=(format!("/clips/{token}.mp4")) {}
            p.dim {
                (human::footage(clip.video.duration_ms)) ", " (human::size(clip.bytes)) ", "
                (clip.video.width) " × " (clip.video.height) ", " (clip.video.fps) " fps"
                @if clip.pov_verified == Some(true) { ", verified to show the player throughout" }
            }
            div.buttons {
                a.btn href=(format!("/clips/{token}.mp4?download=1")) download { "Download" }
                a.btn href=(address) target="_blank" rel="noreferrer" { "Public page" }
                (changes(context, opener("delete-clip", "Delete…", "danger")))
            }
        }
        (changes(context, dialog(&Dialog {
            id: "delete-clip",
            title: "Delete this clip?",
            action: "clips.delete",
            fields: &[("id", &id)],
            body: html! { p { "Its URL stops working for everyone who has it. The job stays done and billed. A deleted clip cannot be restored, but a new job can render it again." } },
            confirm: "Delete",
            asks_code: false,
        })))
    })
}

fn no_clip(context: &Context<'_>, any: &AnyJob) -> Markup {
    let job = &any.info.job;
    let frame = frames::latest(context.app, frames::FRAMES).into_iter().find(|frame| frame.job == job.id);
    match (job.status, frame) {
        (JobStatus::Rendering, Some(frame)) => html! {
            div.body { (pictures::picture(&frame, "What the node draws now")) p { (rows::progress(context, any)) } }
        },
        (JobStatus::Queued | JobStatus::Rendering, _) => html! { p.nothing { (rows::progress(context, any)) } },
        (JobStatus::Done, _) => nothing("The clip was deleted."),
        (JobStatus::Failed, _) => match &job.failure {
            Some(failure) => html! { p.nothing { span.bad.mono { (failure.code.as_str()) } br; (failure.message) } },
            None => nothing("The job failed."),
        },
        (JobStatus::Cancelled, _) => nothing("The job was cancelled before it had a clip."),
    }
}

fn facts(context: &Context<'_>, any: &AnyJob) -> Result<Markup> {
    let job = &any.info.job;
    let title = titles::of_job(context.app, job)?;
    let player = job.spec.steam64_id.to_string();
    Ok(html! {
        dl.facts {
            dt { "State" } dd { (job_state(job.status)) }
            dt { "Account" } dd { a href=(query("account", &any.account)) { (any.account) } (class_tag(job.class)) }
            dt { "Player" } dd {
                @if let Some(title) = &title { bdi { (title.player) } " " }
                a.mono href=(query("player", &player)) { (player) }
            }
            dt { "Round" } dd { (job.spec.round) @if let Some(title) = &title { " on " (title.map) } }
            dt { "Picture" } dd { (job.spec.resolution) "p, " (job.spec.fps) " fps, " (job.spec.renderer.as_str()) " renderer" }
            dt { "Demo" } dd { a.small href=(query("demo", &job.spec.demo_url)) title="Jobs of this demo" { (job.spec.demo_url) } }
            @if let Some(node) = &any.node { dt { "Node" } dd { a href=(query("node", node)) { (node) } } }
            dt { "Submitted" } dd { (context.clock(job.created_at_ms)) ", " (context.when(job.created_at_ms)) }
            @if let Some(at_ms) = job.started_at_ms { dt { "Started" } dd { (context.clock(at_ms)) } }
            @if let Some(at_ms) = job.finished_at_ms { dt { "Ended" } dd { (context.clock(at_ms)) } }
            @if let Some(metadata) = &job.spec.metadata { dt { "Metadata" } dd { code { (metadata) } } }
            dt { "Id" } dd.mono.small { (job.public_id) }
        }
    })
}

fn list(context: &Context<'_>, attempts: &[Attempt]) -> Markup {
    html! {
        @if attempts.is_empty() { (nothing("No node has taken this job yet.")) }
        @else { ol.attempts { @for attempt in attempts { (one(context, attempt)) } } }
    }
}

fn one(context: &Context<'_>, attempt: &Attempt) -> Markup {
    let took = human::span(attempt.ended_at_ms.unwrap_or(context.now_ms).saturating_sub(attempt.started_at_ms));
    html! {
        li data-key=(format!("attempt-{}", attempt.lease)) {
            p {
                b { (words(attempt.state)) } " on " a href=(query("node", &attempt.node)) { (attempt.node) }
                span.dim { ", from " (context.clock(attempt.started_at_ms)) ", " (took) }
            }
            @if let Some((code, message)) = &attempt.failure { p { span.bad.mono { (code.as_str()) } " " (message) } }
            @if let Some(log) = &attempt.log {
                details { summary { "Log" } pre { (log) } }
            }
        }
    }
}

fn words(state: LeaseState) -> &'static str {
    match state {
        LeaseState::Live => "Rendering",
        LeaseState::Done => "Done",
        LeaseState::Failed => "Failed",
        LeaseState::Lost => "Lost",
        LeaseState::Cancelled => "Cancelled",
    }
}
