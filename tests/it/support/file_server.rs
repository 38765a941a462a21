//! An HTTP server that serves demos and pages to nodes and browsers.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::listener::{head, listen, reply};

/// The response to a path.
pub enum Answer {
    /// 200 with these bytes.
    Bytes(Arc<Vec<u8>>),
    /// This status with an empty body.
    Status(u16),
    /// 302 to this URL.
    Redirect(String),
    /// 200 and these bytes, repeated forever.
    Endless(Arc<Vec<u8>>),
    /// An HTML page.
    Page(String),
    /// 204; the query is sent to the test.
    Report(Sender<String>),
}

pub struct FileServer {
    address: String,
}

impl FileServer {
    /// Serves these paths; any other is 404.
    pub fn serve(paths: Vec<(&'static str, Answer)>) -> Self {
        Self { address: listen("127.0.0.1", move |call, to| answer(&call.path, &paths, to)) }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn answer(target: &str, paths: &[(&'static str, Answer)], to: &mut TcpStream) -> io::Result<()> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let known = paths.iter().find(|(known, _)| *known == path).map(|(_, answer)| answer);
    match known.unwrap_or(&Answer::Status(404)) {
        Answer::Bytes(bytes) => reply(to, 200, &[], bytes),
        Answer::Page(html) => reply(to, 200, &[("Content-Type", "text/html; charset=utf-8")], html.as_bytes()),
        Answer::Report(test) => {
            // The test may have stopped listening.
            let _ = test.send(query.to_owned());
            head(to, 204, &[], None)
        }
        Answer::Status(status) => reply(to, *status, &[], b""),
        Answer::Redirect(place) => reply(to, 302, &[("Location", place)], b""),
        Answer::Endless(bytes) => {
            head(to, 200, &[], None)?;
            loop {
                to.write_all(bytes)?;
            }
        }
    }
}
