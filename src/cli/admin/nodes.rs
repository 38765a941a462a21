//! `admin nodes`: join tokens, list, drain, resume and remove.

use std::path::Path;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::app::App;
use crate::app::nodes::{self, NodeInfo};
use crate::cli::admin::{Call, node_tokens, output};
use crate::config;
use crate::domain::error::Result;
use crate::domain::node::{Bench, Node};
use crate::domain::offer::GameState;
use crate::domain::protocol::{self, Program};
use crate::domain::wording::counted;
use crate::wire::human;
use crate::wire::time::rfc3339;

/// Manage render nodes: join tokens, list, drain, resume, remove
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance admin nodes token")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a join token and print the command to run on the new node; list and revoke tokens
    Token(node_tokens::Args),
    /// List all nodes
    #[command(after_help = "Example:\n  dinkem-appliance admin nodes list")]
    List,
    /// Let a node finish its jobs and give it no new ones
    #[command(after_help = "Example:\n  dinkem-appliance admin nodes drain render-2")]
    Drain {
        /// Its name or id
        node: String,
    },
    /// Give a drained or benched node work again
    #[command(after_help = "Example:\n  dinkem-appliance admin nodes resume render-2")]
    Resume {
        /// Its name or id
        node: String,
    },
    /// Revoke a node's key and return its jobs to the queue
    #[command(after_help = "Example:\n  dinkem-appliance admin nodes remove render-2")]
    Remove {
        /// Its name or id
        node: String,
    },
}

pub fn run(args: Args, app: &App, data_dir: &Path, call: &Call) -> Result<()> {
    match args.command {
        Command::Token(args) => return node_tokens::run(args, app, data_dir, call),
        Command::List => list(&nodes::list(app)?, app.clock.now_ms(), call),
        Command::Drain { node } => {
            changed(&nodes::drain(app, &config::operator(), &node)?, "draining", json!({}), call)
        }
        Command::Resume { node } => {
            let node = nodes::resume(app, &config::operator(), &node)?;
            let words = match node.offer.game.as_ref().and_then(|game| game.not_ready.as_deref()) {
                None => "accepts work".to_owned(),
                Some(why) => format!(
                    "no longer held back by the server, but its game is not ready: {} Restart the node to have it try now.",
                    output::plain(why)
                ),
            };
            changed(&node, &words, json!({}), call)
        }
        Command::Remove { node } => {
            let (node, jobs) = nodes::remove(app, &config::operator(), &node)?;
            changed(
                &node,
                &format!("removed, {} returned to the queue", counted(jobs, "job")),
                json!({ "jobs_put_back": jobs }),
                call,
            );
        }
    }
    Ok(())
}

/// Reports a node's state after a change; `more` is added to the JSON.
fn changed(node: &Node, words: &str, mut more: Value, call: &Call) {
    if call.json {
        more["node"] = json!({ "id": node.public_id.to_string(), "name": node.name, "draining": node.draining });
        return output::json(&more);
    }
    output::line(&format!("{}: {words}", output::plain(&node.name)));
}

fn list(nodes: &[NodeInfo], now_ms: i64, call: &Call) {
    let renderers = |node: &NodeInfo| node.node.offer.renderers.iter().map(|r| r.as_str()).collect::<Vec<_>>();
    if call.json {
        let nodes = nodes.iter().map(|info| {
            json!({
                "id": info.node.public_id.to_string(),
                "name": info.node.name,
                "state": info.state.as_str(),
                "draining": info.node.draining,
                "benched_until": benched(info).map(|bench| rfc3339(bench.until_ms)),
                "benched_because": why_benched(info),
                "slots": info.node.offer.slots,
                "leases": info.leases,
                "renderers": renderers(info),
                "resolutions": info.node.offer.resolutions,
                "game": info.node.offer.game.as_ref().map(|game| {
                    json!({
                        "build": game.build,
                        "tools": game.tools,
                        "canary": game.canary,
                        "not_ready": game.not_ready,
                    })
                }),
                "version": info.node.program.version,
                "protocol": info.node.program.protocol,
                "joined_at": rfc3339(info.node.joined_at_ms),
                "seen_at": rfc3339(info.node.seen_at_ms),
                "stopped_at": info.node.stopped_at_ms.map(rfc3339),
                "on_trial": info.node.is_on_trial(),
                "ephemeral": info.node.ephemeral,
                "key_is_shared": info.key_is_shared,
            })
        });
        return output::json(&json!({ "nodes": nodes.collect::<Vec<_>>() }));
    }
    let rows: Vec<_> = nodes
        .iter()
        .map(|info| {
            [
                info.node.name.clone(),
                info.state.as_str().to_owned(),
                format!("{}/{}", info.leases, info.node.offer.slots),
                renderers(info).join(","),
                version(&info.node.program),
                human::when(now_ms, info.node.seen_at_ms),
            ]
        })
        .collect();
    output::line(&output::table(["NAME", "STATE", "BUSY", "RENDERERS", "VERSION", "LAST SEEN"], &rows));
    for info in nodes.iter().filter(|info| info.key_is_shared) {
        output::line(&format!(
            "{}: two machines use this node's key. Remove the node, then join each machine with its own token.",
            output::plain(&info.node.name)
        ));
    }
    for info in nodes {
        let name = output::plain(&info.node.name);
        if let Some(game) = &info.node.offer.game {
            output::line(&format!("{name}: {}", output::plain(&game_in_words(game))));
        }
        if let Some(bench) = benched(info) {
            let until = human::when(now_ms, bench.until_ms);
            output::line(&format!(
                "{name} is benched and gets work again {until}. Reason: {}",
                output::plain(&bench.because)
            ));
        } else if info.state.is_live() && info.node.is_on_trial() {
            output::line(&format!("{name} was benched and gets one job at a time until one succeeds."));
        }
    }
}

/// A node's game: its build, the tools that drive it, the last try after an update, and why it takes no jobs.
fn game_in_words(game: &GameState) -> String {
    let build = game.build.map_or_else(|| "game".to_owned(), |build| format!("game build {build}"));
    let parts = [build, game.tools.clone(), format!("canary: {}", game.canary)];
    let mut words = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    if let Some(why) = &game.not_ready {
        words = format!("{}. No jobs for the game: {why}", words.trim_end_matches('.'));
    }
    words
}

/// Why a node gets no jobs: benched by the server, or not ready by its own word.
fn why_benched(info: &NodeInfo) -> Option<&str> {
    benched(info).map(|bench| bench.because.as_str()).or_else(|| info.node.offer.not_ready())
}

/// Why a node is temporarily given no jobs, if it is.
fn benched(info: &NodeInfo) -> Option<&Bench> {
    info.node.bench.as_ref().filter(|_| info.is_benched)
}

/// A node's version, with its protocol version if that differs from the server's.
fn version(program: &Program) -> String {
    let version = if program.version.is_empty() { "?" } else { &program.version };
    if program.protocol == protocol::OURS {
        version.to_owned()
    } else {
        format!("{version} (protocol {})", program.protocol)
    }
}
