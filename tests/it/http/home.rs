//! `/`: the page for people who open the server's address.

use dinkem_appliance::app::upkeep::health;
use dinkem_appliance::wire::html::escape;

use crate::support::appliance::{Appliance, good_job};
use crate::support::client::Request;
use crate::support::fake_disk::FakeDisk;

const MIB: u64 = 1 << 20;

#[test]
fn home_page_says_what_this_is_and_how_to_go_on() {
    let appliance = Appliance::start();
    let page = appliance.send(&Request::get("/")).expect(200);
    assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
    for part in
        ["<h1>dinkem appliance</h1>", "Accepting work", "href=\"api/openapi.json\"", "dinkem-appliance admin dashboard"]
    {
        assert!(page.text().contains(part), "{part} in {}", page.text());
    }
    assert!(!page.text().contains("ca.pem"), "there is no CA over plain HTTP");
    let head = appliance.send(&Request::head("/")).expect(200);
    assert_eq!(head.header("Content-Length"), Some(page.body.len().to_string().as_str()));
}

#[test]
fn home_page_says_why_the_server_accepts_no_work() {
    let disk = FakeDisk::with(64 * MIB);
    let appliance = Appliance::start_with_disk(|data| disk.room(data));
    disk.fill_to(0);
    let why = health::ready(&appliance.app).unwrap_err().message;
    let page = appliance.send(&Request::get("/")).expect(200);
    assert!(page.text().contains("Not accepting work") && page.text().contains(&escape(&why)), "{}", page.text());
    disk.resize(64 * MIB);
    assert!(!appliance.send(&Request::get("/")).expect(200).text().contains("Not accepting work"));
}

#[test]
fn home_page_reveals_nothing_about_the_studio() {
    let appliance = Appliance::start();
    let empty = appliance.send(&Request::get("/")).expect(200).body;
    let key = appliance.account("Secret Studio").metered;
    appliance.node("secret-node");
    appliance.send(&Request::post("/api/clips").key(&key).json(good_job().to_string())).expect(202);
    for request in [Request::get("/"), Request::get("/").key(&key), Request::get("/?x=%3Cscript%3E")] {
        let page = appliance.send(&request).expect(200);
        assert_eq!(page.body, empty, "the page is the same for everyone");
        assert!(!page.text().contains(env!("CARGO_PKG_VERSION")), "no version");
    }
}

#[cfg(unix)]
mod in_chromium {
    use std::path::Path;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    use crate::support::process::Appliance;
    use crate::support::{axe, chromium};

    /// Width and height of windows: the smallest phone, a phone, a desktop, 4k.
    const WINDOWS: [(u32, u32); 4] = [(320, 568), (390, 844), (1440, 900), (3840, 2160)];

    #[test]
    fn home_page_fits_every_window_and_has_no_accessibility_violations() {
        let test = "the home page";
        let Some(source) = axe::source(test).filter(|_| chromium::is_installed(test)) else { return };
        let appliance = Appliance::start(&[]);
        let mut browser = chromium::Browser::start(appliance.scratch(), &appliance.ca_file());
        for (width, height) in WINDOWS {
            for scheme in ["light", "dark"] {
                let what = format!("home-{width}-{scheme}");
                let tab = browser.open(width, height);
                let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
                browser.call(Some(&tab), "Emulation.setEmulatedMedia", media);
                browser.go(&tab, &appliance.url("/"));
                browser.wait_for(&tab, "document.readyState === 'complete' && document.querySelector('h1') !== null");
                let overflow = "document.documentElement.scrollWidth - innerWidth";
                assert!(browser.evaluate(&tab, overflow).as_f64().unwrap() <= 0.0, "{what} scrolls sideways");
                assert_eq!(browser.evaluate(&tab, "document.querySelectorAll('a[href=\"ca.pem\"]').length"), 1);
                if let Some(folder) = std::env::var_os("DASHBOARD_SHOTS") {
                    let shot = browser.call(Some(&tab), "Page.captureScreenshot", json!({}));
                    let png = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
                    std::fs::write(Path::new(&folder).join(format!("{what}.png")), png).unwrap();
                }
                assert_eq!(browser.events(&tab, "Log.entryAdded"), Vec::<Value>::new(), "{what}");
                assert_eq!(axe::violations(&mut browser, &tab, &source), json!([]), "{what}");
                let requests = browser.events(&tab, "Network.requestWillBeSent");
                let urls: Vec<_> = requests.iter().map(|event| event["request"]["url"].as_str().unwrap()).collect();
                let is_own = |url: &&str| **url == appliance.url("/") || url.starts_with("data:");
                assert!(urls.iter().all(is_own), "{what}: {urls:?}");
            }
        }
    }
}
