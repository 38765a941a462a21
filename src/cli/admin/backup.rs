//! `admin backup` and `admin restore`: everything an appliance needs, in one file.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::app::App;
use crate::app::upkeep::backup;
use crate::cli::admin::{Call, hints, output};
use crate::cli::target;
use crate::domain::error::Result;
use crate::domain::wording::counted;
use crate::os::clock::SystemClock;
use crate::os::{files, user};
use crate::wire::time::rfc3339;

/// Maximum number of skipped files listed by name.
const NAMED: usize = 10;

/// Writes everything into one file while the server runs; restored and checked before it is called good
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The file holds accounts, jobs, prices and bills, uploaded demos, and the authority that clients trust, with its key: keep
it as you keep keys. Whatever was acknowledged before the command began is in it.

Example: a backup with the videos, under today's name
  dinkem-appliance admin backup --videos /mnt/backups/dinkem-$(date +%F).tar")]
pub struct BackupArgs {
    /// Where to; never written over
    file: PathBuf,
    /// Take the finished clips along
    #[arg(long)]
    videos: bool,
}

/// Puts a backup in the place of what is in the data directory, which is kept aside; the server must not run
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The whole file is checked before anything is touched. Where demos, clips, local-nodes or tls is a link or a disk of its
own, it stays one, and what was in it is kept in a folder in it. Videos that it lacks and that are in the data directory stay; clips
without a video are forgotten, their jobs stay done and billed.

Example: on a new machine, before the server's first start
  dinkem-appliance admin restore /mnt/backups/dinkem-2026-11-23.tar")]
pub struct RestoreArgs {
    /// A file that `admin backup` wrote
    file: PathBuf,
}

pub fn make(args: &BackupArgs, app: &App, call: &Call) -> Result<()> {
    target::refuse_dash(&args.file)?;
    if !files::folder_of(&args.file).is_dir() {
        return Err(target::unwritable(&args.file, &io::ErrorKind::NotFound.into()));
    }
    // Written as the calling user: the data directory's owner may lack permission at the destination.
    let made = user::as_caller(|| backup::make(app, &args.file, args.videos))??;
    if call.json {
        output::json(&json!({
            "path": args.file,
            "bytes": made.bytes,
            "made_at": rfc3339(made.made_at_ms),
            "accounts": made.accounts,
            "jobs": made.jobs,
            "demos": made.demos,
            "videos": made.videos,
            "left_out": made.left_out,
        }));
    } else {
        let videos = made.videos.map_or("no videos (--videos takes them along)".to_owned(), |n| counted(n, "video"));
        output::line(&format!("backup:  {} ({} MiB)", args.file.display(), made.bytes.div_ceil(1 << 20)));
        output::line(&format!("made at: {}", rfc3339(made.made_at_ms)));
        output::line(&format!(
            "holds:   {}, {}, {}, {videos}",
            counted(made.accounts, "account"),
            counted(made.jobs, "job"),
            counted(made.demos, "demo")
        ));
    }
    if !made.left_out.is_empty() {
        let named = made.left_out.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = if made.left_out.len() > NAMED { " …" } else { "" };
        let left_out = counted(made.left_out.len(), "file");
        output::say(&hints::complete(
            &format!(
                "warning: not in the backup, because missing or damaged: {left_out}: {named}{more}. See `admin doctor`."
            ),
            call,
        ));
    }
    output::say("It was restored to a scratch place and checked. It holds secrets: keep it as you keep keys.");
    Ok(())
}

pub fn restore(args: &RestoreArgs, data_dir: &Path, call: &Call) -> Result<()> {
    let restored = backup::restore(data_dir, &args.file, &SystemClock::new())?;
    if call.json {
        output::json(&json!({
            "data_dir": data_dir,
            "made_at": rfc3339(restored.made_at_ms),
            "accounts": restored.accounts,
            "jobs": restored.jobs,
            "videos": restored.videos,
            "clips_forgotten": restored.forgotten,
            "replaced": restored.aside,
            "replaced_elsewhere": restored.aside_behind,
        }));
    } else {
        output::line(&format!("restored: {}", data_dir.display()));
        output::line(&format!("made at:  {}", rfc3339(restored.made_at_ms)));
        output::line(&format!(
            "holds:    {}, {}, {}",
            counted(restored.accounts, "account"),
            counted(restored.jobs, "job"),
            counted(restored.videos, "video")
        ));
        for aside in restored.aside.iter().chain(&restored.aside_behind) {
            output::line(&format!("replaced: {}", aside.display()));
        }
    }
    if restored.forgotten > 0 {
        output::say(&format!(
            "Without a video, neither in the backup nor here: {}. Such clips are forgotten, their jobs stay done and billed.",
            counted(restored.forgotten, "clip")
        ));
    }
    output::say(
        "Start the server now. Keys, nodes and dinks are as they were then: what was revoked or removed since is good again.",
    );
    Ok(())
}
