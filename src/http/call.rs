//! One request as handlers see it: who asks is settled before; here is what is asked.

use std::cell::OnceCell;

use rouille::Request;
use rouille::percent_encoding::percent_decode_str;

use super::body::{self, Upload};
use super::permits::Permits;
use super::urls::Base;
use crate::app::App;
use crate::domain::error::{Error, Result};

/// A request on its route.
pub struct Call<'r> {
    /// The use cases.
    pub app: &'r App,
    /// The request itself.
    pub request: &'r Request,
    /// What stood for the pattern's names.
    pub parameters: &'r [&'r str],
    /// What URLs in the answer begin with.
    pub base: Base,
    /// The appliance's own authority, where it serves by one.
    pub authority_pem: Option<&'r str>,
    /// The account or node that the caller has proven to be, as the log shows it.
    pub who: OnceCell<String>,
    /// Claims that may wait at once.
    pub claims: &'r Permits,
    /// Bytes of a JSON body at most.
    pub json_body_bytes: u64,
}

impl<'r> Call<'r> {
    /// What stood for the pattern's only name.
    pub fn parameter(&self) -> &'r str {
        self.parameters.first().copied().unwrap_or_default()
    }

    /// Notes who asks, once that is proven.
    pub fn is_from(&self, name: String) {
        // Proven once; were it twice, the first would stand.
        let _ = self.who.set(name);
    }

    /// Every `Authorization` header: two are malformed, so one is not enough to look at.
    pub fn authorization(&self) -> Vec<&'r str> {
        self.all_headers("Authorization")
    }

    /// Every value of a header.
    pub fn all_headers(&self, name: &str) -> Vec<&'r str> {
        self.request.headers().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    /// A query parameter; an empty one counts as absent.
    pub fn query(&self, name: &str) -> Option<String> {
        query_of(self.request.raw_url(), name)
    }

    /// The body of a JSON route: 415 for another type, 413 above the limit.
    pub fn json_body(&self) -> Result<Vec<u8>> {
        body::json(self)
    }

    /// The body of an upload of at most `limit` bytes, to be streamed.
    pub fn upload(&self, limit: u64) -> Result<Upload<'r>> {
        body::upload(self, limit)
    }

    /// The URL's part as a UUID, hyphenated as answers write it. Anything else names nothing.
    pub fn uuid(&self) -> Result<uuid::Uuid> {
        let text = self.parameter();
        let id = (text.len() == 36).then(|| uuid::Uuid::try_parse(text).ok()).flatten();
        id.ok_or_else(|| Error::not_found("There is no such job."))
    }
}

fn query_of(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(known, value)| *known == name && !value.is_empty())
        .map(|(_, value)| percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_as_it_was_meant() {
        let cases = [
            ("/x?limit=5", Some("5")),
            ("/x?a=b&limit=5&limit=6", Some("5")),
            ("/x?limit=", None),
            ("/x?limit", None),
            ("/x?limit=&limit=7", Some("7")),
            ("/x?xlimit=5", None),
            ("/x", None),
            ("/x?limit=1%30", Some("10")),
            ("/x?limit=a+b", Some("a b")),
            ("/x?limit=5=6", Some("5=6")),
        ];
        for (url, expected) in cases {
            assert_eq!(query_of(url, "limit").as_deref(), expected, "{url}");
        }
    }
}
