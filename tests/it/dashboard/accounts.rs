//! The pages Accounts and Account.

use crate::support::dashboard::Dashboard;

#[test]
fn read_only_key_sees_pages_and_changes_nothing() {
    let mut dashboard = Dashboard::start();
    dashboard.sign_in(true);
    dashboard.html("accounts");
    let refused = dashboard.act("audit.revoke", &[("id", "1")]).expect(403);
    assert_eq!(refused.json()["code"], "not_allowed");
}
