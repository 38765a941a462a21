//! Retention: the operator's rules for clips, demos and finished jobs, and what they delete. Without a rule, nothing.

mod pass;
mod walk;

use crate::app::App;
use crate::app::accounts;
use crate::app::audit::{self, AuditLog};
use crate::app::upkeep::retention::walk::{Walk, scope};
use crate::domain::error::Result;
use crate::domain::operator::Operator;
use crate::domain::retention::{DAY_MS, Doomed, Kind, Limits, Rule, Scope};
use crate::domain::wording::counted;
use crate::store;

pub use crate::app::upkeep::retention::pass::{Reached, run};

/// A rule, the account's name, and what it would delete now.
pub struct Shown {
    /// The rule.
    pub rule: Rule,
    /// Name of the account, if it is for one.
    pub account: Option<String>,
    /// What exceeds its limits.
    pub doomed: Doomed,
}

/// All rules.
pub fn show(app: &App) -> Result<Vec<Shown>> {
    let rules = app.store.read(store::retention::all)?;
    rules.into_iter().map(|rule| shown(app, rule)).collect()
}

/// All rules with the names of their accounts, without looking at what they would delete.
pub fn rules(app: &App) -> Result<Vec<(Rule, Option<String>)>> {
    app.store.read(|db| {
        let rules = store::retention::all(db)?.into_iter();
        rules
            .map(|rule| {
                let account = rule.account.map(|id| store::accounts::by_id(db, id)).transpose()?;
                Ok((rule, account.map(|account| account.name)))
            })
            .collect()
    })
}

/// The limits of the rule for an account, by its name, or for all accounts; `None` if there is no such rule.
pub fn limits(app: &App, kind: Kind, account: Option<&str>) -> Result<Option<Limits>> {
    app.store.read(|db| {
        let account = account.map(|name| accounts::named(db, name)).transpose()?;
        Ok(store::retention::find(db, kind, account.map(|account| account.id))?.map(|rule| rule.limits))
    })
}

/// What a rule with these limits would delete now. `account`: a name; `None`: all accounts without their own rule.
/// `limits`: `None` removes the rule; for an account, this is what the rule for all accounts would delete then.
pub fn preview(app: &App, kind: Kind, account: Option<&str>, limits: Option<Limits>) -> Result<Doomed> {
    let account = account.map(|name| app.store.read(|db| accounts::named(db, name))).transpose()?;
    match (account, limits) {
        (None, None) => Ok(Doomed::default()),
        (account, Some(limits)) => {
            limits.check(kind)?;
            let rule = Rule { kind, account: account.map(|account| account.id), limits };
            doomed(app, kind, scope(app, &rule)?, limits)
        }
        (Some(account), None) => {
            let general = app.store.read(|db| store::retention::find(db, kind, None))?;
            let Some(general) = general else { return Ok(Doomed::default()) };
            let scope = match scope(app, &general)? {
                Scope::AllBut(mut others) => {
                    others.remove(&account.id);
                    Scope::AllBut(others)
                }
                one => one,
            };
            doomed(app, kind, scope, general.limits)
        }
    }
}

/// Sets a rule; `None` removes it.
pub fn set(app: &App, operator: &Operator, kind: Kind, account: Option<&str>, limits: Option<Limits>) -> Result<()> {
    limits.map_or(Ok(()), |limits| limits.check(kind))?;
    let name = account.map(str::to_owned);
    audit::change(app, operator, move |tx, log: &AuditLog| {
        let account = name.as_deref().map(|name| accounts::named(tx, name)).transpose()?;
        let scope = account.as_ref().map(|account| account.id);
        let before = store::retention::find(tx, kind, scope)?.map(|rule| rule.limits);
        match limits {
            Some(limits) => store::retention::set(tx, &Rule { kind, account: scope, limits })?,
            None => store::retention::remove(tx, kind, scope)?,
        }
        let subject = [Some(kind.as_str()), name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        log.note(tx, "retention.set", &subject, &format!("{} to {}", in_words(before), in_words(limits)))
    })
}

fn in_words(limits: Option<Limits>) -> String {
    let Some(limits) = limits else { return "no rule".to_owned() };
    let age = limits.max_age_ms.map(|age| match age % DAY_MS {
        0 => counted(age / DAY_MS, "day"),
        _ => counted(age / 1_000, "second"),
    });
    let bytes = limits.max_bytes.map(|bytes| counted(bytes, "byte"));
    let both: Vec<_> = age.into_iter().chain(bytes).collect();
    if both.is_empty() { "keep all".to_owned() } else { both.join(" and ") }
}

fn shown(app: &App, rule: Rule) -> Result<Shown> {
    let doomed = doomed(app, rule.kind, scope(app, &rule)?, rule.limits)?;
    let account = rule.account.map(|id| app.store.read(|db| store::accounts::by_id(db, id))).transpose()?;
    Ok(Shown { rule, account: account.map(|account| account.name), doomed })
}

fn doomed(app: &App, kind: Kind, scope: Scope, limits: Limits) -> Result<Doomed> {
    let mut walk = Walk::begin(app, kind, scope, limits)?;
    let mut doomed = Doomed::default();
    while let Some(items) = walk.next()? {
        items.iter().for_each(|item| item.count(&mut doomed));
    }
    Ok(doomed)
}
