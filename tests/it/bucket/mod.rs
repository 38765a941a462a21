//! Clips in a bucket of an S3-compatible store.

mod client;
