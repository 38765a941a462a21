//! A request to a program of this machine that answers HTTP on a Unix socket.

use std::io;
use std::path::Path;

/// Maximum bytes of an answer, head included.
pub const LOCAL_ANSWER_BYTES: u64 = 64 * 1_024;
/// Maximum seconds that sending, and each wait for more of the answer, may take.
pub const LOCAL_ANSWER_SECONDS: u64 = 2;

/// The body of the answer to `GET path`, which must have status 200.
#[cfg(unix)]
pub fn get(socket: &Path, path: &str) -> io::Result<Vec<u8>> {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    let mut stream = UnixStream::connect(socket)?;
    let time = Some(Duration::from_secs(LOCAL_ANSWER_SECONDS));
    stream.set_read_timeout(time)?;
    stream.set_write_timeout(time)?;
    // Of this version, the answer ends with the connection and comes in one piece.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(LOCAL_ANSWER_BYTES).read_to_end(&mut answer)?;
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(|| wrong("its answer is not HTTP"))?;
    if answer.get(8..13) != Some(b" 200 ") {
        return Err(wrong("it answers with an error"));
    }
    Ok(answer.split_off(head + 4))
}

/// There are no such programs on this system.
#[cfg(not(unix))]
pub fn get(_socket: &Path, _path: &str) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::Unsupported.into())
}
