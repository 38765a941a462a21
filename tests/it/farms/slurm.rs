//! Slurm on this machine: render nodes come with the work and go without it, and a preempted one hands its job back.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::farms::packaging;
use crate::support::process::Appliance;
use crate::support::quick;
use crate::support::slurm::{Slurm, text};
use crate::support::wait::until;

/// Name of the job in `node.sbatch`.
const NODE: &str = "dinkem-node";

/// An appliance, and a cluster whose nodes may join it.
struct Farm {
    slurm: Slurm,
    appliance: Appliance,
}

impl Farm {
    fn start(test: &str) -> Option<Self> {
        let slurm = Slurm::start(test)?;
        let metrics = slurm.path("metrics.token");
        std::fs::write(&metrics, "a-token-only-for-reading-the-metrics\n").unwrap();
        std::fs::set_permissions(&metrics, std::fs::Permissions::from_mode(0o600)).unwrap();
        // Leases are long, so that a job is back early only because its node gave it back.
        let flags = ["--fetch-allow", "127.0.0.0/8", "--lease-seconds", "120"];
        let appliance = Appliance::start(&[&flags[..], &["--metrics-token-file", metrics.to_str().unwrap()]].concat());
        let token = ["nodes", "token", "--uses", "20", "--for", "1d", "--name-prefix", "slurm-", "--ephemeral"];
        let token = appliance.admin(&token)["join_token"].as_str().unwrap().to_owned();
        std::fs::write(slurm.path("join.token"), token).unwrap();
        Some(Self { slurm, appliance })
    }

    /// One pass of `autoscale` for at most so many nodes: what it said.
    fn autoscale(&self, most: u32) -> String {
        let output = self
            .slurm
            .command(packaging("farms/slurm/autoscale"))
            .env("DINKEM_IDLE_EXIT", "3")
            .args(["--metrics", &self.appliance.url("/metrics"), "--ca"])
            .arg(self.appliance.ca_file())
            .args(["--token-file", "metrics.token", "--join-file", "join.token", "--jobs-per-node", "2"])
            .args(["--most", &most.to_string()])
            .args(["--", "--partition=render"])
            .output()
            .unwrap();
        let said = text(&output);
        assert!(output.status.success(), "{said}");
        said
    }

    fn nodes(&self) -> Vec<Value> {
        self.appliance.admin(&["nodes", "list"])["nodes"].as_array().unwrap().clone()
    }

    fn wait_for_no_nodes(&self) {
        until("the nodes to leave", || self.slurm.jobs(NODE).is_empty().then_some(()));
    }

    /// Slurm's record of a job and the log of the node in it.
    fn record(&self, job: &str) -> String {
        let log = std::fs::read_to_string(self.slurm.path(&format!("dinkem-node-{job}.log"))).unwrap_or_default();
        self.slurm.run("scontrol", &["show", "job", job]) + "\n" + &log
    }
}

#[test]
fn slurm_starts_nodes_while_jobs_wait_and_they_leave_when_idle() {
    let Some(farm) = Farm::start("nodes in Slurm") else { return };
    let files = quick::server();
    let key = farm.appliance.account("studio");
    assert_eq!(farm.autoscale(2), "waiting 0, rendering 0, nodes 0, submitted 0");

    let ids: Vec<_> = (0..4).map(|_| farm.appliance.submit(&key, &quick::job(&files))).collect();
    assert_eq!(farm.autoscale(2), "waiting 4, rendering 0, nodes 0, submitted 2");
    let jobs = farm.slurm.jobs(NODE);
    assert!(farm.autoscale(2).ends_with("nodes 2, submitted 0"));
    until("two nodes", || (farm.nodes().len() == 2).then_some(()));
    for id in &ids {
        farm.appliance.wait_for_clip(&key, id);
    }
    farm.wait_for_no_nodes();
    assert!(farm.autoscale(2).ends_with("nodes 0, submitted 0"));

    for job in &jobs {
        let record = farm.record(job);
        assert!(record.contains("JobState=COMPLETED") && record.contains("ExitCode=0:0"), "{record}");
    }
    let nodes = farm.nodes();
    assert!(nodes.iter().all(|node| node["name"].as_str().unwrap().starts_with("slurm-")), "{nodes:?}");
    assert!(nodes.iter().all(|node| node["state"] == "stopped"), "{nodes:?}");
    farm.appliance.doctor();
}

#[test]
fn node_preempted_by_slurm_gives_its_job_back_at_once_and_is_replaced() {
    let Some(farm) = Farm::start("preemption in Slurm") else { return };
    let files = quick::server();
    let key = farm.appliance.account("studio");
    // With a grace time, Slurm asks the node to end, which is then a success. By default it ends the whole job.
    for (grace, ending) in [("GraceTime=60", "JobState=COMPLETED"), ("GraceTime=0", "JobState=PREEMPTED")] {
        farm.slurm.run("scontrol", &["update", "PartitionName=render", grace]);
        // Several, so that the node is still busy when it is preempted.
        let ids: Vec<_> = (0..4).map(|_| farm.appliance.submit(&key, &quick::job(&files))).collect();
        assert_eq!(farm.autoscale(1), "waiting 4, rendering 0, nodes 0, submitted 1");
        let node = farm.slurm.jobs(NODE).remove(0);
        let jobs = || ids.iter().map(|id| farm.appliance.job(&key, id)).collect::<Vec<_>>();
        until("a job to be rendered", || jobs().iter().any(|job| job["status"] == "rendering").then_some(()));

        let urgent = ["--parsable", "--partition=urgent", "--exclusive", "--output=urgent.log", "--wrap=true"];
        farm.slurm.run("sbatch", &urgent);
        until("the node to end", || (!farm.slurm.jobs(NODE).contains(&node)).then_some(()));
        let (record, back) = (farm.record(&node), jobs());
        assert!(record.contains(ending), "{grace}: {record}");
        assert!(back.iter().any(|job| job["status"] == "queued"), "{grace}: {back:?} {record}");
        for job in &back {
            assert!(job["status"] != "rendering" && job["attempts"] == 0, "{grace}: {job} {record}");
        }

        until("the urgent job to end", || farm.slurm.run("squeue", &["-h"]).is_empty().then_some(()));
        assert!(farm.autoscale(1).ends_with("rendering 0, nodes 0, submitted 1"));
        for id in &ids {
            let job = farm.appliance.wait_for_clip(&key, id);
            assert_eq!(job["attempts"], 0, "{grace}: {job}");
        }
        farm.wait_for_no_nodes();
    }
    assert_eq!(farm.nodes().len(), 1, "the same machine is the same node");
    assert_eq!(farm.appliance.ledger_rows(), 8);
    farm.appliance.doctor();
}
