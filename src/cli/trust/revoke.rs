//! `trust revoke`: a key that takes itself out of use. Nobody else needs to agree, and nobody can undo it.

use super::RevokeArgs;
use crate::cli::review::clone::Clone;
use crate::cli::{Failure, Outcome, Ui, clock, keys};
use crate::model::wire::Signed;
use crate::model::{Principal, Tree};
use crate::server::gate::ticket::REVOCATION;
use crate::signing::document::{Document as _, V};
use crate::signing::{Envelope, PublicKey, Revocation, Root, Withdrawn, revoke};
use std::path::Path;

/// Bytes of a revocation that is read from a file, at most.
const MAX_FILE: usize = 16 << 10;

/// Runs the command, in a clone that `countersign setup` prepared.
pub(super) fn run(args: &RevokeArgs, ui: &mut Ui) -> Outcome {
    let clone = Clone::open()?;
    let signed = match (&args.from, &args.key) {
        (Some(file), _) => read(file)?,
        (None, Some(key)) => sign(&clone.root, key, args.message.as_deref().unwrap_or_default())?,
        (None, None) => {
            return Err(Failure::usage("no key given").hint("countersign trust revoke --key FILE -m WHY"));
        }
    };
    let revocation = revoke::verify(&clone.root, &Envelope::from(signed.clone()))?;
    let key = PublicKey::parse(&revocation.key)?;
    let who = Principal::list(revocation.signers());
    if let Some(out) = &args.out {
        write(out, &signed)?;
        ui.line(format_args!(
            "wrote the revocation of {} of `{who}` to {}",
            key.fingerprint(),
            out.display()
        ))?;
        ui.note(format_args!(
            "keep it apart from the key: whoever has it can take the key out of use, and do nothing else with it.\n\
             to hand it in: countersign trust revoke --from {}",
            out.display()
        ));
        return Ok(0);
    }
    ui.line(format_args!("revokes {} of `{who}`, for good and in every environment", key.fingerprint()))?;
    for line in lost(&clone.root, &clone.revoked()?, &key) {
        ui.line(line)?;
    }
    if !args.yes && !ui.confirm("take this key out of use? It can never sign again")? {
        return Err(Failure::refused("nothing was revoked"));
    }
    let mut files = Tree::default();
    files.insert("revoke.json", signed.document.into_bytes())?;
    files.insert("revoke.sig", signed.signatures.concat().into_bytes())?;
    clone.hand_in(REVOCATION, &files, ui)?;
    ui.line(format_args!("revoked {}: what it signed counts nowhere", key.fingerprint()))?;
    Ok(0)
}

fn sign(root: &Root, path: &Path, reason: &str) -> Result<Signed, Failure> {
    let key = keys::read_public(path)?;
    if root.principal_of(&key).is_none() {
        let text = format!("trust root {} does not know the key {}", root.version(), key.fingerprint());
        return Err(Failure::refused(text).hint("countersign trust show"));
    }
    let revocation = Revocation {
        document: Revocation::TYPE.into(),
        v: V,
        repo: root.repo(),
        key: key.to_line(),
        created: clock::now(),
        reason: reason.into(),
    };
    let bytes = revocation.encode();
    let signature = keys::sign(path, Revocation::NAMESPACE, &bytes)?;
    Ok(Signed { document: String::from_utf8_lossy(&bytes).into_owned(), signatures: vec![signature] })
}

fn read(file: &Path) -> Result<Signed, Failure> {
    let bytes = std::fs::read(file).map_err(|cause| Failure::io("cannot read", file, &cause))?;
    let parsed = if bytes.len() > MAX_FILE { None } else { serde_json::from_slice(&bytes).ok() };
    parsed.ok_or_else(|| {
        Failure::refused(format!("`{}` is no revocation", file.display()))
            .hint("countersign trust revoke --key FILE -m WHY --out FILE writes one")
    })
}

/// Writes a new file that only its owner reads.
fn write(file: &Path, signed: &Signed) -> Result<(), Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut text = serde_json::to_vec_pretty(signed)?;
    text.push(b'\n');
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    made.and_then(|mut made| made.write_all(&text)).map_err(|cause| Failure::io("cannot write", file, &cause))
}

/// The roles that are left with fewer people than must sign.
fn lost(root: &Root, revoked: &Withdrawn, key: &PublicKey) -> Vec<String> {
    let can_sign = |name: &Principal| {
        let mut keys = root.principals().filter(|(n, _)| *n == name).flat_map(|(_, keys)| keys);
        keys.any(|other| other != key && !revoked.revokes(other))
    };
    let owner = root.principal_of(key);
    let lost = root.roles().filter_map(|(name, role)| {
        owner.filter(|owner| role.has(owner))?;
        let left = role.members().filter(|member| can_sign(member)).count();
        let text = format!("role `{name}` is left with {left}, and {} must sign", role.threshold());
        (left < role.threshold()).then(|| format!("WARNING: {text}: nothing of it can be signed any more"))
    });
    lost.collect()
}
