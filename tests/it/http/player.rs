//! `/embed/{token}`: the player page of a clip, and the names of its downloads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::store::{Store, demo_indexes};
use serde_json::{Value, json};

use super::node::{publish, publish_video};
use crate::support::appliance::{Appliance, PLAYER};
use crate::support::client::{Answer, Request};
use crate::support::mp4::Mp4;

const ENEMY: &str = "76561198000000001";
const OTHER: &str = "76561198000000002";
/// Second 0 of the clip, in ticks, at 64 ticks per second.
const START: usize = 6_400;
/// The length of the video in seconds and in ticks.
const SECONDS: u32 = 4;
const TICKS: usize = SECONDS as usize * 64;

/// A published clip of round 2 whose demo was uploaded and has an index.
struct Page {
    appliance: Appliance,
    clip: Value,
}

impl Page {
    fn new(name: &str, map: &str, kills: Value) -> Self {
        Self::with(Appliance::start_with_public_url(Some("https://clips.example")), name, map, kills)
    }

    fn with(appliance: Appliance, name: &str, map: &str, kills: Value) -> Self {
        let key = appliance.account("studio").metered;
        let bytes = b"PBDEMS2\0 and so on";
        let demo = appliance.send(&Request::post("/api/demos").key(&key).body(bytes)).expect(201).json();
        let player =
            |id: &str, name: &str, kills: u32| json!({"steam64_id": id, "name": name, "kills_by_round": {"2": kills}});
        let round = json!({"number": 2, "start_tick": 0, "end_tick": START + TICKS, "winner": "ct",
                           "clip_ticks": [START, START + TICKS], "kills": kills});
        let players = [player(PLAYER, name, 1), player(ENEMY, "enemy", 1), player(OTHER, "other", 0)];
        let index = json!({"map": map, "tick_rate": 64.0, "rounds": [round], "players": players}).to_string();
        let store = Store::beside(appliance.app.data_dir()).unwrap();
        store.write(move |tx| demo_indexes::indexed(tx, &Sha256::of(bytes), &index, 0)).unwrap();
        let job = json!({"demo_url": demo["demo_url"], "steam64_id": PLAYER, "round": 2}).to_string();
        let job = appliance.send(&Request::post("/api/clips").key(&key).json(job)).expect(202).json();
        let node = appliance.node("n1");
        let claim = appliance.claim(&node).unwrap();
        publish_video(&appliance, &node, &claim, &Mp4::of(SECONDS * 30, 30, 40).bytes());
        let job = Request::get(&format!("/api/clips/{}", job["id"].as_str().unwrap())).key(&key);
        let clip = appliance.send(&job).expect(200).json()["clip"].take();
        Self { appliance, clip }
    }

    fn url(&self, which: &str) -> &str {
        self.clip[which].as_str().unwrap()
    }

    /// What is served at a URL of the clip.
    fn get(&self, which: &str, query: &str) -> Answer {
        let at = ["/clips/", "/embed/"].into_iter().find_map(|path| self.url(which).find(path)).unwrap();
        self.appliance.send(&Request::get(&format!("{}{query}", &self.url(which)[at..]))).expect(200)
    }

    fn html(&self) -> String {
        self.get("embed_url", "").text().to_owned()
    }
}

fn kill(second: f64, attacker: Option<&str>, victim: Option<&str>) -> Value {
    json!({"tick": START as i64 + (second * 64.0) as i64, "attacker": attacker, "victim": victim})
}

/// What stands between two parts of a text.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).unwrap_or_else(|| panic!("{before}")).0
}

/// Class, time and text of the kills in the list.
fn moments(html: &str) -> Vec<(String, f64, String)> {
    let items = html.split("<li>").skip(1).map(|item| item.split_once("</li>").unwrap().0);
    items
        .map(|item| {
            let text = between(item, "<span class=\"who\">", "</span>").to_owned();
            let at = between(item, "data-at=\"", "\"").parse().unwrap();
            (between(item, "class=\"", "\"").to_owned(), at, text)
        })
        .collect()
}

#[test]
fn page_names_player_round_and_map_and_has_absolute_preview_urls() {
    let page = Page::new("ropz", "de_nuke", json!([]));
    let html = page.html();
    for (property, content) in [
        ("og:title", "ropz, round 2 on Nuke: 1 kill"),
        ("og:video", page.url("url")),
        ("og:image", page.url("poster_url")),
        ("og:url", page.url("embed_url")),
        ("og:type", "video.other"),
        ("og:video:type", "video/mp4"),
    ] {
        let tag = format!("<meta property=\"{property}\" content=\"{content}\">");
        assert!(html.contains(&tag), "{tag} in {html}");
    }
    assert!(page.url("url").starts_with("https://clips.example/clips/"));
    assert!(html.contains("<h1>ropz</h1>") && html.contains("Nuke · round 2 · 1 kill · "), "{html}");
    assert_eq!(html.matches("<li>").count(), 0, "no kills, no list");
}

#[test]
fn kills_inside_the_clip_are_told_apart_by_what_they_mean_for_the_player() {
    let kills = json!([
        kill(-0.5, Some(PLAYER), Some(ENEMY)),
        kill(0.0, Some(PLAYER), Some(ENEMY)),
        kill(0.5, Some(ENEMY), Some(OTHER)),
        kill(1.0, Some(ENEMY), Some(PLAYER)),
        kill(1.5, None, Some(PLAYER)),
        kill(2.25, Some(PLAYER), None),
        kill(3.5, None, Some(OTHER)),
        kill(4.5, Some(PLAYER), Some(ENEMY)),
    ]);
    let expected = [
        ("kill", 0.0, "ropz killed enemy"),
        ("other", 0.5, "enemy killed other"),
        ("death", 1.0, "enemy killed ropz"),
        ("death", 1.5, "ropz died"),
        ("kill", 2.25, "ropz killed a bot"),
        ("other", 3.5, "other died"),
    ];
    let found = moments(&Page::new("ropz", "de_nuke", kills).html());
    assert_eq!(found, expected.map(|(kind, at, who)| (kind.to_owned(), at, who.to_owned())));
}

#[test]
fn text_from_a_demo_cannot_leave_its_place() {
    let hostile = "</title><script>alert(1)</script>\"' onload=\"x {{script}} {{style}} &amp;";
    let page = Page::new(hostile, hostile, json!([kill(0.5, Some(PLAYER), Some(ENEMY))]));
    let plain = Page::new("p", "de_m", json!([kill(0.5, Some(PLAYER), Some(ENEMY))]));
    let (html, expected) = (page.html(), plain.html());
    // Every character that could begin or end markup, except in the escaped text.
    let shape = |html: &str| -> Vec<String> {
        html.split('<').skip(1).map(|tag| tag.split([' ', '>']).next().unwrap().to_owned()).collect()
    };
    assert_eq!(shape(&html), shape(&expected));
    let quotes = |html: &str| html.matches('"').count();
    assert_eq!(quotes(&html), quotes(&expected));
    assert!(html.contains("&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onload=&quot;x {{script}}"));
}

#[test]
fn clip_of_an_unknown_demo_has_a_page_without_kills() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let id = appliance.job(&key);
    let node = appliance.node("n1");
    let claim = appliance.claim(&node).unwrap();
    publish(&appliance, &node, &claim);
    let clip = appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&key)).expect(200).json()["clip"].take();
    let page = Page { appliance, clip };
    let html = page.html();
    assert!(html.contains("<title>Round 5</title>") && html.contains("<h1>Round 5</h1>"), "{html}");
    assert_eq!(html.matches("<li>").count(), 0);
    let download = page.get("url", "?download=1");
    let expected = format!("attachment; filename=\"{PLAYER}-round-5.mp4\"");
    assert_eq!(download.header("Content-Disposition"), Some(expected.as_str()));
}

#[test]
fn downloads_have_names_that_say_what_they_are() {
    let cases = [
        ("ropz", "filename=\"ropz-de_nuke-round-2"),
        ("a\"b; c/\\..", "filename=\"a_b__c__..-de_nuke-round-2"),
        ("Zoë", "filename=\"Zo_-de_nuke-round-2.ENDING\"; filename*=UTF-8''Zo%C3%AB-de_nuke-round-2"),
        ("\u{202e}gpj", "filename=\"_gpj-de_nuke-round-2"),
    ];
    for (name, expected) in cases {
        let page = Page::new(name, "de_nuke", json!([]));
        for (which, ending) in [("url", "mp4"), ("poster_url", "jpg")] {
            let answer = page.get(which, "?download=1");
            let disposition = answer.header("Content-Disposition").unwrap();
            let expected = format!("attachment; {}.{ending}", expected.replace("ENDING", ending));
            assert_eq!(disposition.trim_end_matches('"'), expected, "{name:?}");
        }
    }
}

#[test]
fn page_loads_only_its_own_clip_and_only_allowed_sites_may_frame_it() {
    let origins = ["https://www.studio.example", "https://*.other.example:8443"];
    for allowed in [&origins[..0], &origins[..1], &origins[..]] {
        let appliance = Appliance::start_with(|options| {
            options.embed_allow = allowed.iter().map(|origin| (*origin).to_owned()).collect();
        });
        let page = Page::with(appliance, "ropz", "de_nuke", json!([]));
        let answer = page.get("embed_url", "?t=12");
        let policy: Vec<_> = answer.header("Content-Security-Policy").unwrap().split("; ").collect();
        let rule = |name: &str| policy.iter().find_map(|rule| rule.strip_prefix(name));
        let framed_by = (!allowed.is_empty()).then(|| allowed.join(" "));
        assert_eq!(rule("frame-ancestors ").map(str::to_owned), framed_by);
        assert_eq!((answer.header("X-Frame-Options"), answer.header("Set-Cookie")), (None, None));
        assert_eq!(rule("default-src "), Some("'none'"));
        for (rules, element) in [("script-src ", "script"), ("style-src ", "style")] {
            let code = between(answer.text(), &format!("<{element}>"), &format!("</{element}>"));
            let digest = STANDARD.encode(Sha256::of(code).0);
            assert_eq!(rule(rules), Some(format!("'sha256-{digest}'").as_str()), "only the page's own {element}");
        }
        // Links to elsewhere are only in the tags for previews.
        let body = answer.text().split_once("<body>").unwrap().1;
        assert!(!body.contains("://"), "{body}");
        for which in ["url", "poster_url"] {
            let file = page.get(which, "");
            assert_eq!(file.header("Content-Security-Policy"), Some("frame-ancestors 'none'"));
            assert_eq!(file.header("X-Frame-Options"), Some("DENY"));
        }
    }
}
