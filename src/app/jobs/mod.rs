//! Render jobs: submission, the owner's and the operator's view, and the job lifecycle.

pub mod any_job;
pub(in crate::app) mod lifecycle;
pub mod operator;
pub(in crate::app) mod owner;
pub mod queue;
pub mod search;
mod submit;
pub(in crate::app) mod waits;

pub use owner::{Page, get, list, remove};
pub use submit::{Once, Submitted, allowance, forget_old_answers, submit, submit_once};
pub use waits::{Got, WAITING_REQUESTS, Wait, WaitingRequest, get_changed, sweep};
