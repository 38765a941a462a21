//! A node's claim, from its arrival to its answer. It waits without a thread: whoever carries it calls
//! [`WaitingClaim::sleep`] and, once it is woken, [`WaitingClaim::again`].

use std::collections::HashSet;
use std::time::Duration;

use crate::app::App;
use crate::app::leases::claims::{Miss, Place, Wake};
use crate::app::leases::held::{Grant, Tried, hand_over, note_offer, try_claim};
use crate::domain::error::Result;
use crate::domain::job::Renderer;
use crate::domain::node::Node;
use crate::domain::offer::Offer;
use crate::store;

/// Claims that may wait at once.
pub const WAITING_CLAIMS: usize = 12_288;
/// Milliseconds after which a caller of [`claim`] looks for what rings no bell.
const CLAIM_LOOK_MS: u64 = 1_000;

/// A node's claim request.
pub struct Claim<'a> {
    /// What the node can render.
    pub offer: &'a Offer,
    /// How long it waits for a job.
    pub wait: Duration,
    /// Limit of waiting claims across all nodes.
    pub waiting_claims: usize,
    /// Whether the node is still connected.
    pub is_there: &'a dyn Fn() -> bool,
}

/// What became of a claim.
pub enum Claimed {
    /// It got a job.
    Job(Box<Grant>),
    /// It ended without one.
    Nothing,
    /// It waits for one.
    Waits(Box<WaitingClaim>),
}

/// A claim that waits for a job. Dropping it ends it.
pub struct WaitingClaim {
    node: Node,
    offer: Offer,
    place: Place,
    /// Monotonic.
    until: Duration,
    miss: Miss,
}

/// Claims a job, waiting on the caller's thread. For callers without a transport.
pub fn claim(app: &App, node: &Node, renderers: &[Renderer], slots: u32, wait: Duration) -> Result<Option<Grant>> {
    let offer = Offer { renderers: renderers.to_vec(), slots, ..Offer::none() };
    let claim = Claim { offer: &offer, wait, waiting_claims: WAITING_CLAIMS, is_there: &|| true };
    // Read before looking for a job, so that no ring is missed in between.
    let mut seen = app.news.rings();
    let mut claimed = begin(app, node, &claim)?;
    loop {
        match claimed {
            Claimed::Job(grant) => return Ok(Some(*grant)),
            Claimed::Nothing => return Ok(None),
            Claimed::Waits(waiting) => {
                app.news.wait_past(seen, waiting.left(app).min(Duration::from_millis(CLAIM_LOOK_MS)));
                seen = app.news.rings();
                claimed = waiting.again(app, false, claim.is_there)?;
            }
        }
    }
}

/// Tries to get a job at once. Fails while the server shuts down. Ends at once if the node may not take jobs or has
/// disconnected.
pub fn begin(app: &App, node: &Node, claim: &Claim<'_>) -> Result<Claimed> {
    // Checked first, so that a late claim of a stopped agent does not mark the node as running.
    if !(claim.is_there)() {
        return Ok(Claimed::Nothing);
    }
    note_offer(app, node, claim.offer)?;
    let until = app.clock.monotonic() + claim.wait;
    let place = app.claims.enter(node.id, claim.offer, until, claim.waiting_claims)?;
    let (node, offer) = (node.clone(), claim.offer.clone());
    Box::new(WaitingClaim { node, offer, place, until, miss: Miss::Nothing }).go_on(app, false, claim.is_there)
}

impl WaitingClaim {
    /// How much longer it waits.
    pub fn left(&self, app: &App) -> Duration {
        self.until.saturating_sub(app.clock.monotonic())
    }

    /// Sleeps: `wake` is called once it should try again or must end.
    pub fn sleep(&self, app: &App, wake: Wake) {
        self.place.sleep(self.miss, wake);
        // If it was woken for a job, another one goes.
        hand_out(app);
    }

    /// Tries again. `is_over`: for the last time.
    pub fn again(self: Box<Self>, app: &App, is_over: bool, is_there: &dyn Fn() -> bool) -> Result<Claimed> {
        self.place.retry();
        self.go_on(app, is_over, is_there)
    }

    fn go_on(mut self: Box<Self>, app: &App, is_over: bool, is_there: &dyn Fn() -> bool) -> Result<Claimed> {
        let job = loop {
            if app.stopping() {
                return Err(crate::app::stopping());
            }
            if self.place.is_over() || !is_there() {
                break None;
            }
            // With the disk at its reserve the video could not be stored, so jobs wait.
            if app.store.has_ready(&self.offer.renderers) && app.room.is_open() {
                match try_claim(app, self.node.id, &self.offer)? {
                    Tried::Job(job, lease, demo) => break Some((job, lease, demo)),
                    Tried::Stale => continue,
                    Tried::MayNot => break None,
                    Tried::Missed(miss) => self.miss = miss,
                }
            } else if !app.store.read(|db| store::nodes::may_take(db, self.node.id, app.clock.now_ms()))? {
                break None;
            } else {
                self.miss = Miss::Nothing;
            }
            if !is_over && !self.left(app).is_zero() {
                return Ok(Claimed::Waits(self));
            }
            break None;
        };
        let grant = match job {
            Some((job, lease, demo)) => {
                app.claims.leased(self.node.id, lease);
                hand_over(app, &self.node, is_there, *job, lease, demo)?
            }
            None => None,
        };
        self.place.done();
        // There may be more jobs than claims on their way to them.
        hand_out(app);
        Ok(grant.map_or(Claimed::Nothing, |grant| Claimed::Job(Box::new(grant))))
    }
}

/// Wakes as many waiting claims as there are queued jobs for them.
fn hand_out(app: &App) {
    if app.room.is_open() {
        app.claims.hand_out(|| app.store.waiting_kinds());
    }
}

/// Something has changed, so that waiting claims may get a job. To be called when `news` has rung.
pub fn look(app: &App) {
    app.claims.refresh();
    hand_out(app);
}

/// Ends waiting claims whose time is up, and, if another process has changed the store (`by_others`), those of nodes
/// that get no jobs any more.
pub fn sweep(app: &App, by_others: bool) -> Result<()> {
    if by_others && app.claims.count() > 0 {
        let taking: HashSet<_> = app.store.read(store::nodes::taking)?.into_iter().collect();
        app.claims.end_all_but(&taking);
    }
    app.claims.expire(app.clock.monotonic());
    Ok(())
}
