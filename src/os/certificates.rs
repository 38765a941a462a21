//! X.509 certificates: creates a name-constrained CA, issues server certificates under it, and reads certificates
//! made elsewhere. Stores nothing.

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

/// Expiry of the first certificate in a PEM file, in Unix seconds. `None` if it cannot be parsed.
pub fn valid_until(pem: &[u8]) -> Option<u64> {
    // Checked at the end of time, "expired" is the first error reported.
    match verify_error_at(pem, u64::MAX)? {
        webpki::Error::CertExpired { not_after, .. } => Some(not_after.as_secs()),
        _ => None,
    }
}

/// Start of validity of the first certificate in a PEM file, in Unix seconds. `None` if it cannot be parsed.
pub fn valid_from(pem: &[u8]) -> Option<u64> {
    match verify_error_at(pem, 0)? {
        webpki::Error::CertNotValidYet { not_before, .. } => Some(not_before.as_secs()),
        // Valid since 1970: some other error is reported, such as an unknown issuer.
        _ => Some(0),
    }
}

/// The error from verifying the first certificate at a point in time. There always is one: no trust anchor is given.
fn verify_error_at(pem: &[u8], seconds: u64) -> Option<webpki::Error> {
    let der = first_certificate(pem)?.into();
    let certificate = EndEntityCert::try_from(&der).ok()?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    certificate.verify_for_usage(&[], &[], &[], time, KeyUsage::server_auth(), None, None).err()
}

/// DNS names of the first certificate in a PEM file, including wildcards.
pub fn dns_names(pem: &[u8]) -> Option<Vec<String>> {
    let der = first_certificate(pem)?.into();
    let certificate = EndEntityCert::try_from(&der).ok()?;
    Some(certificate.valid_dns_names().map(str::to_owned).collect())
}

fn first_certificate(pem: &[u8]) -> Option<Vec<u8>> {
    ureq::tls::parse_pem(pem).find_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate.der().to_vec()),
        _ => None,
    })
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
