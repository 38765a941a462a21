//! The OpenAPI document is served, complete and of this version. Every test's responses are checked against it in
//! `support/openapi.rs`.

use std::collections::BTreeSet;

use dinkem_appliance::domain::error_code::error_responses;
use dinkem_appliance::domain::failure::FailureCode;
use dinkem_appliance::domain::protocol;
use dinkem_appliance::http::routes;
use serde_json::Value;

use crate::support::appliance::Appliance;
use crate::support::client::Request;
use crate::support::openapi::DOCUMENT;

#[test]
fn openapi_document_is_served_to_anyone() {
    let served = Appliance::start().send(&Request::get("/api/openapi.json")).expect(200).json();
    assert_eq!(served, *DOCUMENT);
    assert_eq!(served["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn openapi_document_describes_exactly_the_existing_routes_and_callers() {
    let mut described = Vec::new();
    for (path, operations) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            let who = match operation["security"].as_array().unwrap().as_slice() {
                [] => "anyone",
                [scheme] if scheme.get("accountKey").is_some() => "client",
                [scheme] if scheme.get("nodeKey").is_some() => "node",
                other => panic!("{other:?}"),
            };
            described.push((method.to_uppercase(), path.clone(), who));
        }
    }
    // The operator is known by his address, so his routes need no key.
    let keyed = |who| if who == "operator" { "anyone" } else { who };
    let mut routes: Vec<_> =
        routes::all().map(|(method, pattern, who)| (method.to_owned(), pattern.to_owned(), keyed(who))).collect();
    described.sort();
    routes.sort();
    assert_eq!(described, routes);
}

#[test]
fn openapi_failure_codes_match_the_table() {
    let codes: Vec<Value> = FailureCode::ALL.iter().map(|code| code.as_str().into()).collect();
    assert_eq!(DOCUMENT["components"]["schemas"]["FailureCode"]["enum"], Value::from(codes));
}

#[test]
fn openapi_error_codes_match_the_table() {
    let codes: BTreeSet<&str> = error_responses().iter().map(|known| known.code.as_str()).collect();
    let codes: Vec<Value> = codes.into_iter().map(Value::from).collect();
    assert_eq!(DOCUMENT["components"]["schemas"]["Error"]["properties"]["code"]["enum"], Value::from(codes));
}

#[test]
fn document_lists_the_protocol_versions_that_work() {
    let versions = &DOCUMENT["components"]["parameters"]["Protocol"]["schema"]["enum"];
    assert_eq!(*versions, Value::from((1..=protocol::OURS + 1).collect::<Vec<_>>()));
}
