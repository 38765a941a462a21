//! A certificate that cannot be written, for example on a full disk, does not keep a server from starting.

use std::fs;
use std::net::IpAddr;

use dinkem_appliance::app::tls::names::Names;
use dinkem_appliance::app::tls::{Change, Own};

use crate::support::test_app::TestApp;

fn names(addresses: &[&str]) -> Names {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Names::of(Some("box"), &addresses, None)
}

#[test]
fn server_starts_with_its_old_certificate_and_writes_the_new_one_later() {
    let test = TestApp::start();
    let (first, _) = Own::open(&test.app, &names(&[]), None).unwrap();
    // A non-empty directory in place of the file that is written first.
    let in_the_way = test.dir.path().join("tls/server.key.new");
    fs::create_dir_all(in_the_way.join("x")).unwrap();
    let wanted = names(&["10.0.0.5"]);
    let (mut own, change) = Own::open(&test.app, &wanted, None).unwrap();
    assert!(change == Change::None && own.pair() == first.pair());
    assert!(own.refresh(&test.app, &wanted).is_err(), "the write is retried");
    fs::remove_dir_all(&in_the_way).unwrap();
    assert_eq!(own.refresh(&test.app, &wanted).unwrap(), Change::Server);
    assert!(own.pair() != first.pair() && own.authority_pem() == first.authority_pem());
}

#[test]
fn damaged_unwritable_certificate_is_replaced_in_memory() {
    let test = TestApp::start();
    let names = names(&[]);
    let (first, _) = Own::open(&test.app, &names, None).unwrap();
    fs::write(test.dir.path().join("tls/server.pem"), "half of it").unwrap();
    let in_the_way = test.dir.path().join("tls/server.key.new");
    fs::create_dir_all(in_the_way.join("x")).unwrap();
    let (mut own, _) = Own::open(&test.app, &names, None).unwrap();
    assert!(own.pair().certificate.starts_with(b"-----BEGIN CERTIFICATE-----"));
    assert_eq!(own.authority_pem(), first.authority_pem());
    fs::remove_dir_all(&in_the_way).unwrap();
    assert_eq!(own.refresh(&test.app, &names).unwrap(), Change::Server);
    let (again, change) = Own::open(&test.app, &names, None).unwrap();
    assert!(change == Change::None && again.pair() == own.pair());
}
