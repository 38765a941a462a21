//! A raw client that sends and receives exact bytes.

use socket2::{Domain, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Bytes a connection may buffer before the test fails.
const MOST: usize = 100_000_000;
/// Kernel receive buffer of a connection that deliberately doesn't read.
const NARROW_BYTES: usize = 16 << 10;

/// A connection, plain or TLS.
pub struct Wire {
    pub tcp: TcpStream,
    tls: Option<Box<StreamOwned<ClientConnection, TcpStream>>>,
    /// Received but not yet part of an answer.
    held: Vec<u8>,
}

#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// True if the body ended as its framing says.
    pub complete: bool,
    /// The error that ended an incomplete one.
    pub error: Option<io::ErrorKind>,
}

/// The statuses of all answers in these bytes.
pub fn statuses(bytes: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let starts = text.match_indices("HTTP/1.");
    // A message in a body may also name the protocol, but without a status after it.
    starts.filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse::<u16>().ok()).collect()
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Wire {
    pub fn over(tcp: TcpStream, tls: Option<Arc<ClientConfig>>) -> io::Result<Wire> {
        tcp.set_read_timeout(Some(super::PATIENCE))?;
        tcp.set_write_timeout(Some(super::PATIENCE))?;
        tcp.set_nodelay(true)?;
        let Some(config) = tls else { return Ok(Wire { tcp, tls: None, held: Vec::new() }) };
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, tcp.try_clone()?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Wire { tcp, tls: Some(Box::new(stream)), held: Vec::new() })
    }

    pub fn open(address: SocketAddr, tls: Option<Arc<ClientConfig>>) -> io::Result<Wire> {
        Wire::over(TcpStream::connect(address)?, tls)
    }

    /// One with a small receive buffer, so that unread bytes soon pile up in the server.
    pub fn open_narrow(address: SocketAddr, tls: Option<Arc<ClientConfig>>) -> io::Result<Wire> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_recv_buffer_size(NARROW_BYTES)?;
        socket.connect(&address.into())?;
        Wire::over(socket.into(), tls)
    }

    pub fn patience(&self, time: Duration) {
        self.tcp.set_read_timeout(Some(time)).unwrap();
        self.tcp.set_write_timeout(Some(time)).unwrap();
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        match &mut self.tls {
            Some(stream) => stream.write_all(bytes.as_ref()).and_then(|()| stream.flush()),
            None => self.tcp.write_all(bytes.as_ref()),
        }
    }

    /// Reads once; 0 at the end.
    pub fn read_some(&mut self) -> io::Result<usize> {
        let mut store = vec![0; 64 << 10];
        let count = match &mut self.tls {
            Some(stream) => stream.read(&mut store)?,
            None => self.tcp.read(&mut store)?,
        };
        self.held.extend_from_slice(&store[..count]);
        assert!(self.held.len() < MOST, "endless answer");
        Ok(count)
    }

    /// Takes what was received and isn't part of an answer.
    pub fn take_held(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// Reads to the end, clean or not, and returns all bytes.
    pub fn read_out(&mut self) -> (Vec<u8>, Option<io::ErrorKind>) {
        loop {
            match self.read_some() {
                Ok(0) => return (std::mem::take(&mut self.held), None),
                Ok(_) => {}
                Err(error) => return (std::mem::take(&mut self.held), Some(error.kind())),
            }
        }
    }

    /// The next answer, `None` if the connection ended before one began. Interim answers are skipped.
    pub fn answer(&mut self, to: &str) -> Option<Answer> {
        let end = loop {
            if let Some(end) = self.held.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if !matches!(self.read_some(), Ok(count) if count > 0) {
                return None;
            }
        };
        let head = String::from_utf8(self.held.drain(..end).collect()).unwrap();
        let status = head[9..12].parse().unwrap();
        if status == 100 {
            return self.answer(to);
        }
        let mut answer = Answer { status, head, ..Answer::default() };
        if to == "HEAD" || status == 204 || status == 304 {
            answer.complete = true;
        } else if answer.header("transfer-encoding") == Some("chunked") {
            self.read_chunks(&mut answer);
        } else if let Some(length) = answer.header("content-length").map(|length| length.parse().unwrap()) {
            answer.complete = self.fill(length, &mut answer.error);
            let count = self.held.len().min(length);
            answer.body = self.held.drain(..count).collect();
        } else {
            (answer.body, answer.error) = self.read_out();
            answer.complete = answer.error.is_none();
        }
        Some(answer)
    }

    fn fill(&mut self, count: usize, error: &mut Option<io::ErrorKind>) -> bool {
        while self.held.len() < count {
            match self.read_some() {
                Ok(0) => return false,
                Ok(_) => {}
                Err(failure) => {
                    *error = Some(failure.kind());
                    return false;
                }
            }
        }
        true
    }

    fn read_chunks(&mut self, answer: &mut Answer) {
        loop {
            let line = loop {
                if let Some(end) = self.held.windows(2).position(|two| two == b"\r\n") {
                    break end;
                }
                let more = self.held.len() + 1;
                if !self.fill(more, &mut answer.error) {
                    return;
                }
            };
            let line: Vec<u8> = self.held.drain(..line + 2).collect();
            let size = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
            if !self.fill(size + 2, &mut answer.error) {
                return;
            }
            answer.body.extend(self.held.drain(..size));
            self.held.drain(..2);
            if size == 0 {
                answer.complete = true;
                return;
            }
        }
    }

    pub fn get(&mut self, path: &str) -> Option<Answer> {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).ok()?;
        self.answer("GET")
    }
}
