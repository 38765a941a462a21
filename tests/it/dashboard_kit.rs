//! The kit that drives the dashboard's pages in tests.

use std::panic::catch_unwind;

use crate::support::playwright;
use crate::support::tools::have;

#[test]
fn dashboard_kit_reports_messages_errors_foreign_requests_and_violations() {
    if playwright::is_installed("the dashboard's kit") {
        playwright::run("kit_test", &[]);
    }
}

#[test]
fn failing_script_fails_its_test_with_its_output() {
    if have("python3", "a failing script") {
        let panic = catch_unwind(|| playwright::run("no_such_script", &[])).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains("ended with exit status: 2") && text.contains("can't open file"), "{text}");
    }
}
