//! The operator: whoever types `admin`.

/// Who acts as the operator. Every change of an operator's takes one, and the audit log keeps its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator(String);

impl Operator {
    /// The operator of that name.
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name, as the audit log keeps it.
    pub fn name(&self) -> &str {
        &self.0
    }
}
