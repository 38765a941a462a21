//! A small server of demos, good and bad, for nodes to fetch from.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// What one path answers.
#[derive(Clone)]
pub enum Answer {
    /// 200 with these bytes.
    Bytes(Arc<Vec<u8>>),
    /// A status without a body worth reading.
    Status(u16),
    /// 302 to this URL.
    Redirect(String),
    /// 200 and bytes without end: these, again and again.
    Endless(Arc<Vec<u8>>),
    /// An HTML page.
    Page(String),
    /// 204; the query goes to the test.
    Hear(Sender<String>),
}

/// Listens on loopback until the test's process ends.
pub struct Files {
    address: String,
}

impl Files {
    /// Serves these paths (with their leading slash); any other is a 404.
    pub fn serve(paths: Vec<(&'static str, Answer)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let paths = Arc::new(paths);
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let paths = paths.clone();
                // A client that goes away in the middle is the client's business.
                std::thread::spawn(move || drop(answer(connection, &paths)));
            }
        });
        Self { address }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn answer(mut connection: TcpStream, paths: &[(&'static str, Answer)]) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let target = request.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let known = paths.iter().find(|(known, _)| *known == path).map(|(_, answer)| answer.clone());
    let head = |status: &str, more: &str| format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n");
    match known.unwrap_or(Answer::Status(404)) {
        Answer::Bytes(bytes) => {
            connection.write_all(head("200 OK", &format!("Content-Length: {}\r\n", bytes.len())).as_bytes())?;
            connection.write_all(&bytes)
        }
        Answer::Page(html) => {
            let fields = format!("Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n", html.len());
            connection.write_all(head("200 OK", &fields).as_bytes())?;
            connection.write_all(html.as_bytes())
        }
        Answer::Hear(test) => {
            // The test may have heard enough.
            let _ = test.send(query.to_owned());
            connection.write_all(head("204 No Content", "").as_bytes())
        }
        Answer::Status(status) => {
            connection.write_all(head(&format!("{status} Status"), "Content-Length: 0\r\n").as_bytes())
        }
        Answer::Redirect(to) => {
            connection.write_all(head("302 Found", &format!("Location: {to}\r\nContent-Length: 0\r\n")).as_bytes())
        }
        Answer::Endless(bytes) => {
            connection.write_all(head("200 OK", "").as_bytes())?;
            loop {
                connection.write_all(&bytes)?;
            }
        }
    }
}
