//! An S3 server on this machine: moto or nanio, and in front of it a proxy that misbehaves on demand.
//!
//! moto knows most of S3 but checks no signatures; nanio checks them and the clock, and knows less. Any other server takes
//! moto's place if `DINKEM_TEST_S3` has a shell command that starts it: with the access key `test`, the secret key
//! `top-secret`, its files below `$FOLDER`, on `$PORT` of this machine.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dinkem_appliance::app::clips::bucket::Storage;
use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::os::clock::{Clock, SystemClock};
use dinkem_appliance::os::random::SystemRandom;
use dinkem_appliance::os::s3::{Bucket, Credentials, Location};
use rusty_s3::S3Action as _;

use super::tools::have;
use super::wait::until;

/// The bucket that exists when the server has started.
pub const BUCKET: &str = "clips";
/// What all keys begin with.
pub const PREFIX: &str = "studio/";
const REGION: &str = "us-east-1";
const KEY_ID: &str = "test";
const SECRET: &str = "top-secret";

/// What the proxy does to a request.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Answers with this status and S3 code, instead of the server.
    Answer(u16, &'static str),
    /// Closes the connection without an answer, after the server has done its work.
    LostAnswer,
    /// Closes the connection after this many bytes of the answer.
    Cut(usize),
    /// Waits before the request goes on.
    Slow(Duration),
}

/// Whether a fault applies to a request head.
type Applies = Box<dyn FnMut(&str) -> Option<Fault> + Send>;

#[derive(Default)]
struct Shared {
    faults: Mutex<Option<Applies>>,
    /// The first lines of all requests.
    seen: Mutex<Vec<String>>,
}

/// A running server with an empty bucket.
pub struct S3 {
    _server: Served,
    /// `http://…` of the proxy.
    pub endpoint: String,
    shared: Arc<Shared>,
    folder: tempfile::TempDir,
}

impl S3 {
    /// Starts one; `None` if it is not installed, which is printed.
    pub fn start(test: &str) -> Option<Self> {
        match std::env::var("DINKEM_TEST_S3") {
            Ok(command) => Some(Self::run(&command)),
            Err(_) => have("moto_server", test).then(|| Self::run("moto_server -H 127.0.0.1 -p $PORT")),
        }
    }

    /// Starts one that checks signatures; `None` if it is not installed, which is printed.
    pub fn start_strict(test: &str) -> Option<Self> {
        have("nanio", test).then(|| Self::run("nanio serve --host 127.0.0.1 --port $PORT --data-dir $FOLDER"))
    }

    fn run(command: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("files");
        std::fs::create_dir(&files).unwrap();
        let port = free_port();
        let server = Command::new("sh")
            .args(["-c", &format!("exec {command}")])
            .env("PORT", port.to_string())
            .env("FOLDER", &files)
            .envs([("NANIO_ACCESS_KEY", KEY_ID), ("NANIO_SECRET_KEY", SECRET)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let target = format!("127.0.0.1:{port}");
        let shared = Arc::new(Shared::default());
        let endpoint = proxy(&target, &shared);
        let file = format!("[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n");
        let s3 = Self { _server: Served(server), endpoint, shared, folder };
        std::fs::write(s3.credentials_file(), file).unwrap();
        until("the S3 server", || TcpStream::connect(&target).ok());
        s3.make_bucket(&format!("http://{target}"));
        s3
    }

    /// Reached by HTTPS from now on, through HAProxy, with a certificate that only the returned CA file vouches for. Until the
    /// process is dropped.
    pub fn behind_tls(&mut self) -> (Served, PathBuf) {
        let place = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=s3.example", "-addext", "subjectAltName=IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &place("key.pem"), "-out", &place("ca.pem")])
            .output();
        assert!(made.unwrap().status.success());
        let pem = ["ca.pem", "key.pem"].map(|name| std::fs::read_to_string(place(name)).unwrap()).concat();
        std::fs::write(place("both.pem"), pem).unwrap();
        let port = free_port();
        let target = self.endpoint.strip_prefix("http://").unwrap();
        let config = format!(
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n\
             listen s3\n  bind 127.0.0.1:{port} ssl crt {}\n  server s3 {target}\n",
            place("both.pem")
        );
        std::fs::write(place("haproxy.cfg"), config).unwrap();
        let mut command = Command::new("haproxy");
        command.args(["-f", &place("haproxy.cfg")]).stdout(Stdio::null()).stderr(Stdio::null());
        let served = Served(command.spawn().unwrap());
        let address = format!("127.0.0.1:{port}");
        until("HAProxy", || TcpStream::connect(&address).ok());
        self.endpoint = format!("https://{address}");
        (served, self.folder.path().join("ca.pem"))
    }

    fn make_bucket(&self, server: &str) {
        let bucket = rusty_s3::Bucket::new(server.parse().unwrap(), rusty_s3::UrlStyle::Path, BUCKET, REGION).unwrap();
        let credentials = rusty_s3::Credentials::new(KEY_ID, SECRET);
        let url = bucket.create_bucket(&credentials).sign(Duration::from_secs(60));
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        agent.put(url.as_str()).send_empty().unwrap();
    }

    /// Where the bucket is.
    pub fn location(&self) -> Location {
        Location {
            endpoint: self.endpoint.clone(),
            bucket: BUCKET.into(),
            prefix: PREFIX.into(),
            region: REGION.into(),
            allow_http: false,
            ca_pem: None,
        }
    }

    pub fn credentials() -> Credentials {
        Credentials { key_id: KEY_ID.into(), secret: Secret::new(SECRET) }
    }

    /// Settings with the bucket, for new clips.
    pub fn storage(&self) -> Storage {
        Storage {
            location: self.location(),
            credentials: Self::credentials(),
            credentials_file: None,
            takes_new: true,
            is_proxied: false,
        }
    }

    /// The flags of `serve` and `admin` for clips on `disk` or `s3`.
    pub fn flags(&self, kind: &str) -> Vec<String> {
        let file = self.credentials_file().to_string_lossy().into_owned();
        [
            ["--storage", kind],
            ["--storage-endpoint", &self.endpoint],
            ["--storage-bucket", BUCKET],
            ["--storage-prefix", PREFIX],
            ["--storage-credentials-file", &file],
        ]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect()
    }

    /// The file that the flags name.
    pub fn credentials_file(&self) -> PathBuf {
        self.folder.path().join("credentials")
    }

    /// A client for the bucket.
    pub fn bucket(&self) -> Bucket {
        self.bucket_at(Arc::new(SystemClock::new()))
    }

    /// The same with another clock.
    pub fn bucket_at(&self, clock: Arc<dyn Clock>) -> Bucket {
        Bucket::new(self.location(), Self::credentials(), clock, Arc::new(SystemRandom)).unwrap()
    }

    /// Decides from now on what happens to each request, from its head.
    pub fn fault(&self, applies: impl FnMut(&str) -> Option<Fault> + Send + 'static) {
        *self.shared.faults.lock().unwrap() = Some(Box::new(applies));
    }

    /// Slows down the first request whose head has all these texts; the receiver is told when it comes.
    pub fn hold(&self, texts: &'static [&'static str], time: Duration) -> Receiver<()> {
        let (send, held) = channel();
        let mut once = Some(send);
        self.fault(move |head| {
            let told = texts.iter().all(|text| head.contains(text)).then(|| once.take()).flatten()?;
            told.send(()).ok().map(|()| Fault::Slow(time))
        });
        held
    }

    /// From now on all requests pass.
    pub fn heal(&self) {
        *self.shared.faults.lock().unwrap() = None;
    }

    /// The first lines of all requests so far.
    pub fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The keys in the bucket, without the prefix.
    pub fn keys(&self) -> Vec<String> {
        let found = self.bucket().list("", None).unwrap().found;
        let names = found.into_iter().map(|object| object.key.strip_prefix(PREFIX).unwrap().to_owned());
        names.filter(|name| !["owner", "doctor"].contains(&name.as_str())).collect()
    }
}

/// A process that is killed when it is dropped.
pub struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One request per connection, so that each can get its own fault.
fn proxy(target: &str, shared: &Arc<Shared>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (target, shared) = (target.to_owned(), Arc::clone(shared));
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let (target, shared) = (target.clone(), Arc::clone(&shared));
            std::thread::spawn(move || drop(pass(client, &target, &shared)));
        }
    });
    url
}

fn pass(mut client: TcpStream, target: &str, shared: &Shared) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let line = head.lines().next().unwrap_or_default().to_owned();
    shared.seen.lock().unwrap().push(line);
    let fault = shared.faults.lock().unwrap().as_mut().and_then(|applies| applies(&head));
    match fault {
        Some(Fault::Answer(status, code)) => {
            let body = format!("<Error><Code>{code}</Code></Error>");
            let length = body.len();
            write!(client, "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")?;
            let _ = client.shutdown(Shutdown::Write);
            // Reads what is still being sent, so that the answer is not lost.
            std::io::copy(&mut client, &mut std::io::sink())?;
            return Ok(());
        }
        Some(Fault::Slow(time)) => {
            // Nothing ever comes: the time passes.
            let (_keep, never) = channel::<()>();
            let _ = never.recv_timeout(time);
        }
        _ => {}
    }
    let (first, rest) = head.split_once("\r\n").unwrap();
    // The server does not know this expectation; the client would wait for it.
    let rest = if rest.to_lowercase().contains("expect: 100-continue") {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        rest.lines()
            .filter(|line| !line.to_lowercase().starts_with("expect:"))
            .map(|line| format!("{line}\r\n"))
            .collect()
    } else {
        rest.to_owned()
    };
    let mut server = TcpStream::connect(target)?;
    write!(server, "{first}\r\nConnection: close\r\n{rest}")?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    match fault {
        Some(Fault::LostAnswer) => drop(std::io::copy(&mut server, &mut std::io::sink())),
        Some(Fault::Cut(bytes)) => drop(std::io::copy(&mut (&server).take(bytes as u64), &mut client)),
        _ => drop(std::io::copy(&mut server, &mut client)),
    }
    client.shutdown(Shutdown::Both)
}
