//! What bounds a run and what judges it afterwards: budgets and health checks. They are part of the catalog, so they are
//! signed with it.

use super::Resource;
use serde::{Deserialize, Serialize};

/// The most that one run may do to a node; what is unset is not bounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Resources that are changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<u64>,
    /// Things that are removed: files, packages, accounts, entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletions: Option<u64>,
    /// Services that are restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts: Option<u64>,
}

impl Budget {
    /// Of each bound the stricter one.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        let least = |a: Option<u64>, b: Option<u64>| a.into_iter().chain(b).min();
        Self {
            changes: least(self.changes, other.changes),
            deletions: least(self.deletions, other.deletions),
            restarts: least(self.restarts, other.restarts),
        }
    }

    /// The bounds by name.
    #[must_use]
    pub const fn bounds(&self) -> [(&'static str, Option<u64>); 3] {
        [("changes", self.changes), ("deletions", self.deletions), ("restarts", self.restarts)]
    }
}

/// A check after a run that changed something: whether the node still does its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Its name in the site.
    pub name: String,
    /// What is looked at.
    pub check: Check,
    /// Seconds that one try may take.
    pub timeout: u32,
    /// How often it is tried until it has failed; there are two seconds between tries.
    pub tries: u32,
}

/// What a health check looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// A command that must succeed: an `exec` like any other to the lint and to guards. Never a part of the order.
    Command(Box<Resource>),
    /// A URL (`http://…`) that must answer with a status of 200 to 399.
    Http(String),
    /// An address (`host:port`) that must accept a connection.
    Tcp(String),
}

impl Health {
    /// The command that it runs, if it runs one.
    #[must_use]
    pub fn command(&self) -> Option<&Resource> {
        match &self.check {
            Check::Command(resource) => Some(resource),
            Check::Http(_) | Check::Tcp(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_budgets_the_stricter_bounds_hold() {
        let site = Budget { changes: Some(100), deletions: None, restarts: Some(1) };
        let group = Budget { changes: Some(10), deletions: Some(0), restarts: Some(5) };
        let both = Budget { changes: Some(10), deletions: Some(0), restarts: Some(1) };
        assert_eq!((site.strictest(group), group.strictest(site)), (both, both));
        assert_eq!(site.strictest(Budget::default()), site);
    }
}
