//! What Litestream answers on its socket.

use serde::Deserialize;

use crate::wire::time::parse_moment;

/// `GET /list`.
#[derive(Deserialize)]
struct List {
    databases: Vec<Database>,
}

#[derive(Deserialize)]
struct Database {
    path: String,
    last_sync_at: Option<String>,
}

/// When the replica last had everything that our database had, from the answer to `GET /list`; Unix time in
/// milliseconds. `is_ours` recognizes its path. The error says in a sentence what is wrong with the answer.
pub fn last_sync(answer: &[u8], is_ours: impl Fn(&str) -> bool) -> Result<i64, &'static str> {
    let list: List =
        serde_json::from_slice(answer).map_err(|_| "Its answer is not that of Litestream 0.5.8 or newer.")?;
    let found = list.databases.into_iter().find(|found| is_ours(&found.path));
    let found = found.ok_or("It does not replicate this store: its configuration names another file.")?;
    let at = found.last_sync_at.ok_or("It has not reached the replica since it started.")?;
    parse_moment(&at).ok_or("Its answer has a time in another form.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sync_is_read_in_any_precision_and_errors_say_why() {
        let answer = |rest: &str| format!(r#"{{"databases":[{{"path":"/d/store.db","status":"replicating"{rest}}}]}}"#);
        let second = 1_795_936_533_000;
        for (at, expected) in [
            ("2026-11-29T07:15:33Z", Some(second)),
            ("2026-11-29T07:15:33.2Z", Some(second + 200)),
            ("2026-11-29T07:15:33.231085383Z", Some(second + 231)),
            ("yesterday", None),
        ] {
            let text = answer(&format!(r#","last_sync_at":"{at}""#));
            assert_eq!(last_sync(text.as_bytes(), |path| path == "/d/store.db").ok(), expected, "{at}");
        }
        for (text, database, why) in [
            (answer(""), "/d/store.db", "not reached"),
            (answer(""), "/e/store.db", "another file"),
            ("<html>".to_owned(), "/d/store.db", "not that of Litestream"),
        ] {
            assert!(last_sync(text.as_bytes(), |path| path == database).unwrap_err().contains(why), "{text}");
        }
    }
}
