//! Load generator: a fixed number of connections, each sending sequential requests. A single thread with an event loop
//! drives them all, the same for every server.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use dinkem_appliance::os::clock::{Clock, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::timeout;

/// Grace period for the last responses. A connection without any response by then counts as starved.
const GRACE: Duration = Duration::from_secs(2);
/// Maximum size of a response in bytes.
const ANSWER: usize = 16 << 10;

/// Results for one kind of request.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Responses per second.
    pub rate: f64,
    /// Median latency.
    pub p50: Duration,
    /// 99th percentile latency.
    pub p99: Duration,
    /// Connections that got no response, or an unexpected one.
    pub starved: usize,
}

/// Sends `request` on all connections for `time`, after a warm-up of a tenth. All responses must have this status.
pub fn run(address: SocketAddr, connections: usize, request: &[u8], status: u16, time: Duration) -> Measured {
    let runtime = Builder::new_current_thread().enable_all().build().expect("an event loop");
    let local = LocalSet::new();
    let clock = Rc::new(SystemClock::new());
    let (begin, end) = (time / 10, time + time / 10);
    let status = format!("HTTP/1.1 {status} ");
    let outcomes = local.block_on(&runtime, async {
        let tasks: Vec<_> = (0..connections)
            .map(|_| {
                let (clock, request, status) = (clock.clone(), request.to_vec(), status.clone());
                tokio::task::spawn_local(async move {
                    let mut times = Vec::new();
                    let ask = ask_on(address, &request, &status, &*clock, begin, end, &mut times);
                    let good = matches!(timeout(end + GRACE, ask).await, Ok(Ok(())));
                    (times, good)
                })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.expect("a connection's task"));
        }
        outcomes
    });
    let starved = outcomes.iter().filter(|(times, good)| !good || times.is_empty()).count();
    let mut times: Vec<Duration> = outcomes.into_iter().flat_map(|(times, _)| times).collect();
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    Measured { rate: times.len() as f64 / time.as_secs_f64(), p50: at(50), p99: at(99), starved }
}

/// Drives one connection. Counts responses between `begin` and `end`.
async fn ask_on(
    address: SocketAddr,
    request: &[u8],
    status: &str,
    clock: &dyn Clock,
    begin: Duration,
    end: Duration,
    times: &mut Vec<Duration>,
) -> io::Result<()> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let mut held = vec![0; ANSWER];
    loop {
        let sent = clock.monotonic();
        if sent >= end {
            return Ok(());
        }
        socket.write_all(request).await?;
        read_answer(&mut socket, &mut held, status).await?;
        let now = clock.monotonic();
        if now >= begin && now < end {
            times.push(now - sent);
        }
    }
}

/// Reads one response, which must have a Content-Length.
async fn read_answer(socket: &mut TcpStream, held: &mut [u8], status: &str) -> io::Result<()> {
    let bad = |text: &[u8]| io::Error::new(ErrorKind::InvalidData, String::from_utf8_lossy(text).into_owned());
    let (mut count, mut wanted) = (0, None);
    while wanted.is_none_or(|wanted| count < wanted) {
        let read = socket.read(&mut held[count..]).await?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        count += read;
        if wanted.is_none()
            && let Some(end) = held[..count].windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = std::str::from_utf8(&held[..end]).map_err(|_| bad(&held[..count]))?;
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("Content-Length"));
            let length = lengths.next().and_then(|(_, digits)| digits.trim().parse::<usize>().ok());
            if !head.starts_with(status) {
                return Err(bad(&held[..count]));
            }
            wanted = Some(end + 4 + length.ok_or_else(|| bad(&held[..count]))?);
        }
    }
    Ok(())
}
