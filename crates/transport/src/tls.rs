//! TLS on accepted connections: rustls with ring, TLS 1.2 and 1.3, ALPN http/1.1, and a certificate that can be
//! replaced.

use crate::limits::{HEAD_READ_BYTES, Limits};
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::{Error, InconsistentKeys, ServerConfig, sign::CertifiedKey};
use tokio_rustls::server::TlsStream;

/// The first byte of every TLS handshake (RFC 8446, 5.1).
const HANDSHAKE_RECORD: u8 = 0x16;

const PLAINTEXT_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 50\r\n\
    Connection: close\r\n\
    \r\n\
    This port speaks HTTPS. Use https:// in the URL.\r\n";

/// A server's certificate and key. Clones share them, so a clone can replace them in a running server.
#[derive(Clone)]
pub struct Certificate {
    slot: Arc<Slot>,
    config: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Slot(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Slot {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Certificate {
    /// Reads a chain (leaf certificate first) and its key, both PEM. Fails with `InvalidInput` if they can't be read or
    /// don't match.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> io::Result<Certificate> {
        let slot = Arc::new(Slot(RwLock::new(Arc::new(certified(chain, key)?))));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(invalid)?
            .with_no_client_auth()
            .with_cert_resolver(slot.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Certificate { slot, config: Arc::new(config) })
    }

    /// Replaces the pair for every handshake from now on. After an error the old one stays in use.
    pub fn replace(&self, chain: &[u8], key: &[u8]) -> io::Result<()> {
        let pair = Arc::new(certified(chain, key)?);
        *self.slot.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(())
    }
}

fn invalid(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error.to_string())
}

fn certified(chain: &[u8], key: &[u8]) -> io::Result<CertifiedKey> {
    let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>().map_err(invalid)?;
    if chain.is_empty() {
        return Err(invalid("the PEM contains no certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(invalid)?;
    let pair = CertifiedKey::new(chain, ring::sign::any_supported_type(&key).map_err(invalid)?);
    match pair.keys_match() {
        // `Unknown` means that the key can't provide its public half.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
        Err(error) => Err(invalid(error)),
    }
}

/// Performs the handshake within the time limit. A client that speaks plain HTTP gets a readable answer.
pub(crate) async fn handshake(
    socket: TcpStream,
    certificate: &Certificate,
    limits: &Limits,
) -> io::Result<TlsStream<TcpStream>> {
    let handshake = async {
        let mut first = [0];
        if socket.peek(&mut first).await? == 1 && first[0] != HANDSHAKE_RECORD {
            if first[0].is_ascii_alphabetic() {
                answer_plaintext(socket, limits).await?;
            }
            return Err(io::Error::new(io::ErrorKind::InvalidData, "plaintext on a TLS port"));
        }
        TlsAcceptor::from(certificate.config.clone()).accept(socket).await
    };
    timeout(limits.tls_handshake_time, handshake).await?
}

/// Answers, then drains a little: closing with unread bytes could reset the connection before the answer is read.
async fn answer_plaintext(mut socket: TcpStream, limits: &Limits) -> io::Result<()> {
    socket.write_all(PLAINTEXT_ANSWER).await?;
    socket.shutdown().await?;
    let mut store = [0; HEAD_READ_BYTES];
    let mut left = limits.drain_bytes;
    let drain = async {
        while left > 0 {
            match socket.read(&mut store).await {
                Ok(count) if count > 0 => left = left.saturating_sub(count),
                _ => break,
            }
        }
    };
    // A timeout ends it just as well.
    let _ = timeout(limits.drain_time, drain).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plaintext_answer_declares_its_length() {
        let text = String::from_utf8_lossy(PLAINTEXT_ANSWER);
        let parts = text.split_once("\r\n\r\n");
        assert!(parts.is_some_and(|(head, body)| head.contains(&format!("Content-Length: {}\r\n", body.len()))));
    }
}
