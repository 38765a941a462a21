//! The dashboard as a person sees it, in headless Chromium: the scripts in `tests/dashboard`.

use std::sync::{Mutex, PoisonError};

use crate::support::playwright;
use crate::support::process::BINARY;
use crate::support::seed;

/// A smaller studio, which is seeded faster.
const SMALL: [&str; 10] = ["--nodes", "40", "--waiting", "300", "--finished", "400", "--clips", "1", "--ahead", "240"];

/// One browser at a time: several would only wait for each other.
static TURN: Mutex<()> = Mutex::new(());

/// Runs a script with the program and a folder whose `data` is a seeded store.
fn run_on_seeded_store(script: &str) {
    if playwright::is_installed(&format!("the dashboard's {script}.py")) {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        seed::fill(&folder.path().join("data"), &SMALL);
        playwright::run(script, &[BINARY, folder.path().to_str().unwrap()]);
    }
}

fn do_every_task(size: &str) {
    if playwright::is_installed(&format!("the dashboard's tasks on a {size}")) {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        playwright::run("tasks", &[BINARY, size]);
    }
}

#[test]
fn every_task_of_the_dashboard_is_done_in_a_desktops_window() {
    do_every_task("desktop");
}

#[test]
fn every_task_of_the_dashboard_is_done_in_a_phones_window() {
    do_every_task("phone");
}

#[test]
fn every_page_and_dialog_of_a_seeded_store_is_accessible_and_shows_hostile_names_as_text() {
    run_on_seeded_store("seeded");
}

#[test]
fn every_attack_on_the_dashboard_fails_in_chromium() {
    run_on_seeded_store("attacks");
}

#[test]
fn keyboard_alone_does_everything_and_keeps_its_place_when_pages_refresh() {
    run_on_seeded_store("keyboard");
}
