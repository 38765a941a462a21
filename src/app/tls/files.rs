//! A studio's own certificate: two PEM files maintained outside the appliance, reloaded when they change.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::certificates::Pair;

/// Bytes of a certificate file: 1 MiB.
const CERTIFICATE_FILE_BYTES: u64 = 1 << 20;

/// The files, and the pair last loaded from them.
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    pair: Pair,
    /// The last error, so that it is reported only once.
    fault: Option<String>,
}

impl Files {
    /// Loads the files. Errors name the file.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self> {
        let pair = read(certificate, key)?;
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), pair, fault: None })
    }

    /// The pair last loaded.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// Reloads the files and returns the pair if it changed. Reports an error only once.
    pub fn refresh(&mut self) -> Result<Option<&Pair>> {
        match read(&self.certificate, &self.key) {
            Ok(pair) => {
                self.fault = None;
                if pair == self.pair {
                    return Ok(None);
                }
                self.pair = pair;
                Ok(Some(&self.pair))
            }
            Err(error) => {
                let words = error.to_string();
                let known = self.fault.replace(words.clone()) == Some(words);
                if known { Ok(None) } else { Err(error) }
            }
        }
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Pair> {
    let read = |path: &Path, flag: &str| {
        content(path).map_err(|error| {
            let message = format!("{flag} {} cannot be read: {error}.", path.display());
            Error::new(Kind::Invalid, ErrorCode::UnreadableFile, message)
        })
    };
    Ok(Pair { certificate: read(certificate, "--tls-cert")?, key: read(key, "--tls-key")? })
}

fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(CERTIFICATE_FILE_BYTES).read_to_end(&mut content)?;
    Ok(content)
}
