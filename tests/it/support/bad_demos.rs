//! A file server with good and bad demos for a node to fetch.

use std::io::{self, Write};
use std::net::TcpStream;

use super::listener::{head, reply, wait_for_disconnect};
use super::node_harness::DEMO;

/// Responds to a path; `/good.dem` and `/tagged.dem` are demos, the latter with an `ETag`.
pub fn answer(path: &str, known: Option<&str>, to: &mut TcpStream) -> io::Result<()> {
    match path {
        "/good.dem" => reply(to, 200, &[], DEMO),
        "/tagged.dem" if known == Some("\"1\"") => reply(to, 304, &[], b""),
        "/tagged.dem" => reply(to, 200, &[("ETag", "\"1\"")], DEMO),
        "/page.dem" => reply(to, 200, &[], b"<!doctype html><title>Sorry</title>"),
        "/noise.dem" => reply(to, 200, &[], &[7; 5_000]),
        "/empty.dem" => reply(to, 200, &[], b""),
        "/busy.dem" => reply(to, 503, &[], b""),
        "/metadata.dem" => reply(to, 302, &[("Location", "http://169.254.169.254/latest")], b""),
        "/announced.dem" => head(to, 200, &[], Some(2_000_000)).and_then(|()| wait_for_disconnect(to)),
        "/good.dem.gz" => reply(to, 200, &[], &super::compression::gz(DEMO)),
        "/bomb.dem.gz" => reply(to, 200, &[], &bomb()),
        "/cut.dem.gz" => reply(to, 200, &[], &bomb()[..1_000]),
        "/silent.dem" => wait_for_disconnect(to),
        "/stalls.dem" => {
            head(to, 200, &[], Some(100_000))?;
            to.write_all(DEMO)?;
            wait_for_disconnect(to)
        }
        "/short.dem" => head(to, 200, &[], Some(100_000)).and_then(|()| to.write_all(DEMO)),
        "/endless_noise.dem" => endless(&[7; 1_000], to),
        "/endless.dem" => endless(DEMO, to),
        _ => reply(to, 404, &[], b"gone"),
    }
}

fn endless(bytes: &[u8], to: &mut TcpStream) -> io::Result<()> {
    head(to, 200, &[], None)?;
    loop {
        to.write_all(bytes)?;
    }
}

/// 40 MiB of zeros, compressed.
fn bomb() -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..40 {
        packer.write_all(&[0; 1 << 20]).unwrap();
    }
    packer.finish().unwrap()
}
