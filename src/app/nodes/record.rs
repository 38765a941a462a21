//! Benches nodes whose jobs fail while such jobs succeed elsewhere.

use crate::domain::error::Result;
use crate::domain::id::{JobId, NodeId};
use crate::domain::node_record::{FAILURES, streak};
use crate::store::{self, Tx};

/// An attempt has failed on this node, in the same transaction.
pub(in crate::app) fn after_failure(tx: &mut Tx<'_>, node: NodeId, now_ms: i64) -> Result<()> {
    let Some(found) = store::nodes::by_row(tx, node)? else { return Ok(()) };
    if found.is_benched(now_ms) {
        return Ok(());
    }
    let latest = store::node_record::latest(tx, node)?;
    let Some(streak) = streak(&latest, found.bench.as_ref().map(|bench| bench.until_ms)) else { return Ok(()) };
    let others_succeed = streak.is_proven
        || streak.is_mixed && store::node_record::done_elsewhere(tx, node, streak.renderer, streak.since)?;
    if !others_succeed {
        return Ok(());
    }
    let last = latest.first().map_or("", |past| past.why.as_str());
    let because =
        format!("Its last {FAILURES} jobs failed, and such jobs succeed on other nodes. The last one: {last}");
    let until = store::nodes::bench(tx, node, &because, now_ms)?;
    log::warn!("node {:?} is benched for {} minutes: {because}", found.name, (until - now_ms) / 60_000);
    Ok(())
}

/// This node has completed a job, in the same transaction: that counts against others on which it failed.
pub(in crate::app) fn after_success(tx: &mut Tx<'_>, job: JobId, node: NodeId, now_ms: i64) -> Result<()> {
    let failed_on = store::node_record::failed_on(tx, job)?;
    failed_on.into_iter().filter(|other| *other != node).try_for_each(|other| after_failure(tx, other, now_ms))
}
