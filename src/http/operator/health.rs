//! The page Health: what doctor found and how to fix it, the certificate, backups, and the disk's trend.

use maud::{Markup, html};

use crate::app::tls;
use crate::app::upkeep::findings::{self, Findings};
use crate::app::upkeep::{backup, health, history, promote};
use crate::domain::error::Result;
use crate::http::operator::actions::{Action, Done, Fields};
use crate::http::operator::charts;
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::parts::{Icon, action_button, card, changes, copyable, icon, nothing};
use crate::wire::human;

/// Backups that are listed.
const BACKUPS: usize = 5;

/// The page's actions.
pub const ACTIONS: &[Action] = &[Action::new("health.look_again", look_again)];

/// The page.
pub fn view(context: &Context<'_>) -> Result<View> {
    let found = findings::latest(context.app);
    let again = changes(context, action_button("health.look_again", &[], "Look again", ""));
    let trend = history::disk_trend(context.app)?;
    let body = html! {
        (card("full", "findings", "What doctor found", &again, &list(context, found.as_ref())))
        (card("c7 grow", "disk", "The disk", &html! { a href=(Tab::Storage.path()) { "Storage" } }, &charts::disk(context, &trend)))
        (card("c5", "certificate", "Certificate", &html! {}, &certificate(context)?))
        (card("full", "backups", "Backups", &html! {}, &backups(context)?))
    };
    Ok(View { tab: Tab::Health, heading: Tab::Health.label().to_owned(), body })
}

fn list(context: &Context<'_>, found: Option<&Findings>) -> Markup {
    html! {
        @if let Err(error) = health::known(context.app) {
            ul.wants { li { span.bad { (icon(Icon::Bad)) } p { b { "The server is not accepting work." } " " span.dim { (error.message) } } } }
        }
        @match found {
            None => (nothing("The first check since the server started is in progress.")),
            Some(found) => {
                @if found.faults.is_empty() {
                    p.nothing { span.ok { "No problems found." } " Files, permissions, store, certificate, disk and nodes are fine." }
                }
                ul.wants {
                    @for fault in &found.faults {
                        li data-key=(format!("fault-{}-{}", fault.code, fault.message)) {
                            span.warn { (icon(Icon::Warning)) }
                            p { b { (fault.message) } " " span.dim { (fault.remedy) } " " span.mono.small.dim { (fault.code) } }
                        }
                    }
                }
                @for lost in promote::lost_windows(context.app) {
                    p.nothing {
                        "This store took the place of another " (context.when(lost.until_ms)) ": jobs accepted between "
                        (context.exact(lost.from_ms)) " and " (context.exact(lost.until_ms)) " may be lost. Clients that ask for one "
                        "get " code { "lost_in_failover" } "."
                    }
                }
                p.nothing.dim { "Checked " (context.when(found.at_ms)) ". "
                    code { "dinkem-appliance admin doctor --fix" } " fixes what can be fixed without losing data." }
            }
        }
    }
}

fn certificate(context: &Context<'_>) -> Result<Markup> {
    let shown = tls::shown(context.app.data_dir())?.filter(|_| context.call.authority_pem.is_some());
    Ok(match shown {
        None => nothing("The server uses the studio's own certificate, which doctor checks, or plain HTTP."),
        Some(shown) => html! {
            dl.facts {
                @match &shown.server {
                    Some(server) => {
                        dt { "Valid until" } dd { (context.exact(server.valid_until_ms)) " (" (human::when(context.now_ms, server.valid_until_ms)) "); renewed automatically" }
                        dt { "Names" } dd { (server.names.join(", ")) }
                    },
                    None => { dt { "Server" } dd.bad { "Its files are damaged. Restart the server to create new ones." } }
                }
                dt { "CA until" } dd { (context.exact(shown.valid_until_ms)) }
                dt { "CA SHA-256" } dd.mono.small { (shown.fingerprint) }
                dt { "For clients" } dd { code { (context.call.base.url("/ca.pem")) } }
            }
        },
    })
}

fn backups(context: &Context<'_>) -> Result<Markup> {
    let all = findings::backups(context.app)?;
    Ok(html! {
        div.body {
            @match backup::last(context.app)? {
                Some(last) => p { "The last one was made " (context.when(last.at_ms)) " by " (last.actor) ": " code { (last.subject) } " (" (last.details) ")." },
                None => p.warn { "No backup was made yet, or not for a long time." },
            }
            p.dim { "To back up to another disk while the server runs:" }
            (copyable("backup-line", "the command", "dinkem-appliance admin backup /mnt/backup/dinkem.tar"))
        }
        @if !all.is_empty() {
            table.stack {
                thead { tr { th { "In the data directory" } th.r { "Size" } th.r { "Written" } } }
                tbody {
                    @for backup in all.iter().take(BACKUPS) {
                        tr data-key=(format!("backup-{}", backup.name)) {
                            td.w { (backup.name) } td { (human::size(backup.bytes)) } td.r { (context.when(backup.made_at_ms)) }
                        }
                    }
                }
            }
        }
    })
}

fn look_again(context: &Context<'_>, _: &Fields) -> Result<Done> {
    findings::look_again(context.app);
    Ok(Done::said("Checking again; the results appear here within seconds."))
}
