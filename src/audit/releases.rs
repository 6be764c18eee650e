//! Trust roots and releases of a mirror: signatures, order, and what must be in the log because of them.

use super::{AuditError, Mirror, Problem, Seen, Verdict};
use crate::model::{Checkpoint, Digest, EnvName, Principal};
use crate::signing::document::{Hash, read_untrusted};
use crate::signing::log::{self, Entry, EntryKind};
use crate::signing::release::ReleaseKind;
use crate::signing::root::{self, MAX_STEPS, Root};
use crate::signing::withdraw::{Withdrawals, Withdrawn};
use crate::signing::{
    Envelope, PublicKey, Refusal, Release, Revocation, Timestamp, Verified, ratify, release, verify,
};
use std::collections::{BTreeMap, BTreeSet};

/// The trust roots, from the pinned one to the newest.
#[derive(Debug)]
pub struct Roots(Vec<(Verified<Root>, Envelope)>);

impl Roots {
    /// The newest one.
    #[must_use]
    pub fn newest(&self) -> &Verified<Root> {
        // There is one at least: `roots` begins with it.
        let at = self.0.len() - 1;
        &self.0[at].0
    }

    /// Those from a version on, the newest first.
    pub fn since(&self, version: u64) -> impl Iterator<Item = &Verified<Root>> {
        self.0.iter().rev().map(|(root, _)| root).filter(move |root| root.version() >= version)
    }

    /// The version since which the log is signed by the keys that sign it now: a log from before may have ended.
    fn log_since(&self) -> u64 {
        let keeper = log::keeper(self.newest());
        let same = self.since(1).take_while(|root| log::keeper(root) == keeper);
        same.last().map_or(1, |root| root.version())
    }

    /// Verifies a release that was in force once: under any trust root from the one on that it was made under.
    ///
    /// # Errors
    /// With what the newest of them says.
    pub fn verify_once(&self, envelope: &Envelope) -> Result<Verified<Release>, Refusal> {
        let made_under = read_untrusted::<Release>(&envelope.bytes)?.root;
        let mut refused = None;
        for root in self.since(made_under) {
            match release::verify(root, &Withdrawn::none(), envelope) {
                Ok(release) => return Ok(release),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        let have = self.newest().version();
        Err(refused.unwrap_or(Refusal::RootMissing { have, want: made_under }))
    }
}

/// Walks the trust roots of a mirror.
///
/// # Errors
/// When there is none, or one does not follow.
pub fn roots(mirror: &Mirror, pinned: Digest) -> Result<Roots, AuditError> {
    let mut found: Vec<(Verified<Root>, Envelope)> = Vec::new();
    for version in (1..).take(MAX_STEPS) {
        let names = [format!("root/{version}.json"), format!("root/{version}.signatures.json")];
        let Some(envelope) = mirror.signed(names.each_ref().map(String::as_str))? else { break };
        let walked = match found.last() {
            Some((before, _)) => root::next(before, &envelope),
            None => root::first(&envelope, pinned),
        };
        found.push((walked.map_err(|cause| AuditError::Root { version, cause })?, envelope));
    }
    if found.is_empty() {
        return Err(AuditError::NoPublication(mirror.directory().to_owned()));
    }
    Ok(Roots(found))
}

/// What the publication holds, for the log to be held against.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// Entries that must be in the log, by their hashes, and what they are about.
    pub(super) expected: BTreeMap<Hash, String>,
    /// Hashes of all entries that follow from what is published, those of `expected` among them, for the log to have
    /// nothing besides.
    pub(super) known: BTreeSet<Hash>,
    /// Digests of the documents that they are about.
    pub(super) about: BTreeSet<Digest>,
    /// Digest of each trust root (`None`) and release.
    pub(super) documents: BTreeMap<(Option<EnvName>, u64), Digest>,
    /// The timestamps.
    pub(super) timestamps: Vec<Verified<Timestamp>>,
    /// What reviewers saw of the log, as the releases name it.
    pub(super) named: Vec<Seen>,
}

impl Published {
    fn add(&mut self, what: &str, entry: &Entry, signatures: &[String]) {
        self.expect(entry, what.to_owned());
        for armor in signatures {
            self.expect(&entry.approval(armor), format!("a signature on {what}"));
        }
        self.about.insert(entry.digest);
        self.documents.insert((entry.environment.clone(), entry.number.unwrap_or(0)), entry.digest);
    }

    fn expect(&mut self, entry: &Entry, what: String) {
        self.known.insert(entry.hash());
        self.expected.insert(entry.hash(), what);
    }

    /// What was taken back in an environment is published.
    fn list(&mut self, env: &EnvName, list: &Withdrawals) {
        for listed in list.entries() {
            let entries = Entry::withdrawal(env, listed);
            self.about.extend(entries.first().map(|entry| entry.digest));
            self.known.extend(entries.iter().map(Entry::hash));
        }
    }

    /// What the timestamp names of it must be in the log. The rest may be a moment old.
    fn name(&mut self, env: &EnvName, named: &Withdrawals) {
        for entry in named.entries().flat_map(|listed| Entry::withdrawal(env, listed)) {
            let what = match (entry.kind, &entry.name) {
                (EntryKind::Revocation, _) => "the revocation of a key".to_owned(),
                (_, Some(by)) => format!("a withdrawal of `{env}` by `{by}`"),
                (_, None) => format!("something in the withdrawals of `{env}`"),
            };
            self.expect(&entry, what);
        }
    }
}

/// Judges every release, and collects what must be in the log.
pub(super) fn judge(mirror: &Mirror, roots: &Roots, verdict: &mut Verdict) -> Result<Published, AuditError> {
    let mut published = Published::default();
    for (root, envelope) in &roots.0 {
        let (version, id) = (root.version(), root.id());
        published.add(&format!("trust root {version}"), &Entry::root(version, id), &envelope.signatures);
    }
    let beyond = mirror.numbers("root", ".json")?.into_iter().find(|version| *version > verdict.root);
    verdict.problems.extend(beyond.map(|_| Problem::Missing(format!("root/{}.json", verdict.root + 1))));
    for env in mirror.environments()? {
        let Some(newest) = mirror.newest(&env)? else { continue };
        verdict.releases.push((env.clone(), newest));
        let list = withdrawals(mirror, &env, verdict)?;
        published.list(&env, &list);
        let withdrawn = list.in_force(roots.newest());
        verdict.remarks.extend(revoked(roots.newest(), &env, &list));
        judge_environment(mirror, (roots, &withdrawn), (&env, newest), (&mut published, verdict))?;
        judge_timestamp(mirror, (roots, &list), &env, (&mut published, verdict))?;
    }
    Ok(published)
}

/// What is to be said of keys that took themselves out of use.
fn revoked(root: &Root, env: &EnvName, list: &Withdrawals) -> Vec<String> {
    let line = |revocation: Verified<Revocation>| {
        let key = PublicKey::parse(&revocation.key).map_or_else(|_| String::new(), |key| key.fingerprint());
        let who = Principal::list(revocation.signers());
        let reason = revocation.reason.escape_default();
        format!("`{env}`: the key {key} of {who} was revoked at {}: {reason}", revocation.created)
    };
    list.revocations(root).into_iter().map(line).collect()
}

/// What was taken back, as it is published.
fn withdrawals(mirror: &Mirror, env: &EnvName, verdict: &mut Verdict) -> Result<Withdrawals, AuditError> {
    let Some(bytes) = mirror.read(&format!("withdrawals/{env}.json"))? else {
        return Ok(Withdrawals::default());
    };
    Ok(Withdrawals::decode(&bytes).unwrap_or_else(|_| {
        verdict.problems.push(Problem::Withdrawals(env.clone()));
        Withdrawals::default()
    }))
}

fn judge_environment(
    mirror: &Mirror,
    (roots, withdrawn): (&Roots, &Withdrawn),
    (env, newest): (&EnvName, u64),
    (published, verdict): (&mut Published, &mut Verdict),
) -> Result<(), AuditError> {
    let mut before: Option<Digest> = None;
    let mut log_before: Option<Checkpoint> = None;
    for seq in 1..=newest {
        let Some(envelope) = statement(mirror, env, seq)? else {
            verdict.problems.push(Problem::Missing(format!("release/{env}/{seq}/statement.json")));
            return Ok(());
        };
        let id = envelope.id();
        let (what, entry) = (format!("release {seq} of `{env}`"), Entry::statement(env, seq, id));
        published.add(&what, &entry, &envelope.signatures);
        for waiver in mirror.files(&format!("release/{env}/{seq}/waiver"))? {
            published.expect(&entry.waiver(&waiver), format!("a waiver of {what}"));
        }
        for armor in ratification(mirror, env, seq)? {
            published.expect(&entry.ratification(&armor), format!("a ratification of {what}"));
        }
        // What is in force now is judged by the trust root in force now.
        let of_now = if seq == newest { withdrawn } else { &Withdrawn::none() };
        let judged = if seq == newest {
            release::verify(roots.newest(), of_now, &envelope)
        } else {
            roots.verify_once(&envelope)
        };
        match judged {
            Ok(release) if release.environment == *env && release.seq == seq && release.prev == before => {
                verdict.remarks.extend(emergency(mirror, (roots, of_now), &release)?);
                let named = release.log.filter(|_| release.root >= roots.log_since());
                if let Some(have) = log_before.filter(|have| named.is_none_or(|got| got.size < have.size)) {
                    verdict.problems.push(Problem::Shorter { env: env.clone(), seq, have, got: named });
                }
                published.named.extend(named.map(|checkpoint| Seen { what: what.clone(), checkpoint }));
                log_before = named.or(log_before);
            }
            Ok(_) => verdict.problems.push(Problem::Order { env: env.clone(), seq }),
            Err(cause) => verdict.problems.push(Problem::Release { env: env.clone(), seq, cause }),
        }
        before = Some(id);
    }
    Ok(())
}

/// What is to be said of an emergency release: who made it, and whether the ordinary people stand behind it.
fn emergency(
    mirror: &Mirror,
    (roots, withdrawn): (&Roots, &Withdrawn),
    release: &Verified<Release>,
) -> Result<Option<String>, AuditError> {
    if release.kind != ReleaseKind::BreakGlass {
        return Ok(None);
    }
    let (env, seq) = (&release.environment, release.seq);
    let signatures = ratification(mirror, env, seq)?;
    let ratified_by = roots.since(release.root).find_map(|root| {
        let tally =
            ratify::check_threshold(root, withdrawn, release, &signatures).ok().filter(|tally| tally.met)?;
        Some(Principal::list(&tally.signed))
    });
    let by = Principal::list(release.signers());
    let standing =
        ratified_by.map_or("ratified by nobody".to_owned(), |names| format!("ratified by {names}"));
    Ok(Some(format!("release {seq} of `{env}` is an EMERGENCY release by {by}, {standing}")))
}

/// The statement of a release with its signatures.
pub(super) fn statement(mirror: &Mirror, env: &EnvName, seq: u64) -> Result<Option<Envelope>, AuditError> {
    let names = ["statement.json", "signatures.json"].map(|name| format!("release/{env}/{seq}/{name}"));
    mirror.signed(names.each_ref().map(String::as_str))
}

/// The signatures that ratify a release. A damaged list is one without any.
fn ratification(mirror: &Mirror, env: &EnvName, seq: u64) -> Result<Vec<String>, AuditError> {
    let list = mirror.read(&format!("release/{env}/{seq}/ratification.json"))?.unwrap_or_default();
    Ok(serde_json::from_slice(&list).unwrap_or_default())
}

/// The list of that digest, if the published one goes on from it.
fn named_list(
    mirror: &Mirror,
    list: &Withdrawals,
    named: Option<Digest>,
) -> Result<Option<Withdrawals>, AuditError> {
    let Some(named) = named else { return Ok(Some(Withdrawals::default())) };
    let older = mirror.read(&format!("withdrawals/{}", named.hex()))?.unwrap_or_default();
    let older = Withdrawals::decode(&older).ok().filter(|older| older.digest() == Some(named));
    Ok(older.filter(|older| list.continues(older)))
}

fn judge_timestamp(
    mirror: &Mirror,
    (roots, list): (&Roots, &Withdrawals),
    env: &EnvName,
    (published, verdict): (&mut Published, &mut Verdict),
) -> Result<(), AuditError> {
    let names = [format!("timestamp/{env}.json"), format!("timestamp/{env}.signatures.json")];
    let Some(envelope) = mirror.signed(names.each_ref().map(String::as_str))? else {
        verdict.remarks.push(format!("`{env}` has no timestamp"));
        return Ok(());
    };
    let cause = match verify::<Timestamp>(roots.newest(), &list.in_force(roots.newest()), &envelope) {
        Ok(stamp) => {
            match named_list(mirror, list, stamp.withdrawn)? {
                Some(named) => published.name(env, &named),
                None => verdict.problems.push(Problem::Withdrawals(env.clone())),
            }
            let want = published.documents.get(&(Some(env.clone()), stamp.seq)).copied();
            let named = stamp.release;
            published.timestamps.push(stamp);
            match want {
                Some(want) if want == named => return Ok(()),
                Some(want) => Refusal::Mixed { got: want, want: named },
                None => {
                    let path = format!("release/{env}/{}", published.timestamps.last().map_or(0, |t| t.seq));
                    verdict.problems.push(Problem::Missing(path));
                    return Ok(());
                }
            }
        }
        Err(cause) => cause,
    };
    verdict.problems.push(Problem::Timestamp { env: env.clone(), cause });
    Ok(())
}
