//! Why something is not accepted: one variant and one code per misdeed, so that a report names the attack.

use super::document::RepoId;
use crate::model::canonical::CanonicalError;
use crate::model::catalog::CatalogError;
use crate::model::{Checkpoint, Digest, EnvName, NodeName, Principal, Ref, RoleName, Stamp};

/// Signatures of a role that are not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The role.
    pub role: RoleName,
    /// How many more of its people must sign.
    pub count: usize,
}

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $variant:ident $({ $($(#[$attr:meta])* $field:ident: $ty:ty),+ $(,)? })? = $code:literal, $text:literal $(, [$($arg:tt)+])?;)+) => {
        /// Why something signed, or something that should be, is not accepted.
        #[derive(Debug, thiserror::Error)]
        pub enum Refusal {
            $(
                $(#[doc = $doc])+
                #[error($text $(, $($arg)+)?)]
                $variant $({ $(
                    #[doc = concat!("See the text of `", $code, "`.")]
                    $(#[$attr])* $field: $ty
                ),+ })?,
            )+
        }

        impl Refusal {
            /// The code that reports, logs and tests know this misdeed by.
            #[must_use]
            pub const fn code(&self) -> &'static str {
                match self { $(Self::$variant $({ $($field: _),+ })? => $code,)+ }
            }

            /// Every code.
            pub const CODES: &'static [&'static str] = &[$($code),+];
        }
    };
}

refusals! {
    /// A document is larger than its kind may be (T2).
    TooLarge { what: &'static str, limit: usize, got: usize } =
        "TOO_LARGE", "a {what} of {got} bytes, where {limit} are allowed";
    /// Not the canonical bytes of the document (D42).
    Form { what: &'static str, #[source] cause: CanonicalError } =
        "FORM", "not a {what} as it is written";
    /// Another document, or another version of the format (D47).
    Version { want: &'static str, got: String, v: u32 } =
        "VERSION", "a document of type `{}` version {v}, where a {want} of version 1 belongs", [.got.escape_default()];
    /// A document with values that it may not have.
    Malformed { what: &'static str, problems: Vec<String> } =
        "MALFORMED", "a {what} that makes no sense: {}", [.problems.join("; ")];
    /// More signatures than anybody needs (T2).
    TooManySignatures { limit: usize, got: usize } =
        "TOO_MANY_SIGNATURES", "{got} signatures, where {limit} are allowed";
    /// Not a single signature by a known key for this purpose.
    Unsigned { what: &'static str } =
        "UNSIGNED", "no valid signature on the {what} by anyone in the trust root";
    /// Too few of the people who must sign did (T1, T9, D9).
    Threshold { what: &'static str, missing: Vec<Missing>, signed: Vec<Principal> } =
        "THRESHOLD", "the {what} lacks {}; signed by {}", [missing_text(.missing), names(.signed)];
    /// It would be enough if authors could sign their own change (D8).
    SelfApproval { what: &'static str, authors: Vec<Principal> } =
        "SELF_APPROVAL", "the {what} counts only with its author's own signature ({})", [names(.authors)];
    /// It would be enough if signatures could not be taken back (D51).
    Withdrawn { what: &'static str, by: Vec<Principal> } =
        "WITHDRAWN", "the {what} counts only with signatures that were taken back ({})", [names(.by)];
    /// The list of withdrawn signatures is not the one it must be (D51).
    Withdrawals { why: &'static str } =
        "WITHDRAWALS", "the list of withdrawn signatures {why}";
    /// It would be enough if keys that were revoked still counted.
    Revoked { what: &'static str, by: Vec<Principal> } =
        "REVOKED", "the {what} counts only with keys that were revoked ({})", [names(.by)];
    /// A revocation by another key than the one that it takes out of use.
    OtherKey { key: String } =
        "OTHER_KEY", "the revocation of `{}` is not signed by that very key", [.key.escape_default()];
    /// Signed by someone else than the person it names.
    Signer { what: &'static str, named: Principal } =
        "SIGNER", "the {what} is not signed by `{named}`, whom it names";
    /// It names a role that the trust root does not have, or that may not sign it.
    Role { what: &'static str, role: String } =
        "ROLE", "the {what} needs the role `{}`, which the trust root does not give for it", [.role.escape_default()];
    /// Made for another repository (D10).
    Repo { what: &'static str, got: RepoId, want: RepoId } =
        "REPO", "the {what} belongs to repository {got}, not to {want}";
    /// Made for another environment (D10).
    Environment { what: &'static str, got: EnvName, want: EnvName } =
        "ENVIRONMENT", "the {what} belongs to environment `{got}`, not to `{want}`";
    /// The first trust root is not the one whose digest was given out of band (D43).
    RootDigest { got: Digest, want: Digest } =
        "ROOT_DIGEST", "the trust root has the digest {got}, not {want}";
    /// An older trust root than the one already known (T8).
    RootRolledBack { have: u64, got: u64 } =
        "ROOT_ROLLBACK", "trust root {got} was offered, and {have} is already known";
    /// A version of the trust root is left out.
    RootSkipped { have: u64, got: u64 } =
        "ROOT_SKIPPED", "trust root {got} was offered after {have}";
    /// A trust root that does not continue the one before it.
    RootForked { version: u64 } =
        "ROOT_FORKED", "trust root {version} does not name the one before it";
    /// More trust roots in one go than a walk takes (T2).
    RootSteps { limit: usize, got: usize } =
        "ROOT_STEPS", "{got} trust roots in one go, where {limit} are allowed";
    /// A newer trust root exists and was withheld.
    RootMissing { have: u64, want: u64 } =
        "ROOT_MISSING", "made under trust root {want}, and only {have} was handed out";
    /// The trust root has expired.
    RootExpired { expired: Stamp } =
        "ROOT_EXPIRED", "the trust root expired at {expired}";
    /// The clock of this machine is behind a time that was already seen (D31).
    ClockBack { now: Stamp, seen: Stamp } =
        "CLOCK_BACK", "the clock says {now}, and {seen} has already been";
    /// Something was made in the future of this machine's clock (D31).
    Future { what: &'static str, created: Stamp, now: Stamp } =
        "FUTURE", "the {what} was made at {created}, and the clock says {now}";
    /// The agent's state is damaged or of another node (D27).
    State { why: &'static str } =
        "STATE", "the stored state cannot be used: {why}";
    /// No fresh word from the server: somebody may be holding news back (T5).
    Freeze { expired: Stamp } =
        "FREEZE", "the timestamp expired at {expired}: news may be held back";
    /// An older timestamp than the last one (T8).
    TimestampRolledBack { have: u64, got: u64 } =
        "TIMESTAMP_ROLLBACK", "timestamp {got} was offered after {have}";
    /// Two timestamps with one number (D36).
    TimestampForked { n: u64 } =
        "TIMESTAMP_EQUIVOCATION", "two different timestamps have the number {n}";
    /// The log has fewer entries than were seen already (D50).
    LogRolledBack { have: u64, got: u64 } =
        "LOG_ROLLBACK", "the log has {got} entries, and {have} were seen already";
    /// The log is not the one that was seen before, with more entries (D36).
    LogForked { have: Checkpoint, got: Checkpoint } =
        "LOG_FORK", "the log {got} does not continue the log {have} that was seen before: somebody edited it, or keeps two";
    /// The statement is not the one that the timestamp names (T7).
    Mixed { got: Digest, want: Digest } =
        "MIX", "statement {got} was offered with a timestamp for {want}";
    /// An older release than the one accepted (T8).
    RolledBack { have: u64, got: u64 } =
        "ROLLBACK", "release {got} was offered, and {have} is already accepted";
    /// Two releases with one serial (D36).
    Equivocation { seq: u64, have: Digest, got: Digest } =
        "EQUIVOCATION", "release {seq} is {have}, and {got} was offered under the same number";
    /// The releases between are missing, or do not lead from the accepted one to the offered one (T4).
    Chain { have: u64, got: u64 } =
        "CHAIN", "release {got} does not follow from release {have}";
    /// Below what the trust root still allows.
    Floor { floor: u64, got: u64 } =
        "FLOOR", "release {got} is below the trust root's floor, {floor}";
    /// The release has expired.
    ReleaseExpired { expired: Stamp } =
        "RELEASE_EXPIRED", "the release expired at {expired}";
    /// Linted under an older policy than the trust root or the last release allows (D3).
    PolicyRolledBack { want: u64, got: u64 } =
        "POLICY", "linted under policy version {got}, where at least {want} is required";
    /// An emergency release on a node that its role is not for (D33).
    EmergencyScope { node: NodeName } =
        "BREAK_GLASS_SCOPE", "an emergency release, whose role is not for node `{node}`, and nobody has ratified it";
    /// An emergency release that nobody ratified in time (D33).
    Unratified { seq: u64, expired: Stamp } =
        "UNRATIFIED", "emergency release {seq} ended at {expired}, and not enough people have ratified it";
    /// The leaf is not in the tree that the reviewers signed (T1).
    Proof =
        "PROOF", "the catalog is not part of the signed release";
    /// A catalog of another node (D1, T10).
    WrongNode { got: NodeName, want: NodeName } =
        "WRONG_NODE", "a catalog of node `{got}`, not of `{want}`";
    /// Other bytes than the leaf's digest and length say (T1).
    CatalogAltered { got: Digest, want: Digest } =
        "CATALOG_ALTERED", "the catalog has the digest {got}, not {want}";
    /// The signed bytes are no catalog.
    Catalog { #[source] cause: CatalogError } =
        "CATALOG", "the signed catalog cannot be read";
    /// A guarded resource without the signatures of the role that guards it (D35).
    Guard { resource: Ref, role: RoleName } =
        "GUARD", "`{resource}` is guarded by role `{role}`, which did not sign";
    /// A trigger outside the operator's scope (D23).
    Scope { operator: Principal, node: NodeName } =
        "SCOPE", "operator `{operator}` may not ask node `{node}` to run";
    /// A trigger for other nodes (D24).
    NotAddressed { node: NodeName } =
        "NOT_ADDRESSED", "the trigger does not name node `{node}`";
    /// A trigger before or after its time (D24).
    Window { issued: Stamp, expires: Stamp, now: Stamp } =
        "WINDOW", "valid from {issued} to {expires}, and the clock says {now}";
    /// A trigger that was already obeyed (D24).
    Replay { id: String } =
        "REPLAY", "trigger `{id}` was already obeyed";
    /// More triggers than the node remembers (D25).
    Storm { limit: usize } =
        "STORM", "more than {limit} triggers within their time";
}

fn missing_text(missing: &[Missing]) -> String {
    let text: Vec<String> =
        missing.iter().map(|m| format!("{} more of role `{}`", m.count, m.role)).collect();
    text.join(" and ")
}

fn names(principals: &[Principal]) -> String {
    if principals.is_empty() {
        return "nobody".into();
    }
    Principal::list(principals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_misdeed_has_its_own_code() {
        let distinct: std::collections::BTreeSet<_> = Refusal::CODES.iter().collect();
        assert_eq!(distinct.len(), Refusal::CODES.len());
    }
}
