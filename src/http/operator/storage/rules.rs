//! Retention rules: what they would delete now, set, remove.

use maud::{Markup, html};

use crate::app::upkeep::retention;
use crate::app::upkeep::storage::{self, Measured};
use crate::domain::error::{Error, Result};
use crate::domain::retention::{Doomed, Kind, Limits, Rule};
use crate::http::operator::account_field::account_field;
use crate::http::operator::actions::{Done, Fields};
use crate::http::operator::context::Context;
use crate::http::operator::parts::{Dialog, action_button, card, changes, dialog, field, nothing, opener, select};
use crate::wire::retention as words;

/// The kinds to choose from, and what the age of each counts from.
const KINDS: [(&str, &str); 3] = [
    ("clips", "clips, by age since they were finished"),
    ("demos", "uploaded demos, by age since they were last used"),
    ("jobs", "rows of finished jobs, by age since they were submitted"),
];

/// The card. What the rules would delete is as last measured.
pub fn rules(context: &Context<'_>, measured: Option<&Measured>) -> Result<Markup> {
    let rules = retention::rules(context.app)?;
    let more = changes(context, opener("set-rule", "Set a rule…", ""));
    let body = html! {
        @if rules.is_empty() {
            (nothing("No rules: nothing is deleted by age or size."))
        } @else {
            table.stack.rules {
                thead { tr { th { "What" } th { "Account" } th { "Keeps" } th { "Goes now" } th { span.vh { "Changes" } } } }
                tbody { @for (rule, account) in &rules { (row(context, rule, account.as_deref(), measured)) } }
            }
        }
        (changes(context, set_dialog(context)?))
    };
    Ok(card("full", "rules", "Retention rules", &more, &body))
}

fn row(context: &Context<'_>, rule: &Rule, account: Option<&str>, measured: Option<&Measured>) -> Markup {
    let doomed = measured.and_then(|measured| measured.rules.iter().find(|shown| shown.rule == *rule));
    let fields = [("kind", rule.kind.as_str()), ("account", account.unwrap_or_default())];
    html! {
        tr data-key=(format!("rule-{}-{}", rule.kind.as_str(), account.unwrap_or_default())) {
            td { (rule.kind.as_str()) }
            td { @match account { Some(name) => (name), None => { span.dim { "all accounts" } } } }
            td.w { (words::in_words(account.is_some(), Some(rule.limits))) }
            td.w data-l="goes now" {
                @match doomed {
                    Some(shown) if shown.doomed.count == 0 => { span.dim { "nothing" } }
                    Some(shown) => (words::would_delete(rule.kind, &shown.doomed, context.now_ms)),
                    None => { span.dim { "being counted" } }
                }
            }
            td.w.act { (changes(context, action_button("storage.remove_rule", &fields, "Remove", ""))) }
        }
    }
}

fn set_dialog(context: &Context<'_>) -> Result<Markup> {
    let body = html! {
        (field("rule-kind", "Delete", select("rule-kind", "kind", &KINDS, "")))
        (account_field(context, "rule-account", "")?)
        p.hint { "An account's own rule applies instead of the one for all accounts." }
        (field("rule-age", "Maximum age in days", html! { input #rule-age name="max_age" autocomplete="off" placeholder="90"; }))
        (field("rule-size", "Maximum size in GB", html! { input #rule-size name="max_bytes" autocomplete="off" placeholder="500"; }))
        div { input #rule-keep type="checkbox" name="keep" value="1"; " " label for="rule-keep" { "Keep everything" } }
        p.hint { "The oldest are deleted first. Pinned clips, demos that an unfinished job needs and jobs with a clip are never deleted. The next step shows what would go now." }
    };
    Ok(dialog(&Dialog {
        id: "set-rule",
        title: "Set a retention rule",
        action: "storage.preview",
        fields: &[],
        body,
        confirm: "Show what would go",
        asks_code: false,
    }))
}

/// `storage.preview`: shows what a rule would delete now, and asks whether to set it.
pub fn preview(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (kind, account) = scope(fields)?;
    let limits = typed_limits(fields, account)?;
    let doomed = retention::preview(context.app, kind, account, limits)?;
    Ok(Done::shown("", confirmation(context, kind, account, limits, &doomed, "storage.set_rule")))
}

/// The limits as typed: a number alone is days or GB. `None` removes the rule for all accounts.
fn typed_limits(fields: &Fields, account: Option<&str>) -> Result<Option<Limits>> {
    let typed = |name: &str, unit: &str| {
        let text = fields.optional(name)?.trim();
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        Some(if is_number { format!("{text}{unit}") } else { text.to_owned() })
    };
    let (age, size) = (typed("max_age", "d"), typed("max_bytes", "GB"));
    let is_set = age.is_some() || size.is_some();
    match (fields.optional("keep"), is_set) {
        (Some(_), true) => Err(Error::invalid("keep", "Choose either limits or to keep everything, not both.")),
        (Some(_), false) => Ok(account.map(|_| Limits::default())),
        (None, false) => {
            Err(Error::invalid("max_age", "Enter a maximum age or a maximum size, or choose to keep everything."))
        }
        (None, true) => {
            let wrong = |field: &'static str, what: &'static str| {
                move |why: String| Error::invalid(field, format!("{what}: {why}."))
            };
            let age = age.map(|text| words::age(&text).map_err(wrong("max_age", "Maximum age"))).transpose()?;
            let max_bytes =
                size.map(|text| words::size(&text).map_err(wrong("max_bytes", "Maximum size"))).transpose()?;
            let max_age_ms = age.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
            Ok(Some(Limits { max_age_ms, max_bytes }))
        }
    }
}

fn confirmation(
    context: &Context<'_>,
    kind: Kind,
    account: Option<&str>,
    limits: Option<Limits>,
    doomed: &Doomed,
    action: &str,
) -> Markup {
    let whose = account.map_or_else(|| "all accounts".to_owned(), |name| format!("account {name}"));
    let verb = if kind == Kind::Jobs { "archives" } else { "deletes" };
    html! {
        form.stack data-action=(action) {
            h2 #result-title { @if limits.is_some() { "Set this rule?" } @else { "Remove the rule?" } }
            p { (kind.as_str()) " of " b { (whose) } ": " (words::in_words(account.is_some(), limits)) "." }
            @if doomed.count == 0 {
                p { "Nothing goes now." }
            } @else {
                p.bad { b { "This " (verb) " " (words::would_delete(kind, doomed, context.now_ms)) ", within a minute." } }
                @if kind == Kind::Jobs { p.dim { "The jobs are written to the archive first. Bills and usage stay as they are." } }
                @else { p.dim { "Undoing the rule does not restore what was deleted." } }
            }
            @for (name, value) in rule_fields(kind, account, limits) { input type="hidden" name=(name) value=(value); }
            input type="hidden" name="sure" value="1";
            p.error role="alert" {}
            div.buttons {
                button.btn type="button" data-closes { "Cancel" }
                button.btn.main[doomed.count == 0].danger[doomed.count > 0] type="submit" {
                    @if limits.is_some() { "Set rule" } @else { "Remove rule" }
                }
            }
        }
    }
}

/// `storage.set_rule`: with exact limits, as the preview or an undo sends them.
pub fn set_rule(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (kind, account) = scope(fields)?;
    set(context, kind, account, exact_limits(fields)?)
}

/// `storage.remove_rule`: at once, unless another rule then deletes something.
pub fn remove_rule(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (kind, account) = scope(fields)?;
    if fields.optional("sure").is_none() {
        let doomed = retention::preview(context.app, kind, account, None)?;
        if doomed.count > 0 {
            return Ok(Done::shown("", confirmation(context, kind, account, None, &doomed, "storage.remove_rule")));
        }
    }
    set(context, kind, account, None)
}

fn set(context: &Context<'_>, kind: Kind, account: Option<&str>, limits: Option<Limits>) -> Result<Done> {
    let before = retention::limits(context.app, kind, account)?;
    retention::set(context.app, context.operator(), kind, account, limits)?;
    storage::outdate(context.app);
    let message = match limits {
        Some(_) => "Rule set. The server applies it within a minute.",
        None => "Rule removed.",
    };
    let undo = rule_fields(kind, account, before);
    Ok(Done::said(message).undone_by("storage.set_rule", undo))
}

/// A rule as the fields of `storage.set_rule`.
fn rule_fields(kind: Kind, account: Option<&str>, limits: Option<Limits>) -> Vec<(&'static str, String)> {
    let mut fields = vec![("kind", kind.as_str().to_owned())];
    fields.extend(account.map(|name| ("account", name.to_owned())));
    if let Some(limits) = limits {
        fields.extend(limits.max_age_ms.map(|age| ("max_age_ms", age.to_string())));
        fields.extend(limits.max_bytes.map(|bytes| ("most_bytes", bytes.to_string())));
        if limits.are_none() {
            fields.push(("keep", "1".to_owned()));
        }
    }
    fields
}

/// The reverse of [`rule_fields`].
fn exact_limits(fields: &Fields) -> Result<Option<Limits>> {
    let wrong = |field: &'static str| Error::invalid(field, format!("{field} must be a number."));
    let limits = Limits {
        max_age_ms: fields.optional("max_age_ms").map(str::parse).transpose().map_err(|_| wrong("max_age_ms"))?,
        max_bytes: fields.optional("most_bytes").map(str::parse).transpose().map_err(|_| wrong("most_bytes"))?,
    };
    Ok((!limits.are_none() || fields.optional("keep").is_some()).then_some(limits))
}

fn scope(fields: &Fields) -> Result<(Kind, Option<&str>)> {
    let kind = Kind::parse(fields.text("kind")?);
    let kind = kind.ok_or_else(|| Error::invalid("kind", "kind must be clips, demos or jobs."))?;
    Ok((kind, fields.optional("account").map(str::trim)))
}
