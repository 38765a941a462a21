//! The operator: the person who runs `admin`.

/// The acting operator. Every change by an operator requires one, and the audit log records the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator(String);

impl Operator {
    /// An operator with this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name, as recorded in the audit log.
    pub fn name(&self) -> &str {
        &self.0
    }
}
