//! Parts that several pages use: icons, cards, buttons, dialogs, states.

use maud::{Markup, PreEscaped, html};
use uuid::Uuid;

use crate::domain::job::JobStatus;
use crate::domain::key::KeyClass;
use crate::domain::wording::counted;
use crate::http::operator::context::Context;
use crate::wire::human;

/// An icon, drawn with the text's color.
#[derive(Clone, Copy, Debug)]
pub enum Icon {
    Overview,
    Jobs,
    Nodes,
    Clips,
    Accounts,
    Usage,
    Storage,
    Health,
    Audit,
    Find,
    Theme,
    Bad,
    Warning,
    Person,
    Waiting,
    Rendering,
    Done,
    Stopped,
}

impl Icon {
    fn shapes(self) -> &'static str {
        match self {
            Self::Overview => r#"<path d="M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z"/>"#,
            Self::Jobs => r#"<path d="M4 6h16M4 12h16M4 18h10"/>"#,
            Self::Nodes => {
                r#"<rect x="3" y="4" width="18" height="7" rx="2"/><rect x="3" y="13" width="18" height="7" rx="2"/><path d="M7 7.5h.01M7 16.5h.01"/>"#
            }
            Self::Clips => r#"<rect x="3" y="5" width="18" height="14" rx="2"/><path d="m10 9 5 3-5 3z"/>"#,
            Self::Accounts => {
                r#"<circle cx="9" cy="8" r="3.5"/><path d="M3 20c.5-4 3-6 6-6s5.5 2 6 6M16 4.5a3.5 3.5 0 0 1 0 7M18 14.5c1.7.8 2.7 2.5 3 5.5"/>"#
            }
            Self::Usage => r#"<path d="M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6"/>"#,
            Self::Storage => {
                r#"<ellipse cx="12" cy="6" rx="8" ry="3"/><path d="M4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3"/>"#
            }
            Self::Health => r#"<path d="M3 12h4l2-6 4 12 2-6h6"/>"#,
            Self::Audit => r#"<path d="M5 4h10l4 4v12H5zM9 12h6M9 16h6M14 4v5h5"/>"#,
            Self::Find => r#"<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>"#,
            Self::Theme => r#"<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16z" fill="currentcolor"/>"#,
            Self::Bad => r#"<circle cx="12" cy="12" r="9"/><path d="M12 7v6M12 16.5h.01"/>"#,
            Self::Warning => r#"<path d="M12 4 2.8 20h18.4zM12 10v5M12 17.8h.01"/>"#,
            Self::Person => {
                r#"<circle cx="9" cy="8" r="3.5"/><path d="M3 20c.5-4 3-6 6-6 1.2 0 2.2.3 3 .8M18 14v7M14.5 17.5h7"/>"#
            }
            Self::Waiting => r#"<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>"#,
            Self::Rendering => {
                r#"<circle cx="12" cy="12" r="9"/><path d="m10 8.5 5.5 3.5-5.5 3.5z" fill="currentcolor"/>"#
            }
            Self::Done => r#"<circle cx="12" cy="12" r="9"/><path d="m8 12.5 3 3 5-6"/>"#,
            Self::Stopped => r#"<circle cx="12" cy="12" r="9"/><path d="m9 9 6 6m0-6-6 6"/>"#,
        }
    }
}

/// An icon. It says nothing to screen readers: the text beside it does.
pub fn icon(icon: Icon) -> Markup {
    html! { svg.i viewBox="0 0 24 24" aria-hidden="true" { (PreEscaped(icon.shapes())) } }
}

/// A part of a page with a heading; `width`: `full`, or `c4`, `c5`, `c7`, `c8` of twelve columns. `id` is the heading's,
/// and unique on the page. `more`: a link or buttons beside the heading.
pub fn card(width: &str, id: &str, heading: &str, more: &Markup, body: &Markup) -> Markup {
    html! {
        section.card.(width) aria-labelledby=(id) {
            header { h2 id=(id) { (heading) } span.more { (more) } }
            (body)
        }
    }
}

/// What a page shows that has nothing yet: why, and what to do next.
pub fn empty(why: &str, next: Markup) -> Markup {
    html! { div.card.full.empty { p { b { (why) } } div.next { (next) } } }
}

/// The same inside a card.
pub fn nothing(why: &str) -> Markup {
    html! { p.nothing.dim { (why) } }
}

/// A button that runs an action at once. `fields`: what the action gets.
pub fn action_button(action: &str, fields: &[(&str, &str)], label: &str, class: &str) -> Markup {
    html! {
        form.inline data-action=(action) {
            (hidden(fields))
            button.btn.(class) type="submit" { (label) }
        }
    }
}

/// A button that opens the dialog with this id.
pub fn opener(dialog: &str, label: &str, class: &str) -> Markup {
    html! { button.btn.(class) type="button" data-opens=(dialog) { (label) } }
}

/// A dialog that runs an action when it is confirmed. `body`: explanation and further fields; `confirm`: the button's
/// label; `asks_code`: whether a fresh code confirms it.
pub struct Dialog<'a> {
    /// Unique on the page.
    pub id: &'a str,
    pub title: &'a str,
    pub action: &'a str,
    pub fields: &'a [(&'a str, &'a str)],
    pub body: Markup,
    pub confirm: &'a str,
    pub asks_code: bool,
}

/// The dialog's markup, closed.
pub fn dialog(dialog: &Dialog<'_>) -> Markup {
    let title = format!("{}-title", dialog.id);
    html! {
        dialog id=(dialog.id) aria-labelledby=(title) {
            form data-action=(dialog.action) {
                h2 id=(title) { (dialog.title) }
                (hidden(dialog.fields))
                (dialog.body)
                @if dialog.asks_code { (code_field(dialog.id)) }
                p.error role="alert" {}
                div.buttons {
                    button.btn type="button" data-closes { "Cancel" }
                    button.btn.main type="submit" { (dialog.confirm) }
                }
            }
        }
    }
}

/// The content of the result dialog that asks before something is deleted for good. `body`: what is lost.
pub fn question(action: &str, title: &str, fields: &[(&str, &str)], body: &Markup, confirm: &str) -> Markup {
    html! {
        form.stack data-action=(action) {
            h2 #result-title { (title) }
            (body)
            (hidden(fields))
            p.error role="alert" {}
            div.buttons {
                button.btn type="button" data-closes { "Cancel" }
                button.btn.danger type="submit" { (confirm) }
            }
        }
    }
}

fn code_field(dialog: &str) -> Markup {
    let id = format!("{dialog}-code");
    html! {
        (field(&id, "A fresh link or code", html! {
            input id=(id) name="code" required autocomplete="off" spellcheck="false" aria-describedby=(format!("{id}-how"));
        }))
        p.hint id=(format!("{id}-how")) { "Run " code { "dinkem-appliance admin dashboard" } " on the server and paste what it prints. This confirms that it is still you." }
    }
}

/// A labelled form field. `control` has the id.
pub fn field(id: &str, label: &str, control: Markup) -> Markup {
    html! { div.field { label for=(id) { (label) } (control) } }
}

/// A choice among words; the first is what an empty value means.
pub fn select(id: &str, name: &str, options: &[(&str, &str)], chosen: &str) -> Markup {
    html! {
        select id=(id) name=(name) {
            @for (value, label) in options { option value=(value) selected[*value == chosen] { (label) } }
        }
    }
}

fn hidden(fields: &[(&str, &str)]) -> Markup {
    html! { @for (name, value) in fields { input type="hidden" name=(name) value=(value); } }
}

/// A text to copy, in one line, with a button. `id` is unique on the page.
pub fn copyable(id: &str, label: &str, text: &str) -> Markup {
    html! {
        div.copyable {
            code id=(id) { (text) }
            button.btn type="button" data-copies=(id) aria-label=(format!("Copy {label}")) { "Copy" }
        }
    }
}

/// A job's state, as icon and word.
pub fn job_state(status: JobStatus) -> Markup {
    let (class, icon_of, word) = match status {
        JobStatus::Queued => ("dim", Icon::Waiting, "waiting"),
        JobStatus::Rendering => ("busy", Icon::Rendering, "rendering"),
        JobStatus::Done => ("ok", Icon::Done, "done"),
        JobStatus::Failed => ("bad", Icon::Stopped, "failed"),
        JobStatus::Cancelled => ("dim", Icon::Stopped, "cancelled"),
    };
    html! { span.st.(class) { (icon(icon_of)) (word) } }
}

/// The tag of reserved work; metered work has none.
pub fn class_tag(class: KeyClass) -> Markup {
    html! { @if class == KeyClass::Reserved { " " span.tag.res { "reserved" } } }
}

/// A link to a job, by its short id.
pub fn job_link(id: Uuid) -> Markup {
    html! { a.mono href=(format!("/operator/jobs/{id}")) { (human::short(id)) } }
}

/// The link to a list's next page, or nothing. `path`: the page's address with the cursor.
pub fn pager(next: Option<&str>, label: &str) -> Markup {
    html! { @if let Some(path) = next { p.pager { a.btn href=(path) { (label) } } } }
}

/// Whole numbers with thin spaces between thousands: `4 812`.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 job`, `4 812 jobs`.
pub fn numbered(count: u64, noun: &str) -> String {
    let in_words = counted(count, noun);
    in_words.replacen(&count.to_string(), &number(count), 1)
}

/// The buttons of those who may change something: nothing for a read-only key.
pub fn changes(context: &Context<'_>, buttons: Markup) -> Markup {
    html! { @if !context.key.read_only { (buttons) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1\u{202f}000"), (4_812_345, "4\u{202f}812\u{202f}345")];
        for (value, shown) in cases {
            assert_eq!(number(value), shown);
        }
    }
}
