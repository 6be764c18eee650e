//! What stock OpenSSH needs to check the same signatures: an `allowed_signers` file.

use super::{Root, is_machine, is_operator};
use crate::model::{Principal, RoleName};
use crate::signing::document::Document;
use crate::signing::query::Query;
use crate::signing::ratify::Ratification;
use crate::signing::release::Release;
use crate::signing::review::Note;
use crate::signing::revoke::Revocation;
use crate::signing::timestamp::Timestamp;
use crate::signing::trigger::Trigger;
use crate::signing::withdraw::Withdrawal;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The file for `ssh-keygen -Y verify -f`: one line per key, with the purposes that it may sign for.
/// Git's push certificates are for everybody but machines.
#[must_use]
pub fn allowed_signers(root: &Root) -> String {
    let mut text = format!("# trust root {} of repository {}\n", root.version(), root.repo());
    for (name, keys) in root.principals() {
        let purposes: Vec<&str> = purposes(root, name).into_iter().collect();
        for key in keys {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} namespaces=\"{}\" {}", purposes.join(","), key.to_line());
        }
    }
    text
}

fn purposes(root: &Root, name: &Principal) -> BTreeSet<&'static str> {
    let roles: Vec<&RoleName> =
        root.roles().filter(|(_, role)| role.has(name)).map(|(role, _)| role).collect();
    // Every key may take itself out of use.
    let mut purposes = BTreeSet::from([Revocation::NAMESPACE]);
    for role in &roles {
        purposes.extend(match role.as_str() {
            super::ROOT => vec![Root::NAMESPACE],
            super::TIMESTAMP => vec![Timestamp::NAMESPACE],
            super::WITNESS => vec![],
            _ if is_operator(role) => vec![Trigger::NAMESPACE, Query::NAMESPACE],
            super::BREAK_GLASS => vec![Release::NAMESPACE, Withdrawal::NAMESPACE],
            _ => vec![Release::NAMESPACE, Ratification::NAMESPACE, Withdrawal::NAMESPACE],
        });
    }
    if !roles.iter().any(|role| is_machine(role)) {
        purposes.extend(["git", Note::NAMESPACE]);
    }
    purposes
}
