//! Render jobs: taken in, shown to their owner, run by the operator; and the one home of what becomes of them.

pub(in crate::app) mod lifecycle;
pub mod operator;
pub(in crate::app) mod owner;
mod submit;

pub use owner::{Page, get, list, remove};
pub use submit::{Once, Submitted, allowance, forget_old_answers, submit, submit_once};
