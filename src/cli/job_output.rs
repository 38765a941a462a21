//! Prints a job for the account that owns it.

use std::path::Path;

use crate::cli::client::Api;
use crate::cli::{Call, output};
use crate::wire::job::JobView;

/// Prints where the clip is: its file, if downloaded, and its address. Without a clip, the job and its status.
pub fn show(job: &JobView, api: &Api, file: Option<&Path>, call: &Call) {
    if call.json {
        return output::json(job);
    }
    match (&job.clip, file) {
        (Some(clip), Some(file)) => {
            output::line(&format!("clip:    {}", file.display()));
            output::line(&format!("address: {}", output::plain(&clip.url)));
        }
        (Some(clip), None) => output::line(&format!("address: {}", output::plain(&clip.url))),
        (None, _) => {
            output::line(&format!("job:     {} ({})", output::plain(&api.job_url(&job.id)), output::plain(&job.status)))
        }
    }
}
