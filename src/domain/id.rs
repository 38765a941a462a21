//! Row numbers, each with its own type so that they cannot be mixed up.

use std::fmt;

macro_rules! row_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

row_id! {
    /// An account's row.
    AccountId;
    /// A key's row: what `admin keys list` shows and `admin keys revoke` takes.
    KeyId;
    /// A job's row number, used for ordering and cursors; clients see the job's UUID.
    JobId;
    /// A render node's row.
    NodeId;
    /// A lease number, from a counter that only grows, so that a late node never uses another lease's number.
    LeaseId;
    /// A delivery's row; clients see its UUID.
    DeliveryId;
}
