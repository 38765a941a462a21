//! What doctor finds while the server runs, kept for the dashboard.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dinkem_appliance::app::accounts::dinks;
use dinkem_appliance::app::jobs;
use dinkem_appliance::app::upkeep::doctor::{self, Examination};
use dinkem_appliance::app::upkeep::findings::{self, BACKUPS, Subject};
use dinkem_appliance::domain::error_code::ErrorCode;
use dinkem_appliance::scheduler;
use dinkem_appliance::wire::base::Base;

use crate::support::operator;
use crate::support::process::BINARY;
use crate::support::test_app::{TestApp, spec};
use crate::support::wait::until;

fn codes(test: &TestApp) -> Option<Vec<&'static str>> {
    findings::latest(&test.app).map(|found| found.faults.iter().map(|fault| fault.code).collect())
}

#[test]
fn findings_appear_after_the_start_and_change_when_another_look_is_wanted() {
    let test = TestApp::start();
    let (caller, _) = test.account("studio");
    dinks::set(&test.app, &operator(), "studio", 0).unwrap();
    assert_eq!(findings::latest(&test.app), None);
    let base = Base::public("https://clips.lan");
    let mut passes = scheduler::start(test.app.clone(), BINARY.into(), base, Vec::new()).unwrap();
    passes.examine(Subject::default()).unwrap();
    until("the first look", || codes(&test).filter(Vec::is_empty));
    assert_eq!(findings::latest(&test.app).unwrap().at_ms, test.now_ms());

    jobs::submit(&test.app, &caller, spec()).unwrap();
    dinks::set(&test.app, &operator(), "studio", 3).unwrap();
    findings::look_again(&test.app);
    until("the second look", || codes(&test).filter(|codes| *codes == ["no_nodes", "dinks_oversold"]));
    let stopping = Instant::now();
    test.app.stop();
    passes.stop();
    assert!(stopping.elapsed() < Duration::from_secs(60), "it does not wait for the next look");
}

#[test]
fn server_finds_what_admin_doctor_finds() {
    let test = TestApp::start();
    let (caller, _) = test.account("studio");
    jobs::submit(&test.app, &caller, spec()).unwrap();
    let data = test.dir.path();
    fs::write(data.join("demos").join("0".repeat(64)), "an orphan").unwrap();
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(400 * 24 * 3_600);
    let orphan = fs::File::options().write(true).open(data.join("demos").join("0".repeat(64))).unwrap();
    orphan.set_modified(long_ago).unwrap();
    let missing = data.join("missing.pem");
    let expected = doctor::examine(&Examination {
        data_dir: data.to_owned(),
        host: None,
        certificate: Some(missing.clone()),
        clock: Arc::clone(&test.app.clock),
        random: Arc::clone(&test.app.random),
        storage: None,
        replica_socket: None,
        fix: false,
    })
    .unwrap();
    let codes: Vec<_> = expected.iter().map(|fault| fault.code).collect();
    let wanted = ["certificate_unreadable", "orphans", "no_nodes", "dinks_oversold"];
    assert!(wanted.iter().all(|code| codes.contains(code)), "{codes:?}");
    findings::look(&test.app, &Subject { host: None, certificate: Some(missing) });
    assert_eq!(findings::latest(&test.app).unwrap().faults, expected);
}

#[test]
fn failing_examination_keeps_the_findings() {
    let test = TestApp::start();
    findings::look(&test.app, &Subject::default());
    let before = findings::latest(&test.app).unwrap();
    fs::rename(test.dir.path().join("demos"), test.dir.path().join("elsewhere")).unwrap();
    let pause = findings::look(&test.app, &Subject::default());
    assert_eq!((findings::latest(&test.app).unwrap(), pause), (before, Duration::from_secs(300)));
}

#[test]
fn backups_are_listed_from_the_newest() {
    let test = TestApp::start();
    assert_eq!(findings::backups(&test.app).unwrap(), []);
    let folder = test.dir.path().join("backups");
    let now = std::time::SystemTime::now();
    for number in 0..BACKUPS as u64 + 5 {
        let path = folder.join(format!("backup-{number:03}.tar"));
        fs::write(&path, vec![0; number as usize + 1]).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(now - Duration::from_secs(60 * number)).unwrap();
    }
    fs::write(folder.join(".dinkem-backup-half"), "half").unwrap();
    fs::write(folder.join("empty.tar"), "").unwrap();
    fs::create_dir(folder.join("a-folder")).unwrap();
    let found = findings::backups(&test.app).unwrap();
    assert_eq!(found.len(), BACKUPS);
    assert_eq!((found[0].name.as_str(), found[0].bytes), ("backup-000.tar", 1));
    assert!(found.is_sorted_by(|one, other| one.made_at_ms >= other.made_at_ms));
    assert_eq!(found.last().unwrap().name, format!("backup-{:03}.tar", BACKUPS - 1));
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(findings::backups(&test.app).unwrap_err().code, ErrorCode::Internal);
}
