//! Which requests the dashboard answers at all: only those for one of its own names (a web site could have its name
//! point here: DNS rebinding), and only those of its own pages or of a person who opened its address.

use url::Url;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::http::kit::call::Call;
use crate::http::kit::hosts::host_of;

/// Refuses a request by another name with 421, and one of another site with 403.
pub fn admit(call: &Call<'_>) -> Result<()> {
    let host = match call.all_headers("Host")[..] {
        [host] if host_of(host).is_some_and(|name| call.is_own_host(name)) => host,
        _ => return Err(wrong_host()),
    };
    // Absent in old browsers and in programs other than browsers, which have no other sites in them.
    let sites = call.all_headers("Sec-Fetch-Site");
    let is_own_site = sites.iter().all(|site| matches!(*site, "same-origin" | "none"));
    let is_own_origin = call.all_headers("Origin").iter().all(|origin| is_at(origin, host));
    if is_own_site && is_own_origin { Ok(()) } else { Err(cross_site()) }
}

/// Whether an origin has the host and port of this `Host` header. Ports that are a scheme's default may be left out.
fn is_at(origin: &str, host: &str) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    let called = Url::parse(&format!("{}://{host}", origin.scheme()));
    called.is_ok_and(|called| called.origin() == origin.origin() && origin.origin().is_tuple())
}

fn wrong_host() -> Error {
    let message = "The dashboard cannot be opened by this host name. Use the link that `admin dashboard` prints.";
    Error::new(Kind::Misdirected, ErrorCode::WrongHost, message)
}

fn cross_site() -> Error {
    Error::new(Kind::Forbidden, ErrorCode::CrossSite, "The dashboard refuses requests from other web sites.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_the_hosts_own_only_with_its_name_and_port() {
        let cases = [
            ("https://localhost:8444", "localhost:8444", true),
            ("http://127.0.0.1:9000", "127.0.0.1:9000", true),
            ("https://localhost", "localhost:443", true),
            ("https://[::1]:8444", "[::1]:8444", true),
            ("https://localhost:3000", "localhost:8444", false),
            ("https://evil.example", "localhost:8444", false),
            ("https://localhost.evil.example:8444", "localhost:8444", false),
            ("null", "localhost:8444", false),
            ("", "localhost:8444", false),
            ("file://", "localhost:8444", false),
        ];
        for (origin, host, expected) in cases {
            assert_eq!(is_at(origin, host), expected, "{origin} {host}");
        }
    }
}
