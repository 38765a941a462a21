//! A minimal HTTP server with a thread for each connection and one request for each connection. The test writes the
//! response itself, so it can be late, wrong or incomplete.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// A request whose body has not been read yet.
pub struct Call {
    /// `GET`, `PUT`, …
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
}

impl Call {
    fn read(stream: &TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut parts = line.split_whitespace().map(str::to_owned);
        let (Some(method), Some(path)) = (parts.next(), parts.next()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(Self { method, path, headers, reader })
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body, by its `Content-Length`.
    pub fn body(&mut self) -> impl Read {
        let length = self.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        self.reader.by_ref().take(length)
    }

    /// The whole body, or what has arrived of it.
    pub fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.header("transfer-encoding").is_none() {
            let _ = self.body().read_to_end(&mut bytes);
        }
        // Chunked bodies are not decoded.
        while self.header("transfer-encoding").is_some() && !bytes.ends_with(b"0\r\n\r\n") {
            self.reader.read_until(b'\n', &mut bytes).unwrap();
        }
        bytes
    }
}

/// Listens until the test process ends; `host:port`.
pub fn listen(host: &str, answer: impl Fn(Call, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind((host, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            // Clients may disconnect at any time.
            thread::spawn(move || Call::read(&stream).and_then(|call| answer(call, &mut stream)));
        }
    });
    address
}

/// Writes a whole response.
pub fn reply(to: &mut TcpStream, status: u16, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
    head(to, status, headers, Some(body.len()))?;
    to.write_all(body)
}

/// Writes only status line and headers.
pub fn head(to: &mut TcpStream, status: u16, headers: &[(&str, &str)], length: Option<usize>) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if let Some(length) = length {
        text += &format!("Content-Length: {length}\r\n");
    }
    to.write_all(text.as_bytes())?;
    to.write_all(b"\r\n")
}

/// Waits until the peer disconnects.
pub fn wait_for_disconnect(stream: &mut TcpStream) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}
