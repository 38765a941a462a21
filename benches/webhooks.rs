//! How fast events reach webhooks while some hang: `cargo bench --bench webhooks`.
//!
//! 10,000 events for 100 webhooks are in the outbox when the server starts. For comparison, the same with no webhook
//! that hangs, and with a single worker, as in a server that calls webhooks one after another.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark prints its results and panics on errors"
)]

#[path = "../tests/it/support/spec.rs"]
mod spec;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dinkem_appliance::app::accounts::{self, auth};
use dinkem_appliance::app::webhooks::{operator, owner};
use dinkem_appliance::app::{App, Settings, jobs};
use dinkem_appliance::domain::error::Result;
use dinkem_appliance::domain::job::Caller;
use dinkem_appliance::domain::operator::Operator;
use dinkem_appliance::domain::webhook::AllowedHost;
use dinkem_appliance::os::clock::{SystemClock, pause};
use dinkem_appliance::os::random::SystemRandom;
use dinkem_appliance::scheduler;
use dinkem_appliance::wire::base::Base;

use crate::spec::spec;

/// Accounts, each with a webhook of its own.
const WEBHOOKS: u64 = 100;
/// Events for each.
const EVENTS: u64 = 100;
/// Webhooks that never answer.
const HANGING: u64 = 10;

fn main() -> Result<()> {
    println!("{} events for {WEBHOOKS} webhooks", WEBHOOKS * EVENTS);
    for hanging in [0, HANGING] {
        let (seconds, events) = run(hanging)?;
        let rate = events as f64 / seconds;
        println!("{hanging:>3} hang: {events} events of the others in {seconds:.1} s, {rate:.0} per second");
    }
    let (seconds, events) = one_after_another()?;
    println!("one connection, one after another, without an appliance: {:.0} per second", events as f64 / seconds);
    Ok(())
}

/// Delivers all events of webhooks that answer: seconds and their number.
fn run(hanging: u64) -> Result<(f64, u64)> {
    let received = Arc::new(AtomicU64::new(0));
    let (answering, silent) = (receiver(Some(received.clone())), receiver(None));
    let dir = tempfile::tempdir().expect("a scratch directory");
    let settings = Settings::default();
    let app = App::serve(dir.path(), settings, Arc::new(SystemClock::new()), Arc::new(SystemRandom))?;
    let callers: Vec<Caller> = (0..WEBHOOKS)
        .map(|number| {
            let address = if number < hanging { &silent } else { &answering };
            account(&app, number, &format!("http://{address}/"))
        })
        .collect::<Result<_>>()?;
    for caller in (0..EVENTS).flat_map(|_| &callers) {
        let job = jobs::submit(&app, caller, spec())?.job.public_id;
        jobs::remove(&app, caller, job)?;
    }
    let expected = (WEBHOOKS - hanging) * EVENTS;
    let start = Instant::now();
    let program = std::env::current_exe().expect("this program");
    let passes = scheduler::start(app.clone(), program, Base::public("https://clips.lan"), Vec::new())?;
    while received.load(Ordering::Relaxed) < expected {
        pause(Duration::from_millis(5));
    }
    let seconds = start.elapsed().as_secs_f64();
    app.stop();
    passes.stop();
    Ok((seconds, expected))
}

/// The plainest sender: the same number of requests on one connection after another.
fn one_after_another() -> Result<(f64, u64)> {
    let address = receiver(Some(Arc::default()));
    let agent = ureq::Agent::new_with_defaults();
    let events = WEBHOOKS * EVENTS / 10;
    let start = Instant::now();
    for _ in 0..events {
        agent.post(format!("http://{address}/")).send("{}").expect("an answer");
    }
    Ok((start.elapsed().as_secs_f64(), events))
}

fn account(app: &Arc<App>, number: u64, url: &str) -> Result<Caller> {
    let (operator_, name) = (Operator::named("bench"), format!("studio {number}"));
    let (_, keys) = accounts::create(app, &operator_, &name, true)?;
    accounts::activate(app, &operator_, Some(&name))?;
    operator::allow(app, &operator_, &name, AllowedHost::parse("127.0.0.1")?)?;
    let key = keys.metered.expect("a new account has keys");
    let caller = auth::authenticate(app, &[&format!("Bearer {}", key.reveal())])?;
    owner::set(app, &caller, url.to_owned(), false)?;
    Ok(caller)
}

/// A receiver with keep-alive that counts events, or one that never answers; its address.
fn receiver(count: Option<Arc<AtomicU64>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(std::io::Result::ok) {
            let count = count.clone();
            thread::spawn(move || answer(stream, count.as_deref()));
        }
    });
    address
}

fn answer(mut stream: TcpStream, count: Option<&AtomicU64>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line == "\r\n" {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        let Some(count) = count else { continue };
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        count.fetch_add(1, Ordering::Relaxed);
    }
}
