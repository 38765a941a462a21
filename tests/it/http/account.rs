//! `/api/account`.

use serde_json::json;

use crate::support::appliance::Appliance;
use crate::support::client::Request;

#[test]
fn account_shows_its_details_and_job_counts() {
    let appliance = Appliance::start();
    let keys = appliance.account_with_dinks("studio", 2);
    appliance.job(&appliance.account("another").metered);
    let of = |key: &str| appliance.send(&Request::get("/api/account").key(key)).expect(200).json();
    let expected = |class: &str, in_use: u32, queued: u32, rendering: u32| {
        json!({"name": "studio", "key_class": class, "status": "active", "dinks": 2, "dinks_in_use": in_use,
               "queued": queued, "rendering": rendering})
    };
    assert_eq!(of(&keys.metered), expected("metered", 0, 0, 0));

    appliance.job(&keys.metered);
    appliance.job(&keys.reserved);
    assert_eq!(of(&keys.metered), expected("metered", 0, 2, 0));
    // The reserved job is claimed first and uses a dink.
    appliance.claim(&appliance.node("n1")).unwrap();
    assert_eq!(of(&keys.reserved), expected("reserved", 1, 1, 1));
}
