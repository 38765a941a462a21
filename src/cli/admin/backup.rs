//! `admin backup` and `admin restore`: everything an appliance needs, in one file.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::app::App;
use crate::app::upkeep::backup;
use crate::cli::admin::{Call, hints, output};
use crate::cli::target;
use crate::config;
use crate::domain::error::Result;
use crate::domain::wording::counted;
use crate::os::clock::SystemClock;
use crate::os::random::SystemRandom;
use crate::os::{files, user};
use crate::wire::human;
use crate::wire::time::rfc3339;

/// Maximum number of skipped files listed by name.
const NAMED: usize = 10;

/// Back up everything to one file while the server runs; verified by a test restore
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The file contains accounts, jobs, also archived ones, prices and bills, uploaded demos, and the CA that clients trust, with \
its private key: store it as securely as keys. It includes everything that was acknowledged before the command started.

Example: a backup with videos, named after today's date
  dinkem-appliance admin backup --videos /mnt/backups/dinkem-$(date +%F).tar")]
pub struct BackupArgs {
    /// File to create; an existing file is never overwritten
    file: PathBuf,
    /// Include the finished clips' videos
    #[arg(long)]
    videos: bool,
}

/// Replace the data in the data directory with a backup and set the old data aside; the server must be stopped
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The whole file is verified before anything is changed. If demos, clips, archive, local-nodes or tls is a link or a disk \
of its own, it stays one, and its old content is kept in a directory inside it. Videos that only the data directory has \
stay; clips without a video are removed, but their jobs stay done and billed.

Example: on a new machine, before the server's first start
  dinkem-appliance admin restore /mnt/backups/dinkem-2026-11-23.tar")]
pub struct RestoreArgs {
    /// A backup made with `admin backup`
    file: PathBuf,
}

pub fn make(args: &BackupArgs, app: &App, call: &Call) -> Result<()> {
    target::refuse_dash(&args.file)?;
    if !files::folder_of(&args.file).is_dir() {
        return Err(target::unwritable(&args.file, &io::ErrorKind::NotFound.into()));
    }
    // Written as the calling user: the data directory's owner may lack permission at the destination.
    let made = user::as_caller(|| backup::make(app, &args.file, args.videos))??;
    if let Err(error) = backup::note(app, &config::operator(), &args.file, &made) {
        output::say(&format!("The backup is complete, but the dashboard will not know of it: {error}"));
    }
    if call.json {
        output::json(&json!({
            "path": args.file,
            "bytes": made.bytes,
            "made_at": rfc3339(made.made_at_ms),
            "accounts": made.accounts,
            "jobs": made.jobs,
            "demos": made.demos,
            "videos": made.videos,
            "clips_in_bucket": made.in_bucket,
            "demos_in_bucket": made.demos_in_bucket,
            "left_out": made.left_out,
        }));
    } else {
        let videos = made.videos.map_or("no videos (--videos includes them)".to_owned(), |n| counted(n, "video"));
        output::line(&format!("backup:  {} ({})", args.file.display(), human::size(made.bytes)));
        output::line(&format!("made:    {}", human::date_time(made.made_at_ms)));
        output::line(&format!(
            "holds:   {}, {}, {}, {videos}",
            counted(made.accounts, "account"),
            counted(made.jobs, "job"),
            counted(made.demos, "demo")
        ));
    }
    if made.in_bucket + made.demos_in_bucket > 0 {
        output::say(&format!(
            "Not copied, because they lie in the bucket: the videos of {}, and {}. The backup lists their keys and checksums; \
             keep the bucket as well.",
            counted(made.in_bucket, "clip"),
            counted(made.demos_in_bucket, "demo")
        ));
    }
    if !made.left_out.is_empty() {
        let named = made.left_out.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = if made.left_out.len() > NAMED { " …" } else { "" };
        let left_out = counted(made.left_out.len(), "file");
        output::say(&hints::complete(
            &format!(
                "warning: {left_out} left out of the backup, missing or damaged: {named}{more}. See `admin doctor`."
            ),
            call,
        ));
    }
    output::say("The backup was verified by a test restore. It contains secrets: store it as securely as keys.");
    Ok(())
}

pub fn restore(args: &RestoreArgs, data_dir: &Path, call: &Call) -> Result<()> {
    let restored = backup::restore(data_dir, &args.file, &SystemClock::new(), &SystemRandom)?;
    if call.json {
        output::json(&json!({
            "data_dir": data_dir,
            "made_at": rfc3339(restored.made_at_ms),
            "accounts": restored.accounts,
            "jobs": restored.jobs,
            "videos": restored.videos,
            "clips_in_bucket": restored.in_bucket,
            "demos_in_bucket": restored.demos_in_bucket,
            "clips_forgotten": restored.forgotten,
            "lost_from": rfc3339(restored.lost.from_ms),
            "lost_until": rfc3339(restored.lost.until_ms),
            "replaced": restored.aside,
            "replaced_elsewhere": restored.aside_behind,
        }));
    } else {
        output::line(&format!("restored: {}", data_dir.display()));
        output::line(&format!("made:     {}", human::date_time(restored.made_at_ms)));
        output::line(&format!(
            "holds:    {}, {}, {}",
            counted(restored.accounts, "account"),
            counted(restored.jobs, "job"),
            counted(restored.videos, "video")
        ));
        output::line(&format!(
            "lost:     jobs accepted between {} and {}, if any",
            rfc3339(restored.lost.from_ms),
            rfc3339(restored.lost.until_ms)
        ));
        for aside in restored.aside.iter().chain(&restored.aside_behind) {
            output::line(&format!("replaced: {}", aside.display()));
        }
    }
    if restored.in_bucket + restored.demos_in_bucket > 0 {
        output::say(&format!(
            "In the bucket when the backup was made: {} and {}. Configure [storage] as it was before you start the server.",
            counted(restored.in_bucket, "clip"),
            counted(restored.demos_in_bucket, "demo")
        ));
    }
    if restored.forgotten > 0 {
        output::say(&format!(
            "Removed because no video was found, neither in the backup nor here: {}. The jobs stay done and billed.",
            counted(restored.forgotten, "clip")
        ));
    }
    output::say(
        "Start the server now. Keys, nodes and dinks are as of the backup: what was revoked or removed since is valid again.",
    );
    Ok(())
}
