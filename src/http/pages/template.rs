//! Fills the `{{name}}` slots of a template. Text is escaped where it is inserted, so that none can leave its place.

use crate::domain::error::{Error, Result};
use crate::wire::html;

/// What a slot is filled with.
pub enum Slot<'a> {
    /// Text from anywhere, to be escaped.
    Text(&'a str),
    /// Markup of our own, or filled templates.
    Markup(&'a str),
}

/// The template with its slots filled, in one pass: slots in inserted text are not filled.
pub fn fill(template: &str, slots: &[(&str, Slot<'_>)]) -> Result<String> {
    let mut parts = template.split("{{");
    let mut page = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let known = part
            .split_once("}}")
            .and_then(|(name, rest)| slots.iter().find(|(slot, _)| *slot == name).map(|(_, content)| (content, rest)));
        let Some((content, rest)) = known else {
            return Err(Error::internal("The page could not be made.", format!("no content for {{{{{part}")));
        };
        match content {
            Slot::Text(text) => page.push_str(&html::escape(text)),
            Slot::Markup(markup) => page.push_str(markup),
        }
        page.push_str(rest);
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_its_slots_are_not_filled() {
        let slots = [("a", Slot::Text("<b>{{b}}\"'&")), ("b", Slot::Markup("<i>{{a}}</i>"))];
        let page = fill("{{a}}|{{b}}|{{a}}", &slots).unwrap();
        let text = "&lt;b&gt;{{b}}&quot;&#39;&amp;";
        assert_eq!(page, format!("{text}|<i>{{{{a}}}}</i>|{text}"));
    }

    #[test]
    fn slot_without_content_is_an_error() {
        for template in ["{{b}}", "{{a", "{{ a }}"] {
            assert!(fill(template, &[("a", Slot::Text("x"))]).is_err(), "{template}");
        }
    }
}
