//! What all connections of one server share.

use crate::counters::{Counters, Tally};
use crate::limits::Limits;
use crate::peers::Peers;
use crate::queue::Queue;
use crate::seats::{InFlight, Seats, UploadSeat, Uploads};
use crate::settings::{Lane, NameRefusal, Uncapped};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::sync::watch;

/// How far a server has come on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Serving,
    /// No new connections; requests in flight are finished.
    Finishing,
    /// What is left is cut.
    Gone,
}

pub(crate) struct Shared {
    pub limits: Limits,
    /// The beginning of the connections' clocks.
    pub epoch: Instant,
    pub address: SocketAddr,
    pub uncapped: Uncapped,
    pub name_refusal: NameRefusal,
    pub runtime: tokio::runtime::Handle,
    pub seats: Seats,
    pub in_flight: Arc<InFlight>,
    pub uploads: Arc<Uploads>,
    pub reserved_uploads: Arc<Uploads>,
    pub peers: Arc<Peers>,
    pub queue: Queue,
    /// For requests that are quick to answer, once a server takes them.
    pub quick_queue: OnceLock<Queue>,
    pub is_quick: fn(&str, &str) -> bool,
    pub is_reserved: fn(&str, &str) -> bool,
    pub stage: watch::Sender<Stage>,
    pub tally: Tally,
}

impl Shared {
    /// True where limits per address hold for `address`.
    pub fn is_capped(&self, address: IpAddr) -> bool {
        !(self.uncapped)(address)
    }

    /// A place for a body that arrives while it is read; `None` where there is none.
    pub fn take_upload(&self, address: IpAddr, method: &str, url: &str) -> Option<UploadSeat> {
        let limits = &self.limits;
        let (uploads, total) = if (self.is_reserved)(method, url) {
            (&self.reserved_uploads, limits.reserved_uploads)
        } else {
            (&self.uploads, limits.uploads)
        };
        uploads.take(address, total, self.is_capped(address).then_some(limits.uploads_per_address))
    }

    /// Where a request waits for rouille.
    pub fn queue_of(&self, method: &str, url: &str) -> &Queue {
        self.quick_queue.get().filter(|_| (self.is_quick)(method, url)).unwrap_or(&self.queue)
    }

    /// Where the requests of a lane wait.
    pub fn queue(&self, lane: Lane) -> &Queue {
        match lane {
            Lane::Ordinary => &self.queue,
            Lane::Quick => self.quick_queue.get_or_init(Queue::default),
        }
    }

    /// Ends every wait for a request.
    pub fn close_queues(&self) {
        self.queue.close();
        if let Some(quick) = self.quick_queue.get() {
            quick.close();
        }
    }

    pub fn counters(&self) -> Counters {
        let uploads = self.uploads.taken() + self.reserved_uploads.taken();
        self.tally.read(self.seats.taken(), self.in_flight.taken(), uploads)
    }

    pub async fn reached(&self, stage: Stage) {
        // An error means that the server is gone, which is past every stage.
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
    }

    pub fn advance(&self, to: Stage) {
        self.stage.send_if_modified(|now| {
            let later = *now < to;
            *now = to.max(*now);
            later
        });
    }
}
