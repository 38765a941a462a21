//! The operator's dashboard (`dashboard.md`): a listener of its own, sign-in without cookies, and pages of plain HTML.
//!
//! A request passes [`guard`] (whose name, whose page), then the [`routes`]. The shell is static; its script trades the
//! link's code for a key ([`session`]), fetches views ([`views`]) and sends changes ([`changes`]). There is one file per
//! page, with its views and its actions.

mod account_field;
mod accounts;
mod actions;
mod audit;
mod changes;
mod charts;
mod clips;
mod context;
mod files;
mod guard;
mod health;
mod jobs;
mod layout;
mod nodes;
mod overview;
mod parts;
pub mod routes;
mod session;
mod shell;
mod storage;
mod usage;
mod views;
