//! Demos that clients upload: which URLs lead to one, and what is known of it.

use super::failure::FailureCode;

/// What is known of an uploaded demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indexing {
    /// It waits to be read.
    Waiting,
    /// What is in it, in the words of `inspect --json`.
    Indexed(String),
    /// It cannot be read.
    Failed {
        /// Why.
        code: FailureCode,
        /// One sentence for a person.
        message: String,
    },
}

/// The SHA-256 that a demo's URL asks for if its path is the one of an uploaded demo, `/api/demos/{64 hex digits}`, on
/// whatever host: own demos are recognised by their path and never fetched by address.
pub fn uploaded_demo(url: &str) -> Option<[u8; 32]> {
    let (_, rest) = url.split_once("://")?;
    let path = &rest[rest.find('/')?..];
    let hex = path.strip_prefix("/api/demos/")?;
    parse_sha256(hex)
}

/// A demo's SHA-256 as a path names it: 64 hexadecimal digits in either case.
pub fn parse_sha256(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut sha256 = [0; 32];
    for (byte, digits) in sha256.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(sha256)
}

/// An uploaded demo of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedDemo {
    /// Its content's hash.
    pub sha256: [u8; 32],
    /// Its length.
    pub bytes: u64,
    /// When the account first uploaded it. Unix time in milliseconds.
    pub uploaded_at_ms: i64,
    /// When a job for it was last submitted. Unix time in milliseconds.
    pub used_at_ms: Option<i64>,
    /// `waiting`, `indexed` or `failed`.
    pub state: String,
    /// Its map, once it was read and where it says.
    pub map: Option<String>,
}

/// An uploaded demo with the jobs that need it.
#[derive(Clone, Debug)]
pub struct DemoInfo {
    /// Its row.
    pub demo: UploadedDemo,
    /// Jobs of the account that need it and have not ended.
    pub unfinished_jobs: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uploaded_demo_is_recognised_by_its_path_alone() {
        let hex = "ab".repeat(32);
        let cases = [
            (format!("https://any.host:8443/api/demos/{hex}"), true),
            (format!("http://[::1]/api/demos/{}", hex.to_uppercase()), true),
            (format!("https://any.host/api/demos/{hex}/"), false),
            (format!("https://any.host/api/demos/{hex}?x"), false),
            (format!("https://any.host/x/api/demos/{hex}"), false),
            (format!("https://any.host/api/demos/{}", &hex[1..]), false),
            (format!("https://any.host/api/demos/{}g", &hex[1..]), false),
            ("https://any.host".into(), false),
        ];
        for (url, good) in cases {
            assert_eq!(uploaded_demo(&url), good.then_some([0xab; 32]), "{url}");
        }
    }
}
