//! A headless Chromium, driven through its DevTools protocol over two named pipes.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use super::tools::have;
use super::wait::{TIMEOUT, until};

const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
];

/// Whether everything is installed; if not, prints that `test` is skipped.
pub fn is_installed(test: &str) -> bool {
    have("chromium", test) && have("certutil", test)
}

/// Chromium with a fresh profile in `scratch`, trusting one CA.
pub fn command(scratch: &Path, authority: &Path) -> Command {
    let home = scratch.join("home");
    let store = home.join(".pki/nssdb");
    std::fs::create_dir_all(&store).unwrap();
    let store = format!("sql:{}", store.display());
    let authority = authority.to_str().unwrap();
    for line in [vec!["-N", "--empty-password"], vec!["-A", "-n", "appliance", "-t", "C,,", "-i", authority]] {
        assert!(Command::new("certutil").args(["-d", &store]).args(line).status().unwrap().success());
    }
    // The shell connects the pipes, if any.
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"if [ -p "$0.in" ]; then exec chromium "$@" 3<"$0.in" 4>"$0.out"; else exec chromium "$@"; fi"#])
        .arg(pipe(scratch, ""))
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", scratch.join("browser").display()))
        .env("HOME", home)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn pipe(scratch: &Path, ending: &str) -> std::path::PathBuf {
    scratch.join(format!("devtools{ending}"))
}

/// A browser that is killed when it is dropped.
pub struct Browser {
    child: Child,
    requests: File,
    messages: Receiver<Value>,
    last: u64,
    /// Events that were received while waiting for something else.
    events: Vec<Value>,
    /// Bytes per second that each page and frame receives, if that is limited.
    limit: Option<u32>,
}

/// A page, or a frame of another site: each has a process of its own.
#[derive(Clone)]
pub struct Tab(String);

impl Browser {
    pub fn start(scratch: &Path, authority: &Path) -> Self {
        let pipes = [".in", ".out"].map(|ending| pipe(scratch, ending));
        assert!(Command::new("mkfifo").args(&pipes).status().unwrap().success());
        let child = command(scratch, authority).arg("--remote-debugging-pipe").spawn().unwrap();
        // In the order in which the shell opens them.
        let requests = OpenOptions::new().write(true).open(&pipes[0]).unwrap();
        let answers = BufReader::new(File::open(&pipes[1]).unwrap());
        let (send, messages) = channel();
        std::thread::spawn(move || {
            let texts = answers.split(0).map_while(Result::ok);
            texts.for_each(|text| drop(send.send(serde_json::from_slice(&text).unwrap())));
        });
        Self { child, requests, messages, last: 0, events: Vec::new(), limit: None }
    }

    /// Pages and frames that are opened from now on receive no more than this many bytes per second.
    pub fn slow_down(&mut self, bytes: u32) {
        self.limit = Some(bytes);
    }

    /// Calls a method; its result.
    #[track_caller]
    pub fn call(&mut self, tab: Option<&Tab>, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut request = json!({"id": self.last, "method": method, "params": params});
        if let Some(Tab(session)) = tab {
            request["sessionId"] = json!(session);
        }
        self.requests.write_all(format!("{request}\0").as_bytes()).unwrap();
        loop {
            let mut message = self.messages.recv_timeout(TIMEOUT).unwrap();
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    /// Opens an empty page of this size that reports its requests, and those of its frames of other sites.
    pub fn open(&mut self, width: u32, height: u32) -> Tab {
        let target = self.call(None, "Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.call(None, "Target.attachToTarget", attach)["sessionId"].take();
        let tab = Tab(session.as_str().unwrap().to_owned());
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call(Some(&tab), "Emulation.setDeviceMetricsOverride", size);
        self.observe(&tab);
        // A frame waits until it is observed, so that none of its requests is missed.
        let attach = json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true});
        self.call(Some(&tab), "Target.setAutoAttach", attach);
        tab
    }

    fn observe(&mut self, tab: &Tab) {
        for domain in ["Page", "Runtime", "Network", "Log"] {
            self.call(Some(tab), &format!("{domain}.enable"), json!({}));
        }
        if let Some(bytes) = self.limit {
            let limit = json!({"offline": false, "latency": 0, "downloadThroughput": bytes, "uploadThroughput": -1});
            self.call(Some(tab), "Network.emulateNetworkConditions", limit);
        }
    }

    pub fn go(&mut self, tab: &Tab, url: &str) {
        self.call(Some(tab), "Page.navigate", json!({"url": url}));
    }

    /// The first frame of another site in a page.
    pub fn frame(&mut self, tab: &Tab) -> Tab {
        let attached = until("the frame", || {
            self.call(Some(tab), "Runtime.evaluate", json!({"expression": "0"}));
            self.events(tab, "Target.attachedToTarget").pop()
        });
        let frame = Tab(attached["sessionId"].as_str().unwrap().to_owned());
        self.observe(&frame);
        self.call(Some(&frame), "Runtime.runIfWaitingForDebugger", json!({}));
        frame
    }

    /// Evaluates an expression, as if the user had caused it; awaits promises.
    #[track_caller]
    pub fn evaluate(&mut self, tab: &Tab, expression: &str) -> Value {
        let params =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let mut result = self.call(Some(tab), "Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result:#}");
        result["result"]["value"].take()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn wait_for(&mut self, tab: &Tab, condition: &str) {
        until(condition, || (self.evaluate(tab, condition) == true).then_some(()));
    }

    /// A page as it looks now: a PNG as base64.
    pub fn picture(&mut self, tab: &Tab) -> String {
        let picture = self.call(Some(tab), "Page.captureScreenshot", json!({"format": "png"}));
        picture["data"].as_str().unwrap().to_owned()
    }

    /// Moves the mouse to a point of a page, or clicks there.
    pub fn mouse(&mut self, tab: &Tab, kinds: &[&str], x: f64, y: f64) {
        for kind in kinds {
            let button = if *kind == "mouseMoved" { "none" } else { "left" };
            let params = json!({"type": kind, "x": x, "y": y, "button": button, "clickCount": 1});
            self.call(Some(tab), "Input.dispatchMouseEvent", params);
        }
    }

    /// Presses a key that produces a character, in whatever has the focus.
    pub fn press(&mut self, tab: &Tab, key: &str) {
        self.call(Some(tab), "Input.dispatchKeyEvent", json!({"type": "keyDown", "key": key, "text": key}));
        self.call(Some(tab), "Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key}));
    }

    /// The parameters of all events of this kind so far.
    pub fn events(&self, tab: &Tab, method: &str) -> Vec<Value> {
        let is_wanted = |event: &&Value| event["method"] == method && event["sessionId"] == tab.0;
        self.events.iter().filter(is_wanted).map(|event| event["params"].clone()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
