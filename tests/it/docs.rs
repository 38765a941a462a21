//! The pages in `docs/`: the table of codes is written from the code, the client guide's programs run as they stand.

use std::fs;
use std::path::{Path, PathBuf};

use dinkem_appliance::domain::failure::FailureCode;
use dinkem_appliance::wire::problem::CODES;

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

fn table_of_codes() -> String {
    let mut page = String::from(
        "# Error codes\n\nWritten from the code by a test: `UPDATE_GOLDEN=1 cargo test --release docs`.\n\n\
         ## Answers of the API\n\nEvery answer of 400 and above is `{\"error\", \"code\"}`, with `field` where one is to \
         blame. The contract's 401 and 403 are its sentence alone, without a code.\n\n| status | code | meaning |\n\
         | --- | --- | --- |\n",
    );
    for (code, status, meaning) in CODES {
        page += &format!("| {status} | `{code}` | {meaning} |\n");
    }
    page += "\n## Failed jobs\n\nA failed job's `error` is `{\"code\", \"message\"}`.\n\n| code | meaning |\n| --- | --- |\n";
    for code in FailureCode::ALL {
        page += &format!("| `{}` | {} |\n", code.as_str(), code.meaning());
    }
    page
}

#[test]
fn the_page_of_error_codes_is_what_the_code_says() {
    let path = docs("errors.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, table_of_codes()).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), table_of_codes());
}

#[test]
fn the_table_of_codes_is_in_order_and_has_each_code_once() {
    let order: Vec<_> = CODES.iter().map(|(code, status, _)| (*status, *code)).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(order, sorted);
}
