//! Webhooks end to end: receivers in other languages verify events, nothing is lost when the server is killed, and a
//! receiver that hangs does not delay the others.

mod admin;

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver as Lines, channel};

use dinkem_appliance::app::jobs;
use dinkem_appliance::app::webhooks::{operator, owner};
use dinkem_appliance::domain::webhook::AllowedHost;
use dinkem_appliance::scheduler;
use dinkem_appliance::wire::base::Base;
use serde_json::{Value, json};

use crate::support::process::{Appliance, BINARY};
use crate::support::quick;
use crate::support::receiver::{Answer, Receiver};
use crate::support::test_app::{TestApp, spec};
use crate::support::tools::{have, is_gate, skip};
use crate::support::wait::until;

const TEST: &str = "webhook receivers";

/// A receiver's program, running as a process of its own.
struct Program {
    child: Child,
    lines: Lines<String>,
}

impl Program {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).for_each(|line| drop(send.send(line))));
        Self { child, lines }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The code block of the webhook guide in this language.
fn documented(language: &str) -> String {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/webhooks.md")).unwrap();
    let (_, rest) = guide.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("\n```").unwrap().0.to_owned()
}

fn has_official_library() -> bool {
    let found = have("python3", TEST)
        && Command::new("python3")
            .args(["-c", "import standardwebhooks"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
    if !found {
        assert!(!is_gate(), "the gate installs standardwebhooks");
        skip("webhook receivers: Python has no standardwebhooks");
    }
    found
}

/// Receivers that can run here: a name, the file to write, its program, and the command to run it.
fn receivers() -> Vec<(&'static str, &'static str, String, Vec<&'static str>)> {
    let mut found = Vec::new();
    if has_official_library() {
        found.push(("the official library", "official.py", include_str!("receiver.py").into(), vec!["python3"]));
    }
    if have("python3", TEST) {
        found.push(("the guide's Python", "guide.py", documented("python"), vec!["python3"]));
    }
    if have("node", TEST) {
        found.push(("the guide's Node", "guide.mjs", documented("js"), vec!["node"]));
    }
    // Go has `go version` instead of `--version`, and the gate does not install it.
    match Command::new("go").arg("version").stdout(Stdio::null()).status() {
        Ok(_) => found.push(("the guide's Go", "guide.go", documented("go"), vec!["go", "run"])),
        Err(_) => skip("webhook receivers: Go is not installed"),
    }
    found
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn receivers_in_other_languages_verify_every_event_and_refuse_a_wrong_secret() {
    let receivers = receivers();
    let files = quick::server();
    let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8", "--local-nodes", "1"]);
    for (name, file, program, run) in receivers {
        let key = appliance.account(name);
        let port = free_port();
        let hook = json!({"url": format!("http://127.0.0.1:{port}/hook")});
        let (status, set) = appliance.call("PUT", "/api/webhook", &key, Some(&hook));
        assert_eq!(status, 200, "{set}");
        let path = appliance.scratch().join(file);
        fs::write(&path, program).unwrap();
        let start = |secret: &str| {
            let mut command = Command::new(run[0]);
            command.args(&run[1..]).arg(&path).env("WEBHOOK_SECRET", secret).env("PORT", port.to_string());
            let program = Program::start(command);
            until("the receiver to listen", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
            program
        };
        let test = || {
            let (status, delivery) = appliance.call("POST", "/api/webhook/test", &key, None);
            assert_eq!(status, 202, "{delivery}");
            until("the test to be sent", || {
                let (_, list) = appliance.call("GET", "/api/webhook/deliveries?limit=1", &key, None);
                Some(list["deliveries"][0].clone()).filter(|sent| sent["attempts"] == 1)
            })
        };
        let receiver = start(set["secret"].as_str().unwrap());
        let done = appliance.submit(&key, &quick::job(&files));
        appliance.wait_for_clip(&key, &done);
        let cancelled = appliance.submit(&key, &json!({"demo_url": "https://example.com/x.dem",
            "steam64_id": quick::PLAYER.to_string(), "round": 1, "renderer": "game", "metadata": {"name": "Zoë \u{1F3AE}"}}));
        appliance.call("DELETE", &format!("/api/clips/{cancelled}"), &key, None);
        assert_eq!(test()["response_status"], 204, "{name}");
        let mut lines: Vec<_> = (0..3).map(|_| until("an event", || receiver.lines.try_recv().ok())).collect();
        lines.sort();
        let expected = [format!("clip.cancelled {cancelled}"), format!("clip.done {done}")];
        assert_eq!(lines[..2], expected, "{name}");
        assert!(lines[2].starts_with("webhook.test"), "{name}: {lines:?}");
        drop(receiver);

        let _receiver = start("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=");
        let refused = test();
        assert_eq!((&refused["response_status"], &refused["status"]), (&json!(401), &json!("pending")), "{name}");
        assert_eq!(refused["error"], "The receiver answered with status 401.");
    }
}

#[test]
fn no_event_is_lost_when_the_server_is_killed_and_repeats_have_the_same_id() {
    const ROUNDS: usize = 12;
    let receiver = Receiver::start();
    let mut appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let hook = json!({"url": receiver.url("/hook")});
    assert_eq!(appliance.call("PUT", "/api/webhook", &key, Some(&hook)).0, 200);
    let job = json!({"demo_url": "https://example.com/x.dem", "steam64_id": quick::PLAYER.to_string(), "round": 1});
    let mut cancelled = HashSet::new();
    for round in 0..ROUNDS {
        for _ in 0..5 {
            let id = appliance.submit(&key, &job);
            let (status, _) = appliance.call("DELETE", &format!("/api/clips/{id}"), &key, None);
            assert_eq!(status, 200);
            cancelled.insert(id);
        }
        // Killed at another point of the deliveries each time: before, between and after them.
        let enough = cancelled.len() - 5 + round % 6;
        until("some events", || (received_jobs(&receiver).len() >= enough).then_some(()));
        appliance.server().kill();
        appliance.restart();
    }
    until("all events", || (received_jobs(&receiver) == cancelled).then_some(()));
    let events = receiver.seen();
    let of_job: HashSet<_> =
        events.iter().map(|event| (event.id.clone(), event.body["data"]["id"].to_string())).collect();
    assert_eq!(of_job.len(), cancelled.len(), "each job has one id");
    until("the last delivery to be recorded", || {
        let (_, list) = appliance.call("GET", "/api/webhook/deliveries?status=pending", &key, None);
        (list["deliveries"] == json!([])).then_some(())
    });
    appliance.doctor();
}

fn received_jobs(receiver: &Receiver) -> HashSet<String> {
    receiver.seen().iter().filter_map(|event| event.body["data"]["id"].as_str().map(str::to_owned)).collect()
}

#[test]
fn webhooks_that_hang_hold_up_no_others() {
    const WORKING: usize = 30;
    const HANGING: usize = 10;
    const EVENTS: usize = 20;
    let test = TestApp::start();
    let (working, hanging) = (Receiver::start(), Receiver::start());
    hanging.answers(Answer::Hang);
    let mut callers = Vec::new();
    for number in 0..WORKING + HANGING {
        let name = format!("studio {number}");
        let (caller, _) = test.account(&name);
        let host = AllowedHost::parse("127.0.0.1").unwrap();
        operator::allow(&test.app, &crate::support::operator(), &name, host).unwrap();
        let receiver = if number < HANGING { &hanging } else { &working };
        owner::set(&test.app, &caller, receiver.url(&format!("/{number}")), false).unwrap();
        callers.push(caller);
    }
    for _ in 0..EVENTS {
        for caller in &callers {
            let job = jobs::submit(&test.app, caller, spec()).unwrap().job.public_id;
            jobs::remove(&test.app, caller, job).unwrap();
        }
    }
    let base = Base::public("https://clips.lan");
    let running = scheduler::start(test.app.clone(), BINARY.into(), base, Vec::new()).unwrap();
    until("the events of working webhooks", || (working.seen().len() >= WORKING * EVENTS).then_some(()));
    assert_eq!(working.seen().len(), WORKING * EVENTS);
    until("each hanging webhook to be called", || {
        let called: HashSet<_> = hanging.seen().into_iter().map(|event| event.path).collect();
        (called.len() == HANGING).then_some(())
    });
    // Stopping breaks off what hangs; the events stay in the outbox.
    test.app.stop();
    running.stop();
    for caller in &callers[..HANGING] {
        let page = owner::deliveries(&test.app, caller, None, 100, None).unwrap();
        assert!(page.deliveries.iter().all(|delivery| delivery.next_at_ms.is_some()));
    }
}

#[test]
fn events_use_the_appliances_own_address_and_logs_show_no_more_of_a_url_than_its_host() {
    let receiver = Receiver::start();
    receiver.answers(Answer::Status(500));
    let mut appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8", "--local-nodes", "1"]);
    let files = quick::server();
    let key = appliance.account("studio");
    let hook = json!({"url": receiver.url("/secret-path?token=secret-token")});
    let (_, set) = appliance.call("PUT", "/api/webhook", &key, Some(&hook));
    let job = appliance.submit(&key, &quick::job(&files));
    appliance.wait_for_clip(&key, &job);
    until("the event", || receiver.seen().pop());
    let event = receiver.seen().pop().unwrap();
    let shown: Value = event.body["data"]["clip"]["url"].clone();
    assert!(shown.as_str().unwrap().starts_with("https://"), "{shown}");
    assert!(shown.as_str().unwrap().contains("/clips/"), "{shown}");
    let delivery = until("the failure to be recorded", || {
        let (_, list) = appliance.call("GET", "/api/webhook/deliveries", &key, None);
        Some(list["deliveries"][0].clone()).filter(|delivery| delivery["attempts"] == 1)
    });
    assert_eq!(delivery["error"], "The receiver answered with status 500.");
    let token = json!({"url": receiver.url("/secret-path?token=secret-token")});
    assert_eq!(appliance.call("PUT", "/api/webhook", &key, Some(&token)).0, 200);
    #[cfg(unix)]
    {
        appliance.server().signal("TERM");
        let (_, log) = appliance.server().wait();
        let log = log.join("\n");
        assert!(log.contains("the webhook of account \"studio\" fails"), "{log}");
        for secret in ["secret-path", "secret-token", set["secret"].as_str().unwrap()] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}
