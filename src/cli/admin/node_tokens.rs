//! `admin nodes token`: join tokens.

use std::io::IsTerminal;
use std::path::Path;

use serde_json::json;

use crate::app::App;
use crate::app::nodes::tokens;
use crate::appliance::server_url;
use crate::cli::admin::{Call, output};
use crate::config;
use crate::domain::error::Result;
use crate::domain::join_token::{JOIN_TOKEN_MOST_SECONDS, JOIN_TOKEN_SECONDS, JOIN_TOKEN_USES, JoinToken, Terms};
use crate::domain::wording::counted;
use crate::wire::amounts;
use crate::wire::human;
use crate::wire::join_token::JoinTicket;
use crate::wire::time::rfc3339;

/// Create a join token and print the command to run on the new node; list and revoke tokens
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints the whole command to a terminal, and only the token to a pipe. Without options the token is \
for one machine, within an hour. A machine that comes back with the same token and name takes over its \
node, once that is stopped or gone, and uses up nothing.

Example: on the server, then over SSH to the new node; and for a farm whose machines come and go
  dinkem-appliance admin nodes token
  dinkem-appliance admin nodes token | ssh render-2 dinkem-appliance node --join -
  dinkem-appliance admin nodes token --uses 200 --for 30d --name-prefix slurm- --ephemeral > token")]
pub struct Args {
    /// How many machines may join with it, up to 100000
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(JOIN_TOKEN_USES)))]
    uses: u32,
    /// How long it is valid: 90s, 30m, 12h, 30d, up to 366d [default: 1h]
    #[arg(long = "for", value_name = "TIME", value_parser = seconds, default_value = "1h", hide_default_value = true, allow_hyphen_values = true)]
    valid_for: u64,
    /// What the names of its nodes begin with, up to 32 characters
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true, value_parser = name_prefix)]
    name_prefix: String,
    /// Forget its nodes 10 minutes after they are gone or stopped
    #[arg(long)]
    ephemeral: bool,
    /// List the tokens that have not expired instead
    #[arg(long, conflicts_with_all = NEW)]
    list: bool,
    /// Revoke a token instead, by the number in `--list`; its nodes stay
    #[arg(long, value_name = "ID", conflicts_with = "list", conflicts_with_all = NEW, value_parser = clap::value_parser!(i64).range(1..))]
    revoke: Option<i64>,
}

/// The options of a new token.
const NEW: [&str; 4] = ["uses", "valid_for", "name_prefix", "ephemeral"];

pub fn run(args: Args, app: &App, data_dir: &Path, call: &Call) -> Result<()> {
    if let Some(id) = args.revoke {
        tokens::revoke(app, &config::operator(), id)?;
        if call.json {
            output::json(&json!({ "revoked": id }));
        } else {
            output::line(&format!("join token {id}: revoked; the nodes that joined with it stay"));
        }
        return Ok(());
    }
    if args.list {
        list(&tokens::list(app)?, app.clock.now_ms(), call);
        return Ok(());
    }
    let Args { uses, valid_for: seconds, name_prefix, ephemeral, .. } = args;
    create(Terms { uses, seconds, name_prefix, ephemeral }, app, data_dir, call)
}

/// Parses `--for`.
fn seconds(text: &str) -> Result<u64, String> {
    let terms = amounts::duration(text).map(|time| Terms { seconds: time.as_secs(), ..Terms::default() });
    terms.filter(|terms| terms.check().is_ok()).map(|terms| terms.seconds).ok_or_else(|| {
        let days = JOIN_TOKEN_MOST_SECONDS / 86_400;
        format!("it must be a number followed by s, m, h or d, at least 1s and at most {days}d")
    })
}

/// Parses `--name-prefix`.
fn name_prefix(text: &str) -> Result<String, String> {
    let terms = Terms { name_prefix: text.to_owned(), ..Terms::default() };
    terms.check().map(|()| terms.name_prefix).map_err(|error| error.message)
}

fn create(terms: Terms, app: &App, data_dir: &Path, call: &Call) -> Result<()> {
    let server = server_url::recorded(data_dir);
    let (url, ca) = server.map_or((None, None), |server| (Some(server.url), server.ca));
    let within = if terms.seconds == JOIN_TOKEN_SECONDS { "an hour".to_owned() } else { in_words(terms.seconds) };
    let (token, secret) = tokens::create(app, &config::operator(), terms)?;
    let ticket = JoinTicket { server: url.clone(), ca, secret: secret.reveal().to_owned() };
    let (text, command) = (ticket.encode()?, ticket.command()?);
    if call.json {
        let mut shown = shown(&token);
        shown["join_token"] = json!(text);
        output::json(&shown);
        return Ok(());
    }
    if std::io::stdout().is_terminal() {
        output::line(&command);
    } else {
        // `node --join -` in a pipeline reads the token only.
        output::line(&text);
        output::say(&command);
    }
    let often = token.how_often();
    output::say(&format!("Run this command on the render node. The token works {often}, within {within}."));
    match url {
        Some(server) => output::say(&format!("The node must be able to reach {server}.")),
        None => {
            output::say("No server has run on this data directory yet. Replace SERVER with the address of the server.")
        }
    }
    Ok(())
}

/// A time in the largest unit that measures it exactly.
fn in_words(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let unit = units.into_iter().find(|(length, _)| seconds.is_multiple_of(*length));
    unit.map_or_else(|| counted(seconds, "second"), |(length, noun)| counted(seconds / length, noun))
}

fn shown(token: &JoinToken) -> serde_json::Value {
    json!({
        "id": token.id,
        "uses": token.uses,
        "used": token.used,
        "name_prefix": token.name_prefix,
        "ephemeral": token.ephemeral,
        "created_at": rfc3339(token.created_at_ms),
        "expires_at": rfc3339(token.expires_at_ms),
    })
}

fn list(tokens: &[JoinToken], now_ms: i64, call: &Call) {
    if call.json {
        return output::json(&json!({ "tokens": tokens.iter().map(shown).collect::<Vec<_>>() }));
    }
    let rows: Vec<_> = tokens
        .iter()
        .map(|token| {
            [
                token.id.to_string(),
                format!("{}/{}", token.used, token.uses),
                token.name_prefix.clone(),
                if token.ephemeral { "yes" } else { "no" }.to_owned(),
                human::when(now_ms, token.created_at_ms),
                human::when(now_ms, token.expires_at_ms),
            ]
        })
        .collect();
    output::line(&output::table_to_fit(["ID", "USED", "PREFIX", "EPHEMERAL", "CREATED", "EXPIRES"], &rows));
}
