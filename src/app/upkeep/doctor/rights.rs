//! Permissions: only the owner may access the data directory, because it holds keys, demos and clips.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::app::App;
use crate::app::upkeep::doctor::{Fault, below, few};
use crate::domain::error::{Error, Result};
use crate::os::rights;
use crate::store::DataDir;

/// Files and folders that other users can access or own.
pub fn faults(folder: &DataDir, fix: bool) -> Result<Vec<Fault>> {
    let top = fs::metadata(folder.path()).map_err(unreadable)?;
    let (mut open, mut foreign, mut failed) = (Vec::new(), Vec::new(), None);
    for (path, file) in files(folder).map_err(unreadable)? {
        if !rights::is_same_owner(&file, &top) {
            foreign.push(name(folder, &path));
        }
        if rights::is_open_to_others(&file) {
            open.push(name(folder, &path));
            if fix && let Err(error) = rights::close_to_others(&path, &file) {
                failed =
                    Some(Error::internal(format!("Could not change the permissions of {}.", path.display()), error));
            }
        }
    }
    let mut faults = Vec::new();
    let dir = folder.path().display();
    if !open.is_empty() {
        let message = format!(
            "Users other than the owner can access files in the data directory ({}): {}.",
            open.len(),
            few(&open)
        );
        let fault = Fault::new("rights", message, format!("chmod -R go= {dir}"));
        faults.push(fault.fixed(fix.then(|| failed.map_or(Ok(()), Err))));
    }
    if !foreign.is_empty() {
        let message = format!(
            "Files in the data directory whose owner is not the directory's ({}): {}.",
            foreign.len(),
            few(&foreign)
        );
        faults.push(Fault::new("owner", message, format!("chown -R --reference={dir} {dir}")));
    }
    Ok(faults)
}

/// The file with the bucket's credentials, if every user of this machine can access it. Its group may be the service's.
pub fn credentials(app: &App) -> Option<Fault> {
    let file = app.settings.storage.as_ref()?.credentials_file.as_deref()?;
    let is_open = fs::metadata(file).is_ok_and(|found| rights::is_open_to_everyone(&found));
    is_open.then(|| {
        let name = file.display();
        let message = format!("Every user of this machine can access {name}, which holds the bucket's secret key.");
        Fault::new("credentials_rights", message, format!("chmod o= {name}"))
    })
}

/// Whether other users can access the directory itself.
pub fn is_open(folder: &DataDir) -> Result<bool> {
    let top = fs::metadata(folder.path()).map_err(unreadable)?;
    Ok(rights::is_open_to_others(&top))
}

fn unreadable(error: io::Error) -> Error {
    Error::internal("Could not check the permissions in the data directory.", error)
}

fn name(folder: &DataDir, path: &Path) -> String {
    if path == folder.path() { path.display().to_string() } else { below(folder, path) }
}

/// The directory, its entries, and the entries of its folders with sensitive content. Does not follow symbolic links,
/// and skips files that disappear in the meantime.
fn files(folder: &DataDir) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let mut paths = vec![folder.path().to_owned()];
    let tls = folder.path().join("tls");
    for holder in [folder.path(), &folder.clips(), &folder.demos(), &folder.backups(), &tls] {
        match fs::read_dir(holder) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            entries => paths.extend(entries?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?),
        }
    }
    paths.extend(folder.small_files()?.into_iter().map(|path| folder.path().join(path)));
    paths.sort();
    paths.dedup();
    let mut files = Vec::new();
    for path in paths {
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Ok(file) if file.is_symlink() => {}
            file => files.push((path, file?)),
        }
    }
    Ok(files)
}
