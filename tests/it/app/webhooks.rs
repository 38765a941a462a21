//! Webhooks by the clock: which events are written, when each is sent again, and when a webhook is disabled.

use std::time::Duration;

use dinkem_appliance::app::webhooks::{self, deliver, operator, owner, turns};
use dinkem_appliance::domain::delivery::{Attempt, Delivery, DeliveryState};
use dinkem_appliance::domain::failure::Retry;
use dinkem_appliance::domain::job::{Caller, Renderer};
use dinkem_appliance::domain::rates::FootageKind;
use dinkem_appliance::domain::webhook::AllowedHost;
use dinkem_appliance::store::{Store, outbox};
use dinkem_appliance::wire::base::Base;
use uuid::Uuid;

use crate::support::receiver::{Answer, Receiver};
use crate::support::test_app::{START_MS, TestApp};
use crate::support::worker::Worker;

const KIND: FootageKind = FootageKind { renderer: Renderer::Builtin, resolution: 1080, fps: 30 };
const HOUR: Duration = Duration::from_secs(3_600);

/// An account whose webhook leads to a receiver on loopback.
struct Fixture {
    test: TestApp,
    receiver: Receiver,
    worker: Worker,
    caller: Caller,
}

impl Fixture {
    fn start() -> Self {
        let test = TestApp::start();
        let (caller, _) = test.account("studio");
        let fixture = Self { worker: Worker::new(&test.app), receiver: Receiver::start(), caller, test };
        fixture.allow_loopback("studio");
        fixture.set("/hook");
        fixture
    }

    fn allow_loopback(&self, name: &str) {
        let host = AllowedHost::parse("127.0.0.1").unwrap();
        operator::allow(&self.test.app, &crate::support::operator(), name, host).unwrap();
    }

    fn set(&self, path: &str) -> webhooks::Set {
        owner::set(&self.test.app, &self.caller, self.receiver.url(path), false).unwrap()
    }

    /// Sends everything that is due now.
    fn deliver(&self) -> usize {
        let base = Base::public("https://clips.lan");
        let mut delivered = 0;
        loop {
            let turns = turns::begin(&self.test.app).unwrap();
            if turns.is_empty() {
                return delivered;
            }
            delivered += turns.iter().map(|turn| deliver::deliver(turn, &base).unwrap()).sum::<usize>();
        }
    }

    fn deliveries(&self) -> Vec<Delivery> {
        owner::deliveries(&self.test.app, &self.caller, None, 100, None).unwrap().deliveries
    }

    /// The newest delivery.
    fn latest(&self) -> Delivery {
        self.deliveries().swap_remove(0)
    }

    fn advance(&self, by: Duration) {
        self.test.clock.advance(by);
    }

    /// Advances to when the delivery is due, to the millisecond; returns the time that passed.
    fn advance_to_next(&self, delivery: &Delivery) -> Duration {
        let pause_ms = delivery.next_at_ms.unwrap() - self.test.now_ms();
        let pause = Duration::from_millis(pause_ms.cast_unsigned());
        self.advance(pause - Duration::from_millis(1));
        let before = self.receiver.seen().len();
        assert_eq!(self.deliver(), 0);
        assert_eq!(self.receiver.seen().len(), before, "sent before it was due");
        self.advance(Duration::from_millis(1));
        pause
    }
}

#[test]
fn every_ended_job_is_announced_once_with_the_job_as_the_api_shows_it() {
    let fixture = Fixture::start();
    let done = fixture.worker.complete_job(&fixture.caller, KIND);
    fixture.worker.fail_job(&fixture.caller, KIND);
    let cancelled = fixture.worker.submit(&fixture.caller, KIND);
    fixture.worker.remove(&fixture.caller, cancelled);
    // An attempt that will be repeated is no event, nor is the deletion of a clip.
    let retried = fixture.worker.submit(&fixture.caller, KIND);
    fixture.worker.fail(&fixture.worker.claim(), Retry::Anywhere);
    fixture.worker.remove(&fixture.caller, done);
    assert_eq!(fixture.deliver(), 3);
    assert_eq!(fixture.receiver.types(), ["clip.done", "clip.failed", "clip.cancelled"]);
    let seen = fixture.receiver.seen();
    assert_eq!(seen[0].path, "/hook");
    assert_eq!(seen[0].timestamp, START_MS / 1_000);
    assert_eq!(seen[0].body["data"]["id"], done.to_string());
    assert_eq!(seen[0].body["data"]["status"], "done");
    assert_eq!(seen[1].body["data"]["error"]["code"], "render_failed");
    assert_eq!(seen[2].body["data"]["id"], cancelled.to_string());
    assert_eq!(seen[2].body["timestamp"], "2026-11-06T21:20:00.000Z");
    fixture.worker.complete(&fixture.worker.claim());
    assert_eq!(fixture.deliver(), 1);
    let last = fixture.receiver.seen().pop().unwrap();
    assert_eq!(last.body["data"]["id"], retried.to_string());
    let clip = &last.body["data"]["clip"];
    assert!(clip["url"].as_str().unwrap().starts_with("https://clips.lan/clips/"), "{clip}");
    let ids: std::collections::HashSet<_> = fixture.receiver.seen().into_iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn accounts_without_a_webhook_have_no_events_and_other_accounts_get_none_of_this_one() {
    let fixture = Fixture::start();
    let (other, _) = fixture.test.account("other");
    fixture.worker.complete_job(&other, KIND);
    assert_eq!(fixture.deliver(), 0);
    assert!(owner::deliveries(&fixture.test.app, &other, None, 100, None).unwrap().deliveries.is_empty());
    assert!(fixture.receiver.seen().is_empty());
}

#[test]
fn a_failing_delivery_is_repeated_along_the_whole_ladder_and_then_given_up() {
    let fixture = Fixture::start();
    fixture.receiver.answers(Answer::Status(500));
    owner::test(&fixture.test.app, &fixture.caller).unwrap();
    let mut pauses = Vec::new();
    for attempts in 1.. {
        assert_eq!(fixture.deliver(), 0);
        let delivery = fixture.latest();
        assert_eq!(delivery.attempts, attempts);
        let last = delivery.last.clone().unwrap();
        assert_eq!((last.at_ms, last.status), (fixture.test.now_ms(), Some(500)));
        if delivery.state == DeliveryState::Failed {
            break;
        }
        pauses.push(fixture.advance_to_next(&delivery));
    }
    // Standard Webhooks: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h after the attempt before, and here up to a
    // tenth more.
    let ladder: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    assert_eq!(pauses.len(), ladder.len());
    for (pause, seconds) in pauses.iter().zip(ladder.map(Duration::from_secs)) {
        assert!(*pause >= seconds && *pause <= seconds + seconds / 10, "{pause:?} instead of {seconds:?}");
    }
    let seen = fixture.receiver.seen();
    assert_eq!(seen.len(), 10);
    assert!(seen.iter().all(|event| event.id == seen[0].id), "all attempts have one id");
    assert!(seen.is_sorted_by_key(|event| event.timestamp));
    assert!(owner::get(&fixture.test.app, &fixture.caller).unwrap().disabled.is_none());
}

#[test]
fn only_a_2xx_counts_and_redirects_are_not_followed() {
    let cases = [
        (Answer::Status(200), true),
        (Answer::Status(202), true),
        (Answer::Status(299), true),
        (Answer::Long(200, 1 << 20), true),
        (Answer::Status(302), false),
        (Answer::Status(307), false),
        (Answer::Status(400), false),
        (Answer::Status(404), false),
        (Answer::Status(429), false),
        (Answer::Status(503), false),
    ];
    for (answer, accepted) in cases {
        let fixture = Fixture::start();
        fixture.receiver.answers(answer);
        owner::test(&fixture.test.app, &fixture.caller).unwrap();
        fixture.deliver();
        let delivery = fixture.latest();
        assert_eq!(delivery.state == DeliveryState::Delivered, accepted, "{answer:?}");
        assert_eq!(delivery.last.unwrap().error.is_none(), accepted, "{answer:?}");
        let paths: Vec<_> = fixture.receiver.seen().into_iter().map(|event| event.path).collect();
        assert_eq!(paths, ["/hook"], "{answer:?}");
    }
}

#[test]
fn a_410_disables_the_webhook_until_it_is_set_again_and_nothing_is_lost() {
    let fixture = Fixture::start();
    fixture.receiver.answers(Answer::Status(410));
    fixture.worker.complete_job(&fixture.caller, KIND);
    fixture.deliver();
    assert_eq!(fixture.latest().state, DeliveryState::Pending);
    let disabled = owner::get(&fixture.test.app, &fixture.caller).unwrap().disabled.unwrap();
    assert_eq!((disabled.at_ms, disabled.because.contains("410")), (START_MS, true));
    let listed = operator::disabled(&fixture.test.app).unwrap();
    assert_eq!(listed, [("studio".to_owned(), disabled.because)]);
    // What happens meanwhile waits.
    fixture.receiver.answers(Answer::Status(204));
    fixture.worker.complete_job(&fixture.caller, KIND);
    fixture.advance(24 * HOUR);
    assert_eq!((fixture.deliver(), fixture.latest().state), (0, DeliveryState::Pending));
    fixture.set("/hook");
    assert_eq!((fixture.deliver(), fixture.latest().state), (2, DeliveryState::Delivered));
}

#[test]
fn setting_a_failing_webhook_again_sends_what_is_pending_at_once_with_all_attempts_ahead() {
    for path in ["/hook", "/elsewhere"] {
        let fixture = Fixture::start();
        fixture.receiver.answers(Answer::Status(500));
        owner::test(&fixture.test.app, &fixture.caller).unwrap();
        for _ in 0..3 {
            fixture.deliver();
            fixture.set(path);
        }
        assert_eq!((fixture.receiver.seen().len(), fixture.latest().attempts), (3, 0), "{path}");
        fixture.receiver.answers(Answer::Status(204));
        assert_eq!(fixture.deliver(), 1, "{path}");
    }
}

#[test]
fn a_week_of_failures_disables_the_webhook_and_a_success_in_between_prevents_that() {
    for succeeds_between in [false, true] {
        let fixture = Fixture::start();
        for hours in 0..=168 {
            let works = succeeds_between && hours == 100;
            fixture.receiver.answers(Answer::Status(if works { 204 } else { 500 }));
            if hours % 24 == 0 || works {
                owner::test(&fixture.test.app, &fixture.caller).unwrap();
            }
            fixture.deliver();
            let webhook = owner::get(&fixture.test.app, &fixture.caller).unwrap();
            assert_eq!(webhook.disabled.is_some(), hours == 168 && !succeeds_between, "after {hours} hours");
            fixture.advance(HOUR);
        }
    }
}

#[test]
fn a_delivery_can_be_replayed_whatever_became_of_it() {
    let fixture = Fixture::start();
    let id = owner::test(&fixture.test.app, &fixture.caller).unwrap().public_id;
    fixture.deliver();
    let replayed = owner::replay(&fixture.test.app, &fixture.caller, id).unwrap();
    assert_eq!((replayed.state, replayed.attempts), (DeliveryState::Pending, 0));
    fixture.deliver();
    fixture.receiver.answers(Answer::Status(500));
    operator::replay(&fixture.test.app, &crate::support::operator(), id).unwrap();
    fixture.deliver();
    assert_eq!((fixture.latest().state, fixture.latest().attempts), (DeliveryState::Pending, 1));
    fixture.receiver.answers(Answer::Status(204));
    owner::replay(&fixture.test.app, &fixture.caller, id).unwrap();
    fixture.deliver();
    assert_eq!((fixture.latest().state, fixture.latest().attempts), (DeliveryState::Delivered, 1));
    let seen = fixture.receiver.seen();
    assert_eq!((seen.len(), seen.iter().all(|event| event.id == id.to_string())), (4, true));
    let (other, _) = fixture.test.account("other");
    for (caller, id) in [(&other, id), (&fixture.caller, Uuid::from_u128(7))] {
        assert_eq!(owner::replay(&fixture.test.app, caller, id).unwrap_err().code.as_str(), "not_found");
    }
}

#[test]
fn an_attempt_that_was_overtaken_by_a_replay_or_a_new_url_decides_nothing() {
    for overtakes in ["a replay", "a new URL", "a removal"] {
        let fixture = Fixture::start();
        let id = owner::test(&fixture.test.app, &fixture.caller).unwrap().public_id;
        let before = fixture.latest();
        fixture.advance(Duration::from_millis(1));
        match overtakes {
            "a replay" => drop(owner::replay(&fixture.test.app, &fixture.caller, id).unwrap()),
            "a new URL" => drop(fixture.set("/elsewhere")),
            _ => drop(owner::remove(&fixture.test.app, &fixture.caller).unwrap()),
        }
        let after = fixture.latest();
        let attempt = Attempt { at_ms: fixture.test.now_ms(), status: Some(200), error: None };
        let store = Store::beside(fixture.test.dir.path()).unwrap();
        let recorded = store.write(move |tx| outbox::attempted(tx, &before, DeliveryState::Delivered, &attempt, None));
        assert!(!recorded.unwrap(), "{overtakes}");
        let now = fixture.latest();
        assert_eq!((now.state, now.next_at_ms), (after.state, after.next_at_ms), "{overtakes}");
    }
}

#[test]
fn a_rotated_secret_signs_beside_the_new_one_for_a_day() {
    let fixture = Fixture::start();
    let signatures = || {
        owner::test(&fixture.test.app, &fixture.caller).unwrap();
        fixture.deliver();
        fixture.receiver.seen().pop().unwrap().signatures
    };
    assert_eq!(signatures().len(), 1);
    let url = fixture.receiver.url("/hook");
    let rotated = owner::set(&fixture.test.app, &fixture.caller, url.clone(), true).unwrap();
    assert!(rotated.secret.is_some());
    assert_eq!(signatures().len(), 2);
    assert!(owner::set(&fixture.test.app, &fixture.caller, url, false).unwrap().secret.is_none());
    assert_eq!(signatures().len(), 2);
    fixture.advance(24 * HOUR);
    assert_eq!(signatures().len(), 1);
}

#[test]
fn a_removed_webhook_gives_up_what_is_pending() {
    let fixture = Fixture::start();
    let id = owner::test(&fixture.test.app, &fixture.caller).unwrap().public_id;
    owner::remove(&fixture.test.app, &fixture.caller).unwrap();
    assert_eq!(fixture.deliver(), 0);
    assert_eq!(fixture.latest().state, DeliveryState::Failed);
    for outcome in [
        owner::replay(&fixture.test.app, &fixture.caller, id).map(drop),
        owner::test(&fixture.test.app, &fixture.caller).map(drop),
        owner::get(&fixture.test.app, &fixture.caller).map(drop),
        owner::remove(&fixture.test.app, &fixture.caller).map(drop),
    ] {
        assert_eq!(outcome.unwrap_err().code.as_str(), "not_found");
    }
    fixture.worker.complete_job(&fixture.caller, KIND);
    assert_eq!(fixture.deliveries().len(), 1);
}

#[test]
fn deliveries_are_forgotten_after_thirty_days() {
    let fixture = Fixture::start();
    owner::test(&fixture.test.app, &fixture.caller).unwrap();
    fixture.deliver();
    fixture.advance(30 * 24 * HOUR - Duration::from_millis(1));
    owner::test(&fixture.test.app, &fixture.caller).unwrap();
    assert_eq!(webhooks::forget_old(&fixture.test.app).unwrap(), 0);
    fixture.advance(Duration::from_millis(1));
    assert_eq!(webhooks::forget_old(&fixture.test.app).unwrap(), 1);
    assert_eq!(fixture.deliveries().len(), 1);
}

#[test]
fn an_event_that_was_not_sent_before_a_restart_is_sent_after_it() {
    let Fixture { test, receiver, worker, caller } = Fixture::start();
    worker.complete_job(&caller, KIND);
    drop(worker);
    let test = test.restart();
    let fixture = Fixture { worker: Worker::new(&test.app), test, receiver, caller };
    assert_eq!(fixture.deliver(), 1);
    assert_eq!(fixture.receiver.types(), ["clip.done"]);
}

#[test]
fn one_webhook_is_called_by_one_worker_and_failing_ones_never_take_all() {
    let fixture = Fixture::start();
    let mut callers = vec![fixture.caller.clone()];
    for number in 1..40 {
        let (caller, _) = fixture.test.account(&format!("studio {number}"));
        fixture.allow_loopback(&caller.account.name);
        owner::set(&fixture.test.app, &caller, fixture.receiver.url("/"), false).unwrap();
        callers.push(caller);
    }
    let test_all = || callers.iter().for_each(|caller| drop(owner::test(&fixture.test.app, caller).unwrap()));
    test_all();
    let turns = turns::begin(&fixture.test.app).unwrap();
    assert_eq!(turns.len(), turns::WORKERS);
    assert!(turns::begin(&fixture.test.app).unwrap().is_empty(), "all workers are busy");
    drop(turns);
    fixture.receiver.answers(Answer::Status(500));
    fixture.deliver();
    fixture.advance(Duration::from_secs(6));
    let turns = turns::begin(&fixture.test.app).unwrap();
    assert_eq!(turns.len(), turns::WORKERS / 2, "half the workers are left to webhooks that work");
}
