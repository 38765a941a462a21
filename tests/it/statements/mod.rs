//! Billing adds up: a random history of jobs, prices, currencies and dinks over several months is recorded by the test
//! as well, and compared with JSON, CSV, table, statement, HTTP and the ledger.

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinkem_appliance::app::accounts::dinks;
use dinkem_appliance::app::billing::prices;
use dinkem_appliance::app::leases;
use dinkem_appliance::domain::failure::Retry;
use dinkem_appliance::domain::id::JobId;
use dinkem_appliance::domain::job::Caller;
use dinkem_appliance::domain::key::KeyClass;
use dinkem_appliance::domain::money::{Currency, Micros};
use dinkem_appliance::domain::month::{Month, Period};
use dinkem_appliance::domain::rates::{FootageKind, RateChange};
use dinkem_appliance::os::clock::Clock;
use dinkem_appliance::store::{Store, ledger};
use dinkem_appliance::wire::time::rfc3339;
use serde_json::Value;

use crate::support::appliance::{Appliance, Keys};
use crate::support::cli::Cli;
use crate::support::client::Request;
use crate::support::rng::Rng;
use crate::support::test_app::LEASE;
use crate::support::worker::Worker;

use report::{Report, decimal, micros, money, ms, shown};

const EVENTS: u32 = 120;
/// 2024-01-25T12:00:00Z, so that every month is over.
const START_MS: i64 = 1_706_184_000_000;
/// Prices in micro-units: zero, the smallest, usual ones, and one with every digit.
const PRICES: [i64; 6] = [0, 1, 470_000, 850_000, 123_456_789, 999_999_999_999];
/// Account names; a spreadsheet would take one for a formula.
const NAMES: [&str; 3] = ["studio", "=1+1, \"two\"", "late"];

/// Class, kind of footage, currency, rate in micro-units.
type Key = (String, String, u64, u64, String, i128);
/// Jobs, milliseconds, micro-units.
type Sum = (u64, u64, i128);

/// A completed job as the test records it.
struct BilledClip {
    account: usize,
    class: KeyClass,
    kind: FootageKind,
    at_ms: i64,
    rate: i64,
    currency: &'static str,
}

impl BilledClip {
    /// Every video has five frames.
    fn footage_ms(&self) -> u64 {
        5_000 / u64::from(self.kind.fps)
    }

    /// Each clip is rounded half up to a micro-unit.
    fn amount(&self) -> i128 {
        (2 * i128::from(self.rate) * i128::from(self.footage_ms()) + 3_600_000) / 7_200_000
    }
}

struct History {
    appliance: Appliance,
    worker: Worker,
    rng: Rng,
    keys: Vec<Keys>,
    callers: Vec<[Caller; 2]>,
    billed_clips: Vec<BilledClip>,
    /// Failed and cancelled jobs: account, time, whether failed.
    unbilled: Vec<(usize, i64, bool)>,
    hours: BTreeMap<FootageKind, i64>,
    /// Time and micro-units.
    dink_prices: Vec<(i64, i64)>,
    currencies: Vec<(i64, &'static str)>,
    /// Account, time, dinks.
    dinks: Vec<(usize, i64, u32)>,
}

/// The last entry at or before a moment.
fn at<T: Copy>(entries: &[(i64, T)], moment: i64, default: T) -> T {
    entries.iter().rev().find(|(at_ms, _)| *at_ms <= moment).map_or(default, |(_, value)| *value)
}

impl History {
    fn new(seed: u64) -> Self {
        let appliance = Appliance::start_at(START_MS, |_| {});
        let worker = Worker::new(&appliance.app);
        let keys: Vec<_> = NAMES.iter().map(|name| appliance.account_with_dinks(name, 1)).collect();
        let callers = keys.iter().map(|keys| [worker.caller(&keys.metered), worker.caller(&keys.reserved)]).collect();
        Self {
            appliance,
            worker,
            rng: Rng::new(seed),
            keys,
            callers,
            billed_clips: Vec::new(),
            unbilled: Vec::new(),
            hours: BTreeMap::new(),
            dink_prices: Vec::new(),
            currencies: Vec::new(),
            dinks: (0..NAMES.len()).map(|account| (account, START_MS, 1)).collect(),
        }
    }

    fn now(&self) -> i64 {
        self.appliance.clock.now_ms()
    }

    fn random_event(&mut self) {
        self.pass_time();
        let (now, account, class) = (self.now(), self.rng.below(NAMES.len()), self.rng.below(2));
        let kinds: Vec<_> = FootageKind::all().collect();
        let kind = kinds[self.rng.below(kinds.len())];
        let caller = self.callers[account][class].clone();
        match self.rng.below(20) {
            0..8 => {
                let job = self.worker.complete_job(&caller, kind);
                self.bill(account, &caller, kind);
                if self.rng.below(3) == 0 {
                    self.worker.remove(&caller, job);
                }
            }
            8..10 => self.retried_job(account, &caller, kind),
            10 => {
                self.worker.fail_job(&caller, kind);
                self.unbilled.push((account, now, true));
            }
            11 | 12 => {
                let job = self.worker.submit(&caller, kind);
                if self.rng.below(2) == 0 {
                    self.worker.claim();
                }
                self.worker.remove(&caller, job);
                self.unbilled.push((account, now, false));
            }
            13..16 => {
                let price = PRICES[self.rng.below(PRICES.len())];
                self.set(RateChange::Hour(kind, Micros::new(price)));
                self.hours.insert(kind, price);
            }
            16 => {
                let price = PRICES[self.rng.below(PRICES.len())];
                self.set(RateChange::Dink(Micros::new(price)));
                self.dink_prices.push((now, price));
            }
            17 => {
                let code = ["USD", "EUR", "JPY"][self.rng.below(3)];
                self.set(RateChange::Currency(Currency::parse(code).unwrap()));
                self.currencies.push((now, code));
            }
            _ => {
                let number = self.rng.below(5) as u32;
                dinks::set(&self.appliance.app, &crate::support::operator(), NAMES[account], number).unwrap();
                self.dinks.push((account, now, number));
            }
        }
    }

    /// Usually some hours; sometimes to the last moment of the month or the first of the next.
    fn pass_time(&mut self) {
        let to_next_month = (Month::of(self.now()).period().to_ms - self.now()) as u64;
        let ms = match self.rng.below(30) {
            0 => to_next_month - 1,
            1 => to_next_month,
            2..5 => 0,
            _ => self.rng.below(2 * 86_400_000) as u64,
        };
        self.appliance.clock.advance(Duration::from_millis(ms));
    }

    /// A job that succeeds at the second attempt: the first one fails or its lease expires.
    fn retried_job(&mut self, account: usize, caller: &Caller, kind: FootageKind) {
        self.worker.submit(caller, kind);
        let grant = self.worker.claim();
        if self.rng.below(2) == 0 {
            self.worker.fail(&grant, Retry::Anywhere);
        } else {
            self.appliance.clock.advance(LEASE * 2);
            assert_eq!(leases::expire(&self.appliance.app).unwrap(), 1);
        }
        self.worker.complete(&self.worker.claim());
        self.bill(account, caller, kind);
    }

    fn bill(&mut self, account: usize, caller: &Caller, kind: FootageKind) {
        let rate = match caller.class {
            KeyClass::Metered => self.hours.get(&kind).copied().unwrap_or(0),
            KeyClass::Reserved => 0,
        };
        let currency = self.currencies.last().map_or("USD", |(_, code)| code);
        self.billed_clips.push(BilledClip { account, class: caller.class, kind, at_ms: self.now(), rate, currency });
    }

    fn set(&self, change: RateChange) {
        prices::set(&self.appliance.app, &crate::support::operator(), change).unwrap();
    }

    fn billed_clips_of(&self, account: usize, period: Period) -> impl Iterator<Item = &BilledClip> {
        self.billed_clips
            .iter()
            .filter(move |clip| clip.account == account && (period.from_ms..period.to_ms).contains(&clip.at_ms))
    }

    fn lines(&self, account: usize, period: Period) -> BTreeMap<Key, Sum> {
        let mut lines = BTreeMap::new();
        for clip in self.billed_clips_of(account, period) {
            let FootageKind { renderer, resolution, fps } = clip.kind;
            let kind = (renderer.as_str().to_owned(), u64::from(resolution), u64::from(fps));
            let key =
                (clip.class.as_str().to_owned(), kind.0, kind.1, kind.2, clip.currency.to_owned(), clip.rate.into());
            let sum: &mut Sum = lines.entry(key).or_default();
            *sum = (sum.0 + 1, sum.1 + clip.footage_ms(), sum.2 + clip.amount());
        }
        lines
    }

    /// A month's peak of dinks, their price and currency.
    fn dinks_of(&self, account: usize, period: Period) -> (u32, i64, &'static str) {
        let own: Vec<_> = self.dinks.iter().filter(|(of, ..)| *of == account).map(|(_, at, n)| (*at, *n)).collect();
        let within = own.iter().filter(|(at_ms, _)| (period.from_ms..period.to_ms).contains(at_ms)).map(|(_, n)| *n);
        let peak = within.chain([at(&own, period.from_ms - 1, 0)]).max().unwrap();
        (peak, at(&self.dink_prices, period.to_ms - 1, 0), at(&self.currencies, period.to_ms - 1, "USD"))
    }

    /// What an account owes for a month, by currency.
    fn totals(&self, account: usize, period: Period) -> BTreeMap<String, i128> {
        let mut totals: BTreeMap<String, i128> = BTreeMap::new();
        for ((.., currency, _), (.., amount)) in self.lines(account, period) {
            *totals.entry(currency).or_default() += amount;
        }
        let (peak, price, currency) = self.dinks_of(account, period);
        if peak > 0 || totals.is_empty() {
            *totals.entry(currency.to_owned()).or_default() += i128::from(price) * i128::from(peak);
        }
        totals
    }

    fn check(&self) {
        let cli = Cli::new();
        let months: BTreeSet<_> = (0..)
            .map(|day| START_MS + day * 86_400_000)
            .take_while(|moment| *moment <= self.now())
            .chain([self.now()])
            .map(Month::of)
            .collect();
        for month in months {
            let report = Report::read(&cli, self.appliance.app.data_dir().to_str().unwrap(), month);
            let period = month.period();
            let stated: Vec<_> = (0..NAMES.len())
                .filter(|of| !self.lines(*of, period).is_empty() || self.dinks_of(*of, period).0 > 0)
                .collect();
            let mut all: BTreeMap<String, i128> = BTreeMap::new();
            for (at, account) in stated.iter().enumerate() {
                self.check_json(&report.json["statements"][at], *account, period);
                self.check_http(*account, period);
                for (currency, amount) in self.totals(*account, period) {
                    *all.entry(currency).or_default() += amount;
                }
            }
            assert_eq!(report.json["statements"].as_array().unwrap().len(), stated.len());
            if !stated.is_empty() {
                assert_eq!(money(&report.json["totals"]), all, "{month}");
            }
            self.check_rows(&report, &stated, period);
        }
        self.check_ledger();
    }

    fn check_json(&self, statement: &Value, account: usize, period: Period) {
        assert_eq!(statement["account"]["name"], NAMES[account]);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let lines: BTreeMap<Key, Sum> = statement["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| {
                let (lines, fps) = (line["resolution"].as_u64().unwrap(), line["fps"].as_u64().unwrap());
                let (rate, amount) = (micros(line, "rate"), micros(line, "amount"));
                let key = (text(&line["class"]), text(&line["renderer"]), lines, fps, text(&line["currency"]), rate);
                (key, (line["jobs"].as_u64().unwrap(), ms(&line["rendered_seconds"]), amount))
            })
            .collect();
        assert_eq!(lines, self.lines(account, period));
        let (peak, price, currency) = self.dinks_of(account, period);
        let dinks = &statement["dinks"];
        assert_eq!((dinks["peak"].as_u64(), dinks["currency"].as_str()), (Some(peak.into()), Some(currency)));
        assert_eq!(
            (micros(dinks, "price"), micros(dinks, "amount")),
            (price.into(), i128::from(price) * i128::from(peak))
        );
        assert_eq!(money(&statement["totals"]), self.totals(account, period));
    }

    fn check_http(&self, account: usize, period: Period) {
        let query = format!("/api/usage?from={}&to={}", rfc3339(period.from_ms), rfc3339(period.to_ms));
        let found = self.appliance.send(&Request::get(&query).key(&self.keys[account].metered)).expect(200).json();
        let mut amounts: BTreeMap<String, i128> = BTreeMap::new();
        for clip in self.billed_clips_of(account, period) {
            *amounts.entry(clip.currency.to_owned()).or_default() += clip.amount();
        }
        if amounts.is_empty() {
            amounts.insert(self.dinks_of(account, period).2.to_owned(), 0);
        }
        assert_eq!(money(&found["totals"]["money"]), amounts);
        let ended = |failed: bool| {
            let within = |(of, at_ms, fell): &&(usize, i64, bool)| {
                *of == account && (period.from_ms..period.to_ms).contains(at_ms) && *fell == failed
            };
            self.unbilled.iter().filter(within).count() as u64
        };
        let jobs = &found["totals"]["jobs"];
        let counts = ["done", "failed", "cancelled"].map(|end| jobs[end].as_u64().unwrap());
        assert_eq!(counts, [self.billed_clips_of(account, period).count() as u64, ended(true), ended(false)]);
        assert_eq!(
            ms(&found["totals"]["rendered_seconds"]),
            self.billed_clips_of(account, period).map(BilledClip::footage_ms).sum::<u64>()
        );
        let lines: i128 =
            found["lines"].as_array().unwrap().iter().flat_map(|line| money(&line["money"])).map(|m| m.1).sum();
        assert_eq!(lines, amounts.values().sum::<i128>());
    }

    /// Checks every row of the table and the CSV.
    fn check_rows(&self, report: &Report, stated: &[usize], period: Period) {
        let (mut csv_rows, mut table_rows) = (Vec::new(), Vec::new());
        for account in stated {
            for ((class, renderer, lines, fps, currency, rate), (jobs, ms, amount)) in self.lines(*account, period) {
                let (rate, amount, number) = (decimal(rate), decimal(amount), jobs.to_string());
                let seconds = format!("{}.{:03}", ms / 1_000, ms % 1_000);
                let kind = [renderer, lines.to_string(), fps.to_string()].join("/");
                csv_rows.push([
                    csv_name(*account),
                    class.clone(),
                    kind,
                    number,
                    seconds,
                    rate.clone(),
                    currency.clone(),
                    amount.clone(),
                ]);
                table_rows.push([class, shown(&rate), shown(&amount), currency]);
            }
            let (peak, price, currency) = self.dinks_of(*account, period);
            if peak > 0 {
                let (price, amount) = (decimal(price.into()), decimal(i128::from(price) * i128::from(peak)));
                let row = ["dinks", "//", &peak.to_string(), "", &price, currency, &amount].map(str::to_owned);
                csv_rows.push([[csv_name(*account)].as_slice(), &row].concat().try_into().unwrap());
                table_rows.push(["dinks".into(), shown(&price), shown(&amount), currency.into()]);
            }
        }
        assert_eq!(sorted(&report.csv), sorted(&csv_rows));
        assert_eq!(sorted(&report.table), sorted(&table_rows));
    }

    /// Checks every row of the ledger.
    fn check_ledger(&self) {
        let store = Store::beside(self.appliance.app.data_dir()).unwrap();
        let rows = store.read(|db| ledger::page(db, JobId(0), 10_000)).unwrap();
        let found: Vec<_> =
            rows.iter().map(|row| (row.at_ms, row.rate.get(), row.amount.get(), row.currency.to_string())).collect();
        let expected: Vec<_> =
            self.billed_clips.iter().map(|s| (s.at_ms, s.rate.into(), s.amount(), s.currency.to_owned())).collect();
        assert_eq!(found, expected);
    }
}

/// An account's name, escaped for spreadsheets.
fn csv_name(account: usize) -> String {
    let name = NAMES[account];
    if name.starts_with('=') { format!("'{name}") } else { name.to_owned() }
}

fn sorted<T: Ord>(rows: &[T]) -> Vec<&T> {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort();
    rows
}

#[test]
fn statements_usage_and_ledger_agree_after_random_history() {
    for seed in 1..=3 {
        let mut history = History::new(seed);
        for _ in 0..EVENTS {
            history.random_event();
        }
        assert!(history.billed_clips.len() > 30 && history.unbilled.len() > 5, "enough events of each kind");
        assert!(history.billed_clips.iter().any(|clip| clip.amount() > 0) && history.currencies.len() > 1);
        history.check();
    }
}
