//! HTTPS: protocol versions, replacing the certificate, and plaintext on the TLS port.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{Read, Write};
use std::process::Command;
use std::sync::Arc;
use support::hostile::client::Wire;
use support::hostile::eventually;
use support::hostile::target::trusting;
use support::site::{Site, self_signed};
use tiny_http::{Certificate, Limits};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore};

#[test]
fn plaintext_gets_a_readable_answer() {
    let site = Site::tls(Limits::default());
    for request in [
        "GET /json HTTP/1.1\r\nHost: x\r\n\r\n".to_string(),
        format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n{}", "b".repeat(200_000)),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_string(),
    ] {
        let mut wire = Wire::open(site.address, None).unwrap();
        wire.send(request).unwrap();
        let answer = wire.answer("GET").unwrap();
        assert_eq!((answer.status, answer.complete), (400, true));
        assert!(answer.text().contains("https://"), "{}", answer.text());
        assert_eq!(wire.read_out(), (Vec::new(), None));
    }
    // Garbage gets nothing.
    let mut socket = site.open_tcp();
    socket.write_all(&[0, 1, 2, 3]).unwrap();
    let mut seen = Vec::new();
    assert!(socket.read_to_end(&mut seen).is_err() || seen.is_empty());
    // Counted after the socket is closed, which the client may notice first.
    eventually("all four are counted", || site.counters().handshake_failures == 4);
    site.is_serving();
    site.is_empty();
}

#[test]
fn certificate_is_replaced_without_a_restart() {
    let mut site = Site::tls(Limits::default());
    let mut before = site.open();
    assert_eq!(before.get("/json").unwrap().status, 200);
    let certificate = site.certificate.clone().unwrap();
    let (chain, key) = self_signed();
    assert!(
        certificate.replace(chain.as_bytes(), self_signed().1.as_bytes()).is_err(),
        "the key of another certificate"
    );
    assert!(certificate.replace(b"", key.as_bytes()).is_err());
    site.is_serving();
    certificate.replace(chain.as_bytes(), key.as_bytes()).unwrap();
    assert_eq!(before.get("/json").unwrap().status, 200, "an open connection keeps working");
    assert!(Wire::open(site.address, site.tls.clone()).is_err(), "the old certificate is no longer used");
    site.tls = Some(trusting(&chain));
    site.is_serving();
}

#[test]
fn tls_1_2_and_1_3_are_supported_and_only_http_1_1_is_offered() {
    let (chain, key) = self_signed();
    let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let site = Site::start(
        tiny_http::Settings { certificate: Some(certificate), ..tiny_http::Settings::default() },
        Some(trusting(&chain)),
    );
    let trusted = RootCertStore::clone(&roots(&chain));
    for version in [&TLS12, &TLS13] {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(&[version]).unwrap();
        let mut config = builder.with_root_certificates(trusted.clone()).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let mut session = ClientConnection::new(Arc::new(config.clone()), name).unwrap();
        let mut socket = site.open_tcp();
        while session.is_handshaking() {
            session.complete_io(&mut socket).unwrap();
        }
        assert_eq!(session.alpn_protocol(), Some(b"http/1.1".as_slice()));
        assert_eq!(session.protocol_version(), Some(version.version));
        config.alpn_protocols = vec![b"h2".to_vec()];
        assert!(Wire::open(site.address, Some(Arc::new(config))).is_err(), "HTTP/2 is not supported");
    }
}

fn roots(chain: &str) -> RootCertStore {
    use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()).unwrap();
    roots
}

#[test]
fn curl_and_python_are_served() {
    let (chain, key) = self_signed();
    let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let settings = tiny_http::Settings { certificate: Some(certificate), ..tiny_http::Settings::default() };
    let site = Site::start(settings, Some(trusting(&chain)));
    let ca_file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ca-{}.pem", site.address.port()));
    std::fs::write(&ca_file, chain).unwrap();
    let (file, port) = (ca_file.to_str().unwrap(), site.address.port().to_string());
    let at = format!("localhost:{port}:127.0.0.1");
    let url = |path: &str| format!("https://localhost:{port}{path}");
    let upload = "x".repeat(2_000_000);
    let body = ca_file.with_extension("body");
    std::fs::write(&body, &upload).unwrap();
    let data = format!("@{}", body.to_str().unwrap());
    let common = ["-sS", "--max-time", "30", "--cacert", file, "--resolve", &at];
    // (arguments, output)
    let curl_cases: [(&[&str], &str); 4] = [
        (&[&url("/json")], r#"{"ok":true}"#),
        (&["--data-binary", &data, &url("/echo")], "2000000"),
        (&["-H", "Transfer-Encoding: chunked", "--data-binary", &data, &url("/echo")], "2000000"),
        (&["-o", "/dev/null", "-w", "%{http_code}", "--data-binary", &data, &url("/ignore")], "401"),
    ];
    for (arguments, expected) in curl_cases {
        // Skipped if curl is not installed.
        let Ok(output) = Command::new("curl").args(common).args(arguments).output() else { continue };
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(out, expected, "{arguments:?}: {err}");
    }
    let script = "import sys,ssl,urllib.request as u\n\
        c=ssl.create_default_context(cafile=sys.argv[1])\n\
        print(u.urlopen(sys.argv[2]+'/unsized?n=300000',context=c).read().count(b'u'))\n\
        print(u.urlopen(sys.argv[2]+'/echo',data=b'x'*100000,context=c).read().decode())\n";
    if let Ok(output) = Command::new("python3").args(["-c", script, file, &url("")]).output() {
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(out.split_whitespace().collect::<Vec<_>>(), ["300000", "100000"], "{err}");
    }
}
