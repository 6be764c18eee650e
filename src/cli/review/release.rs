//! `release list`, `release show`, `release verify`.

use super::ReleaseArgs;
use super::clone::Clone;
use crate::cli::{Failure, Outcome, Ui};
use crate::model::{Digest, EnvName, Principal};
use crate::module;
use crate::repo::Limits;
use crate::review::{admission, escape};
use crate::server::gate::ratifications;
use crate::server::gate::releases::{self, ReleaseRecord};
use crate::signing::merkle::Leaves;
use crate::signing::release::ReleaseKind;
use crate::signing::{Envelope, Release, Verified, ratify};

/// `release list`.
pub(super) fn list(ui: &mut Ui) -> Outcome {
    let clone = Clone::open()?;
    let environments = releases::environments(&clone.repo)?;
    for environment in &environments {
        for (seq, _) in releases::list(&clone.repo, environment)?.into_iter().rev() {
            let record = releases::read(&clone.repo, environment, seq)?;
            ui.line(line(&clone, &record))?;
        }
    }
    if environments.is_empty() {
        ui.line("nothing is released yet")?;
    }
    Ok(0)
}

fn line(clone: &Clone, record: &ReleaseRecord) -> String {
    let release = &record.release;
    let signed = match signed(clone, record).and_then(|verified| {
        let emergency = emergency(clone, release)?;
        Ok(format!("signed by {}{emergency}", Principal::list(verified.signers())))
    }) {
        Ok(signed) => signed,
        Err(error) => format!("NOT VALID: {error}"),
    };
    let reason = escape::line(release.reason.as_bytes());
    let (environment, seq) = (release.environment.as_str(), release.seq);
    format!("{seq:>4}  {environment:<12} {}  {reason}  [{signed}]", release.created)
}

/// What an emergency release stands at; nothing about any other.
fn emergency(clone: &Clone, release: &Release) -> Result<String, Failure> {
    if release.kind != ReleaseKind::BreakGlass {
        return Ok(String::new());
    }
    let given = ratifications::load(&clone.repo, &release.environment, release.seq)?;
    let signatures: Vec<String> = given.into_iter().map(|(_, signature)| signature).collect();
    let withdrawn = clone.withdrawn(&release.environment)?;
    let tally = ratify::check_threshold(&clone.root, &withdrawn, release, &signatures)?;
    Ok(if tally.met {
        format!(", EMERGENCY, ratified by {}", Principal::list(&tally.signed))
    } else {
        let missing = super::list::missing(&tally.missing);
        format!(", EMERGENCY until {}, not ratified: missing {missing}", release.expires)
    })
}

/// `release show`.
pub(super) fn show(args: &ReleaseArgs, ui: &mut Ui) -> Outcome {
    let clone = Clone::open()?;
    let record = releases::read(&clone.repo, &args.environment, args.seq)?;
    ui.line(line(&clone, &record))?;
    let release = &record.release;
    ui.line(format_args!("  statement  {}", Digest::of(&record.statement)))?;
    ui.line(format_args!("  change     {}, patchset {}", release.change, release.patchset))?;
    ui.line(format_args!("  authors    {}", Principal::list(&release.authors)))?;
    ui.line(format_args!("  commit     {}", release.commit))?;
    ui.line(format_args!("  nodes      {} of {} changed", release.affected, release.nodes))?;
    ui.line(format_args!("  expires    {}", release.expires))?;
    Ok(0)
}

/// `release verify`.
pub(super) fn verify(args: &ReleaseArgs, ui: &mut Ui) -> Outcome {
    let clone = Clone::open()?;
    let record = releases::read(&clone.repo, &args.environment, args.seq)?;
    check(&clone, &record, ui)?;
    Ok(0)
}

/// Signatures, chain, files and catalogs of a release.
///
/// # Errors
/// With the first that does not hold.
pub(super) fn check(clone: &Clone, record: &ReleaseRecord, ui: &mut Ui) -> Result<(), Failure> {
    let release = signed(clone, record)?;
    ui.line(format_args!(
        "signatures  {} under trust root {}",
        Principal::list(release.signers()),
        clone.root.version()
    ))?;
    chain(clone, &release.environment, &release)?;
    ui.line(format_args!("chain       unbroken from release 1 to {}", release.seq))?;
    let tree = clone.repo.read_tree(release.commit.parse()?, Limits::SITE)?;
    if tree.manifest_digest() != release.source {
        return Err(Failure::refused("the commit does not hold the files that were signed"));
    }
    ui.line(format_args!("source      {}", release.source))?;
    catalogs(record, &tree)?;
    ui.line(format_args!("catalogs    {} compiled here, all as signed", release.nodes))
}

fn signed(clone: &Clone, record: &ReleaseRecord) -> Result<Verified<Release>, Failure> {
    let signatures = record.signatures.iter().map(|(_, signature)| signature.clone()).collect();
    let envelope = Envelope { bytes: record.statement.clone(), signatures };
    let withdrawn = clone.withdrawn(&record.release.environment)?;
    Ok(crate::signing::release::verify(&clone.root, &withdrawn, &envelope)?)
}

/// Every statement names the one before it.
fn chain(clone: &Clone, environment: &EnvName, release: &Release) -> Result<(), Failure> {
    let mut wanted = release.prev;
    for seq in (1..release.seq).rev() {
        let before = releases::read(&clone.repo, environment, seq)?;
        if wanted != Some(Digest::of(&before.statement)) {
            return Err(Failure::refused(format!(
                "release {seq} is not the one that release {} names",
                seq + 1
            )));
        }
        wanted = before.release.prev;
    }
    Ok(())
}

fn catalogs(record: &ReleaseRecord, tree: &crate::model::Tree) -> Result<(), Failure> {
    let release = &record.release;
    if release.compiler != module::compiler() {
        return Err(Failure::refused("another version of countersign compiled this release")
            .hint("use that version to compile it again; the signatures hold all the same"));
    }
    let compiled = module::load(tree).and_then(|site| module::compile(&site, &release.environment));
    let compilation = compiled.map_err(|_| Failure::refused("the released files do not compile here"))?;
    let ours = Leaves::new(&record.salt, admission::entries(&compilation))?;
    if ours.root() == release.catalogs {
        Ok(())
    } else {
        Err(Failure::refused("the catalogs compiled here are not the ones that were signed"))
    }
}
