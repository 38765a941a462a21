//! An account's webhook: where its events go, the private hosts that it may reach, and its latest deliveries.

use maud::{Markup, html};
use uuid::Uuid;

use crate::app::webhooks::operator::{self, Overview};
use crate::domain::delivery::{Delivery, DeliveryState};
use crate::domain::error::{Error, Result};
use crate::domain::webhook::{AllowedHost, Webhook};
use crate::http::operator::actions::{Action, Done, Fields};
use crate::http::operator::context::Context;
use crate::http::operator::parts::{
    Dialog, action_button, card, changes, copyable, dialog, field, job_link, nothing, opener,
};
use crate::wire::human;

/// Deliveries that are listed.
const DELIVERIES: u32 = 20;

/// The actions.
pub const ACTIONS: &[Action] = &[
    Action::confirmed("webhook.set", set),
    Action::new("webhook.enable", enable),
    Action::new("webhook.remove", remove),
    Action::new("webhook.test", test),
    Action::new("webhook.replay", replay),
    Action::new("webhook.allow", allow),
    Action::new("webhook.disallow", disallow),
];

/// The part of an account's page.
pub fn part(context: &Context<'_>, name: &str) -> Result<Markup> {
    let found = operator::show(context.app, name, DELIVERIES)?;
    let id = &*found.account.public_id.to_string();
    let webhook = found.webhook.as_ref();
    let buttons = changes(
        context,
        html! {
            @if let Some(webhook) = webhook {
                @if webhook.disabled.is_some() { (action_button("webhook.enable", &[("account", id)], "Enable again", "main")) }
                @else { (action_button("webhook.test", &[("account", id)], "Send a test", "")) }
                (opener("set-webhook", "Change…", ""))
                (opener("remove-webhook", "Remove…", "danger"))
            } @else { (opener("set-webhook", "Set…", "")) }
        },
    );
    let body = html! {
        (facts(context, &found))
        @if found.deliveries.is_empty() { (nothing("No deliveries in the last 30 days.")) }
        @else { (deliveries(context, &found)) }
    };
    Ok(html! {
        (card("full", "webhook", "Webhook", &buttons, &body))
        (changes(context, dialogs(id, webhook)))
    })
}

fn facts(context: &Context<'_>, found: &Overview) -> Markup {
    let id = &*found.account.public_id.to_string();
    html! {
        dl.facts {
            dt { "URL" }
            dd { @match &found.webhook { Some(webhook) => (webhook.url), None => { "none: its clients poll for job status instead" } } }
            @if let Some(webhook) = &found.webhook {
                dt { "State" } dd { (state(context, webhook)) }
                @if let Some((_, until_ms)) = webhook.old_secret.as_ref().filter(|(_, until_ms)| *until_ms > context.now_ms) {
                    dt { "Old secret" } dd { "also signs until " (context.clock(*until_ms)) }
                }
            }
            dt { "Private hosts" }
            dd {
                div.hosts {
                    @if found.hosts.is_empty() { span { "none: public hosts only" } }
                    @for host in &found.hosts {
                        @let host = host.shown();
                        div data-key=(format!("host-{host}")) {
                            span.mono { (host) } " "
                            (changes(context, action_button("webhook.disallow", &[("account", id), ("host", &host)], "Take back", "")))
                        }
                    }
                    (changes(context, opener("allow-host", "Allow a private host…", "")))
                }
            }
        }
    }
}

fn state(context: &Context<'_>, webhook: &Webhook) -> Markup {
    html! {
        @match (&webhook.disabled, &webhook.failing) {
            (Some(disabled), _) => { span.bad { "disabled " (context.when(disabled.at_ms)) } br; (disabled.because) },
            (None, Some(run)) => { span.warn { "failing since " (context.clock(run.since_ms)) } },
            (None, None) => { span.ok { "enabled" } },
        }
    }
}

fn deliveries(context: &Context<'_>, found: &Overview) -> Markup {
    let can_replay = found.webhook.as_ref().is_some_and(|webhook| webhook.disabled.is_none());
    html! {
        table.stack {
            thead { tr { th { "Delivery" } th { "Event" } th { "State" } th.r { "Attempts" } th { "Response" } th { "When" } th { span.vh { "Replay" } } } }
            tbody { @for delivery in &found.deliveries { (row(context, delivery, can_replay)) } }
        }
    }
}

fn row(context: &Context<'_>, delivery: &Delivery, can_replay: bool) -> Markup {
    let id = delivery.public_id.to_string();
    let class = match delivery.state {
        DeliveryState::Pending => "busy",
        DeliveryState::Delivered => "ok",
        DeliveryState::Failed => "bad",
    };
    let last = delivery.last.as_ref();
    html! {
        tr data-key=(format!("delivery-{id}")) {
            td.mono title=(id) { (human::short(delivery.public_id)) }
            td { (delivery.event.as_str()) @if let Some((_, job)) = delivery.job { " " (job_link(job)) } }
            td.nowrap {
                span.(class) { (delivery.state.as_str()) }
                @if let Some(next) = delivery.next_at_ms.filter(|next| delivery.attempts > 0 && *next > context.now_ms) {
                    br; span.dim.small { "retry " (context.when(next)) }
                }
            }
            td.r data-l="attempts" { (delivery.attempts) }
            td.w {
                @if let Some(attempt) = last {
                    @if let Some(status) = attempt.status { (status) " " }
                    @if let Some(error) = &attempt.error { span.dim { (error) } }
                } @else { "–" }
            }
            td.nowrap { (context.when(delivery.at_ms)) }
            td { @if can_replay { (changes(context, action_button("webhook.replay", &[("delivery", &id)], "Replay", ""))) } }
        }
    }
}

fn dialogs(id: &str, webhook: Option<&Webhook>) -> Markup {
    html! {
        (dialog(&Dialog {
            id: "set-webhook",
            title: if webhook.is_some() { "Change the webhook" } else { "Set the webhook" },
            action: "webhook.set",
            fields: &[("account", id)],
            body: html! {
                (field("webhook-url", "URL that receives a signed request when a job ends", html! {
                    input #webhook-url type="url" name="url" required value=[webhook.map(|webhook| &webhook.url)] placeholder="https://example.com/hooks/clips" autocomplete="off" spellcheck="false";
                }))
                @if webhook.is_some() {
                    label { input type="checkbox" name="rotate" value="yes"; " Replace the secret; events are also signed with the old one for 24 hours" }
                } @else {
                    p.hint { "The secret, with which the receiver checks signatures, is shown once." }
                }
            },
            confirm: "Set the webhook",
            asks_code: true,
        }))
        (dialog(&Dialog {
            id: "allow-host",
            title: "Allow a private host",
            action: "webhook.allow",
            fields: &[("account", id)],
            body: html! {
                (field("private-host", "Host name, address, or network in CIDR notation", html! {
                    input #private-host name="host" required placeholder="hooks.lan" autocomplete="off" spellcheck="false";
                }))
                p.hint { "The account's webhook may then send requests into your own network." }
            },
            confirm: "Allow",
            asks_code: false,
        }))
        @if webhook.is_some() {
            (dialog(&Dialog {
                id: "remove-webhook",
                title: "Remove the webhook?",
                action: "webhook.remove",
                fields: &[("account", id)],
                body: html! { p { "Its URL and secret are deleted, and pending events are dropped." } },
                confirm: "Remove",
                asks_code: false,
            }))
        }
    }
}

fn set(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (name, url) = (fields.text("account")?, fields.text("url")?);
    let needs_permission = operator::needs_permission(context.app, name, url)?;
    let rotates = fields.optional("rotate").is_some();
    let set = operator::set(context.app, context.operator(), name, url.to_owned(), rotates)?;
    let mut said = "The webhook is set.".to_owned();
    if needs_permission {
        said += " Its address is private, or the appliance's own: allow it under \"Private hosts\".";
    }
    let Some(secret) = set.secret else { return Ok(Done::said(said)) };
    let show = html! {
        div.stack {
            h2 id="result-title" { "The webhook's secret" }
            (copyable("webhook-secret", "the secret", secret.reveal()))
            p { "The receiver needs it to check the signatures. Copy it now: it is not shown again." }
            @if needs_permission { p.warn { (said) } }
            div.buttons { button.btn.main type="button" data-closes { "Close" } }
        }
    };
    Ok(Done::shown(said, show))
}

/// A disabled webhook is enabled by setting it again; an existing one keeps its secret.
fn enable(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let name = fields.text("account")?;
    let webhook = operator::show(context.app, name, 0)?.webhook;
    let webhook = webhook.ok_or_else(|| Error::not_found("The account has no webhook."))?;
    operator::set(context.app, context.operator(), name, webhook.url, false)?;
    Ok(Done::said("The webhook is enabled. Pending events are sent now."))
}

fn remove(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    operator::remove(context.app, context.operator(), fields.text("account")?)?;
    Ok(Done::said("The webhook is removed."))
}

fn test(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    operator::test(context.app, context.operator(), fields.text("account")?)?;
    Ok(Done::said("A test event is being sent. Its outcome appears among the deliveries."))
}

fn replay(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let id = Uuid::try_parse(fields.text("delivery")?);
    let id = id.map_err(|_| Error::invalid("delivery", "delivery must be a UUID."))?;
    let delivery = operator::replay(context.app, context.operator(), id)?;
    Ok(Done::said(format!("The event {} is sent again.", delivery.event.as_str())))
}

fn allow(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (name, host) = (fields.text("account")?, AllowedHost::parse(fields.text("host")?)?);
    let shown = host.shown();
    operator::allow(context.app, context.operator(), name, host)?;
    let back = vec![("account", name.to_owned()), ("host", shown.clone())];
    Ok(Done::said(format!("The webhook may reach {shown}.")).undone_by("webhook.disallow", back))
}

fn disallow(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (name, host) = (fields.text("account")?, AllowedHost::parse(fields.text("host")?)?);
    let shown = host.shown();
    operator::disallow(context.app, context.operator(), name, host)?;
    let back = vec![("account", name.to_owned()), ("host", shown.clone())];
    Ok(Done::said(format!("The webhook may no longer reach {shown}.")).undone_by("webhook.allow", back))
}
