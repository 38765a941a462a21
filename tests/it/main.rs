//! The acceptance tests, in one test binary that drives the product through its public interface. Test names are
//! sentences.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, missing_docs, reason = "tests")]

mod app;
mod best_rounds;
#[cfg(unix)]
mod browser;
mod bucket;
#[cfg(unix)]
mod chaos;
mod cli;
mod dashboard;
#[cfg(unix)]
mod dashboard_kit;
#[cfg(unix)]
mod data_dir;
#[cfg(target_os = "linux")]
mod demo_fetch;
mod demo_urls;
mod docs;
mod failing_jobs;
#[cfg(target_os = "linux")]
mod farms;
mod first_clip;
mod forge;
mod forged_matches;
mod game;
mod http;
mod http_client;
#[cfg(unix)]
mod indexing;
#[cfg(unix)]
mod indexing_fairness;
mod kill;
mod late_uploads;
mod mutated_demos;
mod nodes;
mod operating;
#[cfg(unix)]
mod player_page;
#[cfg(target_os = "linux")]
mod reader_limits;
mod real_demos;
mod retention;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "linux")]
mod scale;
mod seed;
#[cfg(unix)]
mod serve_log;
#[cfg(unix)]
mod serve_stop;
mod simulation;
mod statements;
mod store;
mod store_kill;
mod store_migrations;
mod store_plans;
mod support;
#[cfg(target_os = "linux")]
mod systemd;
mod tidy;
mod tls;
mod unpack;
mod upload_limits;
mod video_checks;
mod video_inspection;
mod webhooks;
