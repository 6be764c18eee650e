//! Accounts that are made in more than one step: a password that everybody can read, and a group of
//! administrators.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::options::Arguments;
use crate::shell::Span;
use crate::shell::run::Call;

/// What a script has done to accounts so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Steps {
    /// Somebody has been given a password that stands in the script.
    password: bool,
    /// Somebody has become a member of a group of administrators.
    administrator: bool,
}

/// `chpasswd` and `newusers`: the accounts on standard input.
pub(super) fn passwords(analysis: &mut Analysis<'_>, arguments: &Arguments, call: &Call<'_>) {
    let text = call.stdin.code();
    let hashed = arguments.has(&["-e".to_owned(), "--encrypted".to_owned()]);
    for fields in text.lines().map(|line| line.split(':').collect::<Vec<_>>()) {
        match fields.as_slice() {
            ["root", ..] => analysis.add(Effect::new(Kind::Account, "root", "root", call.span)),
            [_, "", ..] => analysis.add(Effect::new(Kind::Account, "no-password", fields[0], call.span)),
            [name, _, "0", ..] => {
                analysis.add(Effect::new(Kind::Backdoor, "account", *name, call.span));
            }
            [name, password, ..] if !hashed && is_plain(name) && is_plain(password) => {
                step(analysis, |steps| steps.password = true, call.span);
            }
            _ => {}
        }
    }
}

/// Notes that an account becomes a member of `group`.
pub(super) fn joined(analysis: &mut Analysis<'_>, group: &str, span: Span) {
    if group.split(',').any(|one| analysis.rules.lists("admin-groups", one)) {
        step(analysis, |steps| steps.administrator = true, span);
    }
}

/// Takes a step; the second one makes an administrator whose password is no secret.
fn step(analysis: &mut Analysis<'_>, take: impl FnOnce(&mut Steps), span: Span) {
    take(&mut analysis.accounts);
    if analysis.accounts.password && analysis.accounts.administrator {
        let what = "an administrator with a password that everybody can read";
        analysis.add(Effect::new(Kind::Backdoor, "account", what, span));
    }
}

/// Whether all of it stands in the script, and it is not hashed.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.is_ascii() && !text.starts_with('$')
}
