//! What a bucket has: objects, unfinished uploads, its lifecycle rules, its clock.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::domain::error::Result;
use crate::os::http::Method;
use crate::os::s3::send::{Ask, Content};
use crate::os::s3::{Bucket, xml};

/// Timeout of a request.
const TIMEOUT: Duration = Duration::from_mins(1);

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its full key.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// When it was last written, by the store's clock. Unix time in milliseconds.
    pub written_ms: i64,
}

/// An upload that is neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The full key.
    pub key: String,
    /// Its id.
    pub upload: String,
    /// When it was begun, by the store's clock. Unix time in milliseconds.
    pub begun_ms: i64,
}

/// One page of a listing.
#[derive(Debug)]
pub struct Page<T> {
    /// At most 1,000.
    pub found: Vec<T>,
    /// What the next page is asked with; `None` after the last.
    pub next: Option<String>,
}

impl Bucket {
    /// A page of the objects whose names below the prefix begin with `begin`, in the order of their keys.
    pub fn list(&self, begin: &str, next: Option<&str>) -> Result<Page<Listed>> {
        let prefix = self.key(begin);
        let mut query = vec![("list-type", "2"), ("prefix", prefix.as_str())];
        query.extend(next.map(|token| ("continuation-token", token)));
        self.page("list its objects", &query, ["Contents", "NextContinuationToken"], |one| {
            Some(Listed {
                key: xml::element(one, "Key")?,
                bytes: xml::element(one, "Size")?.parse().ok()?,
                written_ms: time(&xml::element(one, "LastModified")?)?,
            })
        })
    }

    /// A page of the unfinished uploads whose names below the prefix begin with `begin`.
    pub fn unfinished(&self, begin: &str, next: Option<&str>) -> Result<Page<Unfinished>> {
        let prefix = self.key(begin);
        let mut query = vec![("uploads", ""), ("prefix", prefix.as_str())];
        // A key marker alone skips further uploads of the same key: the next listing finds them.
        query.extend(next.map(|key| ("key-marker", key)));
        self.page("list unfinished uploads", &query, ["Upload", "NextKeyMarker"], |one| {
            Some(Unfinished {
                key: xml::element(one, "Key")?,
                upload: xml::element(one, "UploadId")?,
                begun_ms: time(&xml::element(one, "Initiated")?)?,
            })
        })
    }

    /// A page of a listing: what it consists of, and what continues it, are named by their elements.
    fn page<T>(
        &self,
        what: &'static str,
        query: &[(&str, &str)],
        [item, next]: [&str; 2],
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Page<T>> {
        let answer = self.plain(&about(what, query))?;
        let text = self.xml(what, answer)?;
        let is_cut = xml::element(&text, "IsTruncated").as_deref() == Some("true");
        Ok(Page {
            found: xml::elements(&text, item).filter_map(read).collect(),
            next: xml::element(&text, next).filter(|next| is_cut && !next.is_empty()),
        })
    }

    /// After how many days a lifecycle rule of the bucket aborts unfinished uploads of our keys; `None` if none does.
    pub fn aborts_unfinished_after(&self) -> Result<Option<u32>> {
        let ask = about("read its lifecycle rules", &[("lifecycle", "")]);
        let answer = match self.ask(&ask)? {
            Ok(answer) => answer,
            // A store without such rules has none.
            Err(refusal)
                if refusal.status == 404
                    || ["NoSuchLifecycleConfiguration", "NotImplemented"].contains(&refusal.code.as_str()) =>
            {
                return Ok(None);
            }
            Err(refusal) => return Err(self.explain(ask.what, &refusal)),
        };
        let text = self.xml(ask.what, answer)?;
        let days = |rule: &str| {
            let is_on = xml::element(rule, "Status").as_deref() == Some("Enabled");
            let covers = self.location.prefix.starts_with(&xml::element(rule, "Prefix").unwrap_or_default());
            let abort = xml::elements(rule, "AbortIncompleteMultipartUpload").next()?;
            xml::element(abort, "DaysAfterInitiation")?.parse().ok().filter(|_| is_on && covers)
        };
        Ok(xml::elements(&text, "Rule").filter_map(days).min())
    }

    /// How far the store's clock is ahead of ours, in milliseconds; `None` if it does not say.
    pub fn ahead_ms(&self) -> Result<Option<i64>> {
        let answer = self.plain(&about("list its objects", &[("list-type", "2"), ("max-keys", "1")]))?;
        let there = answer.header("date").and_then(|date| rfc2822::parse(date).ok());
        Ok(there.map(|there| there.timestamp().as_millisecond() - self.clock.now_ms()))
    }
}

fn about<'a>(what: &'static str, query: &'a [(&'a str, &'a str)]) -> Ask<'a> {
    let (method, key, headers, content) = (Method::GET, "", &[], Content::Nothing);
    Ask { what, method, key, query, headers, media_type: None, content, timeout: TIMEOUT }
}

fn time(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}
