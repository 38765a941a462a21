//! The pages in `docs/`: the table of error codes is generated from the code, and the client guide's programs run as
//! written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dinkem_appliance::domain::error_code::error_responses;
use dinkem_appliance::domain::failure::FailureCode;

use crate::support::process::Appliance;
use crate::support::quick;
use crate::support::tools::{have, is_gate, skip};

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

fn table_of_codes() -> String {
    let mut page = String::from(
        "# Error codes\n\nGenerated from the code by a test: `UPDATE_GOLDEN=1 cargo test --release docs`.\n\n\
         ## API errors\n\nEvery response with status 400 or above is `{\"error\", \"code\"}`, with `field` if one \
         is invalid. The 401 and 403 that the hosted service documents have only its message, without a code. Plain HTTP sent to the HTTPS port gets a line of text.\n\n| status | code | meaning |\n\
         | --- | --- | --- |\n",
    );
    for row in error_responses() {
        page += &format!("| {} | `{}` | {} |\n", row.status, row.code.as_str(), row.meaning);
    }
    page += "\n## Failed jobs\n\nA failed job's `error` is `{\"code\", \"message\"}`.\n\n| code | meaning |\n| --- | --- |\n";
    for code in FailureCode::ALL {
        page += &format!("| `{}` | {} |\n", code.as_str(), code.meaning());
    }
    page
}

#[test]
fn error_code_page_matches_the_code() {
    let path = docs("errors.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, table_of_codes()).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), table_of_codes());
}

#[test]
fn no_error_response_is_listed_twice() {
    let listed: Vec<_> = error_responses().iter().map(|row| (row.status, row.code.as_str())).collect();
    let mut unique = listed.clone();
    unique.dedup();
    assert_eq!(listed, unique);
}

/// The guide's code block in this language.
fn program(language: &str) -> String {
    let guide = fs::read_to_string(docs("clients.md")).unwrap();
    let (_, rest) = guide.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("\n```").unwrap().0.to_owned()
}

#[test]
fn client_guide_programs_work_as_written() {
    let files = quick::server();
    let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8", "--local-nodes", "1"]);
    let key = appliance.account("studio");
    let authority = appliance.ca_file();
    for (language, file, run) in
        [("bash", "clip.sh", "bash"), ("python", "clip.py", "python3"), ("js", "clip.mjs", "node")]
    {
        let program = program(language);
        assert!(program.lines().count() <= 12, "{language}: at most 12 lines");
        if !have(run, "the client guide") || (language == "python" && !have_requests()) {
            continue;
        }
        let program = program
            .replace("https://appliance:8443", &appliance.url(""))
            .replace("https://example.com/demo.dem", &files.url("/quick.dem"))
            .replace("76561198000000000", &quick::PLAYER.to_string())
            .replace("\"round\": 5", &format!("\"round\": {}", quick::ROUND))
            .replace("round: 5", &format!("round: {}", quick::ROUND));
        fs::write(appliance.scratch().join(file), program).unwrap();
        let output = Command::new(run)
            .arg(file)
            .current_dir(appliance.scratch())
            .env("DINKEM_API_KEY", &key)
            .env("NODE_EXTRA_CA_CERTS", &authority)
            .envs([("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.1")])
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        let url =
            printed.split('"').chain(printed.lines()).find(|word| word.ends_with(".mp4") && word.starts_with("https"));
        let url = url.unwrap_or_else(|| panic!("{language}: {printed}{}", String::from_utf8_lossy(&output.stderr)));
        assert_eq!(appliance.raw("GET", url, None, None).0, 200, "{language}");
    }
}

fn have_requests() -> bool {
    let found =
        Command::new("python3").args(["-c", "import requests"]).stderr(Stdio::null()).status().unwrap().success();
    if !found {
        assert!(!is_gate(), "the gate installs requests");
        skip("the client guide: Python has no requests");
    }
    found
}
