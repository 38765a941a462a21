//! The uploaded demos of all accounts, newest first: what the index knows about them, delete.

use maud::{Markup, html};

use crate::app::demos::operator::{self, AnyDemo, Cursor};
use crate::app::demos::owner;
use crate::domain::error::{Error, Result};
use crate::domain::sha256::Sha256;
use crate::domain::wording::counted;
use crate::http::operator::actions::{Done, Fields};
use crate::http::operator::clips::SUBMIT;
use crate::http::operator::context::{Context, Tab};
use crate::http::operator::parts::{
    Icon, action_button, card, changes, copyable, empty, icon, nothing, pager, question,
};
use crate::wire::human;

/// Demos on a page.
const DEMOS: u32 = 50;
/// Digits of a hash that are shown, as in `admin demos list`.
const SHORT_HASH: usize = 12;

/// The list, with the filters in the page's address.
pub fn list(context: &Context<'_>) -> Result<Markup> {
    let (account, after) = (context.query("account"), context.query("after"));
    let cursor = after.as_deref().and_then(Cursor::parse);
    let page = operator::page(context.app, account.as_deref(), cursor, DEMOS)?;
    if page.demos.is_empty() && account.is_none() && after.is_none() {
        let next = html! {
            p { "Accounts upload demos with their keys. To upload one and render its five best rounds:" }
            (copyable("next", "the command", SUBMIT))
        };
        return Ok(empty("No demo has been uploaded.", next));
    }
    let next = page.next.map(|cursor| context.with_query(Tab::Clips, "after", Some(&cursor.to_string())));
    let body = html! {
        @if page.demos.is_empty() {
            (nothing("No demo matches."))
        } @else {
            table.stack.demos {
                thead { tr { th { "Demo" } th { "Account" } th { "Index" } th.r { "Size" } th { "Uploaded" } th { "Last used" } th { span.vh { "Changes" } } } }
                tbody { @for demo in &page.demos { (row(context, demo)) } }
            }
        }
        (pager(next.as_deref(), "Older demos"))
    };
    Ok(card("full", "demos", "Uploaded demos", &html! { span.dim { "newest first" } }, &body))
}

fn row(context: &Context<'_>, any: &AnyDemo) -> Markup {
    let AnyDemo { account, info, .. } = any;
    let hash = info.demo.sha256.to_string();
    let fields = [("sha256", hash.as_str()), ("account", account.as_str())];
    let of_account = context.with_query(Tab::Clips, "account", Some(account));
    html! {
        tr data-key=(format!("demo-{hash}-{account}")) {
            td {
                (info.demo.map.as_deref().unwrap_or("–"))
                br; code.small.dim title=(hash) { (hash[..SHORT_HASH]) }
            }
            td { a href=(of_account) { (account) } }
            td.w { (index(any)) }
            td.r data-l="size" { (human::size(info.demo.bytes)) }
            td.nowrap data-l="uploaded" { (context.when(info.demo.uploaded_at_ms)) }
            td.nowrap data-l="last used" {
                @match info.demo.used_at_ms { Some(at_ms) => (context.when(at_ms)), None => "never" }
            }
            td.w.act {
                @if info.unfinished_jobs > 0 {
                    a.small.nowrap href=(format!("/operator/jobs?demo={hash}")) { "needed by " (counted(info.unfinished_jobs, "job")) }
                } @else {
                    (changes(context, action_button("demos.ask_delete", &fields, "Delete…", "danger")))
                }
            }
        }
    }
}

fn index(any: &AnyDemo) -> Markup {
    let players = any.players.map(|players| counted(players, "player"));
    html! {
        @match any.info.demo.state.as_str() {
            "indexed" => { span.st.ok { (icon(Icon::Done)) "indexed" } @if let Some(players) = players { br; span.small.dim { (players) } } }
            "failed" => { span.st.bad { (icon(Icon::Stopped)) "cannot be read" } @if let Some(why) = &any.failure { br; span.small { (why) } } }
            _ => { span.st.dim { (icon(Icon::Waiting)) "waiting to be indexed" } }
        }
    }
}

/// `demos.ask_delete`: says what is lost, and asks.
pub fn ask_delete(_: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (account, sha256) = demo_of(fields)?;
    let hash = sha256.to_string();
    let body = html! {
        p { "Demo " code { (hash[..SHORT_HASH]) } " of " b { (account) } "." }
        p { "New jobs for it fail until the account uploads it again. Clips made from it stay. If other accounts have uploaded the same demo, their copy stays. This cannot be undone." }
    };
    let fields = [("sha256", hash.as_str()), ("account", account)];
    let show = question("demos.delete", "Delete this demo?", &fields, &body, "Delete demo");
    Ok(Done::shown("", show))
}

/// `demos.delete`.
pub fn delete(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (account, sha256) = demo_of(fields)?;
    owner::delete_of(context.app, context.operator(), account, sha256)?;
    Ok(Done::said("Demo deleted."))
}

fn demo_of(fields: &Fields) -> Result<(&str, Sha256)> {
    let sha256 = Sha256::parse_any_case(fields.text("sha256")?);
    Ok((fields.text("account")?, sha256.ok_or_else(|| Error::invalid("sha256", "sha256 must be a demo's hash."))?))
}
