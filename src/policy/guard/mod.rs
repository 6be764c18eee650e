//! What a command does, and whether that may ever happen. The agent has this part too, so it imports
//! nothing but the model and the shell.

mod accounts;
mod analysis;
mod apply;
mod augeas;
mod bindings;
mod calls;
mod checks;
mod configuration;
mod container;
mod content;
mod decoding;
mod disguise;
mod effect;
mod embedded;
mod endless;
mod entries;
mod environment;
mod fetch;
mod filter;
mod find;
mod firewall;
mod found;
mod interpreter;
mod invoke;
mod language;
mod lexer;
mod library;
mod lists;
mod mode;
mod names;
mod nftables;
mod numbers;
mod operators;
mod options;
mod parts;
mod paths;
mod patterns;
mod picks;
mod reader;
mod readings;
mod repeated;
mod resource;
mod rows;
mod rules;
mod runs;
mod sed;
mod sed_script;
mod selector;
mod shapes;
mod special;
mod statements;
mod step;
mod stores;
mod strings;
mod sudoers;
mod table;
mod texts;
mod tools;
mod trial;
mod values;
mod words;

pub use effect::{Effect, Kind};
pub(in crate::policy) use mode::sets_user_id;
pub use rules::{Match, Rule, Rules, RulesError};
pub use step::Step;

use crate::model::{Finding, Place as FilePlace, Severity};
use crate::shell::run::{Call, Place, Shell, State};
use crate::shell::{Dialect, ParseError, Part, Source, Span, Value};
use analysis::Analysis;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// A command right before it is executed, live facts filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuardCommand {
    /// An argument vector; nothing is expanded.
    Argv(Vec<String>),
    /// Text for `/bin/sh -c`.
    Shell(String),
    /// A file at this path that holds this text from now on.
    File(String, String),
}

/// A command that must never run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the command is refused by rule `{rule}`: {message}", rule = .findings.first().map_or("", |f| f.rule.as_str()), message = .findings.first().map_or("", |f| f.message.as_str()))]
pub struct Denied {
    /// Why; at least one finding.
    pub findings: Vec<Finding>,
}

/// Something to analyse.
#[derive(Debug, Clone)]
pub enum Subject<'a> {
    /// An argument vector; unknown elements are live facts.
    Argv(&'a [Value]),
    /// Text for `/bin/sh -c`.
    Shell(&'a str),
    /// The content of a file at a path, and whether its mode lets it be executed.
    File(&'a str, &'a Value, bool),
}

impl Subject<'_> {
    /// What spans of effects refer to: the text, or the words with a blank between them.
    #[must_use]
    pub fn source(&self) -> Cow<'_, str> {
        match self {
            Self::Argv(words) => {
                Cow::Owned(words.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            }
            Self::Shell(text) => Cow::Borrowed(text),
            Self::File(_, content, _) => {
                content.literal().map_or_else(|| Cow::Owned(content.code()), Cow::Borrowed)
            }
        }
    }
}

/// What is known of the circumstances of a command.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// The working directory; `/` when not given.
    pub cwd: Option<String>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
}

/// The effects of a command or script, in both readings where shells differ.
#[must_use]
pub fn effects(rules: &Rules, subject: &Subject<'_>, setting: &Setting) -> Vec<Effect> {
    let source = subject.source();
    let mut analysis = Analysis::new(rules, &source);
    read(&mut analysis, subject, setting, Dialect::Bash);
    if (readings::differ(subject) || analysis.differs) && !readings::only_bash(subject) {
        read(&mut analysis, subject, setting, Dialect::Dash);
    }
    analysis.found()
}

/// The programs that a command or script runs as `dialect` reads it, step by step.
#[must_use]
pub fn steps(rules: &Rules, subject: &Subject<'_>, setting: &Setting, dialect: Dialect) -> Vec<Step> {
    let source = subject.source();
    let mut analysis = Analysis::new(rules, &source);
    analysis.steps_told = Some(Vec::new());
    read(&mut analysis, subject, setting, dialect);
    analysis.steps_told.unwrap_or_default()
}

fn read(analysis: &mut Analysis<'_>, subject: &Subject<'_>, setting: &Setting, dialect: Dialect) {
    let given = match subject {
        Subject::Argv(words) => words,
        Subject::File(_, content, _) => std::slice::from_ref(*content),
        Subject::Shell(_) => &[],
    };
    if given.iter().any(has_mark) {
        analysis.add(Effect::new(Kind::Hidden, "private-use", "private-use characters", Span::default()));
        return;
    }
    let mut state = State::new(dialect, Value::text(setting.cwd.as_deref().unwrap_or("/")));
    for (name, value) in &setting.environment {
        state.export(name, Value::text(value.as_str()));
    }
    match subject {
        Subject::Argv(words) => {
            let spans = spans_of(words);
            let stdin = Value::default();
            let span = Span::new(0, spans.last().map_or(0, |s| s.end));
            let call = Call { words, spans: &spans, stdin: &stdin, environment: &[], span, socket: false };
            analysis.argv(words, &spans, &call, &mut state);
        }
        Subject::Shell(text) => shell(analysis, text, dialect, &mut state),
        Subject::File(path, content, executable) => {
            content::file(analysis, path, content, *executable, &mut state);
        }
    }
    content::left(analysis, &state);
}

fn shell(analysis: &mut Analysis<'_>, text: &str, dialect: Dialect, state: &mut State) {
    let whole = Span::new(0, text.len());
    if let Some((at, c)) = text.char_indices().find(|(_, c)| is_mark(*c)) {
        let span = Span::new(at, at + c.len_utf8());
        analysis.add(Effect::new(Kind::Hidden, "private-use", format!("U+{:04X}", c as u32), span));
        return;
    }
    // What bash parses and dash does not is judged as bash runs it.
    let bash_only = text.contains("[[ ") || text.contains("(( ");
    let unread = || matches!(crate::shell::parse(text, 0, dialect), Err(ParseError::Syntax { .. }));
    if dialect == Dialect::Dash && (bash_only || unread()) {
        return;
    }
    Shell::new(analysis).text(text, Place::Source(whole), state, &Value::default());
}

/// Whether something in what was given looks unknown and is no fact: it brought characters that the analysis uses itself.
fn has_mark(value: &Value) -> bool {
    value.parts().iter().any(|part| match part {
        Part::Text(_) => false,
        Part::Glob(_) => true,
        Part::Dynamic(unknown) => unknown.source != Source::Fact,
    })
}

/// Characters that the analysis uses itself.
const fn is_mark(c: char) -> bool {
    c as u32 >= 0xF_0000
}

/// Where the words would stand if they were written with one blank between them.
pub(in crate::policy) fn spans_of(words: &[Value]) -> Vec<Span> {
    let mut at = 0;
    words
        .iter()
        .map(|word| {
            let length = word.to_string().len();
            let span = Span::new(at, at + length);
            at += length + 1;
            span
        })
        .collect()
}

/// Findings for effects: one for each rule and target.
#[must_use]
pub fn findings(rules: &Rules, effects: &[Effect], file: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut known = HashSet::new();
    for effect in effects {
        let Some(rule) = rules.broken_by(effect) else { continue };
        let place = FilePlace::new(file, effect.span.start, effect.span.end);
        let mut finding = Finding::new(rule.id.as_str(), rule.severity, rule.message_for(effect), place)
            .why(rule.why.trim())
            .instead(rule.instead.trim());
        finding.resolved.clone_from(&effect.resolved);
        if known.insert((finding.rule.clone(), finding.place.clone(), finding.message.clone())) {
            findings.push(finding);
        }
    }
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.place.cmp(&b.place)));
    findings
}

/// The last look before a command runs: refuses what no waiver can allow.
///
/// # Errors
/// When a rule of severity deny is broken.
pub fn check(command: &GuardCommand) -> Result<(), Denied> {
    check_in(command, &Setting::default())
}

/// The same, knowing where the command runs and in which environment.
///
/// # Errors
/// When a rule of severity deny is broken.
pub fn check_in(command: &GuardCommand, setting: &Setting) -> Result<(), Denied> {
    let rules = Rules::builtin();
    let effects = match command {
        GuardCommand::Argv(words) => {
            let words: Vec<Value> = words.iter().map(|w| Value::text(w.as_str())).collect();
            effects(rules, &Subject::Argv(&words), setting)
        }
        GuardCommand::Shell(text) => effects(rules, &Subject::Shell(text), setting),
        GuardCommand::File(path, text) => {
            let text = Value::text(text.as_str());
            effects(rules, &Subject::File(path, &text, false), setting)
        }
    };
    let mut findings = findings(rules, &effects, "<command>");
    findings.retain(|finding| finding.severity == Severity::Deny);
    if findings.is_empty() { Ok(()) } else { Err(Denied { findings }) }
}

/// The class of protected path that a removal of `path` would hit; `below` counts what is in it.
pub(in crate::policy) fn path_class<'r>(rules: &'r Rules, path: &str, below: bool) -> Option<&'r str> {
    let mut value = Value::default();
    match path.strip_suffix("/*") {
        Some(directory) => {
            value.append(&Value::text(format!("{directory}/")));
            value.push(crate::shell::Part::Glob("*".into()));
        }
        None => value.append(&Value::text(path)),
    }
    let reach = if below { paths::Reach::Below } else { paths::Reach::Itself };
    rules.paths.class(&value, reach)
}

/// Whether a machine cannot do without a package.
pub(in crate::policy) fn is_essential(rules: &Rules, name: &str) -> bool {
    rules.essential_packages.iter().any(|pattern| crate::shell::run::matches(pattern, name))
}

/// Whether a service protects a machine, or is the way to it.
pub(in crate::policy) fn is_security_service(rules: &Rules, name: &str) -> bool {
    rules.security_services.iter().any(|pattern| crate::shell::run::matches(pattern, name))
}

/// Whether some program executes what is in a file. Commands always are.
#[must_use]
pub(in crate::policy) fn is_code(rules: &Rules, subject: &Subject<'_>) -> bool {
    match subject {
        Subject::Argv(_) | Subject::Shell(_) => true,
        Subject::File(path, content, executable) => content::is_code(rules, path, content, *executable),
    }
}

/// A live fact in an argument vector whose value is not known yet.
#[must_use]
pub fn fact() -> Value {
    Value::dynamic(Source::Fact, false)
}

#[cfg(test)]
mod tests;
