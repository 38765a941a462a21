//! Chromium plays a clip over HTTPS, trusting the appliance's CA.

use std::sync::mpsc::channel;

use crate::support::chromium;
use crate::support::file_server::{Answer, FileServer};
use crate::support::process::Appliance;
use crate::support::quick;
use crate::support::wait::TIMEOUT;

/// Plays, seeks to the middle, plays on and reports what happened.
const PAGE: &str = r#"<!doctype html><video id=v muted autoplay playsinline src="CLIP"></video><script>
const tell = text => fetch('/heard?' + encodeURIComponent(text));
let sought = false, after = 0;
v.onerror = () => tell('error ' + v.error.code + ' ' + v.error.message);
v.ontimeupdate = () => {
  if (!sought && v.currentTime > 0.3) { sought = true; v.currentTime = v.duration / 2; }
  else if (sought && !v.seeking && v.currentTime > v.duration / 2 + 0.2 && !after++) {
    const q = v.getVideoPlaybackQuality();
    tell(['played', v.videoWidth, v.videoHeight, v.duration.toFixed(2), q.totalVideoFrames > 0, q.corruptedVideoFrames].join(' '));
  }
};
</script>"#;

#[test]
fn chromium_plays_a_clip_and_seeks_in_it() {
    if !chromium::is_installed("playing the clip in Chromium") {
        return;
    }
    let files = quick::server();
    let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let _node = appliance.node("node", None);
    let id = appliance.submit(&key, &quick::job(&files));
    let job = appliance.wait_for_clip(&key, &id);

    let (report_sender, reports) = channel();
    let page = PAGE.replace("CLIP", job["clip"]["url"].as_str().unwrap());
    let site = FileServer::serve(vec![("/page", Answer::Page(page)), ("/heard", Answer::Report(report_sender))]);
    let mut browser =
        chromium::command(appliance.scratch(), &appliance.ca_file()).arg(site.url("/page")).spawn().unwrap();
    let report = reports.recv_timeout(TIMEOUT);
    browser.kill().unwrap();
    browser.wait().unwrap();
    let report = report.expect("the page must report");
    let duration = job["clip"]["duration_seconds"].as_f64().unwrap();
    assert_eq!(report.replace("%20", " "), format!("played 1920 1080 {duration:.2} true 0"));
}
