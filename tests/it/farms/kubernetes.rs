//! Kubernetes: the manifests against the schemas of Kubernetes and KEDA, and the metrics that KEDA asks for.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::farms::{has_module, packaging};
use crate::support::process::Appliance;
use crate::support::slurm::text;
use crate::support::tools::have;

fn manifest(name: &str) -> std::path::PathBuf {
    packaging(&format!("farms/kubernetes/{name}"))
}

#[test]
fn kubernetes_manifests_fit_the_schemas_of_what_reads_them() {
    if !["kubernetes_validate", "cloudcoil.models.keda"].iter().all(|module| has_module(module, "Kubernetes")) {
        return;
    }
    let check = |files: &[&Path]| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/farms/manifests.py");
        Command::new("python3").arg(script).args(files).output().unwrap()
    };
    let files = ["node.yaml", "job.yaml", "keda.yaml"].map(manifest);
    let output = check(&files.each_ref().map(AsRef::as_ref));
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(text(&output), "Namespace v1\nDeployment apps/v1\nJob batch/v1\nScaledObject keda.sh/v1alpha1");

    let folder = tempfile::tempdir().unwrap();
    let mistakes = [
        ("node.yaml", "readOnlyRootFilesystem", "readOnlyRootFileSystem"),
        ("keda.yaml", "minReplicaCount: 0", "minReplicas: 0"),
        ("keda.yaml", "stabilizationWindowSeconds", "stabilizationWindow"),
        ("keda.yaml", "threshold: \"1\"", "threshold: 1"),
    ];
    for (name, right, wrong) in mistakes {
        let before = fs::read_to_string(manifest(name)).unwrap();
        assert!(before.contains(right), "{name}: {right}");
        let file = folder.path().join(name);
        fs::write(&file, before.replace(right, wrong)).unwrap();
        assert!(!check(&[&file]).status.success(), "{name}: {wrong} is found");
    }
}

#[test]
fn keda_asks_for_metrics_that_the_appliance_has() {
    let appliance = Appliance::start(&[]);
    let (_, page) = appliance.raw("GET", "/metrics", None, None);
    let page = String::from_utf8(page).unwrap();
    let text = fs::read_to_string(manifest("keda.yaml")).unwrap();
    let query = text.lines().find_map(|line| line.trim().strip_prefix("query: ")).unwrap();
    let asked: Vec<_> =
        query.split(['(', ')']).filter_map(|part| part.strip_suffix("{renderer=\"builtin\"}")).collect();
    assert_eq!(asked, ["dinkem_jobs_waiting", "dinkem_jobs_rendering"]);
    for name in asked {
        let mut samples = page.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        assert!(samples.any(|line| line.contains("renderer=\"builtin\"")), "{name} even without a job");
    }
}

#[test]
fn deployment_and_job_start_the_same_node() {
    if !have("python3", "manifests") || !has_module("yaml", "manifests") {
        return;
    }
    let same = "import sys, yaml; node, job = (list(yaml.safe_load_all(open(f)))[-1]['spec']['template']['spec'] \
                for f in sys.argv[1:]); job.pop('restartPolicy'); job['containers'][0]['env'] = [e for e in \
                job['containers'][0]['env'] if e['name'] != 'DINKEM_IDLE_EXIT']; assert node == job, (node, job)";
    let files = [manifest("node.yaml"), manifest("job.yaml")];
    let output = Command::new("python3").args(["-c", same]).args(files).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}
