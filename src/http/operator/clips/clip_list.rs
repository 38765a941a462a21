//! The clips of all accounts, newest first: play, pin, delete.

use maud::{Markup, html};
use uuid::Uuid;

use crate::app::clips::operator::{self, ClipPage, Cursor, StoredClip};
use crate::app::demos::titles;
use crate::app::jobs::operator as jobs;
use crate::domain::clip::Clip;
use crate::domain::error::{Error, Result};
use crate::http::operator::actions::{Done, Fields};
use crate::http::operator::clips::SUBMIT;
use crate::http::operator::context::{Context, Tab};
use crate::http::operator::parts::{action_button, card, changes, copyable, empty, job_link, nothing, pager, question};
use crate::wire::human;

/// Clips on a page.
const CLIPS: u32 = 50;

/// The list, with the filters in the page's address.
pub fn list(context: &Context<'_>) -> Result<Markup> {
    let account = context.query("account");
    let only_pinned = context.query("pinned").is_some();
    let after = context.query("after");
    let cursor = after.as_deref().and_then(Cursor::parse);
    let page = operator::page(context.app, account.as_deref(), only_pinned, cursor, CLIPS)?;
    if page.clips.is_empty() && page.next.is_none() && account.is_none() && !only_pinned && after.is_none() {
        let next = html! {
            p { "Clips are listed here once a node has rendered them. To render the five best rounds of a demo with an account's key:" }
            (copyable("next", "the command", SUBMIT))
        };
        return Ok(empty("No clip yet.", next));
    }
    let body = html! {
        @if page.clips.is_empty() {
            (nothing(if page.next.is_some() { "No match among the clips searched so far." } else { "No clip matches." }))
        } @else {
            table.stack.clips {
                thead { tr { th { span.vh { "Picture" } } th { "Clip" } th { "Account" } th.r { "Length" } th.r { "Size" } th { "Finished" } th { span.vh { "Changes" } } } }
                tbody { @for clip in &page.clips { (row(context, clip)?) } }
            }
        }
        (rest(context, &page))
    };
    Ok(card("full", "clips", "Clips", &html! { span.dim { "newest first" } }, &body))
}

/// The link to what follows.
fn rest(context: &Context<'_>, page: &ClipPage) -> Markup {
    let next = page.next.map(|cursor| context.with_query(Tab::Clips, "after", Some(&cursor.to_string())));
    html! {
        @match page.searched_to_ms {
            Some(at_ms) => {
                p.nothing.dim { "Searched the clips finished since " (context.exact(at_ms)) "." }
                (pager(next.as_deref(), "Search older clips"))
            }
            None => (pager(next.as_deref(), "Older clips")),
        }
    }
}

fn row(context: &Context<'_>, stored: &StoredClip) -> Result<Markup> {
    let StoredClip { job, account, is_pinned } = stored;
    let Some(clip) = &job.clip else { return Ok(html! {}) };
    let title = titles::of_job(context.app, job)?;
    let player = title.map_or_else(|| job.spec.steam64_id.to_string(), |title| title.player);
    let title = format!("{player}, round {}", job.spec.round);
    let id = job.public_id.to_string();
    let (fields, dialog) = ([("id", id.as_str())], format!("play-{}", job.id));
    let has_poster = operator::has_poster(context.app, clip);
    let path = |ending: &str| format!("/clips/{}.{ending}", clip.token.reveal());
    let poster = has_poster.then(|| path("jpg"));
    let of_account = context.with_query(Tab::Clips, "account", Some(account));
    Ok(html! {
        tr data-key=(format!("clip-{id}")) {
            td.pic {
                button.shot type="button" data-opens=(dialog) aria-label=(format!("Play {title}")) {
                    @match &poster {
                        Some(path) => { img.poster src=(path) alt="" loading="lazy" width="96" height="54"; }
                        None => { span.poster {} }
                    }
                }
                (player_dialog(&dialog, &title, clip, poster.as_deref(), job.public_id))
            }
            td.c {
                (title) @if *is_pinned { " " span.tag.res { "pinned" } }
                br; span.small.dim { (job_link(job.public_id)) " · " (clip.video.height) "p" (clip.video.fps) }
            }
            td.c { a href=(of_account) { (account) } }
            td.c.r data-l="length" { (human::footage(clip.video.duration_ms)) }
            td.c.r data-l="size" { (human::size(clip.bytes)) }
            td.c.nowrap { (context.when_any(job.finished_at_ms)) }
            td.c.w.act {
                (changes(context, html! {
                    div.buttons {
                        @if *is_pinned { (action_button("clips.unpin", &fields, "Unpin", "")) }
                        @else { (action_button("clips.pin", &fields, "Pin", "")) }
                        (action_button("clips.ask_delete", &fields, "Delete…", "danger"))
                    }
                }))
            }
        }
    })
}

/// The clip, which is loaded once it is played.
fn player_dialog(id: &str, title: &str, clip: &Clip, poster: Option<&str>, job: Uuid) -> Markup {
    let video = format!("/clips/{}.mp4", clip.token.reveal());
    let heading = format!("{id}-title");
    html! {
        dialog.wide id=(id) aria-labelledby=(heading) {
            div.stack {
                h2 id=(heading) { (title) }
                video controls playsinline preload="none" poster=[poster] src=(video) {}
                div.buttons {
                    a.btn href=(format!("/operator/jobs/{job}")) { "Its job" }
                    button.btn type="button" data-closes { "Close" }
                }
            }
        }
    }
}

/// `clips.pin`.
pub fn pin(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    set_pinned(context, fields, true)
}

/// `clips.unpin`.
pub fn unpin(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    set_pinned(context, fields, false)
}

fn set_pinned(context: &Context<'_>, fields: &Fields, is_pinned: bool) -> Result<Done> {
    let id = id_of(fields)?;
    operator::pin(context.app, context.operator(), id, is_pinned)?;
    let (message, undo) = match is_pinned {
        true => ("Pinned: no retention rule deletes this clip.", "clips.unpin"),
        false => ("Unpinned: retention rules apply to this clip again.", "clips.pin"),
    };
    Ok(Done::said(message).undone_by(undo, vec![("id", id.to_string())]))
}

/// `clips.ask_delete`: says what is lost, and asks.
pub fn ask_delete(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let id = id_of(fields)?;
    let job = jobs::show(context.app, id)?;
    let clip = job.info.job.clip.as_ref().ok_or_else(|| Error::not_found("This job no longer has a clip."))?;
    let body = html! {
        p {
            "Player " (job.info.job.spec.steam64_id) ", round " (job.info.job.spec.round) ", of " b { (job.account) } ": "
            (human::footage(clip.video.duration_ms)) ", " (human::size(clip.bytes)) "."
        }
        p { "The clip's URL stops working for everyone who has it. The job stays done and billed. This cannot be undone." }
    };
    let show = question("clips.delete", "Delete this clip?", &[("id", &id.to_string())], &body, "Delete clip");
    Ok(Done::shown("", show))
}

/// `clips.delete`.
pub fn delete(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    operator::delete(context.app, context.operator(), id_of(fields)?)?;
    Ok(Done::said("Clip deleted."))
}

fn id_of(fields: &Fields) -> Result<Uuid> {
    Uuid::try_parse(fields.text("id")?).map_err(|_| Error::invalid("id", "id must be a job's id."))
}
