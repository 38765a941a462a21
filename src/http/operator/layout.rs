//! The frame of all pages: the bar on top, the navigation, and the page's heading.

use maud::{Markup, PreEscaped, html};

use crate::app::jobs::queue;
use crate::app::nodes;
use crate::app::upkeep::{findings, health};
use crate::domain::error::Result;
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::parts::{Icon, icon, number};
use crate::os::url::host_of;
use crate::wire::human;

const LOGO: &str = r##"<svg viewBox="0 0 26 26" aria-hidden="true"><rect width="26" height="26" rx="7" fill="#e2641f"/><path d="M8 7.5v11l9.5-5.5z" fill="#fff"/></svg>"##;

/// A page in its frame.
pub fn frame(context: &Context<'_>, view: &View) -> Result<Markup> {
    Ok(html! {
        a.skip href="#main" { "Skip to content" }
        div.app {
            (top(context))
            (navigation(context, view.tab)?)
            main id="main" tabindex="-1" {
                div.inner {
                    div.head {
                        h1 { (view.heading) }
                        p.dim.date { (context.formatted(context.now_ms, "%A %-d %B, %H:%M")) }
                        p.live { span.on { "Live, every 2 s" } span.off { "No answer from the server" } }
                    }
                    (view.body)
                }
            }
        }
    })
}

fn top(context: &Context<'_>) -> Markup {
    let url = context.call.base.url("");
    let host = host_of(&url).unwrap_or_default();
    let key = context.key;
    let left_ms = key.expires_at_ms() - context.now_ms;
    html! {
        header.top {
            a.brand href=(Tab::Overview.path()) { (PreEscaped(LOGO)) span { "dinkem " span.host { (host) } } }
            @match health::known(context.app) {
                Ok(()) => span.state title="The server accepts work" { "Accepting work" },
                Err(error) => span.state.bad title=(error.message) { "Not accepting work" },
            }
            form.find role="search" method="get" action=(Tab::Jobs.path()) {
                (icon(Icon::Find))
                label.vh for="find" { "Search" }
                input #find type="search" name="q" placeholder="Job, Steam ID, account or node   /" autocomplete="off";
            }
            button.btn.icon #theme type="button" title="Switch between light and dark" { span.vh { "Switch between light and dark" } (icon(Icon::Theme)) }
            div.who {
                b { (key.operator.name()) } @if key.read_only { " " span.tag { "read-only" } }
                br;
                span.dim { "signed out in " (human::span(left_ms)) " · " }
                button.link type="button" data-signs-out { "Sign out" }
            }
        }
    }
}

fn navigation(context: &Context<'_>, current: Tab) -> Result<Markup> {
    Ok(html! {
        nav.nav aria-label="Pages" {
            @for tab in Tab::ALL {
                a href=(tab.path()) aria-current=[(tab == current).then_some("page")] title=(tab.label()) {
                    (icon(icon_of(tab)))
                    span { (tab.label()) }
                    (count(context, tab)?)
                }
            }
            p.foot {
                "Version " (env!("CARGO_PKG_VERSION"))
            }
        }
    })
}

/// What is worth a number beside the link. For the eye: the pages say it in words.
fn count(context: &Context<'_>, tab: Tab) -> Result<Markup> {
    let count = match tab {
        Tab::Jobs => queue::waiting(context.app),
        Tab::Nodes => nodes::count(context.app)?,
        _ => 0,
    };
    if tab == Tab::Health {
        let faults = findings::latest(context.app).map_or(0, |found| found.faults.len());
        return Ok(html! { @if faults > 0 { span.count.bad aria-hidden="true" { (faults) } } });
    }
    Ok(html! { @if count > 0 { span.count aria-hidden="true" { (number(count)) } } })
}

fn icon_of(tab: Tab) -> Icon {
    match tab {
        Tab::Overview => Icon::Overview,
        Tab::Jobs => Icon::Jobs,
        Tab::Nodes => Icon::Nodes,
        Tab::Accounts => Icon::Accounts,
        Tab::Usage => Icon::Usage,
        Tab::Clips => Icon::Clips,
        Tab::Storage => Icon::Storage,
        Tab::Health => Icon::Health,
        Tab::Audit => Icon::Audit,
    }
}
