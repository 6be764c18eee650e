//! What a new version of the trust root would do, said before anybody signs it.

use super::show;
use crate::cli::Failure;
use crate::model::{Principal, RoleName};
use crate::server::Layout;
use crate::signing::Withdrawals;
use crate::signing::document::read_untrusted;
use crate::signing::release::{Release, tally_under};
use crate::signing::root::{self, Root};
use crate::store::Publication;
use std::collections::BTreeSet;
use std::path::Path;

/// Line by line: who must sign it, who gains and loses what, and what becomes of releases in force.
pub(super) fn consequences(old: &Root, new: &Root, server: Option<&Path>) -> Result<Vec<String>, Failure> {
    let mut lines = vec![format!("needs {} and {}", quorum(old)?, quorum(new)?)];
    let names = |root: &Root| root.principals().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
    let (before, after) = (names(old), names(new));
    lines.extend(after.difference(&before).map(|name| format!("+ `{name}`")));
    lines.extend(before.difference(&after).map(|name| format!("- `{name}`: their signatures count no more")));
    for name in before.intersection(&after) {
        lines.extend(keys(old, new, name));
    }
    lines.extend(roles(old, new));
    if new.fields().reset != old.fields().reset
        && let Some(reset) = &new.fields().reset
    {
        lines.push(format!(
            "agents of `{}` start over from release {}, {}",
            reset.environment, reset.seq, reset.release
        ));
    }
    if let Some(server) = server {
        lines.extend(revoked(old, new, server)?);
        lines.extend(in_force(old, new, server)?);
    }
    Ok(lines)
}

/// Keys that revoked themselves: told where they are there still, and refused where they would come back.
fn revoked(old: &Root, new: &Root, server: &Path) -> Result<Vec<String>, Failure> {
    let publication =
        Publication::open(&Layout::new(server).publication()).map_err(|e| Failure::from_error(&e))?;
    let list = publication.revocations().map_err(|e| Failure::from_error(&e))?;
    let list = list.map_or_else(|| Ok(Withdrawals::default()), |bytes| Withdrawals::decode(&bytes))?;
    let revoked = list.in_force(new);
    let mut lines = Vec::new();
    for (name, keys) in new.principals() {
        for key in keys.into_iter().filter(|key| revoked.revokes(key)) {
            let text = format!(
                "the key {} of `{name}` was revoked, and nothing that it signs counts",
                key.fingerprint()
            );
            if old.principal_of(key).is_none() {
                return Err(Failure::refused(text).hint("give them a new key"));
            }
            lines.push(format!("{text}: countersign trust rotate {name}=NEW.pub"));
        }
    }
    Ok(lines)
}

/// `2 of alice, bob (root 1)`
fn quorum(root: &Root) -> Result<String, Failure> {
    let role =
        root.role(root::ROOT).ok_or_else(|| Failure::refused("a trust root without the role `root`"))?;
    let members: Vec<&str> = role.members().map(Principal::as_str).collect();
    Ok(format!("{} of {} (root {})", role.threshold(), members.join(", "), root.version()))
}

fn keys(old: &Root, new: &Root, name: &Principal) -> Vec<String> {
    let of = |root: &Root| {
        let mut keys = root.principals().filter(|(n, _)| *n == name).flat_map(|(_, keys)| keys);
        keys.by_ref().map(|key| key.fingerprint()).collect::<BTreeSet<_>>()
    };
    let (before, after) = (of(old), of(new));
    let gained = after.difference(&before).map(|key| format!("+ `{name}` signs with {key}"));
    let lost = before.difference(&after).map(|key| format!("- `{name}`: signatures by {key} count no more"));
    gained.chain(lost).collect()
}

fn roles(old: &Root, new: &Root) -> Vec<String> {
    let mut lines = Vec::new();
    let all: BTreeSet<&RoleName> = old.roles().chain(new.roles()).map(|(name, _)| name).collect();
    for name in all {
        let members = |root: &Root| {
            let role = root.role(name);
            role.map(|r| r.members().cloned().collect::<BTreeSet<Principal>>()).unwrap_or_default()
        };
        let threshold = |root: &Root| root.role(name).map_or(0, root::Role::threshold);
        let (before, after) = (members(old), members(new));
        lines.extend(after.difference(&before).map(|member| format!("+ `{member}` has role `{name}`")));
        lines.extend(
            before.difference(&after).map(|member| format!("- `{member}` no longer has role `{name}`")),
        );
        if threshold(old) != threshold(new) && threshold(old) > 0 {
            lines.push(format!("role `{name}`: {} must sign instead of {}", threshold(new), threshold(old)));
        }
        let reach = |root: &Root| root.role(name).and_then(show::reach);
        if let Some(after) = reach(new).filter(|after| reach(old).as_ref() != Some(after)) {
            lines.push(format!("role `{name}` is for {after}"));
        }
    }
    lines
}

/// The newest release of every environment: whether it keeps the signatures that it needs.
fn in_force(old: &Root, new: &Root, server: &Path) -> Result<Vec<String>, Failure> {
    let publication =
        Publication::open(&Layout::new(server).publication()).map_err(|e| Failure::from_error(&e))?;
    let mut lines = Vec::new();
    for (environment, seq) in publication.newest().map_err(|e| Failure::from_error(&e))? {
        let published = publication.statement(&environment, seq).map_err(|e| Failure::from_error(&e))?;
        let Some(published) = published else { continue };
        let release: Release = read_untrusted(&published.bytes)?;
        let list = publication.withdrawals(&environment).map_err(|e| Failure::from_error(&e))?;
        let list = list.map_or_else(|| Ok(Withdrawals::default()), |bytes| Withdrawals::decode(&bytes))?;
        let [before, after] =
            [old, new].map(|root| tally_under(root, &list.in_force(root), &release, &published.signatures));
        let (before, after) = (before?, after?);
        let lost: Vec<&str> =
            before.signed.iter().filter(|n| !after.signed.contains(n)).map(Principal::as_str).collect();
        lines.push(match (lost.is_empty(), after.met) {
            (true, _) => format!("release {environment} {seq} keeps its signatures"),
            (false, true) => format!("release {environment} {seq} loses that of {}, and has enough", lost.join(", ")),
            (false, false) => format!(
                "release {environment} {seq} loses that of {}: agents that do not have it yet refuse it until a new release is signed",
                lost.join(", ")
            ),
        });
    }
    Ok(lines)
}
