//! Loops without end: whether something in them ends or slows them.

use super::State;
use crate::shell::ast::{Command, CommandKind, Piece, Script, Word};
use crate::shell::visit::{self, Seen};
use std::collections::HashSet;

/// Commands that leave a loop.
const LEAVES: [&str; 5] = ["break", "exit", "return", "exec", "kill"];
/// Builtins that wait for something.
const WAITS: [&str; 3] = ["wait", "read", "select"];

/// Builtins that come back at once.
const AT_ONCE: [&str; 32] = [
    ":", "[", "alias", "bg", "cd", "declare", "dirs", "disown", "echo", "export", "false", "getopts", "hash",
    "jobs", "let", "local", "mapfile", "popd", "printf", "pushd", "pwd", "readonly", "set", "shift", "test",
    "times", "trap", "true", "type", "typeset", "umask", "unset",
];

/// Whether a loop whose condition always holds neither ends nor waits. `waits` says which programs may
/// take their time.
pub(super) fn runs_away(
    condition: &Script,
    body: &Script,
    waits: &dyn Fn(&str) -> bool,
    state: &State,
) -> bool {
    let mut look = Look { waits, state, called: HashSet::new(), depth: 0 };
    !look.ends(condition) && !look.ends(body)
}

/// Whether each round of a loop starts something in the background, and none waits for it.
pub(super) fn floods(body: &Script, waits: &dyn Fn(&str) -> bool, state: &State) -> bool {
    body.items.iter().any(|item| item.background) && runs_away(&Script::default(), body, waits, state)
}

/// Rounds that `for … in $(seq …)` certainly has.
pub(super) fn counted(words: &[Word]) -> usize {
    let last = |text: &str| {
        let mut words = text.split_whitespace();
        words.next().filter(|program| *program == "seq")?;
        words.next_back()?.parse::<usize>().ok()
    };
    let one = |piece: &Piece| match piece {
        Piece::Command { text, .. } => last(text).unwrap_or(1),
        _ => 1,
    };
    words.iter().flat_map(|w| &w.pieces).map(one).sum()
}

struct Look<'a> {
    waits: &'a dyn Fn(&str) -> bool,
    state: &'a State,
    /// Functions that have been looked into.
    called: HashSet<String>,
    depth: usize,
}

impl Look<'_> {
    /// Whether something in the foreground ends the loop or makes it wait.
    fn ends(&mut self, script: &Script) -> bool {
        self.depth += 1;
        let found = self.depth < 40
            && script
                .items
                .iter()
                .filter(|item| !item.background)
                .flat_map(|item| &item.chain)
                .flat_map(|(_, pipeline)| &pipeline.commands)
                .any(|command| self.command(command));
        self.depth -= 1;
        found
    }

    fn command(&mut self, command: &Command) -> bool {
        match &command.kind {
            CommandKind::Simple { words, .. } => {
                let Some(first) = words.first() else { return false };
                match first.pieces.as_slice() {
                    [Piece::Text(name)] => (name != "exec" || words.len() > 1) && self.simple(name),
                    // A program that is not known may do anything, wait included.
                    _ => true,
                }
            }
            CommandKind::Group(inner) | CommandKind::Subshell(inner) => self.ends(inner),
            CommandKind::Coprocess(..) | CommandKind::Function { .. } => false,
            CommandKind::If { branches, otherwise } => {
                branches.iter().any(|(c, then)| self.ends(c) || self.ends(then))
                    || otherwise.as_ref().is_some_and(|o| self.ends(o))
            }
            CommandKind::Loop { condition, body, .. } => self.ends(condition) || self.ends(body),
            CommandKind::For { body, .. } | CommandKind::Count { body, .. } => self.ends(body),
            CommandKind::Case { arms, .. } => arms.iter().any(|arm| self.ends(&arm.body)),
            CommandKind::Condition(_) | CommandKind::Arithmetic(_) => false,
        }
    }

    fn simple(&mut self, name: &str) -> bool {
        if LEAVES.contains(&name) || WAITS.contains(&name) {
            return true;
        }
        match self.state.functions.get(name).map(|f| f.body.clone()) {
            Some(body) => self.called.insert(name.to_owned()) && self.command(&body),
            None => !AT_ONCE.contains(&name) && (self.waits)(name),
        }
    }
}

/// Whether a condition looks at something that the loop may change.
pub(super) fn varies(condition: &Script) -> bool {
    let commands = condition.items.iter().flat_map(|i| &i.chain).flat_map(|(_, p)| &p.commands);
    let named = |word: &Word| {
        word.pieces.iter().any(|p| !matches!(p, Piece::Quoted(t) if !t.contains(char::is_alphabetic)))
    };
    let mut expands = false;
    visit::script(condition, &mut |seen| expands |= matches!(seen, Seen::Parameter(_)));
    expands || commands.into_iter().any(|c| matches!(&c.kind, CommandKind::Arithmetic(word) if named(word)))
}

/// Whether a script may look at a variable, be it in text that it evaluates later.
pub(super) fn mentions(script: &Script, variable: &str) -> bool {
    let mut found = false;
    visit::script(script, &mut |seen| found = found || seen.text().contains(variable));
    found
}
