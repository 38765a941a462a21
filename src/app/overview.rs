//! What the dashboard's overview shows, put together at most once a second however many dashboards are open.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::app::accounts;
use crate::app::jobs::any_job::AnyJob;
use crate::app::jobs::queue::{self, AccountQueues, QueueFigures, WaitingGroup};
use crate::app::jobs::search;
use crate::app::nodes::{self, NodeInfo};
use crate::app::upkeep::history::{self, DiskTrend, LastDay};
use crate::app::webhooks::operator as webhooks;
use crate::domain::account::{Account, AccountStatus};
use crate::domain::error::Result;

/// How long an overview is shown before it is put together anew, unless something was changed.
const FRESH: Duration = Duration::from_secs(1);
/// Reasons for waiting.
const GROUPS: usize = 6;
/// Accounts with unfinished jobs.
const ACCOUNTS: usize = 6;
/// Latest jobs.
const JOBS: u32 = 8;

/// The state of the appliance on one page.
pub struct Overview {
    /// How much waits and is rendered.
    pub figures: QueueFigures,
    /// Why jobs wait, the most frequent reason first.
    pub groups: Vec<WaitingGroup>,
    /// Whose unfinished jobs there are.
    pub accounts: AccountQueues,
    /// All nodes, oldest first.
    pub nodes: Vec<NodeInfo>,
    /// The last 24 hours.
    pub day: LastDay,
    /// The disk, and when it will be full.
    pub disk: DiskTrend,
    /// The latest jobs.
    pub jobs: Vec<AnyJob>,
    /// Accounts that wait to be activated.
    pub inactive: Vec<Account>,
    /// The names of accounts whose webhook is disabled, and why.
    pub disabled_webhooks: Vec<(String, String)>,
}

/// The overview that was put together last, and when.
#[derive(Default)]
pub(in crate::app) struct Latest(Mutex<Option<(Duration, Arc<Overview>)>>);

/// The overview, at most [`FRESH`] old.
pub fn latest(app: &App) -> Result<Arc<Overview>> {
    let now = app.clock.monotonic();
    // Held while it is put together, so that other dashboards wait for the same.
    let mut latest = app.overview.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, overview)) = latest.as_ref().filter(|(at, _)| now.saturating_sub(*at) < FRESH) {
        return Ok(Arc::clone(overview));
    }
    let overview = Arc::new(read(app)?);
    *latest = Some((now, Arc::clone(&overview)));
    Ok(overview)
}

/// Something was changed by the operator, who wants to see it at once.
pub fn forget(app: &App) {
    *app.overview.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

fn read(app: &App) -> Result<Overview> {
    let is_inactive = |account: &Account| account.status == AccountStatus::Inactive;
    Ok(Overview {
        figures: queue::figures(app)?,
        groups: queue::why_waiting(app, GROUPS)?,
        accounts: queue::by_account(app, ACCOUNTS)?,
        nodes: nodes::list(app)?,
        day: history::last_day(app)?,
        disk: history::disk_trend(app)?,
        jobs: search::page(app, &search::Filter::default(), None, JOBS)?.jobs,
        inactive: accounts::list(app)?.into_iter().filter(is_inactive).collect(),
        disabled_webhooks: webhooks::disabled(app)?,
    })
}
