//! A healthy render node during an attack: it sends heartbeats and parts of its video, asks for more work and measures
//! its response times.

use super::authenticated;
use super::hostile::bystander::Bystander;
use super::hostile::client::Wire;
use super::hostile::target::Target;
use super::test_server::TestServer;

const PIECE: usize = 4 << 10;

/// Starts working on its own lease.
pub fn start(server: &TestServer) -> Bystander {
    let key = server.node(&format!("honest-{}", authenticated::next()));
    let (_, lease) = server.claimed_job(&key);
    let target = Target { authorization: format!("Authorization: Bearer {key}\r\n"), ..server.target.clone() };
    let (mut turn, mut offset) = (0_u64, 0);
    Bystander::doing(move || {
        turn += 1;
        match turn % 3 {
            0 => {
                let claim = br#"{"wait_seconds":0,"renderers":["builtin"],"slots":1}"#;
                request(&target, "POST", "/api/node/claims", claim) == Some(204)
            }
            1 => {
                let progress = (turn as f64 / 1e6).min(0.99);
                let beat = format!("{{\"stage\":\"rendering\",\"progress\":{progress}}}");
                request(&target, "PUT", &format!("/api/node/leases/{lease}"), beat.as_bytes()) == Some(200)
            }
            _ => {
                let path = format!("/api/node/leases/{lease}/video?offset={offset}");
                offset += PIECE;
                request(&target, "PUT", &path, &[0; PIECE]) == Some(200)
            }
        }
    })
}

/// Sends a request on a new connection; the status.
fn request(target: &Target, method: &str, path: &str, body: &[u8]) -> Option<u16> {
    let mut wire = Wire::open(target.address, target.tls.clone()).ok()?;
    let lines = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    wire.send([target.head(method, path).as_bytes(), lines.as_bytes(), body].concat()).ok()?;
    wire.answer(method).map(|answer| answer.status)
}
