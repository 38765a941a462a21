//! State shared by all connections of one server.

use crate::counters::{Counters, Tally};
use crate::limits::Limits;
use crate::parking::Lot;
use crate::peers::Peers;
use crate::permits::{ConnectionPermit, Connections, InFlight, UploadPermit, Uploads};
use crate::settings::{IsPicked, NameRefusal, Uncapped};
use crate::state::ConnState;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

/// How far a server has shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Serving,
    /// No new connections; in-flight requests are finished.
    Finishing,
    /// Whatever is left is cut off.
    Gone,
}

pub(crate) struct Shared {
    pub limits: Limits,
    /// Zero on the connections' clocks.
    pub epoch: Instant,
    pub address: SocketAddr,
    pub uncapped: Uncapped,
    pub name_refusal: NameRefusal,
    pub is_reserved: IsPicked,
    pub runtime: tokio::runtime::Handle,
    pub connections: Arc<Connections>,
    pub in_flight: Arc<InFlight>,
    /// Those in flight that were parked before: not limited, since they have been admitted already.
    pub resumed: Arc<InFlight>,
    pub lot: Arc<Lot>,
    pub uploads: Arc<Uploads>,
    pub reserved_uploads: Arc<Uploads>,
    pub peers: Arc<Peers>,
    pub stage: watch::Sender<Stage>,
    pub tally: Tally,
}

impl Shared {
    /// The limit for one address, `None` for an address that is exempt from such limits.
    fn per_address(&self, address: IpAddr, limit: usize) -> Option<usize> {
        (!(self.uncapped)(address)).then_some(limit)
    }

    /// A permit for a new connection, `None` at the limit.
    pub fn admit(&self, address: IpAddr, state: &Arc<ConnState>) -> Option<ConnectionPermit> {
        let limits = &self.limits;
        let per_address = self.per_address(address, limits.connections_per_address);
        let admitted = self.connections.admit(address, state, limits.connections, per_address);
        match &admitted {
            None => Tally::count(&self.tally.refused),
            Some(admitted) if admitted.evicted => Tally::count(&self.tally.made_room),
            Some(_) => {}
        }
        admitted.map(|admitted| admitted.permit)
    }

    /// A permit for a body that a handler reads while it arrives, `None` at the limit.
    pub fn admit_upload(&self, address: IpAddr, method: &str, target: &str) -> Option<UploadPermit> {
        let limits = &self.limits;
        let (uploads, total) = if (self.is_reserved)(method, target) {
            (&self.reserved_uploads, limits.reserved_uploads)
        } else {
            (&self.uploads, limits.uploads)
        };
        uploads.take(address, total, self.per_address(address, limits.uploads_per_address))
    }

    pub fn requests_in_flight(&self) -> usize {
        self.in_flight.count() + self.resumed.count()
    }

    pub fn counters(&self) -> Counters {
        let uploads = self.uploads.count() + self.reserved_uploads.count();
        self.tally.read(self.connections.count(), self.requests_in_flight(), uploads, self.lot.count())
    }

    pub async fn reached(&self, stage: Stage) {
        // An error means that the server is gone, which is past every stage.
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
    }

    /// Moves to a later stage; never back.
    pub fn advance(&self, to: Stage) {
        self.stage.send_if_modified(|now| {
            let later = *now < to;
            *now = to.max(*now);
            later
        });
    }
}
