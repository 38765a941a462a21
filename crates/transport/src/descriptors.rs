//! The process's limit on open files, which bounds connections too.

/// Raises the soft limit towards `wanted` as far as the hard limit allows. Gives the limit in force, `None` where the
/// system has none.
#[cfg(unix)]
pub(crate) fn raise_to(wanted: usize) -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = wanted as u64;
    let now = getrlimit(Resource::Nofile);
    let current = now.current?;
    let reachable = now.maximum.map_or(wanted, |most| most.min(wanted));
    if current >= reachable {
        return usize::try_from(current).ok();
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(reachable), maximum: now.maximum }) {
        Ok(()) => usize::try_from(reachable).ok(),
        Err(error) => {
            log::warn!("the limit on open files stays at {current}: {error}");
            usize::try_from(current).ok()
        }
    }
}

/// Sockets are no files here, and have no such limit.
#[cfg(not(unix))]
pub(crate) fn raise_to(_wanted: usize) -> Option<usize> {
    None
}

/// How many connections there may be: as many as wished, as long as `spare` descriptors stay for everything else.
pub(crate) fn connections_within(wished: usize, spare: usize) -> usize {
    match raise_to(wished.saturating_add(spare)) {
        Some(limit) if limit < wished.saturating_add(spare) => {
            let possible = limit.saturating_sub(spare).max(limit / 2).max(1);
            log::warn!("at most {possible} connections, because the system allows {limit} open files");
            possible
        }
        _ => wished,
    }
}
