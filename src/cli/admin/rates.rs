//! `admin rates`: set, dink, currency, show.

use clap::Subcommand;

use crate::app::App;
use crate::app::billing::prices;
use crate::cli::admin::{Call, output};
use crate::cli::clip_args::{fps, resolution};
use crate::config;
use crate::domain::error::{Error, Result};
use crate::domain::job::Renderer;
use crate::domain::money::{Currency, Micros};
use crate::domain::rates::{FootageKind, PriceList, RateChange, RateLine};
use crate::wire;
use crate::wire::human;
use crate::wire::rates::in_words;

/// Prices of metered footage per hour and of dinks per month, and their currency
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  dinkem-appliance admin rates set --renderer builtin --resolution 1080 --fps 30 0.47"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set the price per hour of metered footage, effective immediately
    #[command(
        after_help = "Example:\n  dinkem-appliance admin rates set --renderer builtin --resolution 1080 --fps 30 0.47"
    )]
    Set {
        /// Renderer: builtin or game
        #[arg(long, value_name = "RENDERER", value_parser = renderer)]
        renderer: Renderer,
        /// Picture height in lines: 1080 or 1440
        #[arg(long, value_name = "LINES", value_parser = resolution)]
        resolution: u32,
        /// Frames per second: 30 or 60
        #[arg(long, value_name = "FPS", value_parser = fps)]
        fps: u32,
        /// Price, such as 0.47, with at most six decimal places
        #[arg(value_parser = Micros::parse_price)]
        price: Micros,
    },
    /// Set the price of a dink per month; a month is billed at the price in force at its end
    #[command(after_help = "Example:\n  dinkem-appliance admin rates dink 215")]
    Dink {
        /// Price, such as 215 or 199.50
        #[arg(value_parser = Micros::parse_price)]
        price: Micros,
    },
    /// Set the currency, effective immediately; prices keep their numeric values and are not converted
    #[command(after_help = "Example:\n  dinkem-appliance admin rates currency EUR")]
    Currency {
        /// Currency code: three capital letters (ISO 4217)
        #[arg(value_parser = currency)]
        code: Currency,
    },
    /// Show the current prices and their history
    #[command(after_help = "Example:\n  dinkem-appliance admin rates show")]
    Show,
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    let change = match args.command {
        Command::Set { renderer, resolution, fps, price } => {
            RateChange::Hour(FootageKind { renderer, resolution, fps }, price)
        }
        Command::Dink { price } => RateChange::Dink(price),
        Command::Currency { code } => RateChange::Currency(code),
        Command::Show => {
            let (list, history) = prices::show(app)?;
            if call.json {
                output::json(&wire::rates::view(&list, &history));
            } else {
                show(&list, &history);
            }
            return Ok(());
        }
    };
    prices::set(app, &config::operator(), change)?;
    let (list, history) = prices::show(app)?;
    if call.json {
        output::json(&wire::rates::view(&list, &history));
    } else {
        output::line(&format!("{} from now on", words(change, list.currency)));
    }
    if let RateChange::Currency(_) = change {
        output::say(
            "Prices keep their numeric values. Jobs completed earlier stay in the currency they were billed in.",
        );
    }
    Ok(())
}

fn show(list: &PriceList, history: &[RateLine]) {
    let rows: Vec<_> = list
        .hours
        .iter()
        .map(|(kind, price)| {
            [kind.renderer.as_str().into(), kind.resolution.to_string(), kind.fps.to_string(), human::price(*price)]
        })
        .collect();
    output::line(&output::table(["RENDERER", "RESOLUTION", "FPS", "PRICE PER HOUR"], &rows));
    output::line(&format!("dink per month: {}\ncurrency: {}", human::price(list.dink), list.currency));
    if !history.is_empty() {
        let rows: Vec<_> = history.iter().map(|line| [human::date_time(line.at_ms), in_words(line.change)]).collect();
        output::line(&format!("\n{}", output::table(["SINCE", "SET"], &rows)));
    }
}

/// The new price and its currency.
fn words(change: RateChange, currency: Currency) -> String {
    match change {
        RateChange::Currency(_) => in_words(change),
        RateChange::Hour(..) | RateChange::Dink(_) => format!("{} {currency}", in_words(change)),
    }
}

fn renderer(text: &str) -> Result<Renderer> {
    Renderer::parse(text).ok_or_else(|| Error::invalid("renderer", "the renderers are builtin and game"))
}

fn currency(text: &str) -> Result<Currency> {
    Currency::parse(text).ok_or_else(|| Error::invalid("currency", "a currency is three capital letters, like EUR"))
}
