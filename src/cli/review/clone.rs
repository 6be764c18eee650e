//! The reviewer's own clone: what it fetched, which trust root it believes, which key it signs with.

use crate::cli::setup::{KEY, ROOT_DIGEST};
use crate::cli::{Failure, Ui, clock, keys};
use crate::model::{Digest, EnvName, Principal, Tree};
use crate::repo::{NewCommit, Push, Repo};
use crate::server::gate::trust::{self, Pin};
use crate::server::gate::withdrawals;
use crate::signing::{Root, Verified, Withdrawn};
use std::path::{Path, PathBuf};

/// A clone with everything fetched.
#[derive(Debug)]
pub(in crate::cli) struct Clone {
    /// The repository.
    pub(super) repo: Repo,
    /// The trust root, walked from the pinned digest.
    pub(in crate::cli) root: Verified<Root>,
    /// The version of it since which the log is signed by the same keys.
    pub(super) log_since: u64,
    pinned: Digest,
    key: Option<PathBuf>,
}

/// Who signs here.
#[derive(Debug)]
pub(super) struct Signer {
    key: PathBuf,
    /// Their name in the trust root.
    pub(super) name: Principal,
}

const REMOTE: &str = "origin";

impl Clone {
    /// Fetches and verifies the trust root.
    ///
    /// # Errors
    /// When this is no clone that `countersign setup` prepared, or its trust root does not hold.
    pub(in crate::cli) fn open() -> Result<Self, Failure> {
        let repo = Repo::discover(Path::new("."))?;
        let pinned = repo.config(ROOT_DIGEST)?.ok_or_else(|| {
            Failure::refused("this clone has no pinned trust root, so nothing can be verified")
                .hint("countersign setup --root-digest sha256:…   (ask a person, not the server)")
        })?;
        repo.fetch(REMOTE, &[])?;
        let pinned = pinned.parse()?;
        let (root, log_since) = trust::load_with_log(&repo, Pin::Given(pinned))?;
        let now = clock::now();
        if root.expires() <= now {
            return Err(crate::signing::Refusal::RootExpired { expired: root.expires() }.into());
        }
        let key = repo.config(KEY)?.map(PathBuf::from);
        Ok(Self { repo, root, log_since, pinned, key })
    }

    /// The trust root as it was at a version.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn root_at(&self, version: u64) -> Result<Verified<Root>, Failure> {
        Ok(trust::load_version(&self.repo, Pin::Given(self.pinned), version)?)
    }

    /// The signatures that were taken back in an environment.
    ///
    /// # Errors
    /// When their list is damaged.
    pub(super) fn withdrawn(&self, environment: &EnvName) -> Result<Withdrawn, Failure> {
        Ok(withdrawals::load(&self.repo, environment)?.in_force(&self.root))
    }

    /// The keys that were revoked.
    ///
    /// # Errors
    /// When their list is damaged.
    pub(in crate::cli) fn revoked(&self) -> Result<Withdrawn, Failure> {
        Ok(withdrawals::revocations(&self.repo)?.in_force(&self.root))
    }

    /// Whoever owns the key of this clone.
    ///
    /// # Errors
    /// When there is no key, or the trust root does not know it.
    pub(super) fn signer(&self) -> Result<Signer, Failure> {
        let hint = "countersign setup --key FILE";
        let key = self
            .key
            .clone()
            .ok_or_else(|| Failure::refused("this clone has no key to sign with").hint(hint))?;
        let public = keys::read_public(&key)?;
        if self.revoked()?.revokes(&public) {
            let whose = public.fingerprint();
            return Err(Failure::refused(format!(
                "the key {whose} was revoked: nothing that it signs counts"
            ))
            .hint("countersign trust rotate NAME=NEW.pub; then countersign setup --key FILE"));
        }
        let name = self.root.principal_of(&public).cloned().ok_or_else(|| {
            let whose = public.fingerprint();
            Failure::refused(format!("trust root {} does not know the key {whose}", self.root.version()))
                .hint(hint)
        })?;
        Ok(Signer { key, name })
    }

    /// Uploads a signed document for a change, through git like everything else.
    ///
    /// # Errors
    /// When the server refuses.
    pub(super) fn upload(&self, change: u64, files: &Tree, ui: &mut Ui) -> Result<(), Failure> {
        self.hand_in(&format!("refs/for/change/{change}"), files, ui)
    }

    /// Uploads files to a ref of the server.
    ///
    /// # Errors
    /// When the server refuses.
    pub(in crate::cli) fn hand_in(&self, target: &str, files: &Tree, ui: &mut Ui) -> Result<(), Failure> {
        let new = NewCommit { files, parents: &[], message: "Review\n", time: clock::now() };
        let commit = self.repo.write_commit(&new)?;
        let refspec = format!("{commit}:{target}");
        ui.flush()?;
        self.repo.push(&Push { remote: REMOTE, refspec: &refspec, options: &[] })?;
        Ok(())
    }
}

impl Signer {
    /// Signs `bytes` for a purpose.
    ///
    /// # Errors
    /// When the key does not sign.
    pub(super) fn sign(&self, namespace: &str, bytes: &[u8]) -> Result<String, Failure> {
        keys::sign(&self.key, namespace, bytes)
    }
}
