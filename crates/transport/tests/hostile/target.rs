//! A server under attack: its address, and the paths that the attacks need.

use super::client::Wire;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A server and its paths.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// The client configuration, if it speaks TLS.
    pub tls: Option<Arc<ClientConfig>>,
    /// Header lines that every request needs, with line ends.
    pub authorization: String,
    /// A GET is answered 200 at once.
    pub small: String,
    /// A POST reads the whole body, then answers `uploaded`.
    pub upload: String,
    pub uploaded: u16,
    /// A POST without authorization is answered 401, whatever its body.
    pub refusing: String,
    /// A GET is answered with at least about 20 MB.
    pub download: String,
}

impl Target {
    pub fn open(&self) -> Wire {
        Wire::open(self.address, self.tls.clone()).unwrap()
    }

    /// Opens `count` connections and sends these bytes on each.
    pub fn open_with(&self, count: usize, bytes: &str) -> Vec<Wire> {
        let open = |_| {
            let mut wire = self.open();
            wire.send(bytes).unwrap();
            wire
        };
        (0..count).map(open).collect()
    }

    /// Without TLS, even if the server expects it.
    pub fn open_tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    /// A head without its final empty line, so that further lines may follow.
    pub fn head(&self, method: &str, path: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{}", self.authorization)
    }

    pub fn get(&self, path: &str) -> String {
        self.head("GET", path) + "\r\n"
    }

    /// The head of an upload, with these header lines.
    pub fn post(&self, lines: &str) -> String {
        self.head("POST", &self.upload) + lines + "\r\n"
    }

    /// The same, for the path that refuses it.
    pub fn post_refused(&self, lines: &str) -> String {
        format!("POST {} HTTP/1.1\r\nHost: x\r\n{lines}\r\n", self.refusing)
    }

    pub fn is_serving(&self) {
        let mut wire = self.open();
        wire.send(self.get(&self.small)).unwrap();
        assert_eq!(wire.answer("GET").expect("an answer").status, 200);
    }
}

/// A client configuration that trusts only this certificate.
pub fn trusting(pem: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    // Full handshakes only: a resumed one doesn't verify the certificate.
    config.resumption = Resumption::disabled();
    Arc::new(config)
}
