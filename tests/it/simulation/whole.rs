//! The comparison of everything: all rows and files with the model, and the queue in memory with the rows.

use dinkem_appliance::app::{accounts, jobs, nodes};
use dinkem_appliance::domain::job::JobStatus;

use super::model::Cause;
use super::server::{Outcome, Server};
use super::story::{Checked, Invariant, Violation};
use super::world::World;

/// Compares everything.
pub fn check(world: &mut World) -> Checked {
    world.compare(Cause::Nothing)?;
    rows(world)?;
    counters(world)?;
    check_queue(world)?;
    positions(world)
}

fn rows(world: &World) -> Checked {
    let (rows, model) = (&world.server.rows, &world.model);
    let found: Vec<(i64, String)> = rows.statuses();
    let known: Vec<(i64, String)> =
        (1..).zip(&model.jobs).map(|(row, job)| (row, job.status.as_str().to_owned())).collect();
    if found != known {
        let differs = known.iter().find(|job| !found.contains(job));
        return Violation::of(Invariant::NoJobLost, format!("the rows of jobs differ from {differs:?}"));
    }
    let with = |has: &dyn Fn(JobStatus) -> bool| -> Vec<i64> {
        (1..).zip(&model.jobs).filter(|(_, job)| has(job.status)).map(|(row, _)| row).collect()
    };
    let (billed, done) = (rows.billed(), with(&|status| status == JobStatus::Done));
    if billed != done {
        return Violation::of(Invariant::BilledOnce, format!("the ledger has {billed:?}, and done are {done:?}"));
    }
    let unbilled = with(&|status| matches!(status, JobStatus::Failed | JobStatus::Cancelled));
    if rows.unbilled() != unbilled {
        let what = format!("{:?} count as not billed, but {unbilled:?} failed or were cancelled", rows.unbilled());
        return Violation::of(Invariant::BilledOnce, what);
    }
    for (job, lease, bytes) in rows.clips() {
        let is_there = world.server.has_video(lease, bytes);
        if !is_there || model.job(job).clip != Some(lease) {
            return Violation::of(Invariant::BilledOnce, format!("job {job} is done and its video is missing"));
        }
    }
    Ok(())
}

/// What is counted for nodes and accounts.
fn counters(world: &World) -> Checked {
    let (model, admin) = (&world.model, &world.server.admin);
    for info in nodes::list(admin).unwrap() {
        let held = model.held(info.node.id.0);
        if info.leases as usize != held {
            let what = format!("node {} counts {} leases, and holds {held}", info.node.name, info.leases);
            return Violation::of(Invariant::CountersAgree, what);
        }
    }
    for (number, account) in model.accounts.iter().enumerate() {
        let shown = accounts::show(admin, &Server::accounts()[number].name).unwrap();
        let queued = (account.reserved.len() + account.metered.len()) as u64;
        let rendering = |job: &&super::model::Job| job.account == number && job.status == JobStatus::Rendering;
        let rendering = model.jobs.iter().filter(rendering).count() as u64;
        let expected = (queued, rendering, account.reserved_running);
        if (shown.queued, shown.rendering, shown.dinks_in_use) != expected {
            let what = format!(
                "account {number} counts {} queued, {} rendering and {} dinks in use, and has {expected:?}",
                shown.queued, shown.rendering, shown.dinks_in_use
            );
            return Violation::of(Invariant::CountersAgree, what);
        }
    }
    Ok(())
}

/// Compares the queue in the server's memory with the rows.
pub fn check_queue(world: &mut World) -> Checked {
    if let Outcome::Answer(differences) = world.server.call(jobs::queue::check)
        && differences.is_ok_and(|found| found > 0)
    {
        return Violation::of(Invariant::CountersAgree, "the queue in memory differs from the rows");
    }
    Ok(())
}

/// Compares how many jobs are in the queue.
pub fn check_waiting(world: &mut World) -> Checked {
    let active = world.model.accounts.iter().filter(|account| account.is_active);
    let waiting: usize = active.map(|account| account.reserved.len() + account.metered.len()).sum();
    match world.server.call(|app| Ok(jobs::queue::waiting(app))) {
        Outcome::Answer(Ok(counted)) if counted != waiting as u64 => {
            let what = format!("{counted} jobs are in the queue, and {waiting} wait");
            Violation::of(Invariant::CountersAgree, what)
        }
        _ => Ok(()),
    }
}

/// The positions of a few queued jobs: each is described at length.
fn positions(world: &mut World) -> Checked {
    let mut places: Vec<(i64, u64)> = Vec::new();
    for account in world.model.accounts.iter().filter(|account| account.is_active) {
        for line in [&account.reserved, &account.metered] {
            places.extend(line.iter().copied().zip(1..));
        }
    }
    for (row, place) in places.iter().step_by(places.len() / 4 + 1) {
        let (id, account) = (world.model.job(*row).id, world.model.job(*row).account);
        let key = &Server::accounts()[account].metered;
        let shown = world.server.as_client(key, |app, caller| jobs::get(app, caller, id));
        let Outcome::Answer(Ok(shown)) = shown else { continue };
        if shown.queue_position != Some(*place) {
            let what = format!("job {row} is at position {:?}, not {place}", shown.queue_position);
            return Violation::of(Invariant::CountersAgree, what);
        }
    }
    Ok(())
}
