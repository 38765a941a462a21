//! Epochs: the stretches of a store's life. One begins when a server first serves the store, and another when the store
//! takes the place of one that was ahead of it (`admin promote`, `admin restore`). A lease's name says in which epoch it
//! was granted, so that a lease of one server is never taken for another's with the same number.

use std::fmt;

use uuid::Uuid;

use super::id::LeaseId;

/// Hexadecimal digits of an epoch.
const DIGITS: usize = 8;

/// A random number, written as eight lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(u32);

impl Epoch {
    /// An epoch from random bits.
    pub fn from_bits(bits: u128) -> Self {
        Self((bits >> 96) as u32)
    }

    /// Parses the `Display` form.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_epoch = text.len() == DIGITS && text.bytes().all(is_plain);
        if is_epoch { u32::from_str_radix(text, 16).ok().map(Self) } else { None }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// A lease as nodes and file names write it: `7f3a9c1e-42`, or `42` if it is older than the first epoch or was granted
/// by a server that knows no epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeaseName {
    /// The epoch in which it was granted, if it is known.
    pub epoch: Option<Epoch>,
    /// Its number.
    pub lease: LeaseId,
}

impl LeaseName {
    /// A lease of which only the number is known.
    pub fn numbered(lease: LeaseId) -> Self {
        Self { epoch: None, lease }
    }

    /// Parses the `Display` form.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, number) = match text.split_once('-') {
            Some((epoch, number)) => (Some(Epoch::parse(epoch)?), number),
            None => (None, text),
        };
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let lease = number.parse().ok().filter(|_| is_number).map(LeaseId)?;
        Some(Self { epoch, lease })
    }
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.epoch {
            Some(epoch) => write!(f, "{epoch}-{}", self.lease),
            None => self.lease.fmt(f),
        }
    }
}

/// The time in which jobs may have been accepted that the store lacks: from the last write that it has to the moment in
/// which it took the place of the other. Unix times in milliseconds, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostWindow {
    /// Its beginning.
    pub from_ms: i64,
    /// Its end.
    pub until_ms: i64,
}

/// An epoch of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The lowest lease number in it.
    pub first: LeaseId,
    /// The epoch.
    pub epoch: Epoch,
    /// What may have been lost when it began, if the store took the place of another then.
    pub lost: Option<LostWindow>,
}

/// The epochs of a store, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Epochs(Vec<Begun>);

impl Epochs {
    /// Epochs in the order of their first leases.
    pub fn new(begun: Vec<Begun>) -> Self {
        Self(begun)
    }

    /// The epoch that new leases belong to.
    pub fn current(&self) -> Option<Epoch> {
        self.0.last().map(|begun| begun.epoch)
    }

    /// Whether the store is, or once was, in this epoch.
    pub fn has(&self, epoch: Epoch) -> bool {
        self.0.iter().any(|begun| begun.epoch == epoch)
    }

    /// The name of a lease.
    pub fn name(&self, lease: LeaseId) -> LeaseName {
        let later = self.0.partition_point(|begun| begun.first <= lease);
        let epoch = later.checked_sub(1).map(|at| self.0[at].epoch);
        LeaseName { epoch, lease }
    }

    /// Whether it may be a lease of this store: by its number alone, or with the epoch that the number belongs to.
    pub fn knows(&self, name: &LeaseName) -> bool {
        name.epoch.is_none() || self.name(name.lease) == *name
    }

    /// The windows in which jobs may have been lost, the oldest first.
    pub fn windows(&self) -> impl Iterator<Item = LostWindow> {
        self.0.iter().filter_map(|begun| begun.lost)
    }

    /// Whether a job with this id may have been lost: the id is a UUID of version 7 whose time lies in a window. Returns
    /// the latest such window.
    pub fn lost(&self, job: &Uuid) -> Option<LostWindow> {
        // Of UUIDs with a time, only these are ours.
        let (seconds, nanos) = job.get_timestamp().filter(|_| job.get_version_num() == 7)?.to_unix();
        let at_ms = i64::try_from(seconds).ok()?.checked_mul(1_000)? + i64::from(nanos / 1_000_000);
        self.windows().filter(|window| (window.from_ms..=window.until_ms).contains(&at_ms)).last()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Builder;

    use super::*;

    fn epochs() -> Epochs {
        let begun = |first, epoch, lost: Option<(i64, i64)>| Begun {
            first: LeaseId(first),
            epoch: Epoch(epoch),
            lost: lost.map(|(from_ms, until_ms)| LostWindow { from_ms, until_ms }),
        };
        Epochs::new(vec![begun(10, 1, None), begun(100, 2, Some((1_000, 2_000))), begun(200, 3, Some((5_000, 6_000)))])
    }

    #[test]
    fn lease_belongs_to_the_epoch_with_the_greatest_first_number_not_above_it() {
        let cases = [
            (9, "9"),
            (10, "00000001-10"),
            (99, "00000001-99"),
            (100, "00000002-100"),
            (200, "00000003-200"),
            (i64::MAX, "00000003-9223372036854775807"),
        ];
        for (lease, name) in cases {
            let named = epochs().name(LeaseId(lease));
            assert_eq!((named.to_string().as_str(), LeaseName::parse(name)), (name, Some(named)));
            assert!(epochs().knows(&named) && epochs().knows(&LeaseName::numbered(LeaseId(lease))));
        }
        for foreign in ["00000001-9", "00000002-10", "7f3a9c1e-100"] {
            assert!(!epochs().knows(&LeaseName::parse(foreign).unwrap()), "{foreign}");
        }
        for bad in ["", "-", "-1", "x", "1-2", "7F3A9C1E-2", "7f3a9c1e-", "7f3a9c1e-+2", "7f3a9c1e-2-3", "+5", "../7"] {
            assert_eq!(LeaseName::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn job_is_lost_if_the_time_of_its_id_lies_in_a_window() {
        let cases = [(999, None), (1_000, Some(2_000)), (2_000, Some(2_000)), (2_001, None), (5_500, Some(6_000))];
        for (at_ms, until_ms) in cases {
            let id = Builder::from_unix_timestamp_millis(at_ms, &[7; 10]).into_uuid();
            assert_eq!(epochs().lost(&id).map(|window| window.until_ms), until_ms, "{at_ms}");
        }
        let random = Builder::from_random_bytes([0; 16]).into_uuid();
        assert_eq!(epochs().lost(&random), None, "it has no time");
    }
}
