//! How people name a player: by a Steam ID in any of its forms, or by name.

use super::error::{Error, Result};
use super::job::SteamId;

/// A player as given by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlayerRef {
    /// By Steam ID.
    Id(SteamId),
    /// By the name in a demo.
    Name(String),
}

impl PlayerRef {
    /// Reads a 64-bit Steam ID, `STEAM_1:Y:Z`, `[U:1:N]`, the URL of a profile, or else a name.
    ///
    /// Errors: an empty text, a Steam ID that no player can have, and the URL of a profile that does not contain the ID.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(wrong("the player is empty: give a Steam ID or a name"));
        }
        if text.len() == 17 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return SteamId::parse(text, "player").map(Self::Id);
        }
        if let Some(path) = profile_path(text) {
            return of_profile(path).map(Self::Id);
        }
        Ok(of_account(text).map_or_else(|| Self::Name(text.to_owned()), Self::Id))
    }
}

/// The path of a URL at Steam's community site.
fn profile_path(text: &str) -> Option<&str> {
    let lower = text.to_ascii_lowercase();
    let start = ["https://", "http://"].into_iter().find(|scheme| lower.starts_with(scheme)).map_or(0, str::len);
    let host = ["www.steamcommunity.com/", "steamcommunity.com/"];
    let host = host.into_iter().find(|host| lower[start..].starts_with(host))?;
    Some(&text[start + host.len()..])
}

fn of_profile(path: &str) -> Result<SteamId> {
    let mut parts = path.split(['/', '?', '#']);
    match (parts.next(), parts.next()) {
        (Some("profiles"), Some(id)) => of_account(id).map_or_else(|| SteamId::parse(id, "player"), Ok),
        (Some("id"), Some(name)) if !name.is_empty() => Err(wrong(
            "the URL has a custom name, which only Steam can look up: open the profile and give its 17-digit Steam ID, \
             or give the player's name in the demo",
        )),
        _ => Err(wrong(
            "the URL is not that of a profile, such as https://steamcommunity.com/profiles/76561197960265729",
        )),
    }
}

/// `STEAM_X:Y:Z` or `[U:1:N]`, with or without brackets: the number of an account.
fn of_account(text: &str) -> Option<SteamId> {
    let upper = text.to_ascii_uppercase();
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().ok()).flatten()
    };
    let account = if let Some(rest) = upper.strip_prefix("STEAM_") {
        // Older games wrote the universe as 0.
        let rest = rest.strip_prefix("0:").or_else(|| rest.strip_prefix("1:"))?;
        let (low, high) = rest.split_once(':')?;
        let low = number(low).filter(|low| *low <= 1)?;
        number(high)?.checked_mul(2)?.checked_add(low)?
    } else {
        let inner = upper.strip_prefix('[').map_or(Some(upper.as_str()), |rest| rest.strip_suffix(']'))?;
        number(inner.strip_prefix("U:1:")?)?
    };
    SteamId::new(SteamId::FIRST.checked_add(account)?)
}

fn wrong(why: &str) -> Error {
    Error::invalid("player", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_steam_id_is_read() {
        // Valve's own example of the arithmetic: STEAM_0:0:11101 is account 22202.
        let valve = 76_561_197_960_287_930;
        for (text, id) in [
            ("76561197960287930", valve),
            (" 76561197960287930 ", valve),
            ("STEAM_0:0:11101", valve),
            ("STEAM_1:0:11101", valve),
            ("steam_1:0:11101", valve),
            ("[U:1:22202]", valve),
            ("U:1:22202", valve),
            ("[u:1:22202]", valve),
            ("https://steamcommunity.com/profiles/76561197960287930", valve),
            ("https://steamcommunity.com/profiles/76561197960287930/", valve),
            ("http://www.steamcommunity.com/profiles/76561197960287930/stats?l=german", valve),
            ("steamcommunity.com/profiles/[U:1:22202]", valve),
            ("HTTPS://SteamCommunity.com/profiles/76561197960287930#top", valve),
            ("STEAM_1:1:0", SteamId::FIRST + 1),
            ("STEAM_1:1:2147483647", SteamId::LAST),
            ("[U:1:4294967295]", SteamId::LAST),
        ] {
            assert_eq!(PlayerRef::parse(text).unwrap(), PlayerRef::Id(SteamId::new(id).unwrap()), "{text}");
        }
    }

    #[test]
    fn anything_else_is_a_name() {
        for name in [
            "ropz",
            "7",
            "7656119796028793",
            "STEAM_1:2:11101",
            "STEAM_2:0:11101",
            "STEAM_1:0:",
            "STEAM_1:1:2147483648",
            "[U:1:4294967296]",
            "[U:1:+1]",
            "[U:1:22202",
            "U:2:22202",
            "日本 语",
            "https://example.com/profiles/76561197960287930",
        ] {
            assert_eq!(PlayerRef::parse(name).unwrap(), PlayerRef::Name(name.to_owned()));
        }
        assert_eq!(PlayerRef::parse(" two words ").unwrap(), PlayerRef::Name("two words".to_owned()));
    }

    #[test]
    fn what_can_only_be_a_mistake_is_refused() {
        for (text, part) in [
            ("", "empty"),
            ("  ", "empty"),
            ("76561197960265727", "17-digit Steam ID"),
            ("https://steamcommunity.com/id/gabelogannewell", "custom name"),
            ("steamcommunity.com/id/gabelogannewell/", "custom name"),
            ("https://steamcommunity.com/id/", "not that of a profile"),
            ("https://steamcommunity.com/groups/valve", "not that of a profile"),
            ("https://steamcommunity.com/profiles/1", "17-digit Steam ID"),
        ] {
            let error = PlayerRef::parse(text).unwrap_err();
            assert!(error.message.contains(part), "{text:?}: {}", error.message);
        }
    }
}
