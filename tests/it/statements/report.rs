//! Reads a month's statements back from the output of `admin usage`.

use std::collections::BTreeMap;

use dinkem_appliance::domain::month::Month;
use serde_json::Value;

use crate::support::cli::Cli;
use crate::support::csv;

/// One month in each output format.
pub struct Report {
    pub json: Value,
    /// Account, class, kind, number, seconds, price, currency, amount.
    pub csv: Vec<[String; 8]>,
    /// Class, price, amount, currency.
    pub table: Vec<[String; 4]>,
}

impl Report {
    pub fn read(cli: &Cli, data_dir: &str, month: Month) -> Self {
        let month = month.to_string();
        let run = |form: &[&str]| {
            let output = cli.run(&[&["admin", "--data-dir", data_dir, "usage", "--month", &month], form].concat());
            assert_eq!((output.status, output.err.as_str()), (0, ""), "{form:?}");
            output
        };
        let mut records = csv::parse(&run(&["--csv"]).out);
        let headings =
            "month,account_id,account,class,renderer,resolution,fps,number,rendered_seconds,price,currency,amount";
        assert_eq!(records.remove(0).join(","), headings);
        let rows = records.into_iter().map(|cells| {
            assert!(cells.len() == 12 && cells[0] == month && cells[1].len() == 36, "{cells:?}");
            let kind = cells[4..7].join("/");
            [&cells[2], &cells[3], &kind, &cells[7], &cells[8], &cells[9], &cells[10], &cells[11]].map(String::clone)
        });
        let table = run(&[]).out;
        let table = table.lines().skip(1).take_while(|line| !line.is_empty()).map(|line| {
            let args: Vec<_> = line.split_whitespace().collect();
            let class = args.iter().find(|word| ["metered", "reserved", "dinks"].contains(word)).unwrap();
            let [.., price, amount, currency] = args.as_slice() else { panic!("{line}") };
            [class, price, amount, currency].map(|word| (*word).to_owned())
        });
        Self { json: run(&["--json"]).json(), csv: rows.collect(), table: table.collect() }
    }
}

/// An amount as people see it: at least two of its six decimals, and no zeros after those.
pub fn shown(amount: &str) -> String {
    let cents = amount.len() - 4;
    format!("{}{}", &amount[..cents], amount[cents..].trim_end_matches('0'))
}

pub fn decimal(micros: i128) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// An amount that is given both as text and as a number.
pub fn micros(object: &Value, name: &str) -> i128 {
    let micros = i128::from(object[format!("{name}_micros")].as_u64().unwrap());
    assert_eq!(object[name], decimal(micros));
    micros
}

pub fn money(list: &Value) -> BTreeMap<String, i128> {
    let list = list.as_array().unwrap();
    let sums: BTreeMap<_, _> =
        list.iter().map(|entry| (entry["currency"].as_str().unwrap().to_owned(), micros(entry, "amount"))).collect();
    assert_eq!(sums.len(), list.len(), "each currency must appear once");
    sums
}

pub fn ms(seconds: &Value) -> u64 {
    (seconds.as_f64().unwrap() * 1_000.0).round() as u64
}
