//! Uploaded demos: how their URLs are recognized, and what is known about them.

use url::Url;

use super::failure::FailureCode;
use super::sha256::Sha256;

/// Bytes of a fetched or uploaded demo, compressed or not: 2 GiB.
pub const DEMO_BYTES: u64 = 2 << 30;
/// Bytes of a decompressed demo: 4 GiB.
pub const UNPACKED_BYTES: u64 = 4 << 30;
/// Maximum compression ratio of an ordinary demo. Decompression is not attempted without enough free space for it.
pub const UNPACK_ORDINARY_RATIO: u64 = 4;

/// Index of an uploaded demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indexing {
    /// Waiting to be indexed.
    Waiting,
    /// The content, in the format of `inspect --json`.
    Indexed(String),
    /// It cannot be read.
    Failed {
        /// Why.
        code: FailureCode,
        /// A message for people.
        message: String,
    },
}

/// The SHA-256 in a demo's URL if its path is that of an uploaded demo, `/api/demos/{64 hex digits}`, on any host:
/// uploaded demos are recognized by their path and never fetched over the network.
pub fn uploaded_demo(url: &str) -> Option<Sha256> {
    // Most URLs are of other demos, and this is asked several times for each job.
    if url.bytes().filter(u8::is_ascii_hexdigit).count() < 64 {
        return None;
    }
    let url = Url::parse(url).ok().filter(|url| url.query().is_none() && url.fragment().is_none())?;
    Sha256::parse_any_case(url.path().strip_prefix("/api/demos/")?)
}

/// An uploaded demo of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedDemo {
    /// Its content's hash.
    pub sha256: Sha256,
    /// Its length.
    pub bytes: u64,
    /// When the account first uploaded it. Unix time in milliseconds.
    pub uploaded_at_ms: i64,
    /// When a job for it was last submitted, Unix time in milliseconds.
    pub used_at_ms: Option<i64>,
    /// `waiting`, `indexed` or `failed`.
    pub state: String,
    /// Its map, if it has been indexed and names one.
    pub map: Option<String>,
}

/// An uploaded demo with the jobs that need it.
#[derive(Clone, Debug)]
pub struct DemoInfo {
    /// The demo.
    pub demo: UploadedDemo,
    /// Unfinished jobs of the account that need it.
    pub unfinished_jobs: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploaded_demo_is_recognised_by_its_path() {
        let hex = "ab".repeat(32);
        let cases = [
            (format!("https://any.host:8443/api/demos/{hex}"), true),
            (format!("http://[::1]/api/demos/{}", hex.to_uppercase()), true),
            (format!(" https://any.host/./api/demos/{}\t{}", &hex[..9], &hex[9..]), true),
            (format!("https://any.host/api/demos/{hex}/"), false),
            (format!("https://any.host/api/demos/{hex}?x"), false),
            (format!("https://any.host/x/api/demos/{hex}"), false),
            (format!("https://any.host/api/demos/{}", &hex[1..]), false),
            (format!("https://any.host/api/demos/{}g", &hex[1..]), false),
            ("https://any.host".into(), false),
        ];
        for (url, good) in cases {
            assert_eq!(uploaded_demo(&url), good.then_some(Sha256([0xab; 32])), "{url}");
        }
    }
}
