//! A request while it waits, as a part of its connection's task.

use crate::api::{Header, Method};
use crate::parking::Stay;
use crate::request_body::BodyReader;
use crate::response_body::ResponseBody;
use crate::shared::{Shared, Stage};
use crate::state::ConnState;
use hyper::upgrade::OnUpgrade;
use tokio::time::sleep;

/// What a handler's thread sends to the connection's task.
#[expect(clippy::large_enum_variant, reason = "nearly all replies are answers, and a box for each would cost more")]
pub(crate) enum Reply {
    Answer(http::Response<ResponseBody>),
    /// The request waits, to be handled again.
    Parked(Box<Parked>),
}

/// Everything of a request but its way back.
pub(crate) struct Parked {
    pub method: Method,
    pub url: String,
    pub headers: Vec<Header>,
    pub body: BodyReader,
    pub upgrade: Option<OnUpgrade>,
    pub stay: Stay,
}

impl Parked {
    /// Waits until the request is woken or its wait is over for another reason.
    pub async fn wait(&self, state: &ConnState, shared: &Shared) {
        let is_over = tokio::select! {
            biased;
            // While a body arrives, a hang-up cannot be noticed.
            () = std::future::ready(()), if self.body.is_arriving() => true,
            () = shared.reached(Stage::Finishing) => true,
            () = state.more() => true,
            () = self.stay.bell.notified() => false,
            () = sleep(self.stay.time) => true,
        };
        self.stay.ended(is_over);
    }
}
