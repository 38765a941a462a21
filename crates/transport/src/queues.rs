//! The request queues of a server, and which of them a request waits in.

use crate::queue::Queue;
use crate::settings::{IsPicked, Lane};
use std::sync::OnceLock;

pub(crate) struct Queues {
    ordinary: Queue,
    /// Absent until a server takes quick requests.
    quick: OnceLock<Queue>,
    is_quick: IsPicked,
}

impl Queues {
    pub fn new(is_quick: IsPicked) -> Queues {
        Queues { ordinary: Queue::default(), quick: OnceLock::new(), is_quick }
    }

    /// The queue for a request with this method and target.
    pub fn for_request(&self, method: &str, target: &str) -> &Queue {
        self.quick.get().filter(|_| (self.is_quick)(method, target)).unwrap_or(&self.ordinary)
    }

    /// The queue of a lane. Asking for the quick one creates it.
    pub fn of(&self, lane: Lane) -> &Queue {
        match lane {
            Lane::Ordinary => &self.ordinary,
            Lane::Quick => self.quick.get_or_init(Queue::default),
        }
    }

    /// Wakes everyone who waits for a request.
    pub fn close(&self) {
        self.ordinary.close();
        if let Some(quick) = self.quick.get() {
            quick.close();
        }
    }
}
