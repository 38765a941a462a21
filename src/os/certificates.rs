//! X.509 certificates: creates a name-constrained CA, issues server certificates under it, and reads what a certificate
//! says. Stores nothing.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData, SanType, SerialNumber,
};
use sha2::{Digest, Sha256};
use ureq::tls::PemItem;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::random::Random;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;

/// A certificate or chain with its private key. No `Debug`: the key is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// PEM; in a chain, the server's own certificate comes first.
    pub certificate: Vec<u8>,
    /// PEM.
    pub key: Vec<u8>,
}

/// Validity period in Unix seconds, both ends inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Not before.
    pub from: u64,
    /// Not after.
    pub until: u64,
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Common name; empty if it has none.
    pub name: String,
    /// When it is valid.
    pub valid: Validity,
    /// DNS names it is for, including wildcards, in its order.
    pub dns: Vec<String>,
    /// IP addresses it is for, in its order.
    pub addresses: Vec<IpAddr>,
    /// DNS names, including their subdomains, that a CA's name constraints permit.
    pub permitted_dns: Vec<String>,
    /// Networks that a CA's name constraints permit.
    pub permitted_networks: Vec<IpNet>,
}

impl Facts {
    /// Reads the first certificate of a PEM file. `None` if there is none, or none that a server can use.
    pub fn read(pem: &[u8]) -> Option<Self> {
        Self::of(&parsed(&first_certificate(pem)?)?)
    }

    /// Reads the certificate of a pair that is whole: the file holds one certificate and nothing that does not belong
    /// there, `authority` (PEM) has signed it, and the key is its own. A CA has signed its own certificate. `None` if
    /// anything is damaged or does not fit, as after a crash that left a new key beside an old certificate.
    pub fn read_whole(pair: &Pair, authority: &[u8]) -> Option<Self> {
        let (der, authority) = (only_certificate(&pair.certificate)?, only_certificate(authority)?);
        let (certificate, authority) = (parsed(&der)?, parsed(&authority)?);
        let is_whole = is_signed_by(&certificate, &authority) && is_key_of(&pair.key, &certificate);
        if is_whole { Self::of(&certificate) } else { None }
    }

    fn of(certificate: &X509Certificate<'_>) -> Option<Self> {
        let names = certificate.subject_alternative_name().ok()?.map(|names| &names.value.general_names);
        let names: Vec<_> = names.into_iter().flatten().collect();
        let constraints = certificate.name_constraints().ok()?.map(|constraints| constraints.value);
        let permitted = constraints.and_then(|constraints| constraints.permitted_subtrees.as_ref());
        let permitted: Vec<_> = permitted.into_iter().flatten().map(|subtree| &subtree.base).collect();
        let common_name = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        // A time before 1970 is as good as 1970.
        let seconds = |timestamp: i64| u64::try_from(timestamp).unwrap_or(0);
        let valid = certificate.validity();
        Some(Self {
            name: common_name.unwrap_or_default().to_owned(),
            valid: Validity {
                from: seconds(valid.not_before.timestamp()),
                until: seconds(valid.not_after.timestamp()),
            },
            dns: names.iter().filter_map(|name| dns_name(name)).collect(),
            addresses: names.iter().filter_map(|name| address(octets(name)?)).collect(),
            permitted_dns: permitted.iter().filter_map(|name| dns_name(name)).collect(),
            permitted_networks: permitted.iter().filter_map(|name| network(octets(name)?)).collect(),
        })
    }
}

/// Creates a CA called `name` that can only issue certificates for these names (and their subdomains) and networks
/// (RFC 5280, 4.2.1.10), and not for other CAs.
pub fn authority(name: &str, dns: &[&str], networks: &[IpNet], valid: Validity, random: &dyn Random) -> Result<Pair> {
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = params(name, valid, random)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let names = dns.iter().map(|name| GeneralSubtree::DnsName((*name).to_owned()));
    let networks = networks.iter().map(|network| {
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(network.network(), network.prefix_len()))
    });
    let permitted_subtrees = names.chain(networks).collect();
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(Pair { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() })
}

/// Issues a server certificate for these names and addresses, signed by the CA with this name and key.
pub fn server(
    dns: &[&str],
    addresses: &[IpAddr],
    valid: Validity,
    authority: (&str, &[u8]),
    random: &dyn Random,
) -> Result<Pair> {
    let (authority_name, authority_key) = authority;
    let authority_key = std::str::from_utf8(authority_key).map_err(failed)?;
    let authority_key = KeyPair::from_pem(authority_key).map_err(failed)?;
    // Only the issuer's name and key go into an issued certificate; the rest of the CA certificate is not needed.
    let issuer = Issuer::new(common_name(authority_name), authority_key);
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = params(dns.first().copied().unwrap_or("server"), valid, random)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let dns = dns.iter().map(|name| (*name).try_into().map(SanType::DnsName));
    let addresses = addresses.iter().map(|address| Ok(SanType::IpAddress(*address)));
    params.subject_alt_names = dns.chain(addresses).collect::<Result<_, _>>().map_err(failed)?;
    let certificate = params.signed_by(&key, &issuer).map_err(failed)?;
    Ok(Pair { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() })
}

/// SHA-256 fingerprint of the first certificate in a PEM file, in the usual form `AB:CD:…`.
pub fn fingerprint(pem: &[u8]) -> Option<String> {
    let hash = Sha256::digest(first_certificate(pem)?);
    Some(hash.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
}

/// Only what rustls would serve counts as a certificate. Its parser is the stricter one: x509-parser accepts other tags
/// and bits around the signed part, and versions that cannot hold DNS names.
fn parsed(der: &[u8]) -> Option<X509Certificate<'_>> {
    webpki::EndEntityCert::try_from(&der.into()).ok()?;
    x509_parser::parse_x509_certificate(der).ok().map(|(_, certificate)| certificate)
}

fn is_signed_by(certificate: &X509Certificate<'_>, authority: &X509Certificate<'_>) -> bool {
    certificate.issuer().as_raw() == authority.subject().as_raw()
        && certificate.verify_signature(Some(authority.public_key())).is_ok()
}

/// Whether a private key (PEM) belongs to the certificate.
fn is_key_of(key: &[u8], certificate: &X509Certificate<'_>) -> bool {
    let key = std::str::from_utf8(key).ok().and_then(|key| KeyPair::from_pem(key).ok());
    key.is_some_and(|key| key.subject_public_key_info() == certificate.public_key().raw)
}

fn dns_name(name: &GeneralName<'_>) -> Option<String> {
    if let GeneralName::DNSName(name) = name { Some((*name).to_owned()) } else { None }
}

fn octets<'a>(name: &GeneralName<'a>) -> Option<&'a [u8]> {
    if let GeneralName::IPAddress(octets) = name { Some(octets) } else { None }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

/// A network in name constraints: its address, then its mask (RFC 5280, 4.2.1.10).
fn network(octets: &[u8]) -> Option<IpNet> {
    let (first, mask) = octets.split_at(octets.len() / 2);
    IpNet::with_netmask(address(first)?, address(mask)?).ok()
}

fn first_certificate(pem: &[u8]) -> Option<Vec<u8>> {
    ureq::tls::parse_pem(pem).find_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate.der().to_vec()),
        _ => None,
    })
}

/// The certificate of a PEM file that holds nothing else.
fn only_certificate(pem: &[u8]) -> Option<Vec<u8>> {
    let items: Vec<_> = ureq::tls::parse_pem(pem).collect::<std::result::Result<_, _>>().ok()?;
    if let [PemItem::Certificate(certificate)] = items.as_slice() { Some(certificate.der().to_vec()) } else { None }
}

/// Parameters common to CA and server certificates.
fn params(name: &str, valid: Validity, random: &dyn Random) -> Result<CertificateParams> {
    let mut params = common_name(name);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(valid.from);
    params.not_after = epoch + Duration::from_secs(valid.until);
    // Positive and at most 20 bytes (RFC 5280, 4.1.2.2).
    params.serial_number = Some(SerialNumber::from_slice(&(random.bits()? >> 1).to_be_bytes()));
    Ok(params)
}

fn common_name(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    // At most 64 characters (RFC 5280, upper bound of a common name).
    params.distinguished_name.push(DnType::CommonName, name.chars().take(64).collect::<String>());
    params
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Internal, ErrorCode::NoCertificate, "Could not create the server certificate.").because(error)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::os::random::FakeRandom;

    const VALID: Validity = Validity { from: 1_794_000_000, until: 4_000_000_000 };
    const NETWORKS: [&str; 4] = ["10.0.0.0/8", "198.51.100.7/32", "fc00::/7", "2001:db8:1::/64"];

    fn networks() -> Vec<IpNet> {
        NETWORKS.iter().map(|network| network.parse().unwrap()).collect()
    }

    fn made_authority() -> Pair {
        authority("studio's CA 1", &["box", "localhost"], &networks(), VALID, &FakeRandom::default()).unwrap()
    }

    fn addresses() -> [IpAddr; 2] {
        ["10.0.0.5", "fd00::5"].map(|address| address.parse().unwrap())
    }

    fn made_server(authority: &Pair) -> Pair {
        let signer = ("studio's CA 1", authority.key.as_slice());
        server(&["box", "*.box"], &addresses(), VALID, signer, &FakeRandom::default()).unwrap()
    }

    fn pem(der: &[u8]) -> Vec<u8> {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der)).into_bytes()
    }

    #[test]
    fn a_certificate_says_what_was_asked_for() {
        let authority = made_authority();
        let facts = Facts::read_whole(&authority, &authority.certificate).unwrap();
        let is_ca = Facts {
            name: "studio's CA 1".to_owned(),
            valid: VALID,
            dns: Vec::new(),
            addresses: Vec::new(),
            permitted_dns: vec!["box".to_owned(), "localhost".to_owned()],
            permitted_networks: networks(),
        };
        assert_eq!(facts, is_ca);
        let server = made_server(&authority);
        let is_server = Facts {
            name: "box".to_owned(),
            valid: VALID,
            dns: vec!["box".to_owned(), "*.box".to_owned()],
            addresses: addresses().to_vec(),
            permitted_dns: Vec::new(),
            permitted_networks: Vec::new(),
        };
        assert_eq!(Facts::read_whole(&server, &authority.certificate), Some(is_server.clone()));
        // A studio's file holds the chain too, the server's own certificate first.
        let chain = [server.certificate.as_slice(), &authority.certificate].concat();
        assert_eq!(Facts::read(&chain), Some(is_server));
        assert_eq!(Facts::read_whole(&Pair { certificate: chain, ..server }, &authority.certificate), None);
    }

    #[test]
    fn a_key_or_authority_of_another_certificate_is_refused() {
        let (authority, other) = (made_authority(), made_authority());
        let (server, later) = (made_server(&authority), made_server(&authority));
        let is_whole = |certificate: &Pair, key: &Pair, authority: &Pair| {
            let pair = Pair { certificate: certificate.certificate.clone(), key: key.key.clone() };
            Facts::read_whole(&pair, &authority.certificate).is_some()
        };
        assert!(is_whole(&server, &server, &authority) && is_whole(&other, &other, &other));
        assert!(!is_whole(&server, &later, &authority), "the key of a certificate issued later");
        assert!(!is_whole(&server, &server, &other), "a new CA of the same name");
        assert!(!is_whole(&authority, &other, &authority), "the key of another CA");
        assert!(!is_whole(&authority, &authority, &other), "a CA that did not sign itself");
    }

    #[test]
    fn a_flipped_byte_is_refused() {
        let authority = made_authority();
        let server = made_server(&authority);
        for (pair, signer) in [(&authority, None), (&server, Some(&authority.certificate))] {
            let whole = |certificate: Vec<u8>, key: &[u8]| {
                let pair = Pair { key: key.to_vec(), certificate };
                let signer = signer.unwrap_or(&pair.certificate).clone();
                Facts::read_whole(&pair, &signer)
            };
            let der = first_certificate(&pair.certificate).unwrap();
            assert!(whole(pem(&der), &pair.key).is_some());
            for at in 0..der.len() {
                for bit in [1, 0x80] {
                    let mut der = der.clone();
                    der[at] ^= bit;
                    assert_eq!(whole(pem(&der), &pair.key), None, "byte {at} of {}", der.len());
                }
            }
            for at in 0..pair.certificate.len() {
                let mut damaged = pair.certificate.clone();
                damaged[at] ^= 1;
                let is_same = first_certificate(&damaged).is_some_and(|now| now == der);
                assert!(is_same || whole(damaged, &pair.key).is_none(), "byte {at} of the certificate's PEM");
            }
            for length in 0..der.len() {
                assert_eq!(whole(pem(&der[..length]), &pair.key), None);
            }
            let half = &pair.key[..pair.key.len() / 2];
            assert_eq!(whole(pair.certificate.clone(), half), None);
        }
        assert_eq!((Facts::read(b""), Facts::read(b"no PEM"), Facts::read(&pem(b"AAAA"))), (None, None, None));
    }
}
