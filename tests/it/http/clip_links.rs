//! `/clips/{token}` and `/embed/{token}`: the public URLs of a finished clip.

use serde_json::Value;

use super::node::publish;
use crate::support::appliance::Appliance;
use crate::support::client::{Answer, Request};
use crate::support::video::{CLIP, POSTER};

pub struct Published {
    appliance: Appliance,
    key: String,
    job: Value,
}

impl Published {
    pub fn new(public_url: Option<&str>) -> Self {
        let appliance = Appliance::start_with_public_url(public_url);
        let key = appliance.account("studio").metered;
        let id = appliance.job(&key);
        let node = appliance.node("n1");
        let claim = appliance.claim(&node).unwrap();
        publish(&appliance, &node, &claim);
        let job = appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&key)).expect(200).json();
        Self { appliance, key, job }
    }

    /// The path of one of the clip's URLs.
    pub fn path(&self, which: &str) -> String {
        let url = self.job["clip"][which].as_str().unwrap();
        format!("/{}", url.splitn(4, '/').nth(3).unwrap())
    }

    pub fn send(&self, request: Request) -> Answer {
        self.appliance.send(&request)
    }
}

#[test]
fn range_requests_return_exactly_that_range() {
    let published = Published::new(None);
    let path = published.path("url");
    let length = CLIP.len();
    let etag = published.send(Request::head(&path)).expect(200).header("ETag").unwrap().to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 20, "a strong tag: {etag}");
    type Headers = Vec<(&'static str, String)>;
    let cases: Vec<(Headers, u16, std::ops::Range<usize>)> = vec![
        (vec![], 200, 0..length),
        (vec![("Range", "bytes=0-".into())], 206, 0..length),
        (vec![("Range", "bytes=0-0".into())], 206, 0..1),
        (vec![("Range", "bytes=100-199".into())], 206, 100..200),
        (vec![("Range", format!("bytes={}-", length - 10))], 206, length - 10..length),
        (vec![("Range", "bytes=-10".into())], 206, length - 10..length),
        (vec![("Range", format!("bytes=5-{}", length * 2))], 206, 5..length),
        (vec![("Range", "bytes=0-1,5-6".into())], 200, 0..length),
        (vec![("Range", "bytes=9-5".into())], 200, 0..length),
        (vec![("Range", "lines=1-2".into())], 200, 0..length),
        (vec![("Range", "bytes=5-9".into()), ("If-Range", etag.clone())], 206, 5..10),
        (vec![("Range", "bytes=5-9".into()), ("If-Range", "\"other\"".into())], 200, 0..length),
        (vec![("If-None-Match", "\"other\"".into())], 200, 0..length),
        (vec![("If-None-Match", etag.clone())], 304, 0..0),
    ];
    for (headers, status, bytes) in cases {
        let request = headers.iter().fold(Request::get(&path), |request, (name, value)| request.header(name, value));
        let answer = published.send(request).expect(status);
        assert!(answer.body == CLIP[bytes.clone()], "{headers:?}: {} bytes", answer.body.len());
        assert_eq!((answer.header("ETag"), answer.header("Accept-Ranges")), (Some(etag.as_str()), Some("bytes")));
        let content_range = format!("bytes {}-{}/{length}", bytes.start, bytes.end.saturating_sub(1));
        assert_eq!(answer.header("Content-Range"), (status == 206).then_some(content_range.as_str()));
    }
    for range in [format!("bytes={length}-"), "bytes=-0".into()] {
        let answer = published.send(Request::get(&path).header("Range", &range)).expect(416);
        assert_eq!(answer.header("Content-Range"), Some(format!("bytes */{length}").as_str()));
    }
}

#[test]
fn head_matches_get_without_body_or_range() {
    let published = Published::new(None);
    for which in ["url", "poster_url", "embed_url"] {
        let path = published.path(which);
        let get = published.send(Request::get(&path)).expect(200);
        let head = published.send(Request::head(&path).header("Range", "bytes=0-9")).expect(200);
        assert!(head.body.is_empty());
        for name in ["Content-Type", "Content-Length", "ETag", "Accept-Ranges", "X-Content-Type-Options"] {
            assert_eq!(head.header(name), get.header(name), "{which}: {name}");
        }
    }
}

#[test]
fn clip_files_have_correct_type_and_disposition_headers() {
    let published = Published::new(None);
    let video = published.send(Request::get(&published.path("url"))).expect(200);
    let poster = published.send(Request::get(&published.path("poster_url"))).expect(200);
    assert!(poster.body == *POSTER);
    for (answer, content_type) in [(video, "video/mp4"), (poster, "image/jpeg")] {
        assert_eq!(answer.header("Content-Type"), Some(content_type));
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"));
        assert_eq!(answer.header("Content-Disposition"), None);
    }
    let path = format!("{}?download=1", published.path("url"));
    let download = published.send(Request::head(&path)).expect(200);
    let disposition = download.header("Content-Disposition").unwrap();
    assert!(disposition.starts_with("attachment; filename=\"") && disposition.ends_with(".mp4\""), "{disposition}");
}

#[test]
fn only_the_player_page_may_be_framed() {
    let published = Published::new(None);
    let page = published.send(Request::get(&published.path("embed_url"))).expect(200);
    assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("X-Frame-Options"), None);
    let policy = page.header("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("frame-ancestors"), "{policy}");
    let token = published.path("url").replace("/clips/", "").replace(".mp4", "");
    for part in
        ["<video controls", &format!("src=\"../clips/{token}.mp4\""), &format!("poster=\"../clips/{token}.jpg\"")]
    {
        assert!(page.text().contains(part), "{part} in {}", page.text());
    }
    let video = published.send(Request::get(&published.path("url")));
    assert_eq!(video.header("X-Frame-Options"), Some("DENY"));
}

#[test]
fn deleting_a_clip_ends_its_urls_and_keeps_its_job() {
    let published = Published::new(None);
    let path = format!("/api/clips/{}", published.job["id"].as_str().unwrap());
    let deleted = published.send(Request::delete(&path).key(&published.key)).expect(200).json();
    assert_eq!((&deleted["status"], &deleted["clip"]), (&Value::from("done"), &Value::Null));
    assert_eq!(published.send(Request::delete(&path).key(&published.key)).expect(200).json(), deleted);
    assert_eq!(published.send(Request::get(&path).key(&published.key)).expect(200).json(), deleted);
    for which in ["url", "poster_url", "embed_url"] {
        for method in ["GET", "HEAD", "PUT"] {
            published.send(Request::new(method, &published.path(which))).expect(404);
        }
    }
}

#[test]
fn renewed_link_serves_the_same_clip_and_the_old_link_is_gone() {
    let published = Published::new(None);
    let path = format!("/api/clips/{}", published.job["id"].as_str().unwrap());
    let old = published.send(Request::get(&published.path("url"))).expect(200);
    let mut renewed = published.send(Request::post(&format!("{path}/link")).key(&published.key)).expect(200).json();
    assert_eq!(published.send(Request::get(&path).key(&published.key)).expect(200).json(), renewed);
    for which in ["url", "poster_url", "embed_url"] {
        published.send(Request::get(&published.path(which))).expect(404);
    }
    let url = renewed["clip"]["url"].as_str().unwrap();
    let new = published.send(Request::get(&format!("/{}", url.splitn(4, '/').nth(3).unwrap()))).expect(200);
    assert_eq!((new.header("ETag"), &new.body), (old.header("ETag"), &old.body));
    for which in ["url", "poster_url", "embed_url", "embed_html"] {
        assert_ne!(renewed["clip"][which], published.job["clip"][which]);
        renewed["clip"][which] = published.job["clip"][which].clone();
    }
    assert_eq!(renewed, published.job, "nothing else has changed");
    published.send(Request::delete(&path).key(&published.key)).expect(200);
    let gone = published.send(Request::post(&format!("{path}/link")).key(&published.key)).expect(409).json();
    assert_eq!(gone["code"], "no_clip");
}

#[test]
fn unknown_clip_is_404_and_wrong_method_on_a_clip_is_405() {
    let published = Published::new(None);
    for which in ["url", "poster_url", "embed_url"] {
        let answer = published.send(Request::put(&published.path(which))).expect(405);
        assert_eq!(answer.header("Allow"), Some("GET, HEAD"));
    }
    let odd = ["0F".repeat(16), "0f".repeat(15), "0f".repeat(17), "..".into(), "%2e%2e".into(), "x".repeat(32)];
    for token in odd {
        for path in [format!("/clips/{token}.mp4"), format!("/clips/{token}.jpg"), format!("/embed/{token}")] {
            published.send(Request::get(&path)).expect(404);
        }
    }
}

#[test]
fn urls_start_with_the_public_url_or_the_host_the_client_used() {
    let published = Published::new(Some("https://clips.example/studio/"));
    let clip = &published.job["clip"];
    for which in ["url", "poster_url", "embed_url"] {
        assert!(clip[which].as_str().unwrap().starts_with("https://clips.example/studio/"), "{clip}");
    }
    let frame = clip["embed_html"].as_str().unwrap();
    assert!(frame.starts_with("<iframe src=\"https://clips.example/studio/embed/"), "{frame}");

    let published = Published::new(None);
    let path = format!("/api/clips/{}", published.job["id"].as_str().unwrap());
    let url_for = |host: &str| {
        let job = published.send(Request::get(&path).key(&published.key).header("Host", host)).json();
        job["clip"]["url"].as_str().unwrap().to_owned()
    };
    assert!(url_for("clips.lan:444").starts_with("http://clips.lan:444/clips/"));
    let own = format!("http://{}/clips/", published.appliance.address);
    for host in ["evil.example/x", "evil.example\"><script>", "a b", ""] {
        assert!(url_for(host).starts_with(&own), "{host}: {}", url_for(host));
    }
}
