//! The operator: the person who runs `admin` or is signed in to the dashboard.

/// Seconds for which a code signs in to the dashboard, once.
pub const OPERATOR_CODE_SECONDS: u64 = 120;
/// Codes that may be open at once.
pub const OPERATOR_CODES: u64 = 32;
/// Seconds for which a key of the dashboard is valid: 8 hours…
pub const OPERATOR_KEY_SECONDS: u64 = 28_800;
/// …and how long it may go unused: 30 minutes.
pub const OPERATOR_IDLE_SECONDS: u64 = 1_800;
/// Seconds between two updates of a key's last use.
pub const OPERATOR_USED_SECONDS: u64 = 30;
/// Keys that may be valid at once.
pub const OPERATOR_KEYS: u64 = 64;
/// Days for which an ended key is still listed.
pub const OPERATOR_KEY_DAYS: u64 = 30;

/// The acting operator. Every change by an operator requires one, and the audit log records name and source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    name: String,
    source: String,
}

impl Operator {
    /// An operator with this name, at the command line.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), source: String::new() }
    }

    /// The same operator at the dashboard, from this address.
    pub fn from_address(self, address: impl Into<String>) -> Self {
        Self { source: address.into(), ..self }
    }

    /// The name, as recorded in the audit log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of the dashboard's user; empty for `admin`.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// A key of the dashboard, without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorKey {
    /// Its row.
    pub id: i64,
    /// The operating system user who asked for the link, and the address that used it.
    pub operator: Operator,
    /// Whether it may only look.
    pub read_only: bool,
    /// Unix time in milliseconds.
    pub created_at_ms: i64,
    /// When it was last used, to about [`OPERATOR_USED_SECONDS`]. Unix time in milliseconds.
    pub used_at_ms: i64,
    /// When it was signed out or revoked. Unix time in milliseconds.
    pub ended_at_ms: Option<i64>,
}

impl OperatorKey {
    /// Until when it is valid if it stays in use. Unix time in milliseconds.
    pub fn expires_at_ms(&self) -> i64 {
        self.created_at_ms + millis(OPERATOR_KEY_SECONDS)
    }

    /// Whether it is valid. A clock that was set back cannot make it last longer than it would have.
    pub fn is_live(&self, now_ms: i64) -> bool {
        let within = |since_ms: i64, seconds: u64| (0..millis(seconds)).contains(&(now_ms - since_ms));
        self.ended_at_ms.is_none()
            && within(self.created_at_ms, OPERATOR_KEY_SECONDS)
            && within(self.used_at_ms, OPERATOR_IDLE_SECONDS)
    }
}

fn millis(seconds: u64) -> i64 {
    seconds.cast_signed() * 1_000
}
