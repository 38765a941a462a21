//! Usage of the caller's account.

use rouille::Response;

use crate::app::billing::usage;
use crate::domain::error::Result;
use crate::domain::job::Caller;
use crate::http::kit::answer;
use crate::http::kit::call::Call;
use crate::wire;

/// `GET /api/usage?from=&to=`.
pub fn show(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let (from, to) = (call.query("from"), call.query("to"));
    let period = wire::usage::read_period(from.as_deref(), to.as_deref(), call.app.clock.now_ms())?;
    answer::json(200, &wire::usage::view(&usage::usage(call.app, caller, period)?))
}
