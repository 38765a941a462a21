//! The player page of a clip. It loads nothing but the clip itself, and needs no key and no cookie.

use std::sync::LazyLock;

use crate::app::clips::{About, Moment, MomentKind, Play};
use crate::domain::clip::View;
use crate::domain::error::Result;
use crate::domain::wording::{counted, size};
use crate::http::pages::csp::hash;
use crate::http::pages::template::{Slot, fill};
use crate::wire::base::Base;

const PAGE: &str = include_str!("player.html");
const POSTER_TAGS: &str = include_str!("poster-tags.html");
const MOMENTS: &str = include_str!("moments.html");
const MOMENT: &str = include_str!("moment.html");
const STYLE: &str = include_str!("player.css");
const SCRIPT: &str = include_str!("player.js");

/// Everything is forbidden except the clip's files and this page's own style and script, known by their hashes.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
});

/// The page's `Content-Security-Policy`. Without origins in `framed_by`, any site may frame the page. `clips_from`: the
/// origin of the bucket, if the clip's files are read there.
pub fn policy(framed_by: &[String], clips_from: Option<&str>) -> String {
    let from = clips_from.map(|origin| format!(" {origin}")).unwrap_or_default();
    let policy = format!("{}; media-src 'self'{from}; img-src 'self'{from} data:", *POLICY);
    match framed_by {
        [] => policy,
        origins => format!("{policy}; frame-ancestors {}", origins.join(" ")),
    }
}

/// The page as HTML. URLs of its own are relative, so that they work behind any proxy; those for other sites' previews
/// are absolute.
pub fn page(about: &About, base: &Base) -> Result<String> {
    let (clip, video) = (&about.clip, &about.clip.video);
    let token = clip.token.reveal();
    let files = format!("../clips/{token}");
    let seconds = format!("{:.3}", video.duration_ms as f64 / 1_000.0);
    let details = details(about);
    let description = [details.as_str(), about_view(clip.view).0].join(" · ");
    let poster_url = base.url(&format!("/clips/{token}.jpg"));
    let poster_tags = fill(POSTER_TAGS, &[("poster_url", Slot::Text(&poster_url))])?;
    let poster = format!(" poster=\"{files}.jpg\"");
    let of_poster = |markup| Slot::Markup(if about.has_poster { markup } else { "" });
    let (view, explanation) = about_view(clip.view);
    fill(
        PAGE,
        &[
            ("title", Slot::Text(&title(about))),
            ("description", Slot::Text(&description)),
            ("heading", Slot::Text(&heading(about))),
            ("details", Slot::Text(&details)),
            ("view", Slot::Text(view)),
            ("view_explanation", Slot::Text(explanation)),
            ("page_url", Slot::Text(&base.url(&format!("/embed/{token}")))),
            ("video_url", Slot::Text(&base.url(&format!("/clips/{token}.mp4")))),
            ("poster_tags", of_poster(&poster_tags)),
            ("poster", of_poster(&poster)),
            ("video", Slot::Text(&format!("{files}.mp4"))),
            ("width", Slot::Text(&video.width.to_string())),
            ("height", Slot::Text(&video.height.to_string())),
            ("fps", Slot::Text(&video.fps.to_string())),
            ("duration", Slot::Text(&seconds)),
            ("length", Slot::Text(&clock(video.duration_ms))),
            ("size", Slot::Text(&size(clip.bytes))),
            ("no_audio", Slot::Markup(if video.has_audio { "" } else { " hidden" })),
            ("moments", Slot::Markup(&moments(about.play.as_ref())?)),
            ("style", Slot::Markup(STYLE)),
            ("script", Slot::Markup(SCRIPT)),
        ],
    )
}

fn title(about: &About) -> String {
    let Some(play) = &about.play else { return format!("Round {}", about.round) };
    let title = format!("{}, round {} on {}", play.player, about.round, map_name(&play.map));
    match feat(play) {
        Some(feat) => format!("{title}: {feat}"),
        None => title,
    }
}

fn heading(about: &About) -> String {
    match &about.play {
        Some(Play { player, .. }) => player.clone(),
        None => format!("Round {}", about.round),
    }
}

/// Map, round, feat and length, as far as they are known and not in the heading.
fn details(about: &About) -> String {
    let known = about.play.iter().flat_map(|play| {
        [Some(map_name(&play.map)), Some(format!("round {}", about.round)), feat(play)].into_iter().flatten()
    });
    let length = format!("{} s", about.clip.video.duration_ms / 1_000);
    known.chain([length]).collect::<Vec<_>>().join(" · ")
}

fn feat(play: &Play) -> Option<String> {
    let kills = match play.kills {
        0 => None,
        _ if play.ace => Some("ace".to_owned()),
        kills => Some(counted(kills, "kill")),
    };
    let clutch = play.clutch.map(|enemies| format!("1v{enemies} clutch"));
    let feats: Vec<_> = kills.into_iter().chain(clutch).collect();
    (!feats.is_empty()).then(|| feats.join(", "))
}

/// What the picture shows, and an explanation.
fn about_view(view: View) -> (&'static str, &'static str) {
    match view {
        View::Tactical => ("tactical replay", "Drawn from above, not game footage"),
        View::FirstPerson => ("first-person view", "Game footage from the player's view"),
    }
}

/// A map's name for people: `de_dust2` is `Dust II`.
fn map_name(map: &str) -> String {
    let name = map.rsplit('/').next().unwrap_or(map);
    let name = ["de_", "cs_", "ar_"].iter().find_map(|mode| name.strip_prefix(mode)).unwrap_or(name);
    if name == "dust2" {
        return "Dust II".to_owned();
    }
    let spaced = name.replace('_', " ");
    let mut rest = spaced.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

fn moments(play: Option<&Play>) -> Result<String> {
    let Some(play) = play.filter(|play| !play.moments.is_empty()) else { return Ok(String::new()) };
    let mut items = String::new();
    for moment in &play.moments {
        let (when, who) = (clock(moment.at_ms), who(moment));
        let item = fill(
            MOMENT,
            &[
                ("kind", Slot::Text(kind(moment.kind))),
                ("at", Slot::Text(&format!("{:.3}", moment.at_ms as f64 / 1_000.0))),
                ("when", Slot::Text(&when)),
                ("who", Slot::Text(&who)),
            ],
        )?;
        items.push_str(&item);
    }
    fill(MOMENTS, &[("items", Slot::Markup(&items))])
}

/// The class and symbol of a moment.
fn kind(kind: MomentKind) -> &'static str {
    match kind {
        MomentKind::Kill => "kill",
        MomentKind::Death => "death",
        MomentKind::Other => "other",
    }
}

fn who(moment: &Moment) -> String {
    let victim = moment.victim.as_deref().unwrap_or("a bot");
    match &moment.attacker {
        Some(attacker) => format!("{attacker} killed {victim}"),
        None => format!("{victim} died"),
    }
}

/// `1:05`.
fn clock(ms: u64) -> String {
    format!("{}:{:02}", ms / 60_000, ms / 1_000 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn map_has_a_name_for_people() {
        let cases = [
            ("de_nuke", "Nuke"),
            ("de_dust2", "Dust II"),
            ("cs_office", "Office"),
            ("workshop/3070284539/de_train_night", "Train night"),
            ("de_ærø", "Ærø"),
            ("", ""),
            ("de_", ""),
        ];
        for (map, name) in cases {
            assert_eq!(map_name(map), name, "{map}");
        }
    }

    #[test]
    fn feat_counts_kills_and_names_ace_and_clutch() {
        let cases = [
            (0, false, None, None),
            (1, false, None, Some("1 kill")),
            (3, false, Some(2), Some("3 kills, 1v2 clutch")),
            (5, true, None, Some("ace")),
            (0, false, Some(1), Some("1v1 clutch")),
        ];
        for (kills, ace, clutch, expected) in cases {
            let play = Play { player: "p".into(), map: "de_nuke".into(), kills, ace, clutch, moments: Vec::new() };
            assert_eq!(feat(&play).as_deref(), expected);
        }
    }

    #[test]
    fn script_and_style_do_not_end_their_elements() {
        assert!(!SCRIPT.contains("</") && !STYLE.contains("</"));
    }
}
