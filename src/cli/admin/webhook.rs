//! `admin webhook`: the URL that an account's events are sent to, its deliveries, and the private hosts it may reach.

use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::app::short_id::Named;
use crate::app::webhooks::Set;
use crate::app::webhooks::operator::{self, Overview};
use crate::cli::admin::{Call, account_json, account_name, output};
use crate::cli::{hints, job_args};
use crate::config;
use crate::domain::delivery::{Delivery, DeliveryState};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::webhook::AllowedHost;
use crate::os::clock;
use crate::wire;
use crate::wire::human;

/// Deliveries that `show` lists.
const SHOWN: u32 = 20;
/// Seconds to wait until the server has sent an event: longer than one attempt takes.
const WAIT_SECONDS: u64 = 20;
/// How often it is checked whether the server has sent the event.
const LOOK: Duration = Duration::from_millis(200);

/// Manage an account's webhook: set, show, test, replay, allow, remove
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  dinkem-appliance admin webhook set studio-a https://example.com/hooks/clips
  dinkem-appliance admin webhook test studio-a")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set the URL that receives a signed request when a job ends; a disabled webhook is enabled again
    #[command(after_help = "\
Example:
  dinkem-appliance admin webhook set studio-a https://example.com/hooks/clips")]
    Set {
        /// The account's name
        #[arg(value_parser = account_name)]
        name: String,
        /// An http or https URL
        url: String,
        /// Replace the secret; for 24 hours, events are also signed with the old one
        #[arg(long)]
        rotate_secret: bool,
    },
    /// Show an account's webhook, the private hosts it may reach, and its latest deliveries
    #[command(after_help = "Example:\n  dinkem-appliance admin webhook show studio-a")]
    Show {
        /// The account's name
        #[arg(value_parser = account_name)]
        name: String,
    },
    /// Send a test event and report what the receiver answered
    #[command(after_help = "Example:\n  dinkem-appliance admin webhook test studio-a")]
    Test {
        /// The account's name
        #[arg(value_parser = account_name)]
        name: String,
    },
    /// Send an event again, with the same id
    #[command(after_help = "Example:\n  dinkem-appliance admin webhook replay 8a2b6c1d")]
    Replay {
        /// The delivery's id, or the last 8 characters of it
        #[arg(value_parser = job_args::delivery_id)]
        id: Named,
    },
    /// Let an account's webhook reach a private host
    #[command(after_help = "\
Example:
  dinkem-appliance admin webhook allow studio-a hooks.lan
  dinkem-appliance admin webhook allow studio-a 192.168.1.0/24 --remove")]
    Allow {
        /// The account's name
        #[arg(value_parser = account_name)]
        name: String,
        /// Host name, address, or network in CIDR notation
        #[arg(value_parser = AllowedHost::parse)]
        host: AllowedHost,
        /// Take the permission back
        #[arg(long)]
        remove: bool,
    },
    /// Remove an account's webhook; events that are still pending are given up
    #[command(after_help = "Example:\n  dinkem-appliance admin webhook remove studio-a")]
    Remove {
        /// The account's name
        #[arg(value_parser = account_name)]
        name: String,
    },
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    let acting = config::operator();
    match args.command {
        Command::Set { name, url, rotate_secret } => {
            let needs_permission = operator::needs_permission(app, &name, &url)?;
            set(&name, &operator::set(app, &acting, &name, url, rotate_secret)?, call);
            if needs_permission {
                let message = "This address is private, or the appliance's own. Unless `serve --fetch-allow` covers it, allow \
                               it: `admin webhook allow NAME ADDRESS`.";
                output::say(&hints::complete(message, call));
            }
        }
        Command::Show { name } => show(&operator::show(app, &name, SHOWN)?, app.clock.now_ms(), call),
        Command::Test { name } => sent(app, operator::test(app, &acting, &name)?.public_id, call)?,
        Command::Replay { id } => {
            sent(app, operator::replay(app, &acting, operator::id_of(app, id)?)?.public_id, call)?
        }
        Command::Allow { name, host, remove } => {
            let change = if remove { operator::disallow } else { operator::allow };
            allowed(&name, &change(app, &acting, &name, host)?, call);
        }
        Command::Remove { name } => {
            operator::remove(app, &acting, &name)?;
            if call.json {
                output::json(&json!({ "removed": name }));
            } else {
                output::line(&format!("{}: the webhook is removed", output::plain(&name)));
            }
        }
    }
    Ok(())
}

fn set(name: &str, set: &Set, call: &Call) {
    if call.json {
        return output::json(&wire::webhook::view(&set.webhook, set.secret.as_ref()));
    }
    output::line(&format!("{}: {}", output::plain(name), output::plain(&set.webhook.url)));
    if let Some(secret) = &set.secret {
        output::line(&format!("secret: {}", secret.reveal()));
        output::say("The receiver needs the secret to check the signatures. It is not shown again.");
    }
}

fn show(found: &Overview, now_ms: i64, call: &Call) {
    if call.json {
        return output::json(&json!({
            "account": account_json(&found.account),
            "webhook": found.webhook.as_ref().map(|webhook| wire::webhook::view(webhook, None)),
            "allowed_hosts": shown(&found.hosts),
            "deliveries": found.deliveries.iter().map(wire::webhook::delivery).collect::<Vec<_>>(),
        }));
    }
    match &found.webhook {
        None => output::line("webhook: none"),
        Some(webhook) => {
            output::line(&format!("webhook: {}", output::plain(&webhook.url)));
            let status = match (&webhook.disabled, &webhook.failing) {
                (Some(off), _) => format!("disabled {}: {}", human::when(now_ms, off.at_ms), off.because),
                (None, Some(run)) => format!("failing since {}", human::date_time(run.since_ms)),
                (None, None) => "enabled".to_owned(),
            };
            output::line(&format!("status:  {status}"));
        }
    }
    output::line(&format!("allowed: {}", in_words(&found.hosts)));
    if found.deliveries.is_empty() {
        return output::line("\nNo deliveries in the last 30 days.");
    }
    let rows: Vec<_> = found.deliveries.iter().map(|delivery| row(delivery, now_ms)).collect();
    output::line("");
    output::line(&output::table_to_fit(["DELIVERY", "EVENT", "WHEN", "STATUS", "TRIES", "RESULT"], &rows));
}

fn row(delivery: &Delivery, now_ms: i64) -> [String; 6] {
    let last = delivery.last.as_ref();
    let result = last.map_or_else(
        || "-".to_owned(),
        |attempt| match (&attempt.error, attempt.status) {
            (Some(error), _) => error.clone(),
            (None, status) => status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
        },
    );
    [
        human::short(delivery.public_id),
        delivery.event.as_str().to_owned(),
        human::when(now_ms, delivery.at_ms),
        delivery.state.as_str().to_owned(),
        delivery.attempts.to_string(),
        result,
    ]
}

/// Waits until the server has sent an event, and prints the outcome; an error if it was not accepted.
fn sent(app: &App, id: Uuid, call: &Call) -> Result<()> {
    let deadline = app.clock.monotonic() + Duration::from_secs(WAIT_SECONDS);
    let delivery = loop {
        let delivery = operator::delivery(app, id)?;
        if delivery.attempts > 0 || delivery.state != DeliveryState::Pending || app.clock.monotonic() >= deadline {
            break delivery;
        }
        clock::pause(LOOK);
    };
    if call.json {
        output::json(&wire::webhook::delivery(&delivery));
    }
    let last = delivery.last.as_ref().filter(|_| delivery.attempts > 0);
    match last {
        Some(attempt) => match &attempt.error {
            None if call.json => Ok(()),
            None => {
                let status = attempt.status.map_or(Value::Null, Value::from);
                output::line(&format!("{}: accepted with status {status}", delivery.event.as_str()));
                Ok(())
            }
            Some(error) => Err(Error::new(Kind::Unavailable, ErrorCode::WebhookFailed, error)),
        },
        None => {
            let message = "The event has not been sent yet. Is the server running? It sends the event when it runs.";
            Err(Error::new(Kind::Unavailable, ErrorCode::NoAnswer, message))
        }
    }
}

fn allowed(name: &str, hosts: &[AllowedHost], call: &Call) {
    if call.json {
        return output::json(&json!({ "account": name, "allowed_hosts": shown(hosts) }));
    }
    output::line(&format!("{}: {}", output::plain(name), in_words(hosts)));
}

fn shown(hosts: &[AllowedHost]) -> Vec<String> {
    hosts.iter().map(AllowedHost::shown).collect()
}

fn in_words(hosts: &[AllowedHost]) -> String {
    if hosts.is_empty() { "public hosts only".to_owned() } else { shown(hosts).join(", ") }
}
