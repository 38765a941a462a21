//! `admin storage`: what lies on the disk, in total and by account.

use serde_json::{Value, json};

use crate::app::App;
use crate::app::upkeep::bucket_usage::{self, BucketUsage};
use crate::app::upkeep::move_storage::{self, Count, To};
use crate::app::upkeep::storage::{self, AccountStorage, Storage};
use crate::cli::admin::{Call, output};
use crate::config;
use crate::domain::error::Result;
use crate::domain::wording::counted;
use crate::os::disk_usage::Usage;
use crate::wire::human;

/// Clips and demos between two reports of progress.
const SAID: u64 = 1_000;

/// Show what lies on the disk: clips, demos, archive, database, free space; and what each account stores
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_help = "Example:\n  dinkem-appliance admin storage --json")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Move all clips and uploaded demos between the data directory and the bucket of [storage], beside the running server; may be
    /// interrupted and repeated
    #[command(after_help = "\
First set kind in [storage] of config.toml to where new clips and demos are to go, and restart the server.

Example:
  dinkem-appliance admin storage move --to s3")]
    Move {
        /// Where they are moved: `s3`, the bucket, or `disk`, the data directory
        #[arg(long, value_name = "KIND")]
        to: Destination,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Destination {
    /// The bucket
    S3,
    /// The data directory
    Disk,
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    if let Some(Command::Move { to }) = args.command {
        return move_all(to, app, call);
    }
    let storage = storage::show(app)?;
    // The disk is shown even if the bucket cannot be reached.
    let bucket = bucket_usage::measure(app);
    if call.json {
        let mut shown = view(&storage);
        shown["bucket"] = view_bucket(&bucket);
        output::json(&shown);
    } else {
        print(&storage, &bucket);
    }
    Ok(())
}

fn move_all(to: Destination, app: &App, call: &Call) -> Result<()> {
    let to = match to {
        Destination::S3 => To::S3,
        Destination::Disk => To::Disk,
    };
    let mut said = 0;
    let moved = move_storage::move_all(app, to, |so_far| {
        let (clips, demos) = (so_far.clips.moved, so_far.demos.moved);
        if clips + demos >= said + SAID {
            said = clips + demos;
            output::say(&format!("{} and {} moved …", counted(clips, "clip"), counted(demos, "demo")));
        }
    })?;
    let (clips, demos) = (&moved.clips, &moved.demos);
    if clips.moved + demos.moved > 0 {
        move_storage::note(app, &config::operator(), to, &moved)?;
    }
    if call.json {
        let view = |count: &Count| {
            json!({
                "moved": count.moved,
                "bytes": count.bytes,
                "there_before": count.there,
                "missing": count.missing,
            })
        };
        output::json(&json!({ "clips": view(clips), "demos": view(demos) }));
    } else {
        let both = |of: fn(&Count) -> u64| format!("{} and {}", counted(of(clips), "clip"), counted(of(demos), "demo"));
        let bytes = human::size(clips.bytes + demos.bytes);
        output::line(&format!("moved:        {} ({bytes})", both(|count| count.moved)));
        output::line(&format!("there before: {}", both(|count| count.there)));
        if clips.missing + demos.missing > 0 {
            output::line(&format!("missing:      {}; see `admin doctor`", both(|count| count.missing)));
        }
    }
    Ok(())
}

fn view(storage: &Storage) -> Value {
    let files = |usage: &Usage| json!({ "files": usage.files, "bytes": usage.bytes });
    let account = |account: &AccountStorage| {
        json!({
            "name": account.name,
            "clips": account.clips.clips,
            "clip_bytes": account.clips.bytes,
            "pinned_clips": account.clips.pinned,
            "pinned_bytes": account.clips.pinned_bytes,
            "demos": account.demos,
            "demo_bytes": account.demo_bytes,
            "max_demo_bytes": account.max_demo_bytes,
        })
    };
    json!({
        "clips": files(&storage.clips),
        "posters": files(&storage.posters),
        "demos": files(&storage.demos),
        "archive": {
            "files": storage.archive.files,
            "bytes": storage.archive.bytes,
            "jobs": storage.archived_jobs,
        },
        "store": { "bytes": storage.store },
        "backups": files(&storage.backups),
        "local_nodes": files(&storage.local_nodes),
        "disk": { "free_bytes": storage.free, "reserve_bytes": storage.reserve },
        "accounts": storage.accounts.iter().map(account).collect::<Vec<_>>(),
    })
}

/// `null` without a bucket.
fn view_bucket(bucket: &Result<Option<BucketUsage>>) -> Value {
    match bucket {
        Ok(usage) => usage.map_or(
            Value::Null,
            |BucketUsage { objects, bytes, is_cut }| json!({ "objects": objects, "bytes": bytes, "more": is_cut }),
        ),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn print(storage: &Storage, bucket: &Result<Option<BucketUsage>>) {
    let row = |name: &str, usage: &Usage| [name.to_owned(), human::size(usage.bytes), counted(usage.files, "file")];
    let rows = [
        row("clips", &storage.clips),
        row("posters", &storage.posters),
        row("demos", &storage.demos),
        ["archive".to_owned(), human::size(storage.archive.bytes), counted(storage.archived_jobs, "job")],
        ["database".to_owned(), human::size(storage.store), String::new()],
        row("copies made before migrations", &storage.backups),
        row("local nodes and their caches", &storage.local_nodes),
    ];
    output::line(&output::table(["WHAT", "SIZE", "COUNT"], &rows));
    let free = storage.free.map_or_else(|| "unknown".to_owned(), human::size);
    output::line(&format!("Disk: {free} free (reserve {})", human::size(storage.reserve)));
    match bucket {
        Ok(None) => {}
        Ok(Some(BucketUsage { objects, bytes, is_cut })) => {
            let more = if *is_cut { ", and more that were not counted" } else { "" };
            output::line(&format!("Bucket: {} in {}{more}", human::size(*bytes), counted(*objects, "object")));
        }
        Err(error) => output::line(&format!("Bucket: {}", output::plain(&error.to_string()))),
    }
    if storage.accounts.is_empty() {
        return;
    }
    let rows: Vec<_> = storage
        .accounts
        .iter()
        .map(|account| {
            [
                account.name.clone(),
                account.clips.clips.to_string(),
                human::size(account.clips.bytes),
                human::size(account.clips.pinned_bytes),
                account.demos.to_string(),
                human::size(account.demo_bytes),
                account.max_demo_bytes.map_or_else(|| "default".to_owned(), human::size),
            ]
        })
        .collect();
    let headings = ["ACCOUNT", "CLIPS", "SIZE", "PINNED", "DEMOS", "SIZE", "AT MOST"];
    output::line(&format!("\n{}", output::table(headings, &rows)));
}
