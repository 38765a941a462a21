//! A node's record: what became of its last jobs, and whether it is benched for it.
//!
//! A node is benched when its last [`FAILURES`] jobs failed and such jobs succeed elsewhere. A client must not be able to
//! bench nodes with jobs that fail everywhere, so a failure that may be the job's own fault counts only once the job was
//! completed elsewhere, and jobs of one account alone only if one of them was.

use std::collections::HashSet;

use super::failure::FailureCode;
use super::id::{AccountId, JobId, LeaseId};
use super::job::Renderer;

/// Different jobs in a row that fail on a node before it is benched.
pub const FAILURES: usize = 5;
/// Leases of a node that are looked at, from the latest on.
pub const LOOKED_AT: u32 = 64;

/// How a lease of a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its video is the job's clip.
    Done,
    /// It failed here: another node may succeed.
    FailedHere,
    /// It failed, perhaps by the job's own fault.
    Failed,
    /// It says nothing about the node: cancelled, interrupted, lost, or excluded by the node itself.
    Neither,
}

impl End {
    /// How a failed attempt counts. `avoids`: the job avoids the node from now on.
    pub fn failed(code: Option<FailureCode>, avoids: bool) -> Self {
        match (code, avoids) {
            (Some(FailureCode::NodeNotReady | FailureCode::WrongGameBuild) | None, _) => Self::Neither,
            (Some(_), true) => Self::FailedHere,
            (Some(FailureCode::NodeFailed | FailureCode::NodeLost), false) => Self::Neither,
            (Some(_), false) => Self::Failed,
        }
    }
}

/// An ended lease of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its number.
    pub lease: LeaseId,
    /// Its job…
    pub job: JobId,
    /// …whose account…
    pub account: AccountId,
    /// …and renderer.
    pub renderer: Renderer,
    /// Unix time in milliseconds.
    pub started_at_ms: i64,
    /// How it ended.
    pub end: End,
    /// Whether another node has completed the job.
    pub done_elsewhere: bool,
    /// Why it failed, for people; empty if it did not.
    pub why: String,
}

impl Past {
    fn is_failure(&self) -> bool {
        match self.end {
            End::FailedHere => true,
            End::Failed => self.done_elsewhere,
            End::Done | End::Neither => false,
        }
    }
}

/// A node's last jobs, which all failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streak {
    /// The first of their leases.
    pub since: LeaseId,
    /// Their renderer.
    pub renderer: Renderer,
    /// Whether another node has completed one of them.
    pub is_proven: bool,
    /// Whether they are of more than one account: then it is enough that others complete jobs with the same renderer.
    pub is_mixed: bool,
}

/// Whether a node's last jobs failed. `latest`: its ended leases, latest first. `benched_until_ms`: when its last bench
/// ended: it is not benched again before another job has failed.
pub fn streak(latest: &[Past], benched_until_ms: Option<i64>) -> Option<Streak> {
    let last = latest.first().filter(|past| past.is_failure())?;
    if benched_until_ms.is_some_and(|until| last.started_at_ms < until) {
        return None;
    }
    let failures = latest.iter().take_while(|past| past.end != End::Done).filter(|past| past.is_failure());
    let (mut jobs, mut accounts) = (HashSet::new(), HashSet::new());
    let (mut since, mut is_proven) = (last.lease, false);
    for past in failures.filter(|past| past.renderer == last.renderer) {
        if jobs.len() == FAILURES && !jobs.contains(&past.job) {
            break;
        }
        jobs.insert(past.job);
        accounts.insert(past.account);
        since = past.lease;
        is_proven |= past.done_elsewhere;
    }
    let is_mixed = accounts.len() > 1;
    (jobs.len() == FAILURES).then_some(Streak { since, renderer: last.renderer, is_proven, is_mixed })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leases from words, the oldest first: the job's number, `+` done, `-` failed here, `~` perhaps the job's fault, `.`
    /// neither, `e` if another node has completed it, `b` if it is of another account, `g` for the game.
    fn record(words: &str) -> Vec<Past> {
        let past = |(at, word): (usize, &str)| Past {
            lease: LeaseId(at as i64 + 1),
            job: JobId(word.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()),
            account: AccountId(if word.contains('b') { 2 } else { 1 }),
            renderer: if word.contains('g') { Renderer::Game } else { Renderer::Builtin },
            started_at_ms: (at as i64 + 1) * 100,
            end: match () {
                () if word.contains('+') => End::Done,
                () if word.contains('-') => End::FailedHere,
                () if word.contains('~') => End::Failed,
                () => End::Neither,
            },
            done_elsewhere: word.contains('e'),
            why: String::new(),
        };
        let mut all: Vec<Past> = words.split(' ').enumerate().map(past).collect();
        all.reverse();
        all
    }

    #[test]
    fn five_different_jobs_must_fail_in_a_row_with_one_renderer() {
        let cases = [
            ("1- 2- 3- 4- 5-", Some((1, false, false))),
            ("1- 2- 3- 4-", None),
            ("1- 2- 3- 4- 5- 6+", None),
            ("1- 2- 3+ 4- 5- 6-", None),
            ("0+ 1- 2- 3- 4- 5- 6- 7e-", Some((4, true, false))),
            ("1- 1- 1- 1- 1- 1-", None),
            ("1- 2- 2- 3- 4- 5-", Some((1, false, false))),
            ("1- 2. 3- 4- 5- 6. 7-", Some((1, false, false))),
            ("1- 2- 3- 4- 5- 6.", None),
            ("1- 2- 3- 4- 5~", None),
            ("1- 2- 3- 4- 5~e", Some((1, true, false))),
            ("1~ 2~ 3~ 4~ 5~ 6~e", None),
            ("1~e 2~e 3~e 4~e 5~e", Some((1, true, false))),
            ("1- 2b- 3- 4- 5-", Some((1, false, true))),
            ("1b- 2- 3- 4- 5- 6-", Some((2, false, false))),
            ("1-g 2-g 3- 4- 5- 6- 7-g", None),
            ("1-g 2-g 3-g 4- 5-g 6-g", Some((1, false, false))),
        ];
        for (words, expected) in cases {
            let found = streak(&record(words), None);
            let found = found.map(|streak| (streak.since.0, streak.is_proven, streak.is_mixed));
            assert_eq!(found, expected, "{words}");
        }
    }

    #[test]
    fn after_a_bench_one_more_failure_is_enough_but_it_must_be_a_new_one() {
        let failed = record("1- 2- 3- 4- 5e-");
        assert!(streak(&failed, None).is_some());
        assert!(streak(&failed, Some(501)).is_none(), "nothing has failed since");
        assert!(streak(&record("1- 2- 3- 4- 5e- 6-"), Some(501)).is_some());
        assert!(streak(&record("1- 2- 3- 4- 5e- 6+ 7-"), Some(501)).is_none());
    }

    #[test]
    fn interruptions_and_what_the_node_excludes_itself_from_do_not_count() {
        let cases = [
            (FailureCode::RenderFailed, true, End::FailedHere),
            (FailureCode::RenderTimeout, true, End::FailedHere),
            (FailureCode::NodeFailed, true, End::FailedHere),
            (FailureCode::FetchFailed, false, End::Failed),
            (FailureCode::PlayerNotInDemo, false, End::Failed),
            (FailureCode::NodeFailed, false, End::Neither),
            (FailureCode::NodeNotReady, true, End::Neither),
            (FailureCode::WrongGameBuild, true, End::Neither),
        ];
        for (code, avoids, end) in cases {
            assert_eq!(End::failed(Some(code), avoids), end, "{code:?}");
        }
        assert_eq!(End::failed(None, true), End::Neither);
    }
}
