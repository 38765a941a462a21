//! Rows of retention rules. What the rules apply to is read in [`crate::store::clips`], [`crate::store::demos`] and
//! [`crate::store::job_archive`].

use rusqlite::{Row, named_params};

use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::domain::list::LIST_ROWS;
use crate::domain::retention::{Kind, Limits, Rule, Scope};
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

/// Served by `retention_rules_scope`.
const FIND: &str = "
    SELECT kind, account, max_age_ms, max_bytes
    FROM retention_rules
    WHERE kind = :kind AND COALESCE(account, 0) = COALESCE(:account, 0)
";

/// The rule for an account, or for all accounts.
pub fn find(db: &Db, kind: Kind, account: Option<AccountId>) -> Result<Option<Rule>> {
    let account = account.map(|account| account.0);
    db.row(FIND, named_params! { ":kind": kind.as_str(), ":account": account }, read)
}

/// Walks all rules: at most three for each account.
const ALL: &str = "
    SELECT kind, account, max_age_ms, max_bytes
    FROM retention_rules
    ORDER BY kind, COALESCE(account, 0)
    LIMIT :limit
";

/// All rules; of each kind, the one for all accounts first.
pub fn all(db: &Db) -> Result<Vec<Rule>> {
    db.rows(ALL, named_params! { ":limit": 3 * LIST_ROWS }, read)
}

const SET: &str = "
    INSERT INTO retention_rules (kind, account, max_age_ms, max_bytes)
    VALUES (:kind, :account, :max_age, :max_bytes)
    ON CONFLICT (kind, COALESCE(account, 0)) DO UPDATE SET max_age_ms = :max_age, max_bytes = :max_bytes
";

/// Sets a rule, in place of an earlier one with the same scope.
pub fn set(tx: &mut Tx<'_>, rule: &Rule) -> Result<()> {
    tx.execute(
        SET,
        named_params! {
            ":kind": rule.kind.as_str(),
            ":account": rule.account.map(|account| account.0),
            ":max_age": rule.limits.max_age_ms,
            ":max_bytes": rule.limits.max_bytes,
        },
    )?;
    Ok(())
}

/// Served by `retention_rules_scope`.
const REMOVE: &str = "
    DELETE FROM retention_rules
    WHERE kind = :kind AND COALESCE(account, 0) = COALESCE(:account, 0)
";

/// Removes the rule with this scope, if there is one.
pub fn remove(tx: &mut Tx<'_>, kind: Kind, account: Option<AccountId>) -> Result<()> {
    let account = account.map(|account| account.0);
    tx.execute(REMOVE, named_params! { ":kind": kind.as_str(), ":account": account })?;
    Ok(())
}

/// The accounts that a scope leaves out, as the JSON array that statements take.
pub(super) fn others(scope: &Scope) -> String {
    match scope {
        Scope::One(_) => "[]".to_owned(),
        Scope::AllBut(others) => format!("[{}]", others.iter().map(AccountId::to_string).collect::<Vec<_>>().join(",")),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Rule> {
    Ok(Rule {
        kind: columns::word(row, "kind", Kind::parse)?,
        account: row.get::<_, Option<i64>>("account")?.map(AccountId),
        limits: Limits { max_age_ms: row.get("max_age_ms")?, max_bytes: row.get("max_bytes")? },
    })
}
