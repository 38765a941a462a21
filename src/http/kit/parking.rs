//! Requests that wait without a thread. A handler leaves what is to be done when the wait ends ([`Then`]); the transport
//! keeps it with the request, and drops it if the client hangs up.

use std::cell::OnceCell;

use rouille::{Request, Response};

use crate::http::kit::answer;
use crate::http::kit::call::{Sleep, Then};
use crate::http::kit::request_log::Line;
use crate::http::kit::transport::Parkings;

/// A request that has waited.
pub struct Kept {
    /// Its request ID.
    pub id: String,
    /// Its log line, pending since it arrived.
    pub line: Line,
    /// The authenticated account or node.
    pub who: OnceCell<String>,
    /// What follows now.
    pub then: Then,
    /// Whether it must be answered now.
    pub is_over: bool,
}

/// What was kept of this request, if it has waited.
pub fn resume(parkings: &Parkings, request: &Request) -> Option<Kept> {
    let resumed = parkings.resume(|name| request.header(name))?;
    let kept = resumed.state.downcast::<Kept>().ok()?;
    Some(Kept { is_over: resumed.is_over, ..*kept })
}

/// The response by which the transport lets a request wait; it is not sent.
pub fn park(sleep: Sleep, id: String, line: Line, who: OnceCell<String>) -> Response {
    let Sleep { parking, time, then } = sleep;
    let (name, value) = parking.header(time, Kept { id, line, who, then, is_over: false });
    answer::header(answer::empty(204), name, value)
}
