//! Any JSON value in any field: the response is a `202` that echoes it, or a `400` that names the field.
use serde_json::{Value, json};

use crate::support::appliance::{Appliance, PLAYER, good_job};
use crate::support::client::Request;
use crate::support::rng::Rng;

use dinkem_appliance::wire::JSON_BODY_BYTES;

/// Bodies sent for each seed.
const BODIES: usize = 1_500;

const FIELDS: [&str; 10] = [
    "demo_url",
    "steam64_id",
    "round",
    "fps",
    "resolution",
    "commands",
    "metadata",
    "renderer",
    "commands.spec_show_xray",
    "commands.cl_draw_only_deathnotices",
];

/// Numbers that JSON parsers often get wrong.
const NUMBERS: [&str; 24] = [
    "0",
    "-0",
    "1",
    "-1",
    "5",
    "30",
    "60",
    "1080",
    "1440",
    "5.0",
    "5.5",
    "30.0",
    "1E2",
    "1e0",
    "3e1",
    "0.1e2",
    "-5.0e-0",
    "1e400",
    "-1e400",
    "1e-400",
    "2147483648",
    "9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
];

/// Strings, as JSON texts.
const STRINGS: [&str; 22] = [
    "\"\"",
    "\"0\"",
    "\"1\"",
    "\"5\"",
    "\"30\"",
    "\"true\"",
    "\"null\"",
    "\"builtin\"",
    "\"game\"",
    "\"76561198000000000\"",
    "\"https://example.com/x.dem\"",
    "\"\\u0000\"",
    "\"a\\u0000b\"",
    "\"\\ud800\"",
    "\"\\udfff\\ud800\"",
    "\"\\ud83c\\udfae\"",
    "\"\u{1F3AE}\"",
    "\"\u{feff}\"",
    "\"\u{202e}x\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"e\\u0301\"",
    "\"https://\\u0065xample.com/\"",
];

const NAMES: [&str; 9] = [
    "\"a\"",
    "\"\"",
    "\"round\"",
    "\"spec_show_xray\"",
    "\"cl_draw_only_deathnotices\"",
    "\"\\u0061\"",
    "\"\u{1F3AE}\"",
    "\"__proto__\"",
    "\"a.b\"",
];

/// A random JSON value.
fn value(rng: &mut Rng, depth: usize) -> String {
    let kinds = if depth == 0 { 6 } else { 9 };
    match rng.below(kinds) {
        0 => ["null", "true", "false"][rng.below(3)].to_owned(),
        1 | 2 => NUMBERS[rng.below(NUMBERS.len())].to_owned(),
        3 | 4 => STRINGS[rng.below(STRINGS.len())].to_owned(),
        5 => large_value(rng),
        6 => format!("[{}]", list_of(rng, |rng| value(rng, depth - 1))),
        _ => object(rng, depth - 1),
    }
}

fn object(rng: &mut Rng, depth: usize) -> String {
    let members = list_of(rng, |rng| {
        let name = NAMES[rng.below(NAMES.len())];
        format!("{}{name}{}:{}", whitespace(rng), whitespace(rng), value(rng, depth))
    });
    format!("{{{members}}}")
}

fn list_of(rng: &mut Rng, mut one: impl FnMut(&mut Rng) -> String) -> String {
    let count = rng.below(4);
    (0..count).map(|_| one(rng)).collect::<Vec<_>>().join(",")
}

/// A large or deeply nested value within the body limit.
fn large_value(rng: &mut Rng) -> String {
    let many = 1 + rng.below(3_000);
    match rng.below(4) {
        0 => format!("\"{}\"", "x".repeat(many)),
        1 => "9".repeat(many),
        2 => format!("{}{}", "[".repeat(many), "]".repeat(many)),
        _ => format!("{}1{}", "{\"a\":".repeat(many), "}".repeat(many)),
    }
}

fn whitespace(rng: &mut Rng) -> &'static str {
    ["", "", " ", "\n\t"][rng.below(4)]
}

/// A valid value, so that some bodies are accepted.
fn valid_value(rng: &mut Rng, field: &str) -> String {
    let values: &[&str] = match field {
        "demo_url" => &["\"https://example.com/x.dem\"", "\"http://\\u0065xample.com/\""],
        "steam64_id" => &["\"76561198000000001\""],
        "round" => &["1", "7", "2147483647"],
        "fps" => &["30", "60"],
        "resolution" => &["1080", "1440"],
        "commands" => &["{}", "{\"spec_show_xray\":\"1\"}"],
        "metadata" => &["{}", "{\"a\":[1.50,\"\\u0000\",{\"b\":null}]}"],
        "renderer" => &["\"builtin\"", "\"game\""],
        _ => &["\"0\"", "\"1\""],
    };
    values[rng.below(values.len())].to_owned()
}

/// A valid job, except that this field has this value.
fn body(field: &str, text: &str) -> String {
    let (name, text) = match field.split_once('.') {
        Some((outer, inner)) => (outer, format!("{{\"{inner}\":{text}}}")),
        None => (field, text.to_owned()),
    };
    let mut members: Vec<String> = ["demo_url", "steam64_id", "round"]
        .into_iter()
        .filter(|known| *known != name)
        .map(|known| format!("\"{known}\":{}", good_job()[known]))
        .collect();
    members.push(format!("\"{name}\":{text}"));
    format!("{{{}}}", members.join(","))
}

/// The field in the returned job.
fn field_of<'a>(job: &'a Value, field: &str) -> &'a Value {
    field.split('.').fold(job, |value, name| &value[name])
}

#[test]
fn any_json_value_is_echoed_back_or_rejected_by_field_name() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for seed in 1..=2 {
        let rng = &mut Rng::new(seed);
        for _ in 0..BODIES {
            let field = FIELDS[rng.below(FIELDS.len())];
            let text = match rng.below(10) {
                0 => valid_value(rng, field),
                1 if field == "metadata" => object(rng, 3),
                _ => value(rng, 4),
            };
            let body = body(field, &text);
            if body.len() as u64 > JSON_BODY_BYTES {
                continue;
            }
            let answer = appliance.send(&Request::post("/api/clips").key(&key).json(&body));
            let shown = || format!("seed {seed}: {body:.300} was answered {} {}", answer.status, answer.text());
            match answer.status {
                202 => {
                    let meant: Value = serde_json::from_str(&text).unwrap();
                    let job = answer.json();
                    if field == "commands" {
                        let given = meant.as_object().unwrap();
                        assert!(given.iter().all(|(name, value)| job["commands"][name] == *value), "{}", shown());
                    } else {
                        assert_eq!(*field_of(&job, field), meant, "{}", shown());
                    }
                    taken.push(field);
                }
                400 => {
                    let problem = answer.json();
                    let named = problem["field"].as_str().unwrap_or_else(|| panic!("{}", shown()));
                    let inside = field == "commands" && named.starts_with("commands.");
                    assert!(named == field || inside, "{}", shown());
                    assert!(problem["error"].as_str().unwrap().contains(named), "{}", shown());
                    refused.push(field);
                }
                _ => panic!("{}", shown()),
            }
        }
    }
    for field in FIELDS {
        let count = |all: &[&str]| all.iter().filter(|one| **one == field).count();
        assert!(count(&taken) > 3 && count(&refused) > 50, "{field}: {} and {}", count(&taken), count(&refused));
    }
}

#[test]
fn any_body_is_answered_with_202_400_or_413() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let rng = &mut Rng::new(3);
    let whole = format!(
        r#"{{"demo_url":"https://example.com/x.dem","steam64_id":"{PLAYER}","round":5,"fps":60,"commands":{{"spec_show_xray":"1"}},"metadata":{{"a":["\ud83c\udfae",1.5]}}}}"#
    );
    for _ in 0..1_000 {
        // Bytes replaced, removed, inserted, duplicated.
        let mut bytes = whole.clone().into_bytes();
        for _ in 0..1 + rng.below(4) {
            let at = rng.below(bytes.len());
            match rng.below(4) {
                0 => bytes[at] = rng.below(256) as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"{}[]\",:\\\0\xff"[rng.below(10)]),
                _ => bytes.extend_from_within(at..),
            }
        }
        let request = Request::post("/api/clips").key(&key).json(&bytes);
        let answer = appliance.send(&if rng.below(4) == 0 { request.chunked() } else { request });
        let shown = String::from_utf8_lossy(&bytes);
        assert!([202, 400, 413].contains(&answer.status), "{shown}: {}", answer.text());
        assert_eq!(answer.status == 202, answer.json()["error"] == json!(null), "{shown}: {}", answer.text());
    }
}
