//! The page Health: what doctor found and how to mend it, the certificate, backups, and the disk's trend.

use maud::{Markup, html};

use crate::app::tls;
use crate::app::upkeep::findings::{self, Findings};
use crate::app::upkeep::{health, history};
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
        @if let Err(error) = health::ready(context.app) {
            ul.wants { li { span.bad { (icon(Icon::Bad)) } p { b { "The server takes no work." } " " span.dim { (error.message) } } } }
        }
        @match found {
            None => (nothing("The first examination since the start is under way.")),
            Some(found) => {
                @if found.faults.is_empty() {
                    p.nothing { span.ok { "No fault was found." } " Files, permissions, store, certificate, disk and nodes are sound." }
                }
                ul.wants {
                    @for fault in &found.faults {
                        li data-key=(format!("fault-{}-{}", fault.code, fault.message)) {
                            span.warn { (icon(Icon::Warning)) }
                            p { b { (fault.message) } " " span.dim { (fault.remedy) } " " span.mono.small.dim { (fault.code) } }
                        }
                    }
                }
                p.nothing.dim { "Examined " (context.when(found.at_ms)) ". "
                    code { "dinkem-appliance admin doctor --fix" } " mends what can be mended without loss." }
            }
        }
    }
}

fn certificate(context: &Context<'_>) -> Result<Markup> {
    let shown = tls::shown(context.app.data_dir())?.filter(|_| context.call.authority_pem.is_some());
    Ok(match shown {
        None => nothing("The server uses a certificate of the studio, or plain HTTP. Doctor looks after the former."),
        Some(shown) => html! {
            dl.facts {
                @match &shown.server {
                    Some(server) => {
                        dt { "Valid until" } dd { (context.exact(server.valid_until_ms)) " (" (human::when(context.now_ms, server.valid_until_ms)) "); renewed by itself" }
                        dt { "Names" } dd { (server.names.join(", ")) }
                    },
                    None => { dt { "Server" } dd.bad { "Its files are damaged; a restart of the server makes new ones." } }
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
            @match all.first() {
                None => p { "There is no backup in the data directory. One that was written elsewhere is not known here." },
                Some(last) => p { "The last one in the data directory is from " (context.when(last.made_at_ms)) ". Those written elsewhere are not known here." }
            }
            p.dim { "To make one while the server runs, on another disk:" }
            (copyable("backup-line", "the command", "dinkem-appliance admin backup /mnt/backup/dinkem.tar"))
        }
        @if !all.is_empty() {
            table.stack {
                thead { tr { th { "Backup" } th.r { "Size" } th.r { "Written" } } }
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
    Ok(Done::said("The appliance is examined again; what is found appears here within seconds."))
}
