//! `admin` changes keys and accounts through another connection to the store while clients send requests: every
//! response was correct at some moment during its request.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dinkem_appliance::app::{self, App};
use dinkem_appliance::domain::key::KeyClass;
use dinkem_appliance::os::random::{FakeRandom, Random};

use crate::support::appliance::{Appliance, good_job};
use crate::support::client::Request;
use crate::support::rng::Rng;
use crate::support::wait::SetOnDrop;

/// Changes made to the account under test.
const CHANGES: usize = 300;
/// Kinds of changes.
const KINDS: usize = 5;

/// The expected state of the account and its keys after a change.
#[derive(Clone)]
struct State {
    active: bool,
    dinks: u32,
    /// Every metered key so far and whether it is live.
    metered: Vec<(String, bool)>,
    reserved: String,
}

impl State {
    /// The expected status of a request with this key.
    fn status(&self, key: &str) -> u16 {
        let live = key == self.reserved || self.metered.iter().any(|(known, live)| known == key && *live);
        match (live && self.active, key == self.reserved && self.dinks == 0) {
            (false, _) => 401,
            (true, true) => 403,
            (true, false) => 200,
        }
    }
}

/// Makes one change through `admin`; the new state.
fn change(admin: &App, rng: &mut Rng, state: &State) -> State {
    let mut next = state.clone();
    match rng.below(KINDS) {
        0 => {
            app::accounts::deactivate(admin, &crate::support::operator(), "studio").unwrap();
            next.active = false;
        }
        1 => {
            app::accounts::activate(admin, &crate::support::operator(), Some("studio")).unwrap();
            next.active = true;
        }
        2 => {
            next.dinks = rng.below(2) as u32;
            app::accounts::dinks::set(admin, &crate::support::operator(), "studio", next.dinks).unwrap();
        }
        3 => {
            let (_, keys) = app::accounts::keys::rotate(
                admin,
                &crate::support::operator(),
                "studio",
                KeyClass::Metered,
                Duration::ZERO,
            )
            .unwrap();
            next.metered.iter_mut().for_each(|(_, live)| *live = false);
            next.metered.push((keys.metered.unwrap().reveal().to_owned(), true));
        }
        _ => {
            let (live, _) = next.metered.iter().find(|(_, live)| *live).unwrap().clone();
            let id = app::accounts::keys::identify(admin, &live).unwrap().1.id;
            app::accounts::keys::revoke(admin, &crate::support::operator(), id).unwrap();
            let (_, keys) = app::accounts::keys::mint(admin, &crate::support::operator(), "studio").unwrap();
            next.metered.iter_mut().for_each(|(_, live)| *live = false);
            next.metered.push((keys.metered.unwrap().reveal().to_owned(), true));
        }
    }
    next
}

fn admin_app(appliance: &Appliance) -> Arc<App> {
    // Different randomness: two equal sources would generate the same keys.
    let random = FakeRandom::default();
    (0..1_000_000).for_each(|_| drop(random.bits()));
    App::beside(appliance.app.data_dir(), appliance.clock.clone(), Arc::new(random)).unwrap()
}

fn start(appliance: &Appliance) -> State {
    let keys = appliance.account_with_dinks("studio", 1);
    State { active: true, dinks: 1, metered: vec![(keys.metered, true)], reserved: keys.reserved }
}

#[test]
fn a_change_between_two_requests_takes_effect_on_the_second() {
    let appliance = Appliance::start();
    let admin = admin_app(&appliance);
    let (mut state, mut rng) = (start(&appliance), Rng::new(1));
    for step in 0..CHANGES {
        let next = change(&admin, &mut rng, &state);
        let asked =
            [&state.metered[state.metered.len() - 1].0, &next.metered[next.metered.len() - 1].0, &next.reserved];
        for key in asked {
            let found = appliance.send(&Request::get("/api/account").key(key)).status;
            assert_eq!(found, next.status(key), "after change {step}");
        }
        state = next;
    }
}

#[test]
fn responses_stay_correct_under_constant_admin_changes_and_submissions() {
    let appliance = Appliance::start();
    let busy = appliance.account("busy").metered;
    let admin = admin_app(&appliance);
    let states = Mutex::new(vec![start(&appliance)]);
    // Each change is first counted as begun, then its state is listed, then it is counted as made.
    let (begun, made, over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let asked = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for seed in 0..3 {
            let (states, begun, made, over, asked, appliance) = (&states, &begun, &made, &over, &asked, &appliance);
            scope.spawn(move || {
                let mut rng = Rng::new(seed);
                while !over.load(Ordering::SeqCst) {
                    let from = made.load(Ordering::SeqCst);
                    let key = {
                        let states = states.lock().unwrap();
                        let known = &states[from];
                        let back = rng.below(3.min(known.metered.len()));
                        match rng.below(4) {
                            0 => known.reserved.clone(),
                            _ => known.metered[known.metered.len() - 1 - back].0.clone(),
                        }
                    };
                    let found = appliance.send(&Request::get("/api/account").key(&key)).status;
                    let to = begun.load(Ordering::SeqCst);
                    // The latest state is listed only after the change was made; until then the response may be of that
                    // state.
                    let right = loop {
                        let states = states.lock().unwrap();
                        let seen =
                            states[from..=to.min(states.len() - 1)].iter().any(|state| state.status(&key) == found);
                        if seen || states.len() > to {
                            break seen;
                        }
                    };
                    assert!(right, "{found} was correct at no moment of the request, changes {from} to {to}");
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                appliance.send(&Request::post("/api/clips").key(&busy).json(good_job().to_string())).expect(202);
            }
        });
        let _end = SetOnDrop(&over);
        let mut rng = Rng::new(7);
        for number in 1..=CHANGES {
            let before = states.lock().unwrap()[number - 1].clone();
            begun.store(number, Ordering::SeqCst);
            let after = change(&admin, &mut rng, &before);
            states.lock().unwrap().push(after);
            made.store(number, Ordering::SeqCst);
        }
    });
    assert!(asked.into_inner() > 0);
}
