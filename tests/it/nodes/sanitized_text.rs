//! Text from nodes is truncated and sanitized before it is stored.

use serde_json::json;

use crate::support::appliance::Appliance;
use crate::support::client::Request;

use dinkem_appliance::domain::failure::ATTEMPT_LOG_BYTES;
use dinkem_appliance::domain::text::SENTENCE_CHARS;

/// Text that would color the terminal, ring the bell, forge a line and reverse the text direction.
const UNCLEAN: &str = "\u{1b}[31mred\u{7}\r\nforged: line \u{202e}gnp.exe\u{2066}";

fn fail(appliance: &Appliance, message: &str, log: &str) -> u16 {
    let key = appliance.account(&format!("studio-{}", message.len())).metered;
    appliance.job(&key);
    let node = appliance.node("n1");
    let claim = appliance.claim(&node).unwrap();
    let body = json!({"code": "render_failed", "message": message, "retry": "never", "log": log}).to_string();
    let path = format!("/api/node/leases/{}/fail", claim["lease"]);
    appliance.send(&Request::post(&path).key(&node.key).json(body)).status
}

/// Stored message and log of the last attempt.
fn stored(appliance: &Appliance) -> (String, String) {
    let store = rusqlite::Connection::open(appliance.app.data_dir().join("store.db")).unwrap();
    let last = "SELECT failure_message, log FROM leases ORDER BY id DESC LIMIT 1";
    store.query_row(last, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

#[test]
fn node_messages_and_logs_are_sanitized_and_truncated() {
    let appliance = Appliance::start();
    let long = "é".repeat(SENTENCE_CHARS * 2);
    let cases =
        [(UNCLEAN, format!("one\n{UNCLEAN}two\n")), (long.as_str(), "ünïcode\u{0}\n".repeat(ATTEMPT_LOG_BYTES / 12))];
    for (message, log) in cases {
        assert_eq!(fail(&appliance, message, &log), 200);
        let (message, log) = stored(&appliance);
        for text in [message.as_str(), &log.replace('\n', "")] {
            let unclean = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            assert!(!text.chars().any(unclean), "{text:?}");
        }
        assert!(!message.is_empty() && message.chars().count() <= SENTENCE_CHARS, "{message}");
        assert!(log.contains('\n') && log.len() <= ATTEMPT_LOG_BYTES, "{log}");
    }
}

#[test]
fn failure_with_only_control_characters_in_its_message_is_recorded() {
    let appliance = Appliance::start();
    assert_eq!(fail(&appliance, "\u{1b}\u{7}\u{202e}", ""), 200);
}

#[test]
fn node_name_with_control_characters_is_rejected() {
    let appliance = Appliance::start();
    for name in ["a\u{1b}[31m", "a\nb", "a\u{202e}b", "a\u{2028}b", "\u{feff}a"] {
        let token = dinkem_appliance::app::nodes::token(&appliance.app, &crate::support::operator()).unwrap();
        let body = json!({"join_token": token.reveal(), "name": name}).to_string();
        appliance.send(&Request::post("/api/node/join").json(body)).expect_bad_field("name");
    }
}
