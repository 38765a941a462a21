//! The server's certificate: the appliance's own or the studio's.

use std::path::Path;

use crate::app::tls;
use crate::app::upkeep::doctor::{Examination, Fault};
use crate::domain::error::Result;
use crate::os::certificates::Facts;
use crate::wire::time::rfc3339;

/// Days before its expiry at which an unrenewed certificate is reported.
const CERTIFICATE_ALARM_DAYS: u64 = 21;

const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// Remaining lifetime at which a certificate is reported. A running server renews its own certificate long before.
const NEAR_MS: i64 = CERTIFICATE_ALARM_DAYS.cast_signed() * DAY_MS;

/// Problems with the certificate.
pub fn faults(examination: &Examination) -> Result<Vec<Fault>> {
    let now = examination.clock.now_ms();
    match &examination.certificate {
        Some(path) => Ok(studios(path, now).into_iter().collect()),
        None => own(examination, now),
    }
}

fn own(examination: &Examination, now: i64) -> Result<Vec<Fault>> {
    let Some(shown) = tls::shown(&examination.data_dir)? else {
        // A server that has run with the appliance's own CA has recorded its host.
        let message = match (tls::is_there(&examination.data_dir), &examination.host) {
            (true, _) => "The files of the appliance's own CA are damaged.",
            (false, Some(_)) => "The files of the appliance's own CA are missing.",
            (false, None) => return Ok(Vec::new()),
        };
        let remedy = "Restore a backup, whose CA nodes and clients already trust. Or start the server, which creates a new \
                      CA: nodes must then join again, and clients need its certificate.";
        return Ok(vec![Fault::new("authority_damaged", message, remedy)]);
    };
    let Some(server) = &shown.server else {
        let message = "The files of the server's certificate are damaged.";
        let fix = "Restart the server: it issues a new certificate, which nodes and clients trust like the old one.";
        return Ok(vec![Fault::new("certificate_damaged", message, fix)]);
    };
    let mut faults = Vec::new();
    let from = shown.valid_from_ms.max(server.valid_from_ms);
    if from > now {
        let message = format!("Clients refuse the server's certificate: it is not valid before {}.", rfc3339(from));
        let fix = if shown.valid_from_ms > now {
            "The clock was wrong when the CA was created. Check the system clock; if it is right, restart \
             the server, which creates a new CA: nodes must join again, and clients need the new one \
             (admin tls export)."
        } else {
            "Check the system clock; if it is right, start the server, which creates a new certificate."
        };
        faults.push(Fault::new("certificate_not_yet_valid", message, fix));
    }
    if server.valid_until_ms - now < NEAR_MS {
        let message = format!("The server's certificate expires at {}.", rfc3339(server.valid_until_ms));
        faults.push(Fault::new(
            "certificate_ends",
            message,
            "Start the server, which renews it. If it does not, its log says why.",
        ));
    }
    let is_named =
        |host: &String| server.names.iter().any(|name| name.eq_ignore_ascii_case(host.trim_matches(['[', ']'])));
    if let Some(host) = examination.host.as_ref().filter(|host| !is_named(host)) {
        let message = format!("The server's URL for clients uses {host}, which its certificate does not cover.");
        let remedy =
            format!("Restart the server with --public-url https://{host}, or with a name from the certificate.");
        faults.push(Fault::new("certificate_names", message, remedy));
    }
    Ok(faults)
}

fn studios(path: &Path, now: i64) -> Option<Fault> {
    let shown = path.display();
    let remedy = "Renew the certificate; the server reloads the files when they change.";
    let Some(facts) = std::fs::read(path).ok().and_then(|pem| Facts::read(&pem)) else {
        let message = format!("--tls-cert {shown} contains no readable certificate.");
        return Some(Fault::new("certificate_unreadable", message, remedy));
    };
    let ms = |seconds: u64| i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let (from, until) = (ms(facts.valid.from), ms(facts.valid.until));
    if from > now {
        let message = format!("The studio's certificate {shown} is not valid before {}.", rfc3339(from));
        return Some(Fault::new(
            "certificate_not_yet_valid",
            message,
            "Check the system clock. If it is right, replace the certificate.",
        ));
    }
    (until - now < NEAR_MS).then(|| {
        let message = format!("The studio's certificate {shown} expires at {}.", rfc3339(until));
        Fault::new("certificate_ends", message, remedy)
    })
}
