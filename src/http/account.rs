//! The caller's own account.

use rouille::Response;

use crate::app::accounts;
use crate::domain::error::Result;
use crate::domain::job::Caller;
use crate::http::kit::answer;
use crate::http::kit::call::Call;
use crate::wire::account::AccountView;

/// `GET /api/account`.
pub fn show(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let summary = accounts::summary(call.app, caller)?;
    let view = AccountView {
        name: summary.account.name,
        key_class: caller.class.as_str().into(),
        status: summary.account.status.as_str().into(),
        dinks: summary.account.dinks,
        dinks_in_use: summary.dinks_in_use,
        queued: summary.queued,
        rendering: summary.rendering,
    };
    answer::json(200, &view)
}
