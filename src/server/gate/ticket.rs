//! What `pre-receive` found out about a push and `proc-receive` acts on. Git runs both for one push, the first
//! before the objects are taken and the second after.

use crate::model::{EnvName, Principal};
use crate::repo::receive::PushCommand;
use crate::review::admission::Measured;
use serde::{Deserialize, Serialize};

use super::GateError;

/// An admitted push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// The commit that was pushed.
    pub commit: String,
    /// The ref that it was pushed to.
    pub target: String,
    /// Who pushed.
    pub pusher: Principal,
    /// The push certificate.
    pub certificate: String,
    /// What it asks for.
    pub work: Work,
}

/// What an admitted push asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// A new change or patchset.
    Propose(Box<Proposed>),
    /// A comment, rejection or approval of this change.
    Review(u64),
    /// The revocation of a key.
    Revoke,
}

/// An admitted proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposed {
    /// The environment.
    pub environment: EnvName,
    /// The head that it was judged against.
    pub base: Option<String>,
    /// The change that it belongs to, if the pusher said so.
    pub change: Option<u64>,
    /// The release that it goes back to.
    pub rollback: Option<u64>,
    /// Whether it is an emergency.
    pub emergency: bool,
    /// Who signed commits of it.
    pub committers: Vec<Principal>,
    /// What was measured.
    pub measured: Measured,
    /// What changes on the nodes, for the pusher.
    pub effect: String,
    /// Findings that refuse nothing, for the pusher.
    pub warnings: String,
}

/// Where revocations of keys are pushed to.
pub const REVOCATION: &str = "refs/for/trust/revoke";

/// A ref that people push to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `refs/for/<env>`.
    Environment(EnvName),
    /// `refs/for/change/<n>`.
    Change(u64),
    /// `refs/for/trust/revoke`.
    Revocation,
}

/// What a push to this ref means (D21).
///
/// # Errors
/// When nobody pushes there.
pub fn target(command: &PushCommand) -> Result<Target, GateError> {
    let name = command.name.as_str();
    if command.new.is_zero() {
        return Err(GateError::Delete(name.to_owned()));
    }
    let refuse = |why| Err(GateError::Target { name: name.to_owned(), why });
    if name == REVOCATION {
        return Ok(Target::Revocation);
    }
    if let Some(number) = name.strip_prefix("refs/for/change/") {
        return match number.parse::<u64>() {
            Ok(parsed) if parsed.to_string() == number => Ok(Target::Change(parsed)),
            _ => refuse("a change has a number"),
        };
    }
    if let Some(environment) = name.strip_prefix("refs/for/") {
        return match environment.parse() {
            Ok(environment) => Ok(Target::Environment(environment)),
            Err(_) => refuse("no environment has such a name"),
        };
    }
    refuse(match name.split('/').nth(1) {
        Some("heads") => "branches move when a reviewed change is released",
        Some("tags") => "releases are the tags of a site",
        Some("changes" | "releases" | "meta") => "the server writes it",
        _ => "only `refs/for/…` can",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d21_only_refs_for_can_be_pushed_to() {
        let id = "1111111111111111111111111111111111111111";
        let check = |name: &str, new: &str| {
            target(&PushCommand { old: id.parse().unwrap(), new: new.parse().unwrap(), name: name.into() })
        };
        assert!(matches!(check("refs/for/production", id), Ok(Target::Environment(_))));
        assert!(matches!(check("refs/for/change/12", id), Ok(Target::Change(12))));
        assert!(matches!(check("refs/for/trust/revoke", id), Ok(Target::Revocation)));
        assert!(matches!(check("refs/for/trust", id), Ok(Target::Environment(_))));
        assert!(matches!(check("refs/for/production", &"0".repeat(40)), Err(GateError::Delete(_))));
        for bad in [
            "refs/heads/production",
            "refs/tags/v1",
            "refs/replace/1111111111111111111111111111111111111111",
            "refs/changes/1/1",
            "refs/changes/1/meta",
            "refs/releases/production/1",
            "refs/meta/trust",
            "refs/meta/revocations",
            "refs/for/trust/",
            "refs/for/trust/revoke/1",
            "refs/for/change/",
            "refs/for/change/01",
            "refs/for/Production",
            "refs/for/a/b",
            "refs/for/change",
            "HEAD",
        ] {
            assert!(matches!(check(bad, id), Err(GateError::Target { .. })), "{bad}");
        }
    }
}
