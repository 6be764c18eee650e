//! What was read from the node's databases, each once, until something may have changed it.

use super::provider::Packages;
use super::{accounts, systemd};
use crate::model::resource::PackageManager;
use std::collections::BTreeMap;

/// What was read, and how old the lists of packages are.
#[derive(Default)]
pub(in crate::agent) struct Known {
    pub(super) accounts: Option<accounts::Accounts>,
    pub(super) packages: BTreeMap<PackageManager, Packages>,
    pub(super) units: Option<systemd::Units>,
    pub(super) lists: Lists,
}

/// How old the lists of packages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lists {
    /// As old as they were before the run.
    #[default]
    Unknown,
    /// Fetched in this run.
    Fresh,
    /// Older than what they are lists of: a repository was changed.
    Old,
}

impl Known {
    /// Forgets what the content of the file at `path` may have told.
    pub(in crate::agent) fn forget_file(&mut self, path: &str) {
        self.units = None;
        if is_list(path) {
            self.lists = Lists::Old;
        }
        if accounts::FILES.contains(&path) {
            self.accounts = None;
        }
    }

    /// Whether something is known from the content of the file at `path`, which [`Known::forget_file`] would forget.
    pub(in crate::agent) fn is_told_by(path: &str) -> bool {
        is_list(path) || accounts::FILES.contains(&path)
    }

    /// Forgets everything that any command could have changed.
    pub(in crate::agent) fn forget_all(&mut self) {
        *self = Self { lists: self.lists, ..Self::default() };
    }
}

/// Whether packages are looked for where the file at `path` says.
fn is_list(path: &str) -> bool {
    let lists = ["/etc/apt/sources.list", "/etc/yum.repos.d/", "/etc/zypp/repos.d/", "/etc/apk/repositories"];
    lists.iter().any(|list| path.starts_with(list))
}
