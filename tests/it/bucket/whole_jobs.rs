//! Jobs from submission to playback with clips in a bucket: straight from node to bucket and from bucket to client, and
//! through the server.

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dinkem_appliance::os::http::Method;
use dinkem_appliance::os::s3::object::Condition;
use serde_json::{Value, json};

use crate::support::process::{Appliance, Process, run};
use crate::support::quick;
use crate::support::s3::{Fault, S3};
use crate::support::tools::have;

/// A server whose clips lie in the bucket, and a finished job.
struct Finished {
    appliance: Appliance,
    key: String,
    id: String,
    clip: Value,
    _node: Process,
}

fn finish(s3: &S3, flags: &[&str]) -> Finished {
    let files = quick::server();
    let storage = s3.flags("s3");
    let storage: Vec<&str> = storage.iter().map(String::as_str).collect();
    let appliance = Appliance::start_plain(&[&["--fetch-allow", "127.0.0.0/8"], &storage[..], flags].concat());
    let key = appliance.account("studio");
    let node = appliance.node("node", None);
    let id = appliance.submit(&key, &quick::job(&files));
    let clip = appliance.wait_for_clip(&key, &id)["clip"].take();
    assert_eq!(appliance.ledger_rows(), 1);
    assert_eq!(appliance.videos(), Vec::<String>::new(), "nothing stays on the server's disk");
    Finished { appliance, key, id, clip, _node: node }
}

/// Sends a request and follows no redirect: status, headers, body.
fn ask(method: &str, url: &str, range: Option<&str>) -> (u16, ureq::http::HeaderMap, Vec<u8>) {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).max_redirects(0);
    let agent: ureq::Agent = config.max_redirects_will_error(false).build().into();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    if let Some(range) = range {
        request = request.header("Range", range);
    }
    let mut answer = agent.run(request.body(()).unwrap()).unwrap();
    let mut bytes = Vec::new();
    answer.body_mut().as_reader().read_to_end(&mut bytes).unwrap();
    (answer.status().as_u16(), answer.headers().clone(), bytes)
}

fn has_part(line: &str) -> bool {
    line.starts_with("PUT") && line.contains("partNumber=")
}

#[test]
fn video_goes_straight_to_bucket_and_client_is_sent_there_for_whole_and_ranges() {
    let test = "a job straight to the bucket";
    for s3 in [S3::start(test), S3::start_strict(test)].into_iter().flatten() {
        assert_goes_straight(&s3);
    }
}

fn assert_goes_straight(s3: &S3) {
    let done = finish(s3, &[]);
    assert!(s3.seen().iter().any(|line| has_part(line)), "{:?}", s3.seen());
    let mut keys = s3.keys();
    keys.sort();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(keys[0].starts_with("clips/") && keys[0].ends_with(".jpg") && keys[1].ends_with(".mp4"), "{keys:?}");

    let flags = s3.flags("s3");
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let bucket = done.appliance.admin(&[&flags[..], &["storage"]].concat())["bucket"].take();
    // The third says whose the prefix is.
    assert_eq!((&bucket["objects"], &bucket["more"]), (&json!(3), &json!(false)), "{bucket}");
    assert!(bucket["bytes"].as_u64() > done.clip["bytes"].as_u64(), "{bucket}");
    assert_eq!(done.appliance.admin(&["storage"])["bucket"], Value::Null);

    let url = done.clip["url"].as_str().unwrap();
    let bytes = done.clip["bytes"].as_u64().unwrap();
    let (status, headers, _) = ask("GET", url, None);
    assert_eq!((status, &headers["cache-control"]), (302, &ureq::http::HeaderValue::from_static("no-store")));
    let address = headers["location"].to_str().unwrap();
    assert!(address.starts_with(&s3.endpoint) && address.contains("X-Amz-Expires=900"), "{address}");
    assert!(!address.contains("top-secret"));
    let (status, headers, video) = ask("GET", address, None);
    assert_eq!((status, video.len() as u64, headers["content-type"].to_str().unwrap()), (200, bytes, "video/mp4"));
    let (status, headers, part) = ask("GET", address, Some("bytes=100-199"));
    assert_eq!((status, &part[..]), (206, &video[100..200]));
    assert_eq!(headers["content-range"].to_str().unwrap(), format!("bytes 100-199/{bytes}"));
    let (status, headers, _) = ask("HEAD", url, None);
    assert_eq!(status, 302);
    assert_eq!(ask("HEAD", headers["location"].to_str().unwrap(), None).0, 200);
    let (_, headers, _) = ask("GET", &format!("{url}?download=1"), None);
    assert!(headers["location"].to_str().unwrap().contains("response-content-disposition=attachment"));
    assert_eq!(ask("GET", done.clip["poster_url"].as_str().unwrap(), None).0, 302);
    let (status, headers, page) = ask("GET", done.clip["embed_url"].as_str().unwrap(), None);
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(status == 200 && policy.contains(&format!("media-src 'self' {}", s3.endpoint)), "{policy}");
    assert!(String::from_utf8(page).unwrap().contains(" poster="));

    assert_eq!(done.appliance.call("DELETE", &format!("/api/clips/{}", done.id), &done.key, None).0, 200);
    assert_eq!(ask("GET", url, None).0, 404);
    crate::support::wait::until("the objects to be deleted", || s3.keys().is_empty().then_some(()));
}

#[test]
fn store_that_checks_signatures_refuses_changed_addresses_and_doctor_names_a_wrong_secret() {
    let Some(s3) = S3::start_strict("signatures") else { return };
    let bucket = s3.bucket();
    let key = bucket.key("a");
    bucket.put(&key, b"0123456789", "text/plain", Condition::None).unwrap();
    let minute = Duration::from_secs(60);
    let address = bucket.reading(&Method::GET, &key, "text/plain", None, minute).unwrap();
    assert_eq!(ask("GET", &address, Some("bytes=2-4")).2, b"234");
    for (from, to) in
        [("studio/a?", "studio/b?"), ("X-Amz-Expires=60", "X-Amz-Expires=61"), ("text%2Fplain", "text%2Fhtml")]
    {
        assert!(address.contains(from), "{address}");
        let (status, _, body) = ask("GET", &address.replace(from, to), None);
        assert_eq!(status, 403, "{from}");
        assert!(String::from_utf8(body).unwrap().contains("SignatureDoesNotMatch"), "{from}");
    }
    assert_eq!(ask("HEAD", &address, None).0, 403, "the address is for GET alone");

    let appliance = Appliance::start(&[]);
    let doctor = || {
        let flags = s3.flags("s3");
        let data = appliance.data_dir().display().to_string();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let (_, out, err) = run(&[&["--json", "--data-dir", &data, "admin"], &flags[..], &["doctor"]].concat());
        let answer: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {err}"));
        let bucket = answer["faults"].as_array().unwrap().iter().find(|fault| fault["code"] == "bucket");
        bucket.map(|fault| fault["message"].as_str().unwrap().to_owned())
    };
    assert_eq!(doctor(), None);
    for (name, wrong, says) in [
        ("aws_secret_access_key = top-secret", "aws_secret_access_key = guess", "Check the secret key"),
        ("aws_access_key_id = test", "aws_access_key_id = nobody", "does not know the access key"),
    ] {
        let file = std::fs::read_to_string(s3.credentials_file()).unwrap();
        std::fs::write(s3.credentials_file(), file.replace(name, wrong)).unwrap();
        let said = doctor().unwrap();
        assert!(said.contains(says) && !said.contains("guess"), "{said}");
        std::fs::write(s3.credentials_file(), file).unwrap();
    }
}

#[test]
fn node_and_server_trust_the_ca_that_the_storage_names() {
    let test = "a bucket with a CA of its own";
    if !have("haproxy", test) || !have("openssl", test) {
        return;
    }
    let Some(mut s3) = S3::start(test) else { return };
    let (_tls, ca) = s3.behind_tls();
    let appliance = Appliance::start(&[]);
    let flags = s3.flags("s3");
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let data = appliance.data_dir().display().to_string();
    let (_, out, _) = run(&[&["--json", "--data-dir", &data, "admin"], &flags[..], &["doctor"]].concat());
    assert!(out.contains("certificate") && out.contains("\"bucket\""), "{out}");
    let trust = ["--storage-ca-file", ca.to_str().unwrap()];
    let done = finish(&s3, &trust);
    assert!(s3.seen().iter().any(|line| has_part(line)), "{:?}", s3.seen());
    let (status, headers, _) = ask("GET", done.clip["url"].as_str().unwrap(), None);
    assert!(status == 302 && headers["location"].to_str().unwrap().starts_with("https://"), "{headers:?}");
    let wrong = s3.credentials_file();
    let (status, _, err) =
        run(&[&["--data-dir", &data, "admin"], &flags[..], &["--storage-ca-file", wrong.to_str().unwrap(), "doctor"]]
            .concat());
    assert!(!status.success() && err.contains("PEM"), "{err}");
}

#[test]
fn proxying_server_passes_whole_clips_and_ranges_on() {
    let Some(s3) = S3::start("a proxying server") else { return };
    let done = finish(&s3, &["--clips-proxy"]);
    let (url, bytes) = (done.clip["url"].as_str().unwrap(), done.clip["bytes"].as_u64().unwrap());
    let (status, headers, video) = ask("GET", url, None);
    assert_eq!((status, video.len() as u64, headers["accept-ranges"].to_str().unwrap()), (200, bytes, "bytes"));
    let (status, headers, part) = ask("GET", url, Some("bytes=-50"));
    assert_eq!((status, &part[..]), (206, &video[video.len() - 50..]));
    assert_eq!(headers["content-range"].to_str().unwrap(), format!("bytes {}-{}/{bytes}", bytes - 50, bytes - 1));
    let (status, headers, _) = ask("HEAD", url, None);
    assert_eq!((status, headers["content-length"].to_str().unwrap()), (200, &*bytes.to_string()));
    assert_eq!(ask("GET", url, Some("bytes=999999999-")).0, 416);
    assert_eq!(ask("GET", done.clip["poster_url"].as_str().unwrap(), None).0, 200);
    let (_, headers, _) = ask("GET", done.clip["embed_url"].as_str().unwrap(), None);
    assert!(headers["content-security-policy"].to_str().unwrap().contains("media-src 'self';"));
    // A connection to the bucket that breaks is continued where it broke.
    s3.fault(|head| head.starts_with("GET").then_some(Fault::Cut(20_000)));
    assert_eq!(ask("GET", url, None).2, video);
}

#[test]
fn video_goes_through_server_if_node_cannot_reach_bucket() {
    let Some(s3) = S3::start("a node without a way to the bucket") else { return };
    s3.fault(|head| has_part(head.lines().next().unwrap()).then_some(Fault::Answer(403, "AccessDenied")));
    let done = finish(&s3, &["--clips-proxy"]);
    assert_eq!(
        ask("GET", done.clip["url"].as_str().unwrap(), None).2.len() as u64,
        done.clip["bytes"].as_u64().unwrap()
    );
    assert_eq!(s3.keys().len(), 2);
}

#[test]
fn job_is_done_once_although_bucket_is_slow_throttles_and_loses_answers() {
    let Some(s3) = S3::start("a store with faults") else { return };
    let count = AtomicUsize::new(0);
    s3.fault(move |_| match count.fetch_add(1, Ordering::SeqCst) % 5 {
        0 => Some(Fault::Answer(503, "SlowDown")),
        1 => Some(Fault::LostAnswer),
        2 => Some(Fault::Slow(Duration::from_millis(300))),
        3 => Some(Fault::Answer(500, "InternalError")),
        _ => None,
    });
    let done = finish(&s3, &[]);
    s3.heal();
    assert_eq!(done.appliance.count("clips"), 1);
    let (_, headers, _) = ask("GET", done.clip["url"].as_str().unwrap(), None);
    let (status, _, video) = ask("GET", headers["location"].to_str().unwrap(), None);
    assert_eq!((status, video.len() as u64), (200, done.clip["bytes"].as_u64().unwrap()));
}
