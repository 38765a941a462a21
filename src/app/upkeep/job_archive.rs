//! The archive of finished jobs: a file of JSON lines for each month, to which whole gzip members are appended.
//!
//! A job is in its file, synced, before its row is deleted, in the transaction that also records the file's new length.
//! What an interrupted run has written beyond the recorded length is cut off again, so every job is archived once. Only
//! the server's background pass writes here.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use uuid::Uuid;

use crate::app::App;
use crate::app::stored_files::cannot_store;
use crate::domain::error::{Error, Result};
use crate::domain::id::JobId;
use crate::domain::job::Job;
use crate::domain::list::LIST_ROWS;
use crate::domain::month::Month;
use crate::os::files;
use crate::store::job_archive::JobArchive;
use crate::store::{self, Db};
use crate::wire;
use crate::wire::job::FailureView;
use crate::wire::job_archive::AttemptLine;
use crate::wire::time::rfc3339;

/// Jobs that go into one gzip member.
#[derive(Default)]
struct Member {
    jobs: Vec<Job>,
    lines: String,
}

/// Archives finished jobs without a clip and deletes their rows. If one of them has changed meanwhile, none is deleted.
pub(in crate::app) fn archive(app: &App, jobs: &[JobId]) -> Result<()> {
    let mut members: BTreeMap<Month, Member> = BTreeMap::new();
    app.store.read(|db| jobs.iter().try_for_each(|id| add(db, *id, &mut members)))?;
    let known = app.store.read(store::job_archive::all)?;
    let (mut archives, mut gone) = (Vec::new(), Vec::new());
    for (month, member) in members {
        let path = app.store.folder.job_archive(month);
        let (bytes, jobs) = match known.iter().find(|archive| archive.month == month) {
            Some(archive) => (archive.bytes, archive.jobs),
            None => put_back(app, &path)?,
        };
        let packed = compress(&member.lines).map_err(|error| cannot_write(&path, error))?;
        files::append_durably(&path, bytes, &packed).map_err(|error| cannot_write(&path, error))?;
        let (bytes, jobs) = (bytes + packed.len() as u64, jobs + member.jobs.len() as u64);
        archives.push(JobArchive { month, bytes, jobs });
        gone.extend(member.jobs);
    }
    app.store.write(move |tx| {
        for job in &gone {
            if !store::job_archive::delete(tx, job)? {
                return Err(changed(job));
            }
        }
        archives.iter().try_for_each(|archive| store::job_archive::record(tx, archive))
    })
}

/// Length and number of jobs of a file without a record. It may have been moved away and put back: then it is continued.
/// If its jobs still have rows, an interrupted run has begun it: then it is written anew. Any other file is set aside.
fn put_back(app: &App, path: &Path) -> Result<(u64, u64)> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
        file => file.map_err(|error| cannot_write(path, error))?,
    };
    let bytes = file.metadata().map_err(|error| cannot_write(path, error))?.len();
    let mut lines = BufReader::new(MultiGzDecoder::new(file)).lines();
    let first = lines.next().and_then(|line| line.ok()).and_then(|line| job_of(&line));
    if let Some(id) = first {
        if app.store.read(|db| store::job_search::by_public_id(db, id))?.is_some() {
            return Ok((0, 0));
        }
        if let Ok(others) = lines.try_fold(0, |count, line| line.map(|_| count + 1)) {
            return Ok((bytes, 1 + others));
        }
    }
    let aside = path.with_extension("gz.unreadable");
    fs::rename(path, &aside).map_err(|error| cannot_write(path, error))?;
    log::warn!("{} is no readable archive of jobs; it was renamed to {}", path.display(), aside.display());
    Ok((0, 0))
}

/// The id of the job in a line of an archive.
fn job_of(line: &str) -> Option<Uuid> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    Uuid::parse_str(line.get("job")?.get("id")?.as_str()?).ok()
}

/// Adds a job's line to the member of the month in which it finished.
fn add(db: &Db, id: JobId, members: &mut BTreeMap<Month, Member>) -> Result<()> {
    let job = store::jobs::by_id(db, id)?;
    let finished_at_ms = job.finished_at_ms.ok_or_else(|| changed(&job))?;
    let account = store::accounts::by_id(db, job.account)?;
    let attempts = store::leases::attempts(db, id, LIST_ROWS)?;
    let member = members.entry(Month::of(finished_at_ms)).or_default();
    let attempts = attempts.into_iter().rev().map(|attempt| AttemptLine {
        lease: attempt.lease.0,
        node: attempt.node,
        state: attempt.state.as_str(),
        started_at: rfc3339(attempt.started_at_ms),
        ended_at: attempt.ended_at_ms.map(rfc3339),
        error: attempt.failure.map(|(code, message)| FailureView { code: code.as_str().into(), message }),
        log: attempt.log,
    });
    member.lines.push_str(&wire::job_archive::line(&job, &account.name, attempts.collect())?);
    member.jobs.push(job);
    Ok(())
}

fn changed(job: &Job) -> Error {
    let detail = format!("job {} has changed meanwhile", job.public_id);
    Error::internal("Jobs could not be archived. They are tried again.", detail)
}

fn compress(lines: &str) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(lines.as_bytes())?;
    encoder.finish()
}

/// Cuts off what an interrupted run has left, and forgets files that were moved away.
pub(in crate::app) fn tidy(app: &App) -> Result<()> {
    for archive in app.store.read(store::job_archive::all)? {
        let path = app.store.folder.job_archive(archive.month);
        match fs::metadata(&path) {
            Ok(file) if file.len() > archive.bytes => {
                let cut = OpenOptions::new().write(true).open(&path).and_then(|file| {
                    file.set_len(archive.bytes)?;
                    file.sync_all()
                });
                cut.map_err(|error| cannot_write(&path, error))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                log::warn!("{} is gone; a new one is begun when more jobs of that month are archived", path.display());
                app.store.write(move |tx| store::job_archive::forget(tx, archive.month))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Files of archived jobs that are shorter than recorded, or no files.
pub(in crate::app) fn damaged(app: &App) -> Result<Vec<PathBuf>> {
    let archives = app.store.read(store::job_archive::all)?.into_iter();
    let paths = archives.map(|archive| (app.store.folder.job_archive(archive.month), archive.bytes));
    Ok(paths
        .filter(|(path, bytes)| fs::metadata(path).is_ok_and(|file| !file.is_file() || file.len() < *bytes))
        .map(|(path, _)| path)
        .collect())
}

fn cannot_write(path: &Path, error: io::Error) -> Error {
    cannot_store(&format!("Jobs could not be archived in {}; they stay.", path.display()), error)
}
