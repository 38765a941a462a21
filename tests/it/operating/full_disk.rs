//! A server on a completely full disk starts, serves reads and deletes clips; with free space, work continues. Needs a
//! mount, which only root can do.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::process::Appliance;
use crate::support::quick;
use crate::support::wait::until;

/// A small tmpfs, unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    /// `None` if this user cannot mount.
    fn over(path: &Path) -> Option<Self> {
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs"]).arg(path).output();
        done.is_ok_and(|output| output.status.success()).then(|| Self(path.to_owned()))
    }

    fn grow(&self) {
        let done = Command::new("mount").args(["-o", "remount,size=4g"]).arg(&self.0).status().unwrap();
        assert!(done.success());
    }

    /// Writes until no byte is free.
    fn fill(&self) {
        for (name, bytes) in [("fill", 1 << 20), ("fill-2", 4_096), ("fill-3", 1)] {
            let mut file = fs::File::options().append(true).create(true).open(self.0.join(name)).unwrap();
            let block = vec![0x5a; bytes];
            while file.write_all(&block).is_ok() {}
        }
        assert!(fs::write(self.0.join("more"), [0; 4_096]).is_err());
        let _ = fs::remove_file(self.0.join("more"));
    }

    fn empty(&self) {
        for name in ["fill", "fill-2", "fill-3"] {
            fs::remove_file(self.0.join(name)).unwrap();
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["--lazy"]).arg(&self.0).status();
    }
}

#[test]
fn server_killed_on_a_full_disk_restarts_and_recovers_after_deleting_clips() {
    let files = quick::server();
    let mut appliance = Appliance::start_plain(&["--fetch-allow", "127.0.0.0/8", "--local-nodes", "1"]);
    let data = appliance.data_dir();
    let key = appliance.account("studio");
    let ids: Vec<String> = (0..2).map(|_| appliance.submit(&key, &quick::job(&files))).collect();
    ids.iter().for_each(|id| drop(appliance.wait_for_clip(&key, id)));
    until("the ballast", || data.join("ballast").exists().then_some(()));
    appliance.server().kill();

    // Move the data to a small disk.
    let aside = appliance.scratch().join("aside");
    fs::rename(&data, &aside).unwrap();
    fs::create_dir(&data).unwrap();
    let Some(disk) = Mount::over(&data) else {
        eprintln!("skipped: only root can mount a small disk");
        return;
    };
    let copied = Command::new("cp").arg("-a").arg(aside.join(".")).arg(&data).status().unwrap();
    assert!(copied.success());
    // The copy replaces the original.
    appliance.admin(&["promote"]);
    // Some writes, so that the write-ahead log has its usual size.
    appliance.restart();
    (0..10).for_each(|number| drop(appliance.account(&format!("other-{number}"))));
    appliance.server().kill();

    // The second time there is no ballast left.
    for id in &ids {
        disk.fill();
        appliance.restart();
        assert!(!data.join("ballast").exists());
        disk.fill();
        let (status, job) = appliance.call("GET", &format!("/api/clips/{id}"), &key, None);
        assert_eq!((status, &job["status"]), (200, &Value::from("done")));
        let url = job["clip"]["url"].as_str().unwrap().to_owned();
        assert_eq!(appliance.raw("GET", &url, None, None).0, 200);
        assert_eq!(appliance.call("GET", "/readyz", &key, None).0, 503);
        assert_eq!(appliance.raw("POST", "/api/demos", Some(&key), Some(b"PBDEMS2\0".to_vec())).0, 507);
        assert_eq!(appliance.call("POST", "/api/clips", &key, Some(&quick::job(&files))).0, 507);
        let (status, job) = appliance.call("DELETE", &format!("/api/clips/{id}"), &key, None);
        assert_eq!((status, &job["clip"]), (200, &Value::Null), "{job}");
        assert_eq!(appliance.raw("GET", &url, None, None).0, 404);
        appliance.server().kill();
    }
    assert_eq!(appliance.videos(), Vec::<String>::new());

    disk.fill();
    appliance.restart();
    disk.empty();
    disk.grow();
    let id = appliance.submit(&key, &quick::job(&files));
    appliance.wait_for_clip(&key, &id);
    until("the ballast", || data.join("ballast").exists().then_some(()));
    drop(disk);
}
