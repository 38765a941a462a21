//! The player page in Chromium: in another site's frame and on its own, with mouse, keys and an accessibility check.

use serde_json::{Value, json};

use crate::support::axe;
use crate::support::chromium::{self, Browser, Tab};
use crate::support::file_server::{Answer, FileServer};
use crate::support::process::Appliance;
use crate::support::quick;
use crate::support::wait::until;
use dinkem_appliance::render::forge;

/// An appliance with a clip of an uploaded demo.
struct Published {
    appliance: Appliance,
    clip: Value,
}

impl Published {
    fn new() -> Self {
        let appliance = Appliance::start(&[]);
        let key = appliance.account("studio");
        let (status, demo) = appliance.raw("POST", "/api/demos", Some(&key), Some(forge::quick()));
        assert_eq!(status, 201);
        let demo: Value = serde_json::from_slice(&demo).unwrap();
        let index = format!("/api/demos/{}", demo["sha256"].as_str().unwrap());
        until("the index", || (appliance.call("GET", &index, &key, None).0 == 200).then_some(()));
        let _node = appliance.node("node", None);
        let job = json!({"demo_url": demo["demo_url"], "steam64_id": quick::PLAYER.to_string(), "round": quick::ROUND});
        let clip = appliance.wait_for_clip(&key, &appliance.submit(&key, &job))["clip"].take();
        Self { appliance, clip }
    }

    fn browser(&self) -> Browser {
        Browser::start(self.appliance.scratch(), &self.appliance.ca_file())
    }

    fn url(&self, which: &str) -> &str {
        self.clip[which].as_str().unwrap()
    }
}

fn time(browser: &mut Browser, tab: &Tab) -> f64 {
    browser.evaluate(tab, "document.querySelector('video').currentTime").as_f64().unwrap()
}

/// Asserts that a player has requested nothing but its own files, without any credentials, and has logged no error.
fn assert_self_contained(browser: &Browser, tab: &Tab, published: &Published) {
    let requests = browser.events(tab, "Network.requestWillBeSent");
    let mut urls: Vec<_> = requests.iter().map(|event| event["request"]["url"].as_str().unwrap().to_owned()).collect();
    urls.retain(|url| !url.starts_with("data:"));
    let own = ["url", "poster_url", "embed_url"].map(|which| published.url(which));
    let is_own = |url: &String| own.contains(&url.split('?').next().unwrap());
    assert!(urls.iter().all(is_own), "{urls:?}");
    assert!(urls.iter().any(|url| url == own[0]) && urls.iter().any(|url| url == own[1]), "{urls:?}");
    let sent = browser.events(tab, "Network.requestWillBeSentExtraInfo");
    let received = browser.events(tab, "Network.responseReceivedExtraInfo");
    assert!(!sent.is_empty() && !received.is_empty());
    for event in sent.iter().chain(&received) {
        for (name, value) in event["headers"].as_object().unwrap() {
            let name = name.to_ascii_lowercase();
            assert!(!["authorization", "cookie", "set-cookie"].contains(&name.as_str()), "{name}: {value}");
        }
    }
    for event in browser.events(tab, "Log.entryAdded") {
        assert_ne!(event["entry"]["level"], "error", "{event}");
    }
    assert_eq!(browser.events(tab, "Runtime.exceptionThrown"), Vec::<Value>::new());
}

#[test]
fn player_page_plays_in_another_sites_frame() {
    if !chromium::is_installed("the player page in a frame") {
        return;
    }
    let published = Published::new();
    let page = format!("<!doctype html><title>A fan site</title>{}", published.url("embed_html"));
    let site = FileServer::serve(vec![("/page", Answer::Page(page))]);
    let mut browser = published.browser();
    let tab = browser.open(1400, 800);
    browser.go(&tab, &site.url("/page"));
    let frame = browser.frame(&tab);
    browser.wait_for(&frame, "document.readyState === 'complete' && document.querySelector('video').readyState > 0");

    // The poster is shown until the video plays.
    until("the poster", || {
        browser.evaluate(&frame, "0");
        let received = browser.events(&frame, "Network.responseReceived");
        let is_poster = |event: &Value| {
            event["response"]["url"] == published.url("poster_url") && event["response"]["status"] == 200
        };
        received.iter().any(is_poster).then_some(())
    });
    let first = "(({poster, paused, currentTime}) => [poster, paused, currentTime])(document.querySelector('video'))";
    assert_eq!(browser.evaluate(&frame, first), json!([published.url("poster_url"), true, 0]));

    // Real clicks: on the play button, and on a mark. Their place in the frame is relative to the frame's.
    let corner =
        browser.evaluate(&tab, "(({x, y}) => [x, y])(document.querySelector('iframe').getBoundingClientRect())");
    let click = |browser: &mut Browser, element: &str| {
        let middle = format!(
            "(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({element}.getBoundingClientRect())"
        );
        let at = browser.evaluate(&frame, &middle);
        let [x, y] = [0, 1].map(|axis| corner[axis].as_f64().unwrap() + at[axis].as_f64().unwrap());
        // The browser passes the mouse on only after the frame has been painted.
        until("the mouse in the frame", || {
            browser.mouse(&tab, &["mouseMoved"], x, y);
            (browser.evaluate(&frame, &format!("{element}.matches(':hover')")) == true).then_some(())
        });
        browser.mouse(&tab, &["mousePressed", "mouseReleased"], x, y);
    };
    click(&mut browser, "document.querySelector('.start')");
    browser.wait_for(&frame, "document.querySelector('video').currentTime > 0.2");
    let quality = "(({totalVideoFrames, corruptedVideoFrames}) => [totalVideoFrames > 0, corruptedVideoFrames])\
                   (document.querySelector('video').getVideoPlaybackQuality())";
    assert_eq!(browser.evaluate(&frame, quality), json!([true, 0]));
    browser.press(&tab, "k");
    browser.wait_for(&frame, "document.querySelector('video').paused");

    let kills = browser
        .evaluate(&frame, "[...document.querySelectorAll('.moments .kill')].map(({dataset}) => Number(dataset.at))");
    let marks = browser.evaluate(&frame, "document.querySelectorAll('.mark.kill').length");
    assert_eq!((kills.as_array().unwrap().len(), &marks), (3, &json!(3)), "the player's kills (`forge::quick`)");
    click(&mut browser, "document.querySelectorAll('.mark.kill')[2]");
    browser.wait_for(&frame, &format!("document.querySelector('video').currentTime === {}", kills[2]));
    browser.press(&tab, "p");
    assert!(time(&mut browser, &frame) < kills[2].as_f64().unwrap());
    assert_self_contained(&browser, &frame, &published);
    assert_eq!(browser.evaluate(&frame, "document.cookie"), json!(""));
}

#[test]
fn player_page_starts_at_the_second_in_its_address() {
    if !chromium::is_installed("the player page at a second") {
        return;
    }
    let published = Published::new();
    let end = published.clip["duration_seconds"].as_f64().unwrap();
    let mut browser = published.browser();
    for (query, expected) in [("", 0.0), ("?t=1.5", 1.5), ("?t=9999", end), ("?t=-3", 0.0), ("?t=soon", 0.0)] {
        let tab = browser.open(1280, 800);
        browser.go(&tab, &format!("{}{query}", published.url("embed_url")));
        browser.wait_for(&tab, "document.querySelector('video')?.readyState > 1");
        let found = time(&mut browser, &tab);
        assert!((found - expected).abs() < 0.05, "{query}: {found}");
        assert_eq!(browser.evaluate(&tab, "document.querySelector('video').paused"), json!(true));
        assert_self_contained(&browser, &tab, &published);
    }
}

#[test]
fn keys_control_the_player_unless_they_are_switched_off() {
    if !chromium::is_installed("the player page's keys") {
        return;
    }
    let published = Published::new();
    let mut browser = published.browser();
    let tab = browser.open(1280, 800);
    browser.go(&tab, published.url("embed_url"));
    browser.wait_for(
        &tab,
        "document.querySelector('video')?.readyState > 0 && !document.querySelector('.controls').hidden",
    );
    let end = published.clip["duration_seconds"].as_f64().unwrap();
    let state = "(v => [v.currentTime, v.playbackRate, v.loop, v.paused])(document.querySelector('video'))";
    for (key, expected) in [
        ("5", json!([end / 2.0, 1, false, true])),
        ("l", json!([end, 1, false, true])),
        ("j", json!([(end - 10.0).max(0.0), 1, false, true])),
        (">", json!([0, 1.5, false, true])),
        ("<", json!([0, 1, false, true])),
        ("r", json!([0, 1, true, true])),
    ] {
        browser.press(&tab, key);
        let found = browser.evaluate(&tab, state);
        assert!((found[0].as_f64().unwrap() - expected[0].as_f64().unwrap()).abs() < 0.01, "{key}: {found}");
        assert_eq!(found.as_array().unwrap()[1..], expected.as_array().unwrap()[1..], "{key}");
    }
    browser.press(&tab, "?");
    browser.wait_for(&tab, "document.querySelector('.help').open");
    browser.evaluate(&tab, "document.querySelector('.shortcuts').click(), document.querySelector('.help').close()");
    browser.press(&tab, "9");
    assert_eq!(time(&mut browser, &tab), 0.0, "character keys are off");
}

#[test]
fn player_page_has_no_accessibility_violations() {
    let test = "the accessibility of the player page";
    let Some(axe) = axe::source(test).filter(|_| chromium::is_installed(test)) else { return };
    let published = Published::new();
    let mut browser = published.browser();
    for (width, height) in [(1280, 800), (390, 844)] {
        for scheme in ["light", "dark"] {
            for state in [
                "0",
                "document.querySelector('.help').showModal()",
                "document.querySelector('.player').classList.add('overlay')",
            ] {
                let tab = browser.open(width, height);
                let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
                browser.call(Some(&tab), "Emulation.setEmulatedMedia", media);
                browser.go(&tab, published.url("embed_url"));
                browser.wait_for(&tab, "document.querySelector('.controls')?.hidden === false");
                browser.evaluate(&tab, state);
                assert_eq!(axe::violations(&mut browser, &tab, &axe), json!([]), "{width} {scheme} {state}");
            }
        }
    }
}
