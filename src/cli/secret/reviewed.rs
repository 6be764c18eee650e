//! Whether sealing keys are those that people reviewed. A work tree may hold a key that somebody else put there.

use crate::cli::{Failure, setup};
use crate::model::{EnvName, NodeName, SealingKey, secret};
use crate::module;
use crate::repo::{Limits, Repo};
use crate::server::gate::releases;
use crate::server::gate::trust::{self, Pin};
use crate::server::gate::withdrawals;
use crate::signing::{Envelope, release};
use std::collections::BTreeMap;
use std::path::Path;

/// The sealing keys that people reviewed, as this clone has them.
#[derive(Debug)]
pub(super) enum Reviewed {
    /// Those of the last release, by node; and what to call that release.
    Keys(BTreeMap<NodeName, Option<SealingKey>>, String),
    /// Nobody can say, for this reason.
    Unknown(String),
}

impl Reviewed {
    /// Reads the last release of an environment, or its branch where there is none, out of the clone in `dir`. Where a
    /// trust root is pinned, the release must have its signatures.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub(super) fn load(dir: &Path, environment: &EnvName) -> Result<Self, Failure> {
        let Ok(repo) = Repo::discover(dir) else {
            return Ok(Self::Unknown("this is no clone of a site".into()));
        };
        let head = releases::head(&repo, environment)?;
        let Some(commit) = head.commit else {
            return Ok(Self::Unknown(format!("nothing of `{environment}` was fetched into this clone")));
        };
        let name = match head.last {
            Some((seq, _)) => format!("release {seq}"),
            None => format!("origin/{environment}"),
        };
        if let Some((seq, _)) = head.last
            && let Some(pinned) = repo.config(setup::ROOT_DIGEST)?
        {
            let root = trust::load(&repo, Pin::Given(pinned.parse()?))?;
            let record = releases::read(&repo, environment, seq)?;
            let signatures = record.signatures.into_iter().map(|(_, signature)| signature).collect();
            let envelope = Envelope { bytes: record.statement, signatures };
            let withdrawn = withdrawals::load(&repo, environment)?.in_force(&root);
            if let Err(refusal) = release::verify(&root, &withdrawn, &envelope) {
                return Ok(Self::Unknown(format!("{name} is refused: {refusal}")));
            }
        }
        let tree = repo.read_tree(commit, Limits::SITE)?;
        let Ok(site) = module::load(&tree) else {
            return Ok(Self::Unknown(format!("{name} cannot be read by this version")));
        };
        let keys = site.nodes().iter().map(|(node, inventory)| (node.clone(), inventory.sealing_key));
        Ok(Self::Keys(keys.collect(), name))
    }

    /// What is to be said about these keys before anything is sealed to them: nothing where all were reviewed.
    pub(super) fn doubts(&self, keys: &[(NodeName, SealingKey)]) -> Vec<String> {
        let (reviewed, name) = match self {
            Self::Keys(reviewed, name) => (reviewed, name),
            Self::Unknown(why) => {
                return vec![format!("WARNING: nobody can say who reviewed these keys: {why}")];
            }
        };
        let doubt = |(node, key): &(NodeName, SealingKey)| {
            let now = secret::short(key.id());
            match reviewed.get(node) {
                Some(Some(known)) if known == key => None,
                Some(Some(known)) => {
                    let known = secret::short(known.id());
                    Some(format!(
                        "WARNING: the key {now} of `{node}` is not the reviewed one, which is {known} in {name}"
                    ))
                }
                Some(None) => Some(format!(
                    "WARNING: nobody has reviewed the key {now} of `{node}`: it has none in {name}"
                )),
                None => Some(format!(
                    "WARNING: nobody has reviewed the key {now} of `{node}`, which is not in {name}"
                )),
            }
        };
        keys.iter().filter_map(doubt).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d30_only_the_key_of_the_last_release_is_a_reviewed_one() {
        let key = |seed: u8| -> SealingKey { SealingKey::from_bytes([seed; 32]) };
        let node = |name: &str| -> NodeName { name.parse().unwrap() };
        let known = [(node("a"), Some(key(1))), (node("b"), None)];
        let reviewed = Reviewed::Keys(known.into(), "release 3".into());
        let doubts = |name: &str, seed| reviewed.doubts(&[(node(name), key(seed))]).join("\n");
        assert_eq!(doubts("a", 1), "");
        assert!(doubts("a", 2).contains("of `a` is not the reviewed one, which is"), "{}", doubts("a", 2));
        assert!(doubts("b", 1).contains("it has none in release 3"), "{}", doubts("b", 1));
        assert!(doubts("c", 1).contains("which is not in release 3"), "{}", doubts("c", 1));
        let unknown = Reviewed::Unknown("this is no clone of a site".into());
        assert_eq!(unknown.doubts(&[(node("a"), key(1)), (node("b"), key(2))]).len(), 1);
    }
}
