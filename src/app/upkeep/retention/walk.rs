//! What goes by a rule, from the oldest on: for the background pass and for the preview alike.

use crate::app::App;
use crate::domain::error::Result;
use crate::domain::id::JobId;
use crate::domain::retention::{Doomed, Excess, JOB_MIN_AGE_MS, JOB_ROW_BYTES, Kind, Limits, Rule, Scope};
use crate::store;
use crate::store::clips::Old;
use crate::store::demos::Unused;
use crate::store::job_archive::Submitted;

/// Clips or jobs that go in one transaction: few, because submissions wait for it.
const BATCH: usize = 32;
/// Demos looked at before the time is checked: deleting large files takes long.
const DEMOS: usize = 4;
/// Rows of jobs looked at for one transaction: most may have to stay.
const LOOK: u32 = 256;

/// The accounts that a rule applies to.
pub fn scope(app: &App, rule: &Rule) -> Result<Scope> {
    if let Some(account) = rule.account {
        return Ok(Scope::One(account));
    }
    let rules = app.store.read(store::retention::all)?.into_iter();
    Ok(Scope::AllBut(rules.filter(|other| other.kind == rule.kind).filter_map(|other| other.account).collect()))
}

/// Something that goes by a rule.
#[derive(Clone, Copy, Debug)]
pub enum Item {
    Clip(Old),
    Demo(Unused),
    Job(Submitted),
}

impl Item {
    /// Adds it to what goes.
    pub fn count(&self, doomed: &mut Doomed) {
        match self {
            Self::Clip(clip) => doomed.add(clip.finished_at_ms, clip.bytes),
            Self::Demo(demo) => doomed.add(demo.used_at_ms, demo.bytes),
            Self::Job(job) => doomed.add(job.created_at_ms, JOB_ROW_BYTES),
        }
    }
}

/// Goes through what a rule applies to, from the oldest on.
pub struct Walk<'a> {
    app: &'a App,
    kind: Kind,
    scope: Scope,
    excess: Excess,
    is_over: bool,
    clip: Option<Old>,
    demo: Option<Unused>,
    /// The last job looked at.
    pub job: JobId,
    /// Jobs submitted later stay.
    newest_job_ms: i64,
}

impl<'a> Walk<'a> {
    /// Starts with the oldest.
    pub fn begin(app: &'a App, kind: Kind, scope: Scope, limits: Limits) -> Result<Self> {
        let total = match kind {
            _ if limits.max_bytes.is_none() => 0,
            Kind::Clips => app.store.read(|db| store::clips::scope_bytes(db, &scope))?,
            Kind::Demos => app.store.read(|db| store::demos::scope_bytes(db, &scope))?,
            Kind::Jobs => {
                app.store.read(|db| store::job_archive::scope_jobs(db, &scope))?.saturating_mul(JOB_ROW_BYTES)
            }
        };
        let now = app.clock.now_ms();
        Ok(Self {
            app,
            kind,
            scope,
            excess: Excess::of(limits, now, total),
            is_over: limits.are_none(),
            clip: None,
            demo: None,
            job: JobId(0),
            newest_job_ms: now - JOB_MIN_AGE_MS,
        })
    }

    /// The next that go, perhaps none; `None` after the last.
    pub fn next(&mut self) -> Result<Option<Vec<Item>>> {
        if self.is_over {
            return Ok(None);
        }
        match self.kind {
            Kind::Clips => self.next_clips(),
            Kind::Demos => self.next_demos(),
            Kind::Jobs => self.next_jobs(),
        }
        .map(Some)
    }

    fn next_clips(&mut self) -> Result<Vec<Item>> {
        let page = self.app.store.read(|db| store::clips::oldest(db, &self.scope, self.clip.as_ref(), BATCH as u32))?;
        let excess = &mut self.excess;
        let going = page.iter().take_while(|clip| excess.takes(clip.finished_at_ms, clip.bytes)).count();
        self.is_over = going < BATCH;
        self.clip = page.last().copied();
        Ok(page.into_iter().take(going).map(Item::Clip).collect())
    }

    /// Demos that an unfinished job needs are passed over.
    fn next_demos(&mut self) -> Result<Vec<Item>> {
        let page =
            self.app.store.read(|db| store::demos::least_used(db, &self.scope, self.demo.as_ref(), DEMOS as u32))?;
        self.is_over = page.len() < DEMOS;
        self.demo = page.last().copied();
        let mut going = Vec::new();
        for demo in page {
            let hash = demo.sha256.to_string();
            if self.app.store.read(|db| store::demos::unfinished_jobs(db, demo.account, &hash))? > 0 {
                continue;
            }
            if !self.excess.takes(demo.used_at_ms, demo.bytes) {
                self.is_over = true;
                break;
            }
            going.push(Item::Demo(demo));
        }
        Ok(going)
    }

    /// Unfinished jobs and those with a clip or a pending event are passed over.
    fn next_jobs(&mut self) -> Result<Vec<Item>> {
        let page = self.app.store.read(|db| store::job_archive::oldest(db, self.scope.one(), self.job, LOOK))?;
        self.is_over = page.len() < LOOK as usize;
        let mut going = Vec::new();
        for job in page {
            let at_ms = job.created_at_ms;
            // Submitted while the clock was ahead: the jobs behind it may still be old.
            if at_ms > self.newest_job_ms + JOB_MIN_AGE_MS {
                self.job = job.job;
                continue;
            }
            if at_ms > self.newest_job_ms || !self.excess.reaches(at_ms) {
                self.is_over = true;
                break;
            }
            self.job = job.job;
            if !job.is_over || !self.scope.has(job.account) {
                continue;
            }
            self.excess.takes(at_ms, JOB_ROW_BYTES);
            going.push(Item::Job(job));
            if going.len() == BATCH {
                self.is_over = false;
                break;
            }
        }
        Ok(going)
    }
}
