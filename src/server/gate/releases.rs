//! Releases in the repository: `refs/releases/<env>/<seq>` is a commit that holds everything that is
//! published of a release. Making that ref is the moment of the release; all else follows from it. Signatures that come
//! later are in the record of its change.

use super::{GateError, changes};
use crate::model::{Digest, EnvName, Principal, Stamp, Tree};
use crate::module::Compilation;
use crate::repo::{Id, Limits, NewCommit, Repo};
use crate::review::candidate;
use crate::signing::merkle::{Entry, Leaves};
use crate::signing::{Release, Verified, document};
use crate::store::{PublishedRelease, SignedFile};

const PREFIX: &str = "refs/releases/";

/// A release as the repository has it. What its signatures are worth is for `signing::verify` to say.
#[derive(Debug, Clone)]
pub struct ReleaseRecord {
    /// The statement, decoded without a look at its signatures.
    pub release: Release,
    /// Its exact bytes.
    pub statement: Vec<u8>,
    /// Who signed, and the armoured signature.
    pub signatures: Vec<(Principal, String)>,
    /// The secret behind the blinds of the leaves.
    pub salt: [u8; 32],
    files: Tree,
}

/// The ref of a release.
#[must_use]
pub fn release_ref(environment: &EnvName, seq: u64) -> String {
    format!("{PREFIX}{environment}/{seq}")
}

/// The releases of an environment: serial and commit, ascending.
///
/// # Errors
/// When refs cannot be read.
pub fn list(repo: &Repo, environment: &EnvName) -> Result<Vec<(u64, Id)>, GateError> {
    let prefix = format!("{PREFIX}{environment}/");
    let refs = repo.refs(&prefix)?;
    let numbered = |(name, id): (String, Id)| Some((name.strip_prefix(&prefix)?.parse().ok()?, id));
    let mut releases: Vec<(u64, Id)> = refs.into_iter().filter_map(numbered).collect();
    releases.sort_unstable();
    Ok(releases)
}

/// The environments that have releases, ascending.
///
/// # Errors
/// When refs cannot be read.
pub fn environments(repo: &Repo) -> Result<Vec<EnvName>, GateError> {
    let refs = repo.refs(PREFIX)?;
    let name = |name: &str| name.strip_prefix(PREFIX)?.split('/').next()?.parse().ok();
    let mut found: Vec<EnvName> = refs.iter().filter_map(|(full, _)| name(full)).collect();
    found.dedup();
    Ok(found)
}

/// Where an environment stands: what the next proposal builds on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The commit; `None` before there is any.
    pub commit: Option<Id>,
    /// Serial and statement digest of the last release.
    pub last: Option<(u64, Digest)>,
}

/// The head of an environment: the commit of its last release, or its branch before the first one.
///
/// # Errors
/// When the release cannot be read.
pub fn head(repo: &Repo, environment: &EnvName) -> Result<Head, GateError> {
    let Some((seq, id)) = list(repo, environment)?.pop() else {
        // In a clone, a branch of that name is its owner's; the server's is the remote-tracking one.
        let name = match repo.workdir() {
            Some(_) => format!("refs/remotes/origin/{environment}"),
            None => branch(environment),
        };
        let commit = repo.resolve(&name)?;
        return Ok(Head { commit, last: None });
    };
    let statement = repo.read_file(id, "statement.json")?;
    let release: Release = document::read_untrusted(&statement)?;
    Ok(Head { commit: Some(release.commit.parse()?), last: Some((seq, Digest::of(&statement))) })
}

/// The protected branch of an environment.
#[must_use]
pub fn branch(environment: &EnvName) -> String {
    format!("refs/heads/{environment}")
}

/// Reads a release.
///
/// # Errors
/// When there is none of that serial, or it is damaged.
pub fn read(repo: &Repo, environment: &EnvName, seq: u64) -> Result<ReleaseRecord, GateError> {
    let id = repo.resolve(&release_ref(environment, seq))?;
    let id = id.ok_or_else(|| GateError::NoRelease(environment.clone(), seq))?;
    let files = repo.read_tree(id, Limits::RELEASE)?;
    let mut record =
        parse(files).ok_or_else(|| GateError::Damaged(format!("release {seq} of `{environment}`")))?;
    for (who, signature) in late(repo, &record) {
        record.signatures.retain(|(other, _)| *other != who);
        record.signatures.push((who, signature));
    }
    record.signatures.sort();
    Ok(record)
}

/// The signatures that the statement got after it was released, which are in the record of its change.
fn late(repo: &Repo, record: &ReleaseRecord) -> Vec<(Principal, String)> {
    let change = record.release.change.parse().ok().and_then(|number| changes::load(repo, number).ok());
    let patchset = change.and_then(|mut change| change.patchsets.pop());
    patchset.filter(|last| last.statement == record.statement).map(|last| last.approvals).unwrap_or_default()
}

fn parse(files: Tree) -> Option<ReleaseRecord> {
    let statement = files.get("statement.json")?.to_vec();
    let release = document::read_untrusted(&statement).ok()?;
    let salt = std::str::from_utf8(files.get("salt")?).ok()?.trim_end();
    let salt = crate::model::digest::unhex(salt)?.try_into().ok()?;
    let signature = |(path, bytes): (&str, &[u8])| {
        let who = path.strip_prefix("sig.d/")?.strip_suffix(".sig")?.parse().ok()?;
        Some((who, String::from_utf8(bytes.to_vec()).ok()?))
    };
    let signatures = files.below("sig.d/").map(signature).collect::<Option<Vec<_>>>()?;
    Some(ReleaseRecord { release, statement, signatures, salt, files })
}

impl ReleaseRecord {
    /// Node, catalog digest and length of each leaf; `None` when the record is damaged.
    #[must_use]
    pub fn entries(&self) -> Option<Vec<Entry>> {
        let text = std::str::from_utf8(self.files.get("leaves")?).ok()?;
        let entry = |line: &str| {
            let mut words = line.split(' ');
            let (node, catalog, length) = (words.next()?, words.next()?, words.next()?);
            Some(Entry {
                node: node.parse().ok()?,
                catalog: catalog.parse().ok()?,
                length: length.parse().ok()?,
            })
        };
        text.lines().map(entry).collect()
    }

    /// What agents need of it.
    ///
    /// # Errors
    /// When the record is damaged.
    pub fn published(&self) -> Result<PublishedRelease, GateError> {
        let damaged =
            || GateError::Damaged(format!("release {} of `{}`", self.release.seq, self.release.environment));
        let leaves = Leaves::new(&self.salt, self.entries().ok_or_else(damaged)?)?;
        if leaves.root() != self.release.catalogs {
            return Err(damaged());
        }
        let files = |folder: &str| self.files.below(folder).map(|(_, bytes)| bytes.to_vec()).collect();
        Ok(PublishedRelease {
            env: self.release.environment.clone(),
            seq: self.release.seq,
            statement: SignedFile { bytes: self.statement.clone(), signatures: self.signatures.clone() },
            leaves: leaves.documents().map(|leaf| (leaf.node.clone(), leaf.encode())).collect(),
            catalogs: files("catalog/"),
            blobs: files("blob/"),
            waivers: Vec::new(),
        })
    }
}

/// The files of waivers in the commit of a release. Its statement covers them with the digest of the policy.
///
/// # Errors
/// When the commit cannot be read.
pub fn waivers(repo: &Repo, release: &Release) -> Result<Vec<Vec<u8>>, GateError> {
    let tree = repo.read_tree(release.commit.parse()?, Limits::SITE)?;
    Ok(tree.below("policies/waivers/").map(|(_, bytes)| bytes.to_vec()).collect())
}

/// What goes into the record of a release.
#[derive(Debug)]
pub struct NewRelease<'a> {
    /// The statement, signed by enough people.
    pub release: &'a Verified<Release>,
    /// Who signed, and the armoured signature.
    pub signatures: &'a [(Principal, String)],
    /// The secret behind the blinds of the leaves.
    pub salt: [u8; 32],
    /// What its commit compiles to.
    pub compilation: &'a Compilation,
}

/// Stores the record of a release and returns its commit, to which no ref points yet.
///
/// # Errors
/// When it cannot be stored.
pub fn write(repo: &Repo, new: &NewRelease<'_>, now: Stamp) -> Result<Id, GateError> {
    let release = new.release;
    let mut files = Tree::default();
    let mut add = |path: String, bytes: Vec<u8>| {
        files.insert(&path, bytes).map_err(|error| GateError::Damaged(error.to_string()))
    };
    add("statement.json".into(), release.bytes().to_vec())?;
    add("salt".into(), format!("{}\n", crate::model::digest::hex(&new.salt)).into_bytes())?;
    let entries = crate::review::admission::entries(new.compilation);
    add("leaves".into(), candidate::leaves_text(&entries).into_bytes())?;
    for (who, signature) in new.signatures {
        add(format!("sig.d/{who}.sig"), signature.clone().into_bytes())?;
    }
    for (entry, node) in entries.iter().zip(&new.compilation.nodes) {
        add(format!("catalog/{}", entry.catalog.hex()), node.bytes.clone())?;
    }
    for (digest, bytes) in &new.compilation.blobs {
        add(format!("blob/{}", digest.hex()), bytes.clone())?;
    }
    let before = list(repo, &release.environment)?.pop().map(|(_, id)| id);
    let parents: Vec<Id> = before.into_iter().chain([release.commit.parse()?]).collect();
    let message = format!("Release {} of {}\n", release.seq, release.environment);
    Ok(repo.write_commit(&NewCommit { files: &files, parents: &parents, message: &message, time: now })?)
}
