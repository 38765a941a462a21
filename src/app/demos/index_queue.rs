//! The queue of demos to index. Accounts take turns, so that one account's uploads do not delay another's. In memory
//! only; rebuilt from the database at start.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use crate::domain::id::AccountId;
use crate::domain::sha256::Sha256;

/// A queued demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The account it is queued for.
    pub account: AccountId,
    /// The demo.
    pub sha256: Sha256,
    /// Monotonic time before which it is not retried.
    pub not_before: Duration,
}

/// The queues of all accounts, and the demos being indexed.
#[derive(Default)]
pub struct IndexQueue {
    lines: BTreeMap<AccountId, VecDeque<Place>>,
    /// Everything queued, so that no demo is queued twice for an account.
    queued: HashSet<(AccountId, Sha256)>,
    /// Demos being indexed, and for which account.
    taken: HashMap<Sha256, AccountId>,
    /// The account that had the last turn.
    last: Option<AccountId>,
}

impl IndexQueue {
    /// Appends a demo to its account's queue, unless it is queued already.
    pub fn push(&mut self, place: Place) {
        if self.queued.insert((place.account, place.sha256)) {
            self.lines.entry(place.account).or_default().push_back(place);
        }
    }

    /// Takes the next demo, of the account after the last one. An account with a demo being indexed has its turn only
    /// if no other account is waiting.
    pub fn take(&mut self, now: Duration) -> Option<Place> {
        let after_last = self.lines.range((self.last.map_or(Unbounded, Excluded), Unbounded));
        let up_to_last = self.last.into_iter().flat_map(|last| self.lines.range(..=last));
        let can_be = |line: &VecDeque<Place>| {
            line.iter().position(|place| place.not_before <= now && !self.taken.contains_key(&place.sha256))
        };
        let waiting = after_last.chain(up_to_last).filter_map(|(account, line)| Some((*account, can_be(line)?)));
        let busy = |account: &AccountId| self.taken.values().any(|other| other == account);
        // The first that is not busy, else the first.
        let (account, at) = waiting.min_by_key(|(account, _)| busy(account))?;
        let line = self.lines.get_mut(&account)?;
        let place = line.remove(at)?;
        self.queued.remove(&(account, place.sha256));
        if line.is_empty() {
            self.lines.remove(&account);
        }
        self.last = Some(account);
        self.taken.insert(place.sha256, account);
        Some(place)
    }

    /// The demo is no longer being indexed.
    pub fn release(&mut self, sha256: &Sha256) {
        self.taken.remove(sha256);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(account: i64, number: u8) -> Place {
        Place { account: AccountId(account), sha256: Sha256([number; 32]), not_before: Duration::ZERO }
    }

    fn lines(places: &[(i64, u8)]) -> IndexQueue {
        let mut line = IndexQueue::default();
        places.iter().for_each(|(account, number)| line.push(place(*account, *number)));
        line
    }

    /// Reads one after the other to the end.
    fn order(mut line: IndexQueue) -> Vec<u8> {
        let next = || {
            let taken = line.take(Duration::ZERO)?;
            line.release(&taken.sha256);
            Some(taken.sha256.0[0])
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn accounts_take_turns() {
        let line = lines(&[(1, 10), (1, 11), (1, 12), (1, 13), (3, 30), (2, 20), (2, 21), (1, 10), (1, 11)]);
        assert_eq!(order(line), [10, 20, 30, 11, 21, 12, 13]);
    }

    #[test]
    fn account_gets_second_reader_only_if_no_other_waits() {
        let mut line = lines(&[(1, 10), (1, 11), (1, 12)]);
        let next = |line: &mut IndexQueue| line.take(Duration::ZERO).map(|place| place.sha256.0[0]);
        assert_eq!((next(&mut line), next(&mut line)), (Some(10), Some(11)));
        line.push(place(2, 20));
        line.push(place(2, 21));
        line.release(&Sha256([10; 32]));
        assert_eq!(next(&mut line), Some(20));
        line.release(&Sha256([11; 32]));
        // Account 2 had the last turn and has one being read; account 1 has none.
        assert_eq!(next(&mut line), Some(12));
    }

    #[test]
    fn demos_being_read_or_postponed_are_skipped() {
        let mut line = lines(&[(1, 10), (2, 10), (2, 20)]);
        let mut rests = place(1, 11);
        rests.not_before = Duration::from_secs(60);
        line.push(rests);
        let mut next = |seconds| line.take(Duration::from_secs(seconds)).map(|place| place.sha256.0[0]);
        assert_eq!((next(0), next(0), next(0)), (Some(10), Some(20), None));
        assert_eq!(next(60), Some(11));
    }
}
