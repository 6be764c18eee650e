//! Whether the hook sees what is pushed: at its start the server asks it about a commit that it must refuse, in a
//! quarantine as git makes one (D20). A gate whose hook is blind is closed until that is mended.

use super::{GateError, admission};
use crate::model::{EnvName, Stamp, Tree};
use crate::repo::receive::PushCommand;
use crate::repo::{Planted, Repo, RepoError};
use crate::review::admission::{self as judgement, Proposal};
use std::path::PathBuf;
use std::time::Duration;

/// The argument with which the hook is asked. Git never gives it one.
const ARGUMENT: &str = "--self-test";
const CLOSED: &str = "closed";
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the gate is closed; `None` when it is open.
#[must_use]
pub fn closed(repo: &Repo) -> Option<String> {
    match std::fs::read_to_string(marker(repo)) {
        Ok(why) => Some(why.trim_end().to_owned()),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => None,
        Err(cause) => Some(format!("`{}` cannot be read: {cause}", marker(repo).display())),
    }
}

/// Asks the installed hook about a planted violation, and opens or closes the gate. `word` is random: only a hook
/// that reads what was planted can say it.
///
/// # Errors
/// [`GateError::Blind`] when the hook does not refuse it for what it is; the gate is closed then.
pub fn self_test(repo: &Repo, word: &str, now: Stamp) -> Result<(), GateError> {
    let asked = ask(repo, word, now);
    let path = marker(repo);
    let failed = |cause| RepoError::File { what: "write", path: path.clone(), cause };
    match &asked {
        Ok(()) => match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(failed(cause).into()),
            _ => {}
        },
        Err(error) => std::fs::write(&path, format!("{error}\n")).map_err(failed)?,
    }
    asked
}

fn ask(repo: &Repo, word: &str, now: Stamp) -> Result<(), GateError> {
    let module = format!("modules/planted-{word}/module.toml");
    let planted = Planted::new(repo, &violation(word, &module)?, now)?;
    let blind = |why: String| GateError::Blind { hook: repo.path().join("hooks/pre-receive"), why };
    let answer = planted.ask(repo, ("refs/for/production", ARGUMENT), PATIENCE);
    let (code, said) = answer.map_err(|error| match &error {
        RepoError::File { cause, .. } => blind(format!("{error}: {cause}")),
        _ => blind(error.to_string()),
    })?;
    match code {
        Some(1) if said.contains(&module) && said.contains(RULE) => Ok(()),
        Some(1) => Err(blind("it did not name the violation that was planted for it".into())),
        Some(code) => Err(blind(format!("it ended with code {code} on a violation that was planted for it"))),
        None => Err(blind("it was killed on a violation that was planted for it".into())),
    }
}

/// The rule that the planted module breaks.
const RULE: &str = "recursive-removal";

/// A site of one node whose only module would remove everything.
fn violation(word: &str, module: &str) -> Result<Tree, GateError> {
    let mut tree = Tree::default();
    let group = format!("name = \"planted\"\n[groups.all]\ninclude = [\"planted-{word}\"]\n");
    for (path, text) in [
        ("countersign.toml", group.as_str()),
        ("nodes/planted.example.toml", "groups = [\"all\"]\n"),
        (module, "[exec.remove]\ncommand = [\"/bin/rm\", \"-rf\", \"/\"]\n"),
    ] {
        let planted = tree.insert(path, text.as_bytes().to_vec());
        planted.map_err(|error| GateError::Damaged(error.to_string()))?;
    }
    Ok(tree)
}

/// The hook's side: judges the commit of the push as any other, but for who pushed it. Never admits anything.
///
/// # Errors
/// Always: [`GateError::Findings`] when all is well.
pub fn judge_planted(repo: &Repo, commands: &[PushCommand], now: Stamp) -> Result<(), GateError> {
    repo.pushed()?;
    let [command] = commands else { return Err(GateError::Refs(commands.len())) };
    let environment: EnvName = command
        .name
        .strip_prefix("refs/for/")
        .and_then(|name| name.parse().ok())
        .ok_or_else(|| GateError::Damaged("the planted push".into()))?;
    let tree = admission::site_files(repo, command.new)?;
    let proposal = Proposal { environment: &environment, tree: &tree, base: &Tree::default(), now };
    match judgement::judge(&proposal) {
        Err(findings) => Err(GateError::Findings { findings, tree: Box::new(tree) }),
        Ok(_) => Ok(()),
    }
}

fn marker(repo: &Repo) -> PathBuf {
    repo.private().join(CLOSED)
}
