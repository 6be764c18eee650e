//! `trust add`, `remove`, `rotate`, `threshold`, `renew`, `recover`: the next version of a trust root, made from the newest.
//!
//! Nothing is in force before enough people of the old and of the new version have signed it.

use super::consequences::consequences;
use super::draft::named;
use super::folder::{Folder, Found};
use crate::cli::{Failure, Outcome, Ui, duration, keys};
use crate::model::{Digest, EnvName, Principal, RoleName, Stamp};
use crate::signing::PublicKey;
use crate::signing::glob::NameGlob;
use crate::signing::ratify::MAX_LIFE;
use crate::signing::root::{self, RawPrincipal, RawRole, RawRoot, ReleasePin, Root, allowed_signers};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DAY: i64 = 86_400;

/// A change of the newest trust root of a folder.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Edit {
    /// Add a person, another key of theirs, or roles that they have from now on.
    Add {
        /// The person and a public key; only the name for somebody who has a key already.
        #[arg(value_name = "NAME[=KEY.pub]")]
        person: String,
        /// A role that the person gets; repeat it.
        #[arg(long, value_name = "ROLE")]
        role: Vec<RoleName>,
        /// The nodes of the role `break-glass`, which is made if there is none: all nodes, unless this says otherwise.
        #[arg(long, value_name = "PATTERN,…", value_delimiter = ',', requires = "role")]
        nodes: Vec<NameGlob>,
        /// How long what the role `break-glass` releases may last, a day at most: for example `4h`.
        #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "role")]
        max_life: Option<Duration>,
        #[command(flatten)]
        around: Around,
    },
    /// Take a person out, or only a role or a key of theirs.
    Remove {
        /// The person.
        name: Principal,
        /// Only this role; repeat it.
        #[arg(long, value_name = "ROLE")]
        role: Vec<RoleName>,
        /// Only this key.
        #[arg(long, value_name = "FILE.pub", conflicts_with = "role")]
        key: Option<PathBuf>,
        #[command(flatten)]
        around: Around,
    },
    /// Give a person a new key in place of the ones they have.
    Rotate {
        /// The person and the new public key.
        #[arg(value_name = "NAME=KEY.pub")]
        person: String,
        #[command(flatten)]
        around: Around,
    },
    /// Change how many people of a role must sign.
    Threshold {
        /// The role.
        role: RoleName,
        /// How many of its people.
        count: u32,
        #[command(flatten)]
        around: Around,
    },
    /// Change nothing but when it ends.
    Renew {
        #[command(flatten)]
        around: Around,
    },
    /// Have agents start over from one release, after serials ran ahead under stolen keys.
    Recover {
        /// The environment.
        #[arg(long, value_name = "ENV")]
        environment: EnvName,
        /// The serial of the release to start over from.
        #[arg(long, value_name = "SEQ")]
        seq: u64,
        /// The digest of its statement.
        #[arg(long, value_name = "DIGEST")]
        release: Digest,
        #[command(flatten)]
        around: Around,
    },
}

impl Edit {
    const fn around(&self) -> &Around {
        match self {
            Self::Add { around, .. }
            | Self::Remove { around, .. }
            | Self::Rotate { around, .. }
            | Self::Threshold { around, .. }
            | Self::Renew { around }
            | Self::Recover { around, .. } => around,
        }
    }
}

/// Where the versions are, and what the next one is made with.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Around {
    /// The folder of the trust root.
    #[arg(long, value_name = "DIR", default_value = ".")]
    trust: PathBuf,
    /// Days until the new version must be renewed.
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// The server's folder: says which releases in force lose signatures.
    #[arg(long, value_name = "SERVERDIR")]
    server: Option<PathBuf>,
}

/// Writes the next version and says what it would do.
pub(super) fn edit(edit: &Edit, now: Stamp, ui: &mut Ui) -> Outcome {
    let around = edit.around();
    let folder = Folder::open(&around.trust)?;
    let (newest, before) = base(&folder)?;
    let mut raw = newest.root.fields().clone();
    apply(edit, &mut raw)?;
    if raw == *newest.root.fields() && !matches!(edit, Edit::Renew { .. }) {
        return Err(Failure::refused("nothing would change").hint("countersign trust show"));
    }
    if before.is_none() {
        raw.version += 1;
        raw.prev = Some(Digest::of(&newest.bytes));
    }
    raw.created = now;
    raw.expires = now.plus(i64::from(around.days) * DAY);
    let next = Root::new(raw).map_err(|refusal| Failure::from_error(&refusal))?;
    let old = before.as_ref().unwrap_or(&newest);
    signable(&old.root, &next)?;
    let says = consequences(&old.root, &next, around.server.as_deref())?;
    folder.write(&format!("{}.json", next.version()), &next.encode())?;
    folder.write("allowed_signers", allowed_signers(&next).as_bytes())?;
    ui.line(format_args!("wrote trust root {} to {}", next.version(), folder.path().display()))?;
    ui.line(format_args!("digest {}", Digest::of(&next.encode())))?;
    for line in says {
        ui.line(line)?;
    }
    ui.note(format_args!("next: countersign trust sign {} --key KEY", folder.path().display()));
    Ok(0)
}

/// Fails where nobody could sign enough: everybody has one signature, which counts for the old version and for the
/// new one only if the key is in both.
fn signable(old: &Root, new: &Root) -> Result<(), Failure> {
    let keys = |root: &Root, name: &Principal| -> BTreeSet<PublicKey> {
        root.principals().filter(|(n, _)| *n == name).flat_map(|(_, keys)| keys).cloned().collect()
    };
    let role = |root: &Root| root.role(root::ROOT).cloned();
    let (Some(old_role), Some(new_role)) = (role(old), role(new)) else { return Ok(()) };
    let torn: BTreeSet<&Principal> = old_role
        .members()
        .filter(|name| new_role.has(name) && keys(old, name).is_disjoint(&keys(new, name)))
        .collect();
    let lacking = |role: &root::Role| {
        let sure = role.members().filter(|name| !torn.contains(name)).count();
        role.threshold().saturating_sub(sure)
    };
    if lacking(&old_role) + lacking(&new_role) <= torn.len() {
        return Ok(());
    }
    let names: Vec<&str> = torn.iter().map(|name| name.as_str()).collect();
    let names = names.join(", ");
    Err(Failure::refused(format!("{names} would have to sign with the old key and with the new one")).hint(
        "two versions: countersign trust add NAME=NEW.pub, and when that is in force \
         countersign trust remove NAME --key OLD.pub",
    ))
}

/// The version that the edit starts from, and the one before where that is still unsigned and is edited further.
fn base(folder: &Folder) -> Result<(Found, Option<Found>), Failure> {
    let newest = folder.newest()?;
    if newest.tally()?.met && folder.signed_by_old(&newest)? {
        return Ok((newest, None));
    }
    let version = newest.version;
    if version == 1 {
        return Err(Failure::refused("trust root 1 is not signed by enough people yet")
            .hint(format!("countersign trust sign {} --key KEY", folder.path().display())));
    }
    if !newest.signatures.is_empty() {
        let text = format!("some have signed trust root {version} already, and a change would void that");
        let hint = format!("let the rest sign it, or start again: delete {version}.json and {version}.sig.d");
        return Err(Failure::refused(text).hint(hint));
    }
    let before = folder.version(version - 1)?;
    Ok((newest, Some(before)))
}

fn apply(edit: &Edit, raw: &mut RawRoot) -> Result<(), Failure> {
    match edit {
        Edit::Add { person, role, nodes, max_life, .. } => {
            let name = match person.contains('=') {
                true => add_key(raw, person)?,
                false => person.parse()?,
            };
            known(raw, &name)?;
            let emergencies = role.iter().any(|role| role.as_str() == root::BREAK_GLASS);
            match (emergencies, nodes.is_empty() && max_life.is_none()) {
                (true, _) => break_glass(raw, nodes, *max_life)?,
                (false, true) => {}
                (false, false) => {
                    let text = "`--nodes` and `--max-life` are for the role `break-glass`";
                    return Err(Failure::usage(text).hint("--role break-glass --nodes 'web*' --max-life 4h"));
                }
            }
            for role in role {
                let members = members(raw, role)?;
                if !members.contains(&name) {
                    members.push(name.clone());
                }
            }
        }
        Edit::Remove { name, role, key, .. } => remove(raw, name, role, key.as_deref())?,
        Edit::Rotate { person, .. } => {
            let (name, _) = named("trust rotate", person)?;
            known(raw, &name)?.keys.clear();
            add_key(raw, person)?;
        }
        Edit::Threshold { role, count, .. } => {
            members(raw, role)?;
            raw.roles.iter_mut().filter(|r| r.name == *role).for_each(|r| r.threshold = *count);
        }
        Edit::Renew { .. } => {}
        Edit::Recover { environment, seq, release, .. } => {
            let pin = ReleasePin { environment: environment.clone(), seq: *seq, release: *release };
            raw.reset = Some(pin);
        }
    }
    Ok(())
}

/// Makes the role for emergencies if there is none, or changes its nodes and how long its releases may last.
fn break_glass(raw: &mut RawRoot, nodes: &[NameGlob], max_life: Option<Duration>) -> Result<(), Failure> {
    let name: RoleName = root::BREAK_GLASS.parse()?;
    if !raw.roles.iter().any(|role| role.name == name) {
        let (nodes, max_life) = (Some(vec!["*".parse()?]), Some(MAX_LIFE));
        raw.roles.push(RawRole { name: name.clone(), members: Vec::new(), threshold: 1, nodes, max_life });
    }
    for role in raw.roles.iter_mut().filter(|role| role.name == name) {
        if !nodes.is_empty() {
            role.nodes = Some(nodes.to_vec());
        }
        role.max_life = max_life.map(|life| life.as_secs()).or(role.max_life);
    }
    Ok(())
}

fn remove(
    raw: &mut RawRoot,
    name: &Principal,
    roles: &[RoleName],
    key: Option<&Path>,
) -> Result<(), Failure> {
    let person = known(raw, name)?;
    if let Some(path) = key {
        let line = keys::read_public(path)?.to_line();
        let before = person.keys.len();
        person.keys.retain(|known| *known != line);
        if person.keys.len() == before {
            return Err(Failure::refused(format!("`{}` is no key of `{name}`", path.display()))
                .hint("countersign trust show"));
        }
        return Ok(());
    }
    for role in roles {
        members(raw, role)?.retain(|member| member != name);
    }
    if roles.is_empty() {
        raw.principals.retain(|principal| principal.name != *name);
        raw.roles.iter_mut().for_each(|role| role.members.retain(|member| member != name));
    }
    // A role of an operator or for emergencies goes with the last who has it.
    let may_go = |role: &RawRole| root::is_operator(&role.name) || role.name.as_str() == root::BREAK_GLASS;
    raw.roles.retain(|role| !role.members.is_empty() || !may_go(role));
    Ok(())
}

/// Adds the key of `NAME=KEY.pub`, and the person where there is none of that name.
fn add_key(raw: &mut RawRoot, argument: &str) -> Result<Principal, Failure> {
    let (name, path) = named("trust add", argument)?;
    let line = keys::read_public(Path::new(path))?.to_line();
    match raw.principals.iter_mut().find(|principal| principal.name == name) {
        Some(person) if person.keys.contains(&line) => {}
        Some(person) => person.keys.push(line),
        None => raw.principals.push(RawPrincipal { name: name.clone(), keys: vec![line] }),
    }
    Ok(name)
}

fn known<'r>(raw: &'r mut RawRoot, name: &Principal) -> Result<&'r mut RawPrincipal, Failure> {
    raw.principals.iter_mut().find(|principal| principal.name == *name).ok_or_else(|| {
        Failure::refused(format!("`{name}` is not in the trust root"))
            .hint(format!("with a key: countersign trust add {name}=KEY.pub"))
    })
}

fn members<'r>(raw: &'r mut RawRoot, role: &RoleName) -> Result<&'r mut Vec<Principal>, Failure> {
    let found = raw.roles.iter_mut().find(|r| r.name == *role);
    found.map(|role| &mut role.members).ok_or_else(|| {
        Failure::refused(format!("the trust root has no role `{role}`")).hint("countersign trust show")
    })
}
