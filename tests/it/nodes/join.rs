//! Joining: one request and one private state file.

use std::fs;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::node::join::{join, read_state};

use crate::support::listener::{listen, reply};

#[test]
fn joined_node_keeps_its_identity_in_a_private_file() {
    let (send, received) = channel();
    let send = Mutex::new(send);
    let server = listen("127.0.0.1", move |mut call, to| {
        let body = String::from_utf8(call.bytes()).unwrap();
        send.lock().unwrap().send(format!("{} {} {body}", call.method, call.path)).unwrap();
        reply(to, 201, &[], br#"{"node_id": "the-id", "node_key": "the-key"}"#)
    });
    let dir = tempfile::tempdir().unwrap();
    let state_dir = dir.path().join("node");
    assert!(read_state(&state_dir).unwrap().is_none());
    let url = format!("http://{server}/");
    join(&url, None, &Secret::new("the-token"), "rack 3", &state_dir).unwrap();
    assert_eq!(received.recv().unwrap(), r#"POST /api/node/join {"join_token":"the-token","name":"rack 3"}"#);

    let state = read_state(&state_dir).unwrap().unwrap();
    assert_eq!((state.server, state.node_id), (url.trim_end_matches('/').to_owned(), "the-id".to_owned()));
    assert_eq!((state.node_key.reveal(), state.name.as_str(), state.ca_pem), ("the-key", "rack 3", None));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&state_dir), mode(&state_dir.join("node.json"))), (0o700, 0o600));
    }
}

#[test]
fn refused_join_says_what_to_do_and_leaves_no_state() {
    let server = listen("127.0.0.1", |mut call, to| {
        call.bytes();
        let status = call.path.split('/').nth(1).unwrap().parse().unwrap();
        let body = if status == 400 { "This port speaks HTTPS." } else { r#"{"error": "No."}"# };
        reply(to, status, &[], body.as_bytes())
    });
    let dir = tempfile::tempdir().unwrap();
    for (status, message) in
        [(400, "HTTPS"), (401, "admin nodes token"), (404, "admin nodes token"), (503, "Try again")]
    {
        let url = format!("http://{server}/{status}");
        let error = join(&url, None, &Secret::new("s3cret"), "n", dir.path()).unwrap_err();
        assert!(error.message.contains(message), "{status}: {error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{status}: {error:?}");
        assert!(read_state(dir.path()).unwrap().is_none());
    }
}

#[test]
fn damaged_state_file_is_named_but_its_content_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("node.json"), r#"{"node_key": "s3cret", "node_id": s3cret"#).unwrap();
    let error = read_state(dir.path()).unwrap_err();
    assert!(error.message.contains("node.json") && error.message.contains("join again"), "{error}");
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
}
