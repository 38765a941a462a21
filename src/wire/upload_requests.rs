//! Strictly parses what nodes say about uploads that go past the server. The shapes are in [`crate::wire::node`].

use crate::domain::error::Result;
use crate::domain::sha256::Sha256;
use crate::os::s3::multipart::Part;
use crate::wire::fields::Fields;

/// Maximum characters of an upload's id.
const UPLOAD_ID_CHARS: usize = 1_024;
/// Maximum characters of a part's ETag.
const ETAG_CHARS: usize = 128;
/// Maximum number of parts of an upload.
const UPLOAD_PARTS: usize = 64;

/// A video that was uploaded past the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectUpload {
    /// The upload's id.
    pub id: String,
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

/// The parts of a direct upload, in the member `upload` of a completion.
pub fn read_upload(fields: &Fields<'_>, is_newer: bool) -> Result<Option<DirectUpload>> {
    let Some(upload) = fields.object_of_node("upload", &["id", "etags", "parts_sha256"], is_newer)? else {
        return Ok(None);
    };
    let id = upload_id(&upload, "id")?;
    let id = upload.require("id", id)?;
    let hashes = part_hashes(&upload)?;
    let etags = upload.require("etags", upload.strings("etags")?)?;
    if etags.len() != hashes.len() || etags.iter().any(|etag| !is_plain(etag, ETAG_CHARS)) {
        return Err(upload.wrong("etags", "must name the ETag of each part"));
    }
    let parts = etags.into_iter().zip(hashes).map(|(etag, sha256)| Part { etag, sha256 }).collect();
    Ok(Some(DirectUpload { id, parts }))
}

/// `POST …/parts`: the id of an upload, if it was begun, and the hashes of its parts.
pub fn read_parts(body: &[u8], is_newer: bool) -> Result<(Option<String>, Vec<Sha256>)> {
    let fields = Fields::of_node(body, &["upload", "parts_sha256"], is_newer)?;
    Ok((upload_id(&fields, "upload")?, part_hashes(&fields)?))
}

fn upload_id(fields: &Fields<'_>, name: &str) -> Result<Option<String>> {
    let id = fields.string(name)?;
    if id.as_deref().is_none_or(|id| is_plain(id, UPLOAD_ID_CHARS)) {
        Ok(id)
    } else {
        Err(fields.wrong(name, "must be the id of an upload"))
    }
}

fn part_hashes(fields: &Fields<'_>) -> Result<Vec<Sha256>> {
    let texts = fields.require("parts_sha256", fields.strings("parts_sha256")?)?;
    let hashes: Option<Vec<_>> = texts.iter().map(|text| Sha256::parse(text)).collect();
    hashes
        .filter(|hashes| (1..=UPLOAD_PARTS).contains(&hashes.len()))
        .ok_or_else(|| fields.wrong("parts_sha256", "must have 64 hexadecimal digits in lower case for each part"))
}

fn is_plain(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
