//! The user this process acts as, and the owner of directories. When root runs `admin`, it acts as the owner of the
//! data directory, so that no file in it ends up with the wrong owner; files that the caller names are still accessed
//! as the caller.
//!
//! Only the effective user of the calling thread, and of threads it starts, changes. The real user stays and
//! identifies the caller. On systems other than Linux, directory permissions keep others out.

use std::path::Path;

use crate::domain::error::Result;

/// Acts as the owner of `dir` on this thread from now on. Root switches to that user; the owner stays as is; anyone
/// else gets an error with the command to use. A missing directory counts as the caller's.
pub fn act_as_owner(dir: &Path) -> Result<()> {
    #[cfg(target_os = "linux")]
    return linux::act_as_owner(dir);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = dir;
        Ok(())
    }
}

/// Refuses to work in another user's directory, even as root: for long-running programs. `service`: the unit that
/// works there.
pub fn require_owner(dir: &Path, service: &str) -> Result<()> {
    #[cfg(target_os = "linux")]
    return linux::require_owner(dir, service);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (dir, service);
        Ok(())
    }
}

/// Fails unless run as root; `advice`: why, and what to do.
pub fn require_root(advice: &str) -> Result<()> {
    #[cfg(target_os = "linux")]
    return linux::require_root(advice);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = advice;
        Ok(())
    }
}

/// Runs `work` as the user who typed the command: for files that the caller named.
pub fn as_caller<T>(work: impl FnOnce() -> T) -> Result<T> {
    #[cfg(target_os = "linux")]
    return linux::as_caller(work);
    #[cfg(not(target_os = "linux"))]
    Ok(work())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use rustix::process::{Gid, Uid, getegid, geteuid, getgid, getuid};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

    use crate::domain::error::{Error, Kind, Result};
    use crate::domain::error_code::ErrorCode;
    use crate::os::host;

    pub fn act_as_owner(dir: &Path) -> Result<()> {
        let Some((uid, gid)) = other_owner(dir) else { return Ok(()) };
        if !geteuid().is_root() {
            return Err(not_yours(dir, uid, "Run the same command with `sudo`"));
        }
        // The user last: only root may change groups.
        set_thread_groups(&[gid]).map_err(cannot_switch)?;
        switch(uid, gid)
    }

    pub fn require_owner(dir: &Path, service: &str) -> Result<()> {
        let Some((uid, _)) = other_owner(dir) else { return Ok(()) };
        let advice = format!(
            "Run `systemctl start {service}`, or run the same command with `sudo -u {}`",
            host::user_name(uid.as_raw())
        );
        Err(not_yours(dir, uid, &advice))
    }

    pub fn require_root(advice: &str) -> Result<()> {
        if geteuid().is_root() {
            return Ok(());
        }
        let own = host::user_name(geteuid().as_raw());
        Err(Error::new(Kind::Forbidden, ErrorCode::NotRoot, format!("You are {own}, but {advice}.")))
    }

    pub fn as_caller<T>(work: impl FnOnce() -> T) -> Result<T> {
        let acted = (geteuid(), getegid());
        let caller = (getuid(), getgid());
        if acted == caller {
            return Ok(work());
        }
        // Back to root first: only root may restore the group.
        set_thread_res_uid(None, caller.0, None).map_err(cannot_switch)?;
        switch(caller.0, caller.1)?;
        let done = work();
        switch(acted.0, acted.1)?;
        Ok(done)
    }

    /// The owner and group of a directory, if it is another user.
    fn other_owner(dir: &Path) -> Option<(Uid, Gid)> {
        let owner = fs::metadata(dir).ok()?;
        let uid = Uid::from_raw(owner.uid());
        (uid != geteuid()).then(|| (uid, Gid::from_raw(owner.gid())))
    }

    fn switch(uid: Uid, gid: Gid) -> Result<()> {
        set_thread_res_gid(None, gid, None).and_then(|()| set_thread_res_uid(None, uid, None)).map_err(cannot_switch)
    }

    fn cannot_switch(error: rustix::io::Errno) -> Error {
        Error::internal("Could not switch to the owner of the data directory.", error)
    }

    fn not_yours(dir: &Path, owner: Uid, advice: &str) -> Error {
        let [owner, own] = [owner, geteuid()].map(|user| host::user_name(user.as_raw()));
        let message = format!("{} belongs to the user {owner}, but you are {own}. {advice}.", dir.display());
        Error::new(Kind::Forbidden, ErrorCode::NotTheOwner, message)
    }
}
