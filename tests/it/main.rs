//! The acceptance tests: one binary, driven through the product's public surface. Names are sentences.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, missing_docs, reason = "tests")]

mod app_accounts;
mod app_all_jobs;
mod app_clips;
mod app_jobs;
mod app_keys;
mod app_simulation;
mod benched;
#[cfg(target_os = "linux")]
mod bombs;
mod browser;
mod cli_admin;
mod cli_clips;
mod cli_config;
mod cli_jobs;
mod cli_keys;
mod cli_rates;
mod cli_usage;
#[cfg(unix)]
mod data_dir;
mod demos;
mod docs;
mod door;
#[cfg(target_os = "linux")]
mod exhausted;
mod first_clip;
mod forge;
mod forged_demos;
mod frozen_clips;
mod http;
mod http_client;
#[cfg(unix)]
mod indexing;
#[cfg(unix)]
mod indexing_shares;
mod keeping;
mod kill;
mod manual;
#[cfg(target_os = "linux")]
mod node_agent;
mod node_check;
mod node_join;
#[cfg(target_os = "linux")]
mod node_room;
mod nodes;
mod odd_demos;
mod operating;
mod refusals;
mod room;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(unix)]
mod serve_log;
#[cfg(unix)]
mod serve_stop;
#[cfg(target_os = "linux")]
mod service;
mod statements;
mod store;
mod store_kill;
mod store_migrations;
mod store_plans;
mod support;
mod tidy;
mod tls;
mod trusted_videos;
mod unpack;
