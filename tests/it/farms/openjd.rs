//! Open Job Description: the template, run by its reference implementation against a real appliance.

use std::fs;
use std::process::Command;

use crate::farms::packaging;
use crate::support::process::{Appliance, BINARY};
use crate::support::quick;
use crate::support::slurm::text;
use crate::support::tools::have;

#[test]
fn openjd_runs_a_node_that_renders_and_ends_when_idle() {
    if !have("openjd", "the OpenJD template") {
        return;
    }
    let files = quick::server();
    let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let id = appliance.submit(&key, &quick::job(&files));
    let token = appliance.admin(&["nodes", "token", "--name-prefix", "deadline-", "--ephemeral"]);
    let join = appliance.scratch().join("join.token");
    fs::write(&join, token["join_token"].as_str().unwrap()).unwrap();
    let bin = appliance.scratch().join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(BINARY, bin.join("dinkem-appliance")).unwrap();

    let template = packaging("farms/openjd/node.yaml");
    let checked = Command::new("openjd").arg("check").arg(&template).output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked));
    let parameter = |name: &str, value: &str| ["--job-param".to_owned(), format!("{name}={value}")];
    let output = Command::new("openjd")
        .arg("run")
        .arg(&template)
        .args(["--step", "Node"])
        .args(parameter("JoinFile", join.to_str().unwrap()))
        .args(parameter("IdleSeconds", "2"))
        .args(parameter("Nodes", "1"))
        .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()))
        // Its sessions' directories.
        .env("TMPDIR", appliance.scratch())
        .output()
        .unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("as deadline-") && said.contains(&format!("job {id} is done")), "{said}");
    assert_eq!(appliance.job(&key, &id)["status"], "done");
    let nodes = appliance.admin(&["nodes", "list"]);
    assert_eq!(nodes["nodes"][0]["state"], "stopped", "{nodes}");
}
