//! Demos that exhaust the memory, CPU time or file size of the process that reads them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use dinkem_appliance::app::demos::{self, index};
use dinkem_appliance::domain::demo::Indexing;
use dinkem_appliance::os::stop::StopFlag;

use crate::support::node_harness::{DEMO, GOOD, NodeHarness, while_working};
use crate::support::node_server::Behavior;
use crate::support::script;
use crate::support::test_app::TestApp;

/// Shell commands that end a child as an exhausted limit would.
const ENDS: [&str; 3] =
    ["echo 'memory allocation of 9663676416 bytes failed' >&2; kill -ABRT $$", "kill -XCPU $$", "kill -XFSZ $$"];

#[test]
fn uploaded_demo_that_exhausts_its_reader_is_too_large() {
    let test = TestApp::start();
    let (caller, _) = test.account("studio");
    for (number, end) in ENDS.iter().enumerate() {
        let sha256 = demos::receive(&test.app, &caller, &mut &[number as u8][..]).unwrap().sha256;
        let program = test.dir.path().join("reader");
        script::write(&program, &format!("#!/bin/sh\n{end}\n"));
        assert!(index::index_next(&test.app, &program, &StopFlag::new()).unwrap());
        let Indexing::Failed { code, message } = demos::known(&test.app, &caller, &sha256).unwrap().unwrap() else {
            panic!("{end}")
        };
        assert!(code.as_str() == "demo_too_large" && message.contains("than allowed"), "{end}: {message}");
    }
}

#[test]
fn job_whose_demo_exhausts_its_renderer_is_retried_elsewhere() {
    for end in ENDS {
        let harness = NodeHarness::new(Behavior::normal());
        while_working(harness.config(&format!("echo 'openjd_status: parsing'; {end}")), |_| {
            let lease = harness.server.offer(&harness.demo_url, None);
            let failure = harness.server.wait_for_end(lease).failed.unwrap();
            assert_eq!(
                (failure["code"].as_str(), failure["retry"].as_str()),
                (Some("demo_too_large"), Some("elsewhere"))
            );
        })
        .unwrap();
    }
}

#[test]
fn compressed_demo_is_unpacked_once_in_a_child_process() {
    let harness = NodeHarness::new(Behavior::normal());
    let render = format!("cp \"$(sed -n 's/.*\"path\": \"\\(.*\\)\",*/\\1/p' $3)\" $dir/seen; {GOOD}");
    while_working(harness.config(&render), |_| {
        for _ in 0..2 {
            let lease = harness.server.offer(&harness.url("/good.dem.gz"), None);
            assert!(harness.server.wait_for_end(lease).completed.is_some());
            assert_eq!(fs::read(harness.dir.path().join("seen")).unwrap(), DEMO);
        }
    })
    .unwrap();
    let readers = fs::read_to_string(harness.dir.path().join("readers")).unwrap();
    assert_eq!(readers.lines().count(), 1, "{readers}");
    assert!(readers.starts_with("inspect --child ") && readers.ends_with(" --unpack\n"), "{readers}");
}

#[test]
fn node_makes_its_work_folders_private() {
    let harness = NodeHarness::new(Behavior::normal());
    let config = harness.config(GOOD);
    let folders = ["work", "cache"].map(|name| config.state_dir.join(name));
    for folder in &folders {
        fs::create_dir_all(folder).unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(folder.join("left"), "over").unwrap();
    }
    while_working(config, |_| {
        let lease = harness.server.offer(&harness.demo_url, None);
        assert!(harness.server.wait_for_end(lease).completed.is_some());
        for folder in &folders {
            assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
        }
    })
    .unwrap();
}
