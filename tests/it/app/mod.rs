//! The use cases of `app`, called without HTTP: accounts, keys, jobs, leases and clips.

mod accounts;
mod all_jobs;
mod clips;
mod history;
mod job_search;
mod jobs;
mod keys;
mod queue;
mod webhooks;
mod why_jobs_wait;
