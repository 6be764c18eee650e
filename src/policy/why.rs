//! Why the lint says what it says of one line of a site: how the text there was read, what its words
//! became, what the programs do, and which rule that breaks.

use super::catalog::each_subject;
use super::check::attribute;
use super::guard::{self, Rules, Setting, Step, Subject};
use crate::model::{NodeName, Place, Ref, Tree};
use crate::module::{AttrOrigin, Compilation};
use crate::shell::{Dialect, Span, outline};

/// How one command or script was analysed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Where it is executed; `None` for text that no resource has.
    pub from: Option<Executed>,
    /// The text, or the words with a blank between them.
    pub text: String,
    /// What each shell makes of it; the second only where it is another.
    pub readings: Vec<Reading>,
}

/// What makes a node execute something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// The resource.
    pub resource: Ref,
    /// Its attribute.
    pub attr: &'static str,
    /// The nodes that have it, ascending.
    pub nodes: Vec<NodeName>,
}

/// What one shell makes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The shell.
    pub dialect: Dialect,
    /// The syntax tree as indented lines, where a shell reads the text.
    pub tree: Option<String>,
    /// The programs that it starts.
    pub steps: Vec<Step>,
}

/// How the text of `subject` is analysed; of a long one, only what stands in `focus`.
#[must_use]
pub fn account(rules: &Rules, subject: &Subject<'_>, setting: &Setting, focus: Option<Span>) -> Account {
    let text = subject.source().into_owned();
    let mut readings: Vec<Reading> = Vec::new();
    for dialect in Dialect::BOTH {
        let mut steps = guard::steps(rules, subject, setting, dialect);
        steps.retain(|s| focus.is_none_or(|f| s.span.start < f.end && f.start < s.span.end));
        let tree = match (subject, focus) {
            (Subject::Shell(text), _) => Some(*text),
            (Subject::File(..), Some(focus)) => text.get(focus.start..focus.end),
            (Subject::File(..) | Subject::Argv(_), _) => None,
        };
        let tree = tree.and_then(|text| outline(text, dialect).ok());
        if readings.iter().all(|r| r.tree != tree || r.steps != steps) {
            readings.push(Reading { dialect, tree, steps });
        }
    }
    Account { from: None, text, readings }
}

/// How everything was analysed that `line` (counted from 1) of `file` makes a node execute.
#[must_use]
pub fn why(rules: &Rules, tree: &Tree, compilation: &Compilation, file: &str, line: usize) -> Vec<Account> {
    let Some(wanted) = line_of(tree, file, line) else { return Vec::new() };
    let mut accounts: Vec<Account> = Vec::new();
    for node in &compilation.nodes {
        for (resource, origin) in node.catalog.resources.iter().zip(&node.origins) {
            let declared = touches(&origin.declared, &wanted);
            each_subject(&resource.spec, &compilation.blobs, &mut |attr, subject, setting| {
                let from = attribute(attr, origin);
                if !declared && !from.is_some_and(|from| made_of(from, &wanted)) {
                    return;
                }
                let executed =
                    Executed { resource: resource.reference(), attr, nodes: vec![node.catalog.node.clone()] };
                let focus = from.filter(|_| matches!(subject, Subject::File(..)));
                let account = Account {
                    from: Some(executed),
                    ..account(rules, subject, setting, focus.and_then(|from| focused(from, &wanted)))
                };
                merge(&mut accounts, account);
            });
        }
    }
    accounts
}

/// The same thing on many nodes is told once.
fn merge(accounts: &mut Vec<Account>, account: Account) {
    let key = |a: &Account| a.from.as_ref().map(|f| (f.resource.clone(), f.attr));
    let known = accounts.iter_mut().find(|a| key(a) == key(&account) && a.text == account.text);
    match known.and_then(|known| known.from.as_mut()) {
        Some(known) => known.nodes.extend(account.from.into_iter().flat_map(|from| from.nodes)),
        None => accounts.push(account),
    }
}

fn line_of(tree: &Tree, file: &str, line: usize) -> Option<Place> {
    let text = std::str::from_utf8(tree.get(file)?).ok()?;
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let length = text.get(start..)?.lines().next()?.len();
    Some(Place::new(file, start, start + length))
}

fn made_of(attr: &AttrOrigin, wanted: &Place) -> bool {
    touches(&attr.place, wanted) || attr.via.iter().any(|via| touches(&via.place, wanted))
}

fn touches(place: &Place, wanted: &Place) -> bool {
    place.file == wanted.file && place.start <= wanted.end && wanted.start <= place.end
}

/// The wanted line as a part of the value of an attribute, where the value is text of that file.
fn focused(attr: &AttrOrigin, wanted: &Place) -> Option<Span> {
    if !attr.literal || attr.place.file != wanted.file {
        return None;
    }
    let start = wanted.start.checked_sub(attr.place.start)?;
    Some(Span::new(start, start + (wanted.end - wanted.start)))
}
