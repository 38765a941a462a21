//! A minimal HTTP/1.1 client over a plain socket. It sends exactly what it is given, so that malformed requests can be
//! tested.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::openapi;

const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    length: bool,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.into(), target: target.into(), headers: vec![], body: vec![], length: true }
    }

    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub fn head(target: &str) -> Self {
        Self::new("HEAD", target)
    }

    pub fn delete(target: &str) -> Self {
        Self::new("DELETE", target)
    }

    pub fn put(target: &str) -> Self {
        Self::new("PUT", target)
    }

    pub fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    pub fn key(self, key: &str) -> Self {
        self.header("Authorization", &format!("Bearer {key}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn json(self, body: impl AsRef<[u8]>) -> Self {
        self.header("Content-Type", "application/json").body(body)
    }

    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Sends no `Content-Length` unless the test sets one.
    pub fn no_length(mut self) -> Self {
        self.length = false;
        self
    }

    /// Sends the body with chunked encoding.
    pub fn chunked(mut self) -> Self {
        let mut chunks = Vec::new();
        for chunk in self.body.chunks(1_000) {
            chunks.extend(format!("{:x}\r\n", chunk.len()).bytes());
            chunks.extend(chunk);
            chunks.extend(b"\r\n");
        }
        chunks.extend(b"0\r\n\r\n");
        self.body = chunks;
        self.no_length().header("Transfer-Encoding", "chunked")
    }

    pub fn target(&self) -> &str {
        &self.target
    }

    /// The bytes on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", self.method, self.target);
        if !self.headers.iter().any(|(name, _)| name == "Host") {
            head += "Host: clips.lan:8443\r\n";
        }
        if self.length && (!self.body.is_empty() || ["POST", "PUT"].contains(&self.method.as_str())) {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }

    /// Sends the request, reads the response and checks it against `openapi.json`.
    #[track_caller]
    pub fn send(&self, to: SocketAddr) -> Answer {
        let answer = self.send_anywhere(to);
        openapi::check(&self.method, &self.target, &answer);
        answer
    }

    /// Sends the request to something other than the API, and reads the response.
    #[track_caller]
    pub fn send_anywhere(&self, to: SocketAddr) -> Answer {
        let mut stream = connect(to);
        // A server that responded early may have closed the connection.
        let _ = stream.write_all(&self.bytes());
        Answer::read(stream, self.method == "HEAD")
    }

    /// Sends part of the body and disconnects.
    pub fn send_partially(&self, to: SocketAddr, after_body_bytes: usize) {
        let bytes = self.bytes();
        let sent = bytes.len() - self.body.len() + after_body_bytes;
        connect(to).write_all(&bytes[..sent]).unwrap();
    }
}

/// Connects, with a read timeout.
pub fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads one response to the end of its body.
    #[track_caller]
    pub fn read(stream: TcpStream, head_only: bool) -> Self {
        Self::read_from(stream, head_only).unwrap_or_else(|bytes| panic!("incomplete response: {bytes:?}"))
    }

    /// `None` if the server disconnects.
    pub fn try_read(stream: TcpStream) -> Option<Self> {
        Self::read_from(stream, false).ok()
    }

    fn read_from(mut stream: TcpStream, head_only: bool) -> Result<Self, String> {
        let mut bytes = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if let Some(answer) = Self::parse(&bytes, head_only) {
                return Ok(answer);
            }
            match stream.read(&mut buffer) {
                Ok(read) if read > 0 => bytes.extend(&buffer[..read]),
                _ => return Err(String::from_utf8_lossy(&bytes).into_owned()),
            }
        }
    }

    fn parse(bytes: &[u8], head_only: bool) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status: u16 = lines.next()?.split(' ').nth(1)?.parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: vec![] };
        let rest = &bytes[end + 4..];
        if status == 100 {
            return Self::parse(rest, head_only);
        }
        if head_only || matches!(status, 204 | 304) {
            return Some(answer);
        }
        answer.body = match answer.header("content-length") {
            Some(length) => rest.get(..length.parse().unwrap())?.to_vec(),
            None => dechunk(rest)?,
        };
        Some(answer)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self))
    }

    /// Asserts the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// Asserts a 400 that names this field.
    #[track_caller]
    pub fn expect_bad_field(&self, field: &str) {
        assert_eq!((self.status, self.json()["field"].as_str()), (400, Some(field)), "{}", self.text());
    }
}

fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        rest = &rest[line + 2..];
        if length == 0 {
            return Some(body);
        }
        body.extend(rest.get(..length)?);
        rest = rest.get(length + 2..)?;
    }
}
