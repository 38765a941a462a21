//! The drop-ins for machines made from one image: systemd reads them without complaint, and the node keeps what they rely
//! on.

use std::fs;
use std::process::Command;

use crate::farms::packaging;
use crate::support::process::BINARY;
use crate::support::tools::have;

const UNIT: &str = "dinkem-appliance-node.service";

#[test]
fn systemd_accepts_the_nodes_unit_with_both_drop_ins() {
    if !have("systemd-analyze", "drop-ins of the node's unit") {
        return;
    }
    let unit = fs::read_to_string(packaging(&format!("deb/{UNIT}"))).unwrap();
    assert!(unit.contains("\nPrivateTmp=yes\n"), "farm.conf keeps the node's key in a private directory");
    let check = |broken: &str| {
        let folder = tempfile::tempdir().unwrap();
        let drop_ins = folder.path().join(format!("{UNIT}.d"));
        fs::create_dir(&drop_ins).unwrap();
        // The user of the package does not exist here.
        let unit = unit.replace("/usr/bin/dinkem-appliance", BINARY);
        fs::write(folder.path().join(UNIT), unit).unwrap();
        for name in ["farm.conf", "poweroff.conf"] {
            let text = fs::read_to_string(packaging(&format!("farms/systemd/{name}"))).unwrap();
            fs::write(drop_ins.join(name), text.replace("SuccessAction=", broken)).unwrap();
        }
        let output = Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(folder.path().join(UNIT))
            .env("SYSTEMD_UNIT_PATH", format!("{}:", folder.path().display()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // Complaints about this machine's other units do not count.
        said.lines().filter(|line| line.contains(UNIT)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(check("SuccessAction="), [""; 0]);
    assert_eq!(check("SucessAction=").len(), 1, "a mistake is found");
}
