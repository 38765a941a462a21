//! todo
use super::App;
use crate::domain::{clip::ClipToken, error::Result};
use std::fs::File;
/// An open file of a published clip.
pub struct ClipFile {
    pub file: File,
    pub bytes: u64,
    pub etag: String,
    pub file_name: String,
}
pub fn open_video(_app: &App, _token: &ClipToken) -> Result<ClipFile> {
    todo!()
}
pub fn open_poster(_app: &App, _token: &ClipToken) -> Result<ClipFile> {
    todo!()
}
