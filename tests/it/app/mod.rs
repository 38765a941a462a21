//! The use cases of `app`, called without HTTP: accounts, keys, jobs, leases and clips.

mod accounts;
mod all_jobs;
mod clips;
mod jobs;
mod keys;
mod simulation;
mod webhooks;
