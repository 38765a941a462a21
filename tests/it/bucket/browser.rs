//! Chromium plays and seeks in a clip that lies in a bucket, in the player page within another site's page: straight from the
//! bucket, and through a proxying server.

use serde_json::{Value, json};

use crate::support::chromium::{self, Browser, Tab};
use crate::support::file_server::{Answer, FileServer};
use crate::support::process::Appliance;
use crate::support::quick;
use crate::support::s3::S3;
use crate::support::wait::until;

/// The size of the page, and of the frame in it.
const SIZE: (u32, u32) = (1280, 800);
/// Seconds before the end to which the test seeks.
const NEAR_END: f64 = 0.3;

/// Slow enough for a seek to the end to come before the whole clip has been read: it needs a request of its own.
const BYTES_PER_SECOND: u32 = 80_000;

/// The player page in a frame of another site.
struct Player {
    browser: Browser,
    tab: Tab,
    frame: Tab,
    /// Its folder holds the browser's files.
    _appliance: Appliance,
}

impl Player {
    fn open(appliance: Appliance, site: &FileServer) -> Self {
        let mut browser = Browser::start(appliance.scratch(), &appliance.ca_file());
        browser.slow_down(BYTES_PER_SECOND);
        let tab = browser.open(SIZE.0, SIZE.1);
        browser.go(&tab, &site.url("/page"));
        let frame = browser.frame(&tab);
        browser.wait_for(&frame, "document.querySelector('video')?.readyState > 0");
        Self { browser, tab, frame, _appliance: appliance }
    }

    fn wait_for(&mut self, condition: &str) {
        let condition = format!("(v => {condition})(document.querySelector('video'))");
        // A video that has failed never does what is awaited.
        let error = "(v => v.error && `${v.error.code} ${v.error.message}`)(document.querySelector('video'))";
        until(&condition, || {
            assert_eq!(self.browser.evaluate(&self.frame, error), Value::Null);
            (self.browser.evaluate(&self.frame, &condition) == true).then_some(())
        });
    }

    /// Seeks to a second, waits for the event, and returns a picture of that moment.
    fn seek(&mut self, to: f64) -> String {
        let seek = format!(
            "new Promise((resolve, reject) => {{
               const video = document.querySelector('video');
               video.addEventListener('seeked', () => resolve(video.currentTime), {{once: true}});
               video.addEventListener('error', () => reject(new Error(video.error.message)), {{once: true}});
               video.currentTime = {to};
             }})"
        );
        let at = self.browser.evaluate(&self.frame, &seek).as_f64().unwrap();
        assert!((at - to).abs() < 0.001, "{at} instead of {to}");
        self.wait_for("v.readyState >= 2 && !v.seeking");
        self.picture()
    }

    /// The page as it is painted once two pictures in a row are the same.
    fn picture(&mut self) -> String {
        let mut last = String::new();
        until("a still picture", || {
            let picture = self.browser.picture(&self.tab);
            let is_still = picture == last;
            last.clone_from(&picture);
            is_still.then_some(picture)
        })
    }

    /// Whether a video was asked for from somewhere in its middle.
    fn asked_for_the_rest(&self) -> bool {
        let sent = self.browser.events(&self.frame, "Network.requestWillBeSent");
        let ranges = sent.iter().filter_map(|event| event["request"]["headers"]["Range"].as_str());
        ranges
            .filter_map(|range| range.strip_prefix("bytes=")?.split('-').next()?.parse().ok())
            .any(|first: u64| first > 0)
    }

    /// Requests of the frame for videos, by their addresses, that were answered with one of these statuses.
    fn answers(&self, status: u64) -> Vec<String> {
        let received = self.browser.events(&self.frame, "Network.responseReceived");
        let of = |event: &&Value| event["type"] == "Media" && event["response"]["status"] == status;
        received.iter().filter(of).map(|event| event["response"]["url"].as_str().unwrap().to_owned()).collect()
    }
}

/// Renders a clip into the bucket, plays it in Chromium, and returns what the browser saw; `None` where something is missing.
fn play(test: &str, flags: &[&str]) -> Option<(Player, S3, Value)> {
    if !chromium::is_installed(test) {
        return None;
    }
    let s3 = S3::start(test)?;
    let files = quick::server();
    let storage = s3.flags("s3");
    let storage: Vec<&str> = storage.iter().map(String::as_str).collect();
    let appliance = Appliance::start(&[&["--fetch-allow", "127.0.0.0/8"], &storage[..], flags].concat());
    let key = appliance.account("studio");
    let _node = appliance.node("node", None);
    let mut job = quick::job(&files);
    // So long a file that the browser does not ask for all of it at once.
    (job["resolution"], job["fps"]) = (1440.into(), 60.into());
    let clip = appliance.wait_for_clip(&key, &appliance.submit(&key, &job))["clip"].take();
    assert_eq!(appliance.videos(), Vec::<String>::new(), "nothing stays on the server's disk");
    let page = format!("<!doctype html><title>A fan site</title>{}", clip["embed_html"].as_str().unwrap());
    let site =
        FileServer::serve(vec![("/page", Answer::Page(page)), ("/favicon.ico", Answer::Bytes(Default::default()))]);
    let mut player = Player::open(appliance, &site);

    // Nothing but the picture is of interest: the page's own marks and times change.
    let hide = "document.querySelectorAll('body *').forEach(element => {
                  if (!element.contains(document.querySelector('video'))) element.style.visibility = 'hidden';
                })";
    player.browser.evaluate(&player.frame, hide);
    let end = clip["duration_seconds"].as_f64().unwrap() - NEAR_END;
    player.browser.evaluate(&player.frame, "document.querySelector('video').play()");
    player.wait_for("v.currentTime > 0.3 && v.readyState >= 3 && !v.paused");
    player.browser.evaluate(&player.frame, "document.querySelector('video').pause()");
    let start = player.seek(0.5);
    let late = player.seek(end);
    assert!(start != late, "the pictures at 0.5 s and {end} s are the same");
    assert!(player.seek(0.5) == start, "the picture at 0.5 s is another one after seeking back");
    player.browser.evaluate(&player.frame, "document.querySelector('video').play()");
    player.wait_for("v.currentTime > 0.8 && v.readyState >= 3");
    player.wait_for("v.getVideoPlaybackQuality().totalVideoFrames > 10");
    player.wait_for("v.getVideoPlaybackQuality().corruptedVideoFrames === 0");

    assert!(player.asked_for_the_rest());
    for page in [&player.tab, &player.frame] {
        for event in player.browser.events(page, "Log.entryAdded") {
            assert_ne!(event["entry"]["level"], "error", "{event}");
        }
        for event in player.browser.events(page, "Runtime.consoleAPICalled") {
            assert!(event["type"] != "error" && event["type"] != "assert", "{event}");
        }
        assert_eq!(player.browser.events(page, "Runtime.exceptionThrown"), Vec::<Value>::new());
        assert_eq!(
            player.browser.events(page, "Network.loadingFailed").iter().find(|event| event["canceled"] == false),
            None
        );
    }
    Some((player, s3, clip))
}

#[test]
fn chromium_plays_and_seeks_straight_from_the_bucket_in_another_sites_frame() {
    let Some((player, s3, clip)) = play("playing from the bucket", &[]) else { return };
    let (url, bucket) = (clip["url"].as_str().unwrap(), format!("{}/", s3.endpoint));
    let answers = player.answers(206);
    assert!(!answers.is_empty() && answers.iter().all(|from| from.starts_with(&bucket)), "{answers:?}");
    assert_eq!(player.answers(200), Vec::<String>::new());
    let requests = player.browser.events(&player.frame, "Network.requestWillBeSent");
    let redirected =
        |event: &Value| event["redirectResponse"]["url"] == url && event["redirectResponse"]["status"] == 302;
    assert!(requests.iter().any(redirected), "the server sends the browser to the bucket");
    assert!(s3.seen().iter().any(|line| line.starts_with("GET ") && line.contains(".mp4?")));
}

#[test]
fn chromium_plays_and_seeks_through_a_proxying_server_and_never_sees_the_bucket() {
    let Some((player, s3, clip)) = play("playing past the bucket", &["--clips-proxy"]) else { return };
    let answers = player.answers(206);
    assert!(!answers.is_empty() && answers.iter().all(|from| clip["url"] == **from), "{answers:?}");
    for page in [&player.tab, &player.frame] {
        for event in player.browser.events(page, "Network.requestWillBeSent") {
            assert!(!event["request"]["url"].as_str().unwrap().starts_with(&s3.endpoint), "{event}");
            assert_eq!(event["redirectResponse"], json!(null));
        }
    }
}
