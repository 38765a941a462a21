//! Machines that come and go: tokens for many of them, names with a prefix, coming back, and nodes that are forgotten.

use std::time::Duration;

use dinkem_appliance::app::nodes;
use dinkem_appliance::app::nodes::{forgetting, tokens};
use dinkem_appliance::domain::join_token::Terms;
use dinkem_appliance::domain::node::NodeState;
use dinkem_appliance::os::clock::Clock;
use dinkem_appliance::wire::time::parse_moment;
use serde_json::{Value, json};

use crate::support::appliance::{Appliance, Joined};
use crate::support::cli::Cli;
use crate::support::client::{Answer, Request};
use crate::support::operator;

const MINUTE: Duration = Duration::from_secs(60);
const GONE: Duration = Duration::from_secs(90);

/// A token's secret; `change` changes its terms.
fn token(appliance: &Appliance, change: impl FnOnce(&mut Terms)) -> String {
    let mut terms = Terms { uses: 2, seconds: 30 * 86_400, ..Terms::default() };
    change(&mut terms);
    tokens::create(&appliance.app, &operator(), terms).unwrap().1.reveal().to_owned()
}

fn join(appliance: &Appliance, token: &str, name: &str) -> Answer {
    appliance.send(&Request::post("/api/node/join").json(json!({"join_token": token, "name": name}).to_string()))
}

/// Joins; the node's id, name and key.
fn joined(appliance: &Appliance, token: &str, name: &str) -> (String, String, Joined) {
    let answer = join(appliance, token, name).expect(201).json();
    let text = |field: &str| answer[field].as_str().unwrap().to_owned();
    (text("node_id"), text("name"), Joined { key: text("node_key") })
}

fn leave(appliance: &Appliance, node: &Joined) {
    appliance.send(&Request::post("/api/node/leave").key(&node.key).json("{}")).expect(200);
}

/// Names and states, as `admin nodes list` shows them.
fn listed(appliance: &Appliance) -> Vec<(String, NodeState)> {
    nodes::list(&appliance.app).unwrap().into_iter().map(|info| (info.node.name, info.state)).collect()
}

fn used(appliance: &Appliance) -> u32 {
    tokens::list(&appliance.app).unwrap()[0].used
}

/// A later round of the scheduler.
fn forget_after(appliance: &Appliance, time: Duration) -> usize {
    appliance.clock.advance(time);
    forgetting::forget(&appliance.app).unwrap()
}

#[test]
fn as_many_machines_join_as_the_token_has_uses_and_their_names_get_its_prefix() {
    let appliance = Appliance::start();
    let token = token(&appliance, |terms| terms.name_prefix = "slurm-".into());
    let names: Vec<String> = ["n1", "slurm-n2"].map(|name| joined(&appliance, &token, name).1).into();
    assert_eq!(names, ["slurm-n1", "slurm-n2"]);
    let refused = join(&appliance, &token, "n3").expect(403).json();
    assert_eq!(refused["code"], "join_token_refused");
    assert_eq!(used(&appliance), 2);
}

#[test]
fn machine_that_is_back_too_soon_for_its_token_is_told_what_to_wait_for() {
    let appliance = Appliance::start();
    let token = token(&appliance, |terms| terms.uses = 1);
    let (id, ..) = joined(&appliance, &token, "vm");
    let refused = join(&appliance, &token, "vm").expect(403).json();
    assert_eq!(refused["code"], "join_token_refused");
    assert!(refused["error"].as_str().unwrap().contains("\"vm\" still counts as live"), "{refused}");
    appliance.clock.advance(GONE);
    assert_eq!(joined(&appliance, &token, "vm").0, id);
}

#[test]
fn names_of_blanks_are_refused() {
    let appliance = Appliance::start();
    let refused = join(&appliance, &token(&appliance, |_| {}), "  ").expect(400).json();
    assert_eq!(refused["field"], "name");
}

#[test]
fn a_token_expires_when_its_time_is_up() {
    let appliance = Appliance::start();
    let token = token(&appliance, |_| {});
    appliance.clock.advance(Duration::from_secs(30 * 86_400 - 1));
    joined(&appliance, &token, "n1");
    appliance.clock.advance(Duration::from_secs(1));
    join(&appliance, &token, "n2").expect(403);
    assert!(tokens::list(&appliance.app).unwrap().is_empty());
}

#[test]
fn a_machine_that_comes_back_after_a_stop_or_a_silence_takes_over_its_node_and_uses_up_nothing() {
    let appliance = Appliance::start();
    let token = token(&appliance, |terms| terms.uses = 1);
    let (id, name, mut node) = joined(&appliance, &token, "n1");
    let ends: [fn(&Appliance, &Joined); 2] =
        [|appliance, node| leave(appliance, node), |appliance, _| appliance.clock.advance(GONE)];
    for end in ends {
        end(&appliance, &node);
        let (again, same_name, new) = joined(&appliance, &token, "n1");
        assert_eq!((&again, &same_name), (&id, &name));
        appliance.send(&Request::post("/api/node/leave").key(&node.key).json("{}")).expect(401);
        assert_eq!(listed(&appliance), [("n1".to_owned(), NodeState::Up)]);
        assert!(appliance.claim(&new).is_none(), "its new key works");
        node = new;
    }
    assert_eq!(used(&appliance), 1);
}

#[test]
fn a_machine_with_the_name_of_a_live_node_is_another_one_and_gets_a_number() {
    let appliance = Appliance::start();
    let token = token(&appliance, |_| {});
    let (_, _, first) = joined(&appliance, &token, "n");
    let (_, name, second) = joined(&appliance, &token, "n");
    assert_eq!((&*name, used(&appliance)), ("n-2", 2));
    leave(&appliance, &second);
    assert_eq!(joined(&appliance, &token, "n").1, "n-2", "the second machine comes back while the first is live");
    leave(&appliance, &first);
    assert_eq!(joined(&appliance, &token, "n").1, "n");
    join(&appliance, &token, "n").expect(403);
}

#[test]
fn only_the_same_token_and_name_take_over_a_node_and_only_if_it_was_not_removed() {
    let appliance = Appliance::start();
    let (first, other) = (token(&appliance, |_| {}), token(&appliance, |_| {}));
    leave(&appliance, &joined(&appliance, &first, "n1").2);
    assert_eq!(joined(&appliance, &other, "n1").1, "n1-2");
    nodes::remove(&appliance.app, &operator(), "n1").unwrap();
    assert_eq!(joined(&appliance, &first, "n1").1, "n1", "a new node, for which the token has a use left");
    join(&appliance, &first, "n2").expect(403);
}

#[test]
fn jobs_of_a_machine_that_comes_back_return_to_the_queue_uncounted() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let token = token(&appliance, |_| {});
    let (_, _, node) = joined(&appliance, &token, "n1");
    let job = appliance.job(&key);
    appliance.claim(&node).unwrap();
    leave(&appliance, &node);
    let (_, _, node) = joined(&appliance, &token, "n1");
    let claim = appliance.claim(&node).expect("its job waits again");
    assert_eq!((&claim["job"]["id"], &claim["job"]["attempts"]), (&json!(job), &json!(0)));
}

#[test]
fn a_revoked_token_lets_nobody_in_and_its_nodes_stay() {
    let appliance = Appliance::start();
    let token = token(&appliance, |_| {});
    let (_, _, node) = joined(&appliance, &token, "n1");
    let id = tokens::list(&appliance.app).unwrap()[0].id;
    tokens::revoke(&appliance.app, &operator(), id).unwrap();
    join(&appliance, &token, "n2").expect(403);
    assert!(appliance.claim(&node).is_none());
    leave(&appliance, &node);
    join(&appliance, &token, "n1").expect(403);
    let again = tokens::revoke(&appliance.app, &operator(), id).unwrap_err();
    assert_eq!(again.code.as_str(), "not_found");
}

#[test]
fn ephemeral_nodes_are_forgotten_ten_minutes_after_they_are_gone_or_stopped_and_others_are_not() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let (farm, usual) =
        (token(&appliance, |terms| (terms.ephemeral, terms.uses) = (true, 3)), token(&appliance, |_| {}));
    let (_, _, stopped) = joined(&appliance, &farm, "stopped");
    let (_, _, silent) = joined(&appliance, &farm, "silent");
    joined(&appliance, &usual, "usual");
    let job = appliance.job(&key);
    let claim = appliance.claim(&silent).unwrap();
    let fail = format!("/api/node/leases/{}/fail", claim["lease"]);
    let body = json!({"code": "render_failed", "message": "No.", "retry": "never"}).to_string();
    appliance.send(&Request::post(&fail).key(&silent.key).json(body)).expect(200);
    leave(&appliance, &stopped);
    let all = |gone: [&str; 3]| gone.map(str::to_owned).to_vec();
    let names = || listed(&appliance).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(forget_after(&appliance, Duration::ZERO), 0);
    assert_eq!(forget_after(&appliance, GONE), 0);
    assert_eq!(forget_after(&appliance, 10 * MINUTE - GONE - Duration::from_secs(1)), 0);
    assert_eq!(names(), all(["stopped", "silent", "usual"]));
    assert_eq!(forget_after(&appliance, Duration::from_secs(1)), 1);
    assert_eq!(names(), ["silent", "usual"]);
    assert_eq!(forget_after(&appliance, GONE), 1);
    assert_eq!((names(), forget_after(&appliance, MINUTE)), (vec!["usual".to_owned()], 0));
    for node in [&stopped, &silent] {
        appliance.send(&Request::post("/api/node/leave").key(&node.key).json("{}")).expect(401);
    }
    let cli = Cli::new();
    let dir = appliance.app.data_dir().to_str().unwrap();
    let shown = cli.run(&["--json", "--data-dir", dir, "admin", "jobs", "show", &job]).json();
    assert!(shown.to_string().contains("silent (gone, "), "history stays readable: {shown}");

    // Their machines come back, even the one whose row nothing refers to.
    for name in ["stopped", "silent"] {
        assert_eq!(joined(&appliance, &farm, name).1, name);
    }
    assert_eq!(tokens::list(&appliance.app).unwrap().last().unwrap().used, 2);
    assert!(!cli.run(&["--json", "--data-dir", dir, "admin", "jobs", "show", &job]).out.contains("(gone,"));
}

#[test]
fn nodes_that_were_silent_because_the_clock_was_set_or_the_server_was_down_are_not_forgotten() {
    let appliance = Appliance::start();
    let token = token(&appliance, |terms| terms.ephemeral = true);
    joined(&appliance, &token, "n1");
    appliance.clock.set(appliance.clock.now_ms() + 86_400_000);
    assert_eq!(forget_after(&appliance, Duration::ZERO), 0);
    assert_eq!(listed(&appliance), [("n1".to_owned(), NodeState::Gone)]);
    assert_eq!(forget_after(&appliance, 10 * MINUTE), 1);
}

#[test]
fn rows_of_forgotten_nodes_go_once_nothing_needs_them() {
    let appliance = Appliance::start();
    let token = token(&appliance, |terms| terms.ephemeral = true);
    let (id, _, node) = joined(&appliance, &token, "n1");
    leave(&appliance, &node);
    forget_after(&appliance, Duration::ZERO);
    assert_eq!(forget_after(&appliance, 10 * MINUTE), 1);
    forget_after(&appliance, MINUTE);
    assert!(nodes::drain(&appliance.app, &operator(), &id).is_ok(), "its machine may come back");
    appliance.clock.advance(Duration::from_secs(31 * 86_400));
    forget_after(&appliance, MINUTE);
    forget_after(&appliance, MINUTE);
    assert_eq!(nodes::drain(&appliance.app, &operator(), &id).unwrap_err().code.as_str(), "not_found");
}

#[test]
fn admin_creates_lists_and_revokes_tokens() {
    let cli = Cli::new();
    cli.make_data_dir("data");
    let run = |args: &[&str]| cli.run(&[&["admin", "--data-dir", "data", "nodes", "token"], args].concat());
    let json = |args: &[&str]| run(&[&["--json"], args].concat()).json();
    let usual = json(&[]);
    assert!(usual["join_token"].is_string());
    let of = |token: &Value| ["id", "uses", "used", "name_prefix", "ephemeral"].map(|field| token[field].clone());
    assert_eq!(of(&usual), [json!(1), json!(1), json!(0), json!(""), json!(false)]);
    let farm = json(&["--uses", "200", "--for", "30d", "--name-prefix", "slurm-", "--ephemeral"]);
    assert_eq!(of(&farm), [json!(2), json!(200), json!(0), json!("slurm-"), json!(true)]);
    let time = |field: &str| parse_moment(farm[field].as_str().unwrap()).unwrap();
    assert_eq!(time("expires_at") - time("created_at"), 30 * 86_400_000);
    let listed = json(&["--list"])["tokens"].clone();
    assert_eq!([of(&listed[0]), of(&listed[1])], [of(&farm), of(&usual)]);
    assert!(!listed.to_string().contains("join_token"), "{listed}");
    let table = run(&["--list"]).out;
    assert!(
        table.contains("0/200") && table.contains("slurm-") && table.lines().all(|line| line.len() <= 80),
        "{table}"
    );
    assert_eq!(json(&["--revoke", "2"]), json!({"revoked": 2}));
    assert_eq!(run(&["--revoke", "1"]).status, 0);
    let again = run(&["--revoke", "2"]);
    assert!(again.status == 1 && again.err.contains("admin nodes token --list"), "{again:?}");
    assert_eq!(json(&["--list"]), json!({"tokens": []}));
}

#[test]
fn wrong_terms_are_refused_with_the_limits() {
    let cli = Cli::new();
    cli.make_data_dir("data");
    let long = "x".repeat(33);
    let cases: [(&[&str], &str); 8] = [
        (&["--uses", "0"], "from 1 to 100000"),
        (&["--uses", "100001"], "from 1 to 100000"),
        (&["--for", "0s"], "366d"),
        (&["--for", "367d"], "366d"),
        (&["--for", "soon"], "366d"),
        (&["--name-prefix", &long], "at most 32 characters"),
        (&["--list", "--uses", "3"], "cannot be used with"),
        (&["--revoke", "1", "--ephemeral"], "cannot be used with"),
    ];
    for (args, words) in cases {
        let output = cli.run(&[&["admin", "--data-dir", "data", "nodes", "token"], args].concat());
        assert!(output.status == 2 && output.err.contains(words), "{args:?}: {output:?}");
    }
}
