//! `clips` and `submit` as clients of a server that answers as a test wants: uploads, waiting, limits, short ids.

use serde_json::{Value, json};

use crate::support::cli::{Cli, CliOutput};
use crate::support::fake_api::{FakeApi, Reply, job};
use crate::support::hash::sha256_hex as sha256;
use crate::support::quick;

const ID: &str = "01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d";
const OTHER: &str = "01940f3c-7a1f-7c3b-9f00-5a4e8a2b6c1d";
const CLIP: &[u8] = b"not really a video";
const FILE_NAME: &str = "tern-harbour-round-2.mp4";

/// A client with a key, and its server.
struct Client {
    cli: Cli,
    api: FakeApi,
}

impl Client {
    fn new() -> Self {
        Self { cli: Cli::with_empty_home(), api: FakeApi::start() }
    }

    fn run(&self, args: &[&str]) -> CliOutput {
        let key = ("DINKEM_API_KEY", "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234");
        self.cli.run_in(&[key, ("DINKEM_SERVER", &self.api.url)], args)
    }

    /// The demo `quick.dem`; its hash.
    fn write_demo(&self) -> String {
        let demo = dinkem_appliance::render::forge::quick();
        std::fs::write(self.cli.home().join("quick.dem"), &demo).unwrap();
        sha256(&demo)
    }

    /// A job that is done, with a clip that the server has.
    fn done(&self, id: &str) -> Value {
        let path = format!("/clips/{}.mp4", id.replace('-', ""));
        let disposition = format!("attachment; filename=\"{FILE_NAME}\"");
        let reply = Reply { status: 200, headers: Vec::new(), body: CLIP.to_vec() };
        self.api.answer(&format!("GET {path}"), [reply.with("Content-Disposition", &disposition)]);
        let url = format!("{}{path}", self.api.url);
        let mut job = job(id, "done");
        job["clip"] = json!({
            "url": url, "poster_url": url, "embed_url": url, "embed_html": "", "duration_seconds": 12.3,
            "bytes": CLIP.len(), "sha256": sha256(CLIP), "width": 1920, "height": 1080, "fps": 30, "view": "tactical",
            "has_audio": false, "pov_verified": null,
        });
        job
    }

    fn answer_job(&self, job: &Value) {
        let id = job["id"].as_str().unwrap();
        self.api.answer(&format!("GET /api/clips/{id}"), [Reply::json(200, job)]);
    }

    fn count(&self, request: &str) -> usize {
        self.api.requests().iter().filter(|made| made.starts_with(request)).count()
    }
}

#[test]
fn demo_is_uploaded_only_if_the_server_lacks_it() {
    for (reply, uploads) in [
        (Reply::json(200, &json!({})), 0),
        (Reply::json(202, &json!({})), 0),
        (Reply::refusal(404, "not_found"), 1),
        (Reply::refusal(422, "demo_unreadable"), 1),
    ] {
        let (client, status) = (Client::new(), reply.status);
        let sha = client.write_demo();
        client.api.answer(&format!("GET /api/demos/{sha}"), [reply]);
        let demo_url = format!("{}/api/demos/{sha}", client.api.url);
        let uploaded = json!({"demo_url": demo_url, "sha256": sha, "bytes": 1});
        client.api.answer("POST /api/demos", [Reply::json(201, &uploaded)]);
        client.api.answer("POST /api/clips", [Reply::json(202, &job(ID, "queued"))]);
        let output = client.run(&["submit", "quick.dem", "--player", "TERN", "--round", "2", "--json"]);
        assert_eq!((output.status, &output.json()["id"]), (0, &ID.into()), "{status}: {output:?}");
        assert_eq!(client.count("POST /api/demos"), uploads, "{status}");
    }
    let client = Client::new();
    let sha = client.write_demo();
    client.api.answer(&format!("GET /api/demos/{sha}"), [Reply::json(401, &json!({"error": "Unauthorized"}))]);
    let output = client.run(&["submit", "quick.dem", "--player", "TERN", "--round", "2"]);
    assert!(output.status == 1 && output.err.contains("401"), "{output:?}");
    assert_eq!(client.count("POST"), 0);
}

#[test]
fn waiting_works_with_servers_that_wait_ignore_it_or_refuse_it() {
    let rendering = |stage: &str| {
        let mut job = job(ID, "rendering");
        job["stage"] = stage.into();
        Reply::json(200, &job)
    };
    let queued = || Reply::json(200, &job(ID, "queued"));
    let path = format!("GET /api/clips/{ID}");
    let wait = |client: &Client| {
        let output = client.run(&["clips", "wait", ID, "--json"]);
        assert_eq!((output.status, &output.json()["status"]), (0, &"done".into()), "{output:?}");
        client.api.requests().iter().map(|made| made.replace(&path, "")).collect::<Vec<_>>()
    };
    let client = Client::new();
    let done = || Reply::json(200, &client.done(ID));
    client.api.answer(&path, [queued(), rendering("fetching"), rendering("rendering"), done()]);
    assert_eq!(wait(&client)[..4], ["", "?wait=20", "?wait=2", "?wait=2"]);
    // The same state at once, however often it is asked to wait.
    let client = Client::new();
    client.api.answer(&path, [queued(), queued(), done()]);
    assert_eq!(wait(&client)[..3], ["", "?wait=20", "?wait=20"]);
    let client = Client::new();
    client.api.answer(&path, [queued(), done()]);
    client.api.answer(&format!("{path}?wait=20"), [Reply::refusal(400, "invalid_field")]);
    assert_eq!(wait(&client)[..3], ["", "?wait=20", ""]);
}

#[test]
fn failed_or_cancelled_job_makes_wait_fail() {
    let client = Client::new();
    let mut failed = job(ID, "failed");
    failed["error"] = json!({"code": "round_not_in_demo", "message": "No such round."});
    for (job, words) in [(failed, "round_not_in_demo: No such round."), (job(ID, "cancelled"), "cancelled")] {
        client.answer_job(&job);
        let output = client.run(&["clips", "wait", ID]);
        assert!(output.status == 1 && output.err.lines().last().unwrap().contains(words), "{output:?}");
    }
}

#[test]
fn short_id_is_searched_for_page_by_page_and_an_ambiguous_one_is_listed() {
    let client = Client::new();
    client.answer_job(&job(ID, "queued"));
    let page = |ids: &[&str], next: Option<&str>| {
        let jobs: Vec<_> = ids.iter().map(|id| job(id, "queued")).collect();
        Reply::json(200, &json!({"clips": jobs, "next_cursor": next}))
    };
    let stranger = "01940f3c-7a1e-7c3b-9f00-5a4e00000000";
    client.api.answer("GET /api/clips?status=&limit=100&cursor=", [page(&[stranger], Some("c1"))]);
    client.api.answer("GET /api/clips?status=&limit=100&cursor=c1", [page(&[ID], None)]);
    let output = client.run(&["clips", "show", "8A2B6C1D", "--json"]);
    assert_eq!((output.status, &output.json()["id"]), (0, &ID.into()), "{output:?}");

    client.api.answer("GET /api/clips?status=&limit=100&cursor=c1", [page(&[ID, OTHER], None)]);
    let output = client.run(&["clips", "cancel", "8a2b6c1d"]);
    assert!(output.status == 1 && output.err.contains(ID) && output.err.contains(OTHER), "{output:?}");
    assert_eq!(client.count("DELETE"), 0);
    let output = client.run(&["clips", "show", "11111111"]);
    assert!(output.status == 1 && output.err.contains("No job's id ends in 11111111"), "{output:?}");
}

#[test]
fn list_pages_up_to_its_limit() {
    let client = Client::new();
    let page = |jobs: usize, next: Option<&str>| {
        Reply::json(200, &json!({"clips": vec![job(ID, "done"); jobs], "next_cursor": next}))
    };
    client.api.answer("GET /api/clips?status=done&limit=100&cursor=", [page(100, Some("c1"))]);
    client.api.answer("GET /api/clips?status=done&limit=20&cursor=c1", [page(20, Some("c2"))]);
    let line = ["clips", "list", "--status", "done", "--limit", "120"];
    let output = client.run(&[&line[..], &["--json"]].concat()).json();
    assert_eq!((output["clips"].as_array().unwrap().len(), &output["next_cursor"]), (120, &"c2".into()));
    let output = client.run(&line);
    assert!(output.out.lines().count() == 121 && output.err.contains("--cursor c2"), "{output:?}");
    client.api.answer("GET /api/clips?status=&limit=50&cursor=a%26b", [page(1, None)]);
    assert_eq!(client.run(&["clips", "list", "--cursor", "a&b"]).status, 0);
}

#[test]
fn only_unfinished_jobs_are_cancelled_because_the_api_deletes_finished_clips() {
    let client = Client::new();
    for (status, exit, deletions) in [("done", 1, 0), ("failed", 1, 0), ("cancelled", 0, 0), ("queued", 0, 1)] {
        client.answer_job(&job(ID, status));
        client.api.answer(&format!("DELETE /api/clips/{ID}"), [Reply::json(200, &job(ID, "cancelled"))]);
        let output = client.run(&["clips", "cancel", ID]);
        assert_eq!((output.status, client.count("DELETE")), (exit, deletions), "{status}: {output:?}");
        let said = if exit == 0 { output.out.contains("cancelled") } else { output.err.contains(status) };
        assert!(said, "{status}: {output:?}");
    }
}

#[test]
fn download_follows_a_clip_into_the_bucket_without_the_key() {
    let client = Client::new();
    let mut done = client.done(ID);
    let clip = format!("{}/clips/in-bucket.mp4", client.api.url);
    done["clip"]["url"] = json!(clip);
    client.answer_job(&done);
    let address = format!("{}/bucket/1.mp4?X-Amz-Signature=abc", client.api.url);
    client.api.answer("GET /clips/in-bucket.mp4", [Reply::json(302, &Value::Null).with("Location", &address)]);
    let disposition = format!("attachment; filename=\"{FILE_NAME}\"");
    let stored = |body: &[u8]| {
        Reply { status: 200, headers: Vec::new(), body: body.to_vec() }.with("Content-Disposition", &disposition)
    };
    client.api.answer("GET /bucket/1.mp4", [stored(CLIP)]);
    let output = client.run(&["clips", "download", ID]);
    assert_eq!(output.status, 0, "{output:?}");
    assert_eq!(std::fs::read(client.cli.home().join(FILE_NAME)).unwrap(), CLIP);

    client.api.answer("GET /bucket/1.mp4", [stored(b"another video")]);
    let output = client.run(&["clips", "download", ID, "-o", "other.mp4"]);
    assert!(output.status == 1 && output.err.contains("SHA-256"), "{output:?}");
    client.api.answer("GET /bucket/1.mp4", [Reply::refusal(403, "AccessDenied")]);
    assert_eq!(client.run(&["clips", "download", ID, "-o", "other.mp4"]).status, 1);
    assert!(!client.cli.home().join("other.mp4").exists());
}

#[test]
fn download_never_replaces_a_file_that_was_not_named() {
    let client = Client::new();
    client.answer_job(&client.done(ID));
    let path = client.cli.home().join(FILE_NAME);
    let output = client.run(&["clips", "download", ID]);
    assert!(output.status == 0 && output.out.contains(FILE_NAME), "{output:?}");
    assert_eq!(std::fs::read(&path).unwrap(), CLIP);

    std::fs::write(&path, "precious").unwrap();
    let output = client.run(&["clips", "download", ID]);
    assert!(output.status == 1 && output.err.contains("already exists"), "{output:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    let output = client.run(&["clips", "download", ID, "-o", FILE_NAME, "--json"]);
    assert!(output.status == 0 && output.err.contains("Replacing"), "{output:?}");
    assert_eq!(output.json()["job"]["id"], ID);
    assert_eq!(std::fs::read(&path).unwrap(), CLIP);

    client.answer_job(&job(ID, "rendering"));
    let output = client.run(&["clips", "download", ID]);
    assert!(output.status == 1 && output.err.contains("clips wait 8a2b6c1d"), "{output:?}");
}

#[test]
fn batch_goes_on_after_a_limit_and_a_failure() {
    let client = Client::new();
    let sha = client.write_demo();
    client.api.answer(&format!("GET /api/demos/{sha}"), [Reply::json(200, &json!({}))]);
    client.answer_job(&client.done(ID));
    let later = || Reply::refusal(429, "too_many_queued").with("Retry-After", "1");
    let accepted = || Reply::json(202, &job(ID, "queued"));
    client.api.answer("POST /api/clips", [later(), Reply::refusal(400, "round_not_in_demo"), accepted()]);
    let line = ["submit", "quick.dem", "--all-rounds", "--player", "tern", "-o", "clips", "--json"];
    let output = client.run(&line);
    assert_eq!(output.status, 1, "{output:?}");
    let printed = output.json();
    let clips = printed["clips"].as_array().unwrap();
    assert_eq!(clips.iter().map(|clip| &clip["round"]).collect::<Vec<_>>(), [&json!(1), &json!(2)]);
    assert!(clips[0]["error"].as_str().unwrap().contains("round_not_in_demo"), "{printed}");
    assert_eq!((&clips[1]["error"], &clips[1]["job"]["status"]), (&Value::Null, &"done".into()));
    assert_eq!(std::fs::read(client.cli.home().join("clips").join(FILE_NAME)).unwrap(), CLIP);
    assert!(output.err.contains("error: 1 of 2 clips failed"), "{output:?}");
    assert_eq!(client.count("POST /api/clips"), 3);
}

#[test]
fn batch_outlasts_a_server_that_is_restarting() {
    let client = Client::new();
    let sha = client.write_demo();
    client.api.answer(&format!("GET /api/demos/{sha}"), [Reply::json(200, &json!({}))]);
    client.answer_job(&client.done(ID));
    let away = || Reply::refusal(503, "stopping");
    client.api.answer("POST /api/clips", [away(), away(), Reply::json(202, &job(ID, "queued"))]);
    let output = client.run(&["submit", "quick.dem", "--all-rounds", "--player", "tern", "--wait", "--json"]);
    assert_eq!(output.status, 0, "{output:?}");
    assert!(output.json()["clips"].as_array().unwrap().iter().all(|clip| clip["job"]["status"] == "done"));
}

#[test]
fn batch_of_highlights_takes_the_best_of_all_or_of_one_player() {
    let client = Client::new();
    let sha = client.write_demo();
    client.api.answer(&format!("GET /api/demos/{sha}"), [Reply::json(200, &json!({}))]);
    client.api.answer("POST /api/clips", [Reply::json(202, &job(ID, "queued"))]);
    let submitted = |args: &[&str]| {
        let output = client.run(&[&["submit", "quick.dem", "--json"], args].concat());
        assert_eq!(output.status, 0, "{output:?}");
        let clips = output.json()["clips"].clone();
        let one = |clip: &Value| (clip["steam64_id"].as_str().unwrap().to_owned(), clip["round"].as_u64().unwrap());
        clips.as_array().unwrap().iter().map(one).collect::<Vec<_>>()
    };
    // Three kills each (`forge::quick`): the earlier round comes first.
    let best = ("76561202200000001".to_owned(), 1);
    let tern = (quick::PLAYER.to_string(), 2);
    let both = [best, tern];
    assert_eq!(submitted(&["--highlights", "1"]), both[..1]);
    assert_eq!(submitted(&["--highlights", "50"]), both);
    assert_eq!(submitted(&["--highlights", "50", "--player", "tern"]), both[1..]);
}

#[test]
fn batch_needs_a_demo_file_and_a_directory() {
    let client = Client::new();
    client.write_demo();
    std::fs::write(client.cli.home().join("file"), "").unwrap();
    for (args, words) in [
        (&["https://demos.lan/x.dem", "--highlights", "3"][..], "not read here"),
        (&["https://demos.lan/x.dem", "--player", "tern", "--round", "2"], "not read here"),
        (&["https://demos.lan/x.dem", "--player", "tern", "--all-rounds"], "not read here"),
        (&["quick.dem", "--highlights", "3", "-o", "file"], "not a directory"),
        (&["quick.dem", "--highlights", "3", "--round", "2"], "--round"),
        (&["quick.dem", "--all-rounds"], "--player"),
        (&["quick.dem", "--player", "tern"], "--round"),
        (&["quick.dem", "--highlights", "0"], "--highlights"),
    ] {
        let output = client.run(&[&["submit"], args].concat());
        assert_eq!((output.status, output.out.as_str()), (2, ""), "{args:?}: {output:?}");
        assert!(output.err.contains(words), "{args:?}: {output:?}");
    }
    let output = client.run(&["submit", "quick.dem", "--player", "nobody", "--all-rounds"]);
    assert!(output.status == 1 && output.err.contains("tern (76561202200000008)"), "{output:?}");
    assert!(client.api.requests().is_empty(), "nothing was asked of the server");
}
