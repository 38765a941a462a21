//! The process's limit on open files, which also bounds connections.

/// Raises the soft limit towards `wanted` as far as the hard limit allows. Returns the resulting limit, `None` if
/// there is none.
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
            log::warn!("Cannot raise the limit of {current} open files: {error}");
            usize::try_from(current).ok()
        }
    }
}

/// Sockets don't count as open files here.
#[cfg(not(unix))]
pub(crate) fn raise_to(_wanted: usize) -> Option<usize> {
    None
}

/// The possible number of connections: `wished`, as long as `spare` descriptors are left for everything else.
pub(crate) fn connections_within(wished: usize, spare: usize) -> usize {
    match raise_to(wished.saturating_add(spare)) {
        Some(limit) if limit < wished.saturating_add(spare) => {
            let possible = limit.saturating_sub(spare).max(limit / 2).max(1);
            log::warn!("Limiting connections to {possible}: the system allows {limit} open files");
            possible
        }
        _ => wished,
    }
}
