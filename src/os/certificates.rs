//! Certificates: makes an authority for a few names and networks, issues a server's certificate under it, and reads
//! what must be known of certificates made elsewhere. Knows nothing of the product, and keeps nothing.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use pki_types::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
};
use sha2::{Digest, Sha256};
use ureq::tls::PemItem;
use webpki::{EndEntityCert, KeyUsage};

use super::random::Random;
use crate::domain::error::{Error, Kind, Result};

/// A certificate, or a chain of them, with its private key. No `Debug`: the key is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// PEM; of a chain the server's own certificate first.
    pub certificate: Vec<u8>,
    /// PEM.
    pub key: Vec<u8>,
}

/// From when until when, in seconds of Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub from: u64,
    /// The last.
    pub until: u64,
}

/// Makes an authority called `name` that can vouch for nothing but these names (and what ends in them) and networks
/// (RFC 5280, 4.2.1.10), and for no other authority.
pub fn authority(name: &str, dns: &[&str], networks: &[IpNet], valid: Validity, random: &dyn Random) -> Result<Pair> {
    let key = KeyPair::generate().map_err(not_made)?;
    let mut params = params(name, valid, random)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let names = dns.iter().map(|name| GeneralSubtree::DnsName((*name).to_owned()));
    let networks = networks.iter().map(|network| {
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(network.network(), network.prefix_len()))
    });
    let permitted_subtrees = names.chain(networks).collect();
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    let certificate = params.self_signed(&key).map_err(not_made)?;
    Ok(Pair { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() })
}

/// Issues a server's certificate for these names and addresses under the authority of this name and key.
pub fn server(
    dns: &[&str],
    addresses: &[IpAddr],
    valid: Validity,
    authority: (&str, &[u8]),
    random: &dyn Random,
) -> Result<Pair> {
    let (authority_name, authority_key) = authority;
    let authority_key = std::str::from_utf8(authority_key).map_err(not_made)?;
    let authority_key = KeyPair::from_pem(authority_key).map_err(not_made)?;
    // What an issuer gives to its certificates is its name and its key; the rest of its certificate is its own.
    let issuer = Issuer::new(named(authority_name), authority_key);
    let key = KeyPair::generate().map_err(not_made)?;
    let mut params = params(dns.first().copied().unwrap_or("server"), valid, random)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let dns = dns.iter().map(|name| (*name).try_into().map(SanType::DnsName));
    let addresses = addresses.iter().map(|address| Ok(SanType::IpAddress(*address)));
    params.subject_alt_names = dns.chain(addresses).collect::<Result<_, _>>().map_err(not_made)?;
    let certificate = params.signed_by(&key, &issuer).map_err(not_made)?;
    Ok(Pair { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() })
}

/// SHA-256 of the first certificate in a PEM, as tools show it: `AB:CD:…`.
pub fn fingerprint(pem: &[u8]) -> Option<String> {
    let hash = Sha256::digest(first(pem)?);
    Some(hash.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
}

/// The last second of the first certificate in a PEM, in Unix time. `None` where it cannot be read.
pub fn valid_until(pem: &[u8]) -> Option<u64> {
    // Judged at the end of time, its end is the first thing that is wrong with it.
    match judged_at(pem, u64::MAX)? {
        webpki::Error::CertExpired { not_after, .. } => Some(not_after.as_secs()),
        _ => None,
    }
}

/// The first second of the first certificate in a PEM, in Unix time. `None` where it cannot be read.
pub fn valid_from(pem: &[u8]) -> Option<u64> {
    match judged_at(pem, 0)? {
        webpki::Error::CertNotValidYet { not_before, .. } => Some(not_before.as_secs()),
        // Valid from the beginning of time: then something else is wrong with it, that nobody trusts it for one.
        _ => Some(0),
    }
}

/// What is wrong with the first certificate in a PEM at a time: something always is, as none is trusted here.
fn judged_at(pem: &[u8], seconds: u64) -> Option<webpki::Error> {
    let der = first(pem)?.into();
    let certificate = EndEntityCert::try_from(&der).ok()?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    certificate.verify_for_usage(&[], &[], &[], time, KeyUsage::server_auth(), None, None).err()
}

/// The DNS names that the first certificate in a PEM is for, wildcards among them.
pub fn dns_names(pem: &[u8]) -> Option<Vec<String>> {
    let der = first(pem)?.into();
    let certificate = EndEntityCert::try_from(&der).ok()?;
    Some(certificate.valid_dns_names().map(str::to_owned).collect())
}

fn first(pem: &[u8]) -> Option<Vec<u8>> {
    ureq::tls::parse_pem(pem).find_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate.der().to_vec()),
        _ => None,
    })
}

/// What authorities and servers have in common.
fn params(name: &str, valid: Validity, random: &dyn Random) -> Result<CertificateParams> {
    let mut params = named(name);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(valid.from);
    params.not_after = epoch + Duration::from_secs(valid.until);
    // Positive, and of at most 20 bytes (RFC 5280, 4.1.2.2).
    params.serial_number = Some(SerialNumber::from_slice(&(random.bits()? >> 1).to_be_bytes()));
    Ok(params)
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    // 64 characters at most (RFC 5280, upper bound of a common name).
    params.distinguished_name.push(DnType::CommonName, name.chars().take(64).collect::<String>());
    params
}

fn not_made(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Internal, "no_certificate", "The server's certificate could not be made.").because(error)
}
