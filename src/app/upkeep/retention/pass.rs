//! The background pass that applies the retention rules: small transactions, so that submissions hardly wait for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app::upkeep::job_archive;
use crate::app::upkeep::retention::walk::{Item, Walk, scope};
use crate::app::{App, demos};
use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId};
use crate::domain::retention::{Doomed, Kind, Rule};
use crate::domain::wording::counted;
use crate::os::clock::pause;
use crate::store;

/// How long one run lasts before it leaves the rest to the next one.
const RUN: Duration = Duration::from_millis(500);

/// Pause after each transaction, so that submissions get disk and CPU time.
const GIVE_WAY: Duration = Duration::from_millis(5);

/// How far the jobs of a rule's scope have been looked through, where a run ended before the last one.
#[derive(Default)]
pub struct Reached(Mutex<HashMap<Option<AccountId>, JobId>>);

/// Applies all rules, as far as time allows. A background pass of the server, which is the only one to delete by rule.
/// Returns how much has gone.
pub fn run(app: &App) -> Result<usize> {
    app.store.may_write()?;
    let until = app.clock.monotonic() + RUN;
    let mut rules = app.store.read(store::retention::all)?;
    rules.sort_by_key(|rule| Kind::ALL.iter().position(|kind| *kind == rule.kind));
    // One failure does not stop the rest.
    let (mut gone, mut failed) = (0, job_archive::tidy(app).err());
    for rule in rules {
        match apply(app, rule, until) {
            Ok(count) => gone += count,
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(usize::try_from(gone).unwrap_or(usize::MAX)), Err)
}

fn apply(app: &App, rule: Rule, until: Duration) -> Result<u64> {
    if app.clock.monotonic() > until || app.stopping() {
        return Ok(0);
    }
    let mut walk = Walk::begin(app, rule.kind, scope(app, &rule)?, rule.limits)?;
    walk.job = reached(app).get(&rule.account).copied().filter(|_| rule.kind == Kind::Jobs).unwrap_or(JobId(0));
    let mut gone = Doomed::default();
    let outcome = loop {
        let deleted = walk.next().and_then(|items| items.map(|items| delete(app, &items, &mut gone)).transpose());
        match deleted {
            Ok(Some(())) if app.clock.monotonic() <= until && !app.stopping() => pause(GIVE_WAY),
            Ok(Some(())) => break Ok(true),
            Ok(None) => break Ok(false),
            Err(error) => break Err(error),
        }
    };
    if rule.kind == Kind::Jobs {
        let mut reached = reached(app);
        match outcome {
            Ok(true) => reached.insert(rule.account, walk.job),
            _ => reached.remove(&rule.account),
        };
    }
    if gone.count > 0 {
        log_gone(app, rule, &gone);
    }
    outcome.map(|_| gone.count)
}

fn reached(app: &App) -> MutexGuard<'_, HashMap<Option<AccountId>, JobId>> {
    app.archived.0.lock().unwrap_or_else(PoisonError::into_inner)
}

fn log_gone(app: &App, rule: Rule, gone: &Doomed) {
    let account = rule.account.and_then(|id| app.store.read(|db| store::accounts::by_id(db, id)).ok());
    let whose = account.map_or_else(|| "all accounts".to_owned(), |account| format!("account {:?}", account.name));
    let did = if rule.kind == Kind::Jobs { "archived" } else { "deleted" };
    let what = counted(gone.count, rule.kind.noun());
    log::info!("retention {did} {what} by the rule for {whose}: {} bytes", gone.bytes);
}

/// Deletes what has been chosen; `gone` counts what was still there.
fn delete(app: &App, items: &[Item], gone: &mut Doomed) -> Result<()> {
    let (mut clips, mut jobs) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::Clip(clip) => clips.push(*clip),
            Item::Job(job) => jobs.push(job.job),
            Item::Demo(demo) => {
                if demos::owner::delete_unused(app, demo.account, demo.sha256)? {
                    item.count(gone);
                }
            }
        }
    }
    if !clips.is_empty() {
        let deleted = app.store.write(move |tx| {
            let mut deleted = Vec::with_capacity(clips.len());
            for clip in clips {
                // Pinned or deleted since it was read: it is not there to be deleted.
                deleted.extend(store::clips::delete_unpinned(tx, clip.job)?.map(|lease| (clip, lease)));
            }
            Ok(deleted)
        })?;
        // After the commit, so that no row ever points to a missing file.
        for (clip, lease) in deleted {
            app.clip_files.remove(lease);
            Item::Clip(clip).count(gone);
        }
    }
    if !jobs.is_empty() {
        job_archive::archive(app, &jobs)?;
        items.iter().for_each(|item| item.count(gone));
    }
    Ok(())
}
