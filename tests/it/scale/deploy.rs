//! The files for Kubernetes and Compose: read by what reads them, and consistent with the image.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::tools::{have, is_gate, skip};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/scale").join(name)
}

#[test]
fn the_servers_manifest_fits_the_schemas_of_kubernetes() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/farms/manifests.py");
    let check = |file: &Path| Command::new("python3").arg(&script).arg(file).stdin(Stdio::null()).output().unwrap();
    let known = Command::new("python3").args(["-c", "import kubernetes_validate, cloudcoil.models.keda"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        assert!(!is_gate(), "the gate installs kubernetes-validate");
        return skip("the server's manifest: Python has no kubernetes_validate");
    }
    let file = shipped("kubernetes/server.yaml");
    let output = check(&file);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out.trim(), "Namespace v1\nService v1\nStatefulSet apps/v1", "{err}");

    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    for (right, wrong) in
        [("replicas: 1", "replica: 1"), ("scheme: HTTPS", "schema: HTTPS"), ("serviceName", "service")]
    {
        assert!(text.contains(right), "{right}");
        let damaged = folder.path().join("server.yaml");
        fs::write(&damaged, text.replace(right, wrong)).unwrap();
        assert!(!check(&damaged).status.success(), "{wrong} is found");
    }
}

#[test]
fn the_compose_file_is_understood() {
    if !have("docker-compose", "the compose file") {
        return;
    }
    let file = shipped("compose/compose.yaml");
    let output = Command::new("docker-compose").arg("-f").arg(&file).args(["config", "--services"]).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    let mut services: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    services.sort();
    assert_eq!(services, ["node", "server"], "{err}");
}

#[test]
fn files_name_the_image_of_this_version() {
    for name in ["kubernetes/server.yaml", "compose/compose.yaml"] {
        let text = fs::read_to_string(shipped(name)).unwrap();
        let images: Vec<_> = text.lines().filter_map(|line| line.trim().strip_prefix("image: ")).collect();
        assert!(!images.is_empty(), "{name}");
        for image in images {
            let tag = image.rsplit_once(':').unwrap().1;
            assert_eq!(tag, env!("CARGO_PKG_VERSION"), "{name}: {image}");
        }
    }
}
