//! An account's keys: mint, rotate, revoke, and whose a leaked one is. New keys are shown once.

use std::time::Duration;

use maud::{Markup, html};

use crate::app::accounts::{NewKeys, keys};
use crate::domain::account::{Account, AccountStatus};
use crate::domain::error::{Error, Result};
use crate::domain::id::KeyId;
use crate::domain::key::{KEY_OVERLAP_SECONDS, KeyClass, KeyInfo};
use crate::http::operator::accounts::status;
use crate::http::operator::actions::{Action, Done, Fields};
use crate::http::operator::context::Context;
use crate::http::operator::parts::{
    Dialog, card, changes, class_tag, copyable, dialog, field, nothing, opener, select,
};
use crate::wire::{amounts, human};

/// Keys that are listed, the newest; live ones come first.
const KEYS: usize = 50;

/// The actions.
pub const ACTIONS: &[Action] = &[
    Action::confirmed("keys.mint", mint),
    Action::confirmed("keys.rotate", rotate),
    Action::new("keys.revoke", revoke),
    Action::new("keys.identify", identify),
];

/// How long a rotated key may stay valid.
const OVERLAPS: [(&str, &str); 5] = [
    ("0s", "is refused immediately"),
    ("1h", "stays valid for an hour"),
    ("24h", "stays valid for a day"),
    ("7d", "stays valid for a week"),
    ("30d", "stays valid for 30 days"),
];

/// The part of an account's page.
pub fn part(context: &Context<'_>, account: &Account) -> Result<Markup> {
    let mut all = keys::list(context.app, &account.name)?;
    let is_live = |key: &KeyInfo| key.is_live(context.now_ms);
    all.sort_by_key(|key| (!is_live(key), std::cmp::Reverse(key.id.0)));
    all.truncate(KEYS);
    let lacks_one = KeyClass::ALL.iter().any(|class| !all.iter().any(|key| is_live(key) && key.class == *class));
    let can_rotate = all.iter().any(is_live);
    let buttons = changes(
        context,
        html! {
            @if can_rotate { (opener("rotate", "Rotate…", "")) }
            @if lacks_one { (opener("mint", "New keys…", "")) }
        },
    );
    let body = html! {
        @if all.is_empty() { (nothing("It has no keys, so it cannot submit jobs yet.")) }
        @else {
            table.stack {
                thead { tr { th { "Key" } th { "Class" } th { "Created" } th { "Last used" } th { "State" } } }
                tbody { @for key in &all { (row(context, key)) } }
            }
        }
    };
    Ok(html! {
        (card("full", "keys", "Keys", &buttons, &body))
        (changes(context, html! {
            (mint_dialog(account))
            (rotate_dialog(account, &all, context.now_ms))
            @for key in all.iter().filter(|key| is_live(key)) { (revoke_dialog(key)) }
        }))
    })
}

fn row(context: &Context<'_>, key: &KeyInfo) -> Markup {
    let is_live = key.is_live(context.now_ms);
    html! {
        tr data-key=(format!("key-{}", key.id)) {
            td { (key.id) " " span.mono.dim { (key.fingerprint) } }
            td { @if key.class == KeyClass::Reserved { (class_tag(key.class)) } @else { (key.class.as_str()) } }
            td data-l="created" { (context.when(key.created_at_ms)) }
            td data-l="used" { @match key.used_at_ms { Some(at_ms) => (context.when(at_ms)), None => "never" } }
            td.w {
                @match key.revoked_at_ms {
                    Some(end) if is_live => { span.warn { "valid until " (context.clock(end)) } " " },
                    Some(end) => { span.dim { "revoked " (context.when(end)) } },
                    None => { span.ok { "live" } " " },
                }
                @if is_live { (changes(context, opener(&format!("revoke-{}", key.id), "Revoke…", "danger"))) }
            }
        }
    }
}

fn mint_dialog(account: &Account) -> Markup {
    dialog(&Dialog {
        id: "mint",
        title: "New keys",
        action: "keys.mint",
        fields: &[("account", &account.public_id.to_string())],
        body: html! { p { "Creates a key of each class that has no live key. Keys are shown once: the appliance stores only their hashes." } },
        confirm: "Make keys",
        asks_code: true,
    })
}

fn rotate_dialog(account: &Account, all: &[KeyInfo], now_ms: i64) -> Markup {
    let has = |class: KeyClass| all.iter().any(|key| key.class == class && key.is_live(now_ms));
    let classes: Vec<_> = [KeyClass::Metered, KeyClass::Reserved]
        .into_iter()
        .filter(|class| has(*class))
        .map(|class| (class.as_str(), class.as_str()))
        .collect();
    dialog(&Dialog {
        id: "rotate",
        title: "Rotate a key",
        action: "keys.rotate",
        fields: &[("account", &account.public_id.to_string())],
        body: html! {
            (field("rotate-class", "Key", select("rotate-class", "class", &classes, "")))
            (field("rotate-overlap", "The old key", select("rotate-overlap", "overlap", &OVERLAPS, "24h")))
            p.hint { "The new key is shown once: the appliance stores only its hash." }
        },
        confirm: "Rotate",
        asks_code: true,
    })
}

fn revoke_dialog(key: &KeyInfo) -> Markup {
    let id = key.id.to_string();
    dialog(&Dialog {
        id: &format!("revoke-{id}"),
        title: &format!("Revoke key {id}?"),
        action: "keys.revoke",
        fields: &[("key", &id)],
        body: html! {
            p { "The next request with this " (key.class.as_str()) " key (fingerprint " span.mono { (key.fingerprint) } ") is refused, permanently. Jobs submitted with it continue." }
        },
        confirm: "Revoke",
        asks_code: false,
    })
}

/// The part of the page Accounts that tells whose a key is.
pub fn identify_card() -> Markup {
    card(
        "full",
        "identify",
        "Whose key is this?",
        &html! {},
        &html! {
            form.body data-action="keys.identify" {
                (field("leaked", "A key that was found somewhere", html! {
                    input #leaked type="password" name="key" required autocomplete="off" spellcheck="false" aria-describedby="leaked-how";
                }))
                p.hint #leaked-how { "It is neither shown nor stored. The result opens the account, where the key can be revoked." }
                p.error role="alert" {}
                div.buttons { button.btn type="submit" { "Find its account" } }
            }
        },
    )
}

/// New keys, for a dialog that shows them once. `note`: what became of the old key.
pub fn shown_once(account: &Account, new: &NewKeys, note: Option<&str>) -> Markup {
    let keys = [("metered", &new.metered), ("reserved", &new.reserved)];
    html! {
        div.stack {
            h2 id="result-title" { "Keys of " (account.name) }
            @for (class, key) in keys {
                @if let Some(key) = key {
                    p { b { "The " (class) " key" } }
                    (copyable(&format!("new-{class}-key"), &format!("the {class} key"), key.reveal()))
                }
            }
            p { "Copy it now: it is not shown again, because the appliance stores only its hash." }
            @if account.status != AccountStatus::Active { p.warn { "It is refused until the account is activated." } }
            @if let Some(note) = note { p { (note) } }
            div.buttons { button.btn.main type="button" data-closes { "Close" } }
        }
    }
}

fn mint(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (account, new) = keys::mint(context.app, context.operator(), fields.text("account")?)?;
    Ok(Done::shown("Keys created.", shown_once(&account, &new, None)))
}

fn rotate(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let class = KeyClass::parse(fields.text("class")?);
    let class = class.ok_or_else(|| Error::invalid("class", "class must be metered or reserved."))?;
    let longest = Duration::from_secs(KEY_OVERLAP_SECONDS);
    let overlap = amounts::duration(fields.text("overlap")?).filter(|overlap| *overlap <= longest);
    let overlap = overlap.ok_or_else(|| Error::invalid("overlap", "overlap must be like 24h or 7d, at most 90d."))?;
    let (account, new) = keys::rotate(context.app, context.operator(), fields.text("account")?, class, overlap)?;
    let note = match i64::try_from(overlap.as_millis()) {
        Ok(0) => format!("The old {} key is refused from now on.", class.as_str()),
        ms => format!("The old {} key stays valid for {}.", class.as_str(), human::span(ms.unwrap_or(i64::MAX))),
    };
    Ok(Done::shown("Key rotated.", shown_once(&account, &new, Some(&note))))
}

fn revoke(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let id = fields.text("key")?.parse().map_err(|_| Error::invalid("key", "key must be a number."))?;
    let key = keys::revoke(context.app, context.operator(), KeyId(id))?;
    Ok(Done::said(format!("Key {} ({}) is revoked.", key.id, key.class.as_str())))
}

fn identify(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (account, key) = keys::identify(context.app, fields.text("key")?)?;
    let is_accepted = key.is_live(context.now_ms) && account.status == AccountStatus::Active;
    let show = html! {
        div.stack {
            h2 id="result-title" { "It is a key of " (account.name) }
            dl.facts {
                dt { "Key" } dd { (key.id) ", " (key.class.as_str()) ", fingerprint " span.mono { (key.fingerprint) } }
                dt { "State" } dd { @if is_accepted { span.bad { "accepted" } } @else { "refused" } }
                dt { "Last used" } dd { (context.when_any(key.used_at_ms)) }
            }
            @if is_accepted { p { "Anyone who has this key can submit jobs. Rotate or revoke it on this page." } }
            div.buttons { button.btn.main type="button" data-closes { "Close" } }
        }
    };
    Ok(Done::shown(format!("It is key {} of {}.", key.id, account.name), show).go_to(status::path(&account)))
}
