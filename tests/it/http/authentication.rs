//! The contract's page "Authentication", row by row.

use dinkem_appliance::app;

use crate::support::appliance::{Appliance, good_job};
use crate::support::client::{Answer, Ask, connect};

const MISSING: &str = r#"{"error":"Missing or invalid API key"}"#;
const INVALID: &str = r#"{"error":"Invalid API key"}"#;
const NO_DINKS: &str = r#"{"error":"No reserved capacity provisioned"}"#;

#[track_caller]
fn refused(answer: &Answer, body: &str) {
    assert_eq!((answer.status, answer.text()), (401, body));
    assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer"));
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
}

#[test]
fn a_request_without_a_well_formed_key_is_told_so() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    refused(&appliance.send(&Ask::get("/api/account")), MISSING);
    let malformed = [
        String::new(),
        "Bearer".into(),
        "Bearer ".into(),
        key.clone(),
        format!("Basic {key}"),
        format!("Bearer{key}"),
        format!("Bearer {key} x"),
        format!("Bearer {}", key.replace('-', "")),
        format!("Bearer {{{key}}}"),
        format!("Bearer {}", &key[1..]),
        format!("Bearer urn:uuid:{key}"),
        "Bearer YOUR_API_KEY".into(),
    ];
    for value in malformed {
        refused(&appliance.send(&Ask::get("/api/account").header("Authorization", &value)), MISSING);
    }
    refused(&appliance.send(&Ask::get("/api/account").key(&key).key(&key)), MISSING);
}

#[test]
fn a_key_is_taken_in_either_case_after_any_number_of_spaces() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let values = [format!("Bearer {key}"), format!("bearer   {key}"), format!("BEARER {}", key.to_uppercase())];
    for value in values {
        appliance.send(&Ask::get("/api/account").header("Authorization", &value)).expect(200);
    }
}

#[test]
fn an_unknown_key_and_an_account_that_is_not_active_get_the_same_answer() {
    let appliance = Appliance::start();
    let keys = appliance.inactive("studio");
    let ask = Ask::get("/api/account").key(&keys.metered);
    refused(&appliance.send(&Ask::get("/api/account").key("3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234")), INVALID);
    refused(&appliance.send(&ask), INVALID);
    refused(&appliance.send(&Ask::get("/api/account").key(&keys.reserved)), INVALID);

    app::accounts::activate(&appliance.app, Some("studio")).unwrap();
    appliance.send(&ask).expect(200);
    app::accounts::deactivate(&appliance.app, "studio").unwrap();
    refused(&appliance.send(&ask), INVALID);
}

#[test]
fn a_revoked_key_is_unknown_from_the_next_request_on() {
    let appliance = Appliance::start();
    let keys = appliance.account("studio");
    appliance.send(&Ask::get("/api/account").key(&keys.metered)).expect(200);
    for key in app::keys::list(&appliance.app, &keys.name).unwrap() {
        app::keys::revoke(&appliance.app, key.id).unwrap();
    }
    refused(&appliance.send(&Ask::get("/api/account").key(&keys.metered)), INVALID);
}

#[test]
fn a_reserved_key_works_only_while_the_account_has_dinks() {
    let appliance = Appliance::start();
    let keys = appliance.account("studio");
    let ask = Ask::post("/api/clips").key(&keys.reserved).json(good_job().to_string());
    let answer = appliance.send(&ask);
    assert_eq!((answer.status, answer.text()), (403, NO_DINKS));
    for ask in [Ask::get("/api/account"), Ask::get("/api/clips"), Ask::get("/api/clips/x"), Ask::put("/api/clips")] {
        assert_eq!(appliance.send(&ask.key(&keys.reserved)).text(), NO_DINKS);
    }

    app::dinks::set(&appliance.app, "studio", 1).unwrap();
    assert_eq!(appliance.send(&ask).expect(202).json()["job_type"], "reserved");
    app::dinks::set(&appliance.app, "studio", 0).unwrap();
    appliance.send(&ask).expect(403);
    let metered = Ask::post("/api/clips").key(&keys.metered).json(good_job().to_string());
    assert_eq!(appliance.send(&metered).expect(202).json()["job_type"], "metered");
}

#[test]
fn the_key_is_looked_at_before_the_body() {
    let appliance = Appliance::start();
    // The body never comes: only an answer that does not wait for it can arrive.
    let head = "POST /api/demos HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n";
    let mut stream = connect(appliance.address);
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    refused(&Answer::read(stream, false), MISSING);
}
