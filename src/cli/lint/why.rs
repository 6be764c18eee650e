//! `countersign lint --why`: how one line of a site was analysed.

use crate::cli::{Failure, Outcome, Ui, site};
use crate::module;
use crate::policy::guard::{Rules, Setting, Subject};
use crate::policy::{Policy, report, why};
use std::io::Read as _;
use std::path::Path;
use std::str::FromStr;

/// What to explain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Text for a shell on standard input.
    Stdin,
    /// A line of a file of the site, counted from 1.
    Line(String, usize),
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        let line = text.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
        match line {
            Some((file, line)) if line > 0 && !file.is_empty() => Ok(Self::Line(file.to_owned(), line)),
            _ => Err("give a file of the site and a line, such as `modules/web/module.toml:12`".to_owned()),
        }
    }
}

/// Runs the command.
pub(super) fn run(wanted: &Wanted, dir: &Path, ui: &mut Ui) -> Outcome {
    let text = match wanted {
        Wanted::Stdin => stdin()?,
        Wanted::Line(file, line) => of_line(file, *line, dir, ui)?,
    };
    ui.raw(text.as_bytes())
}

fn stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|cause| Failure::io("cannot read", Path::new("-"), &cause))?;
    let rules = Rules::builtin();
    let account = why::account(rules, &Subject::Shell(text.trim_end()), &Setting::default(), None);
    Ok(report::why(rules, &[account]))
}

fn of_line(file: &str, line: usize, dir: &Path, ui: &mut Ui) -> Result<String, Failure> {
    let tree = site::read(dir, ui)?;
    let file = file.strip_prefix("./").unwrap_or(file);
    if tree.get(file).is_none() {
        return Err(Failure::usage(format!("`{file}` is no file of the site in `{}`", dir.display())));
    }
    let loaded = site::load(&tree, ui)?;
    let policy = Policy::load(&tree).map_err(|findings| site::refusal(&tree, &findings, ui))?;
    let mut accounts = Vec::new();
    for environment in loaded.environments() {
        let compilation =
            module::compile(&loaded, environment).map_err(|findings| site::refusal(&tree, &findings, ui))?;
        for account in why::why(policy.analysis(), &tree, &compilation, file, line) {
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
    }
    if accounts.is_empty() {
        let hint = "countersign compile shows what the nodes get";
        return Err(
            Failure::usage(format!("nothing on line {line} of `{file}` is executed by a node")).hint(hint)
        );
    }
    Ok(report::why(policy.analysis(), &accounts))
}
