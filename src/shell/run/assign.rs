//! Assignments: variables, elements of arrays, and what `declare` has said about their values. A
//! subscript is an expression, and an expression may run commands.

use super::state::{Function, State};
use super::variables::{Array, Contents, Key, Kind};
use super::{Place, Shell, settings};
use crate::shell::ast::{AssignedValue, Assignment, Piece, Word};
use crate::shell::word::{self, Mode};
use crate::shell::{Source, Span, Value};
use std::sync::Arc;

/// Where a value goes.
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
    pub(super) index: Option<&'a str>,
    /// Whether it is added to what is there.
    pub(super) append: bool,
}

impl Shell<'_> {
    /// `name=value`, `name[index]+=value`, `name=(…)`.
    pub(super) fn assign(&mut self, assignment: &Assignment, state: &mut State, span: Span) {
        let Assignment { name, index, append, value } = assignment;
        let target = Target { name, index: index.as_deref(), append: *append };
        match value {
            AssignedValue::Scalar(word) => {
                let value = self.value(&word.pieces, state, word.span);
                let names = value.has_glob() && matches!(word.pieces.as_slice(), [Piece::Command { .. }]);
                self.store(&target, value, state, span);
                // A list of names may have none.
                if names && let Some(found) = state.variable(name) {
                    state.set_any(name, vec![found, Value::default()]);
                }
            }
            AssignedValue::Array(words) => {
                let elements = self.elements(&target, words, state, span);
                let exported = state.options.allexport;
                state.variables.put(name, Contents::Array(elements));
                let own = state.variables.target(name).to_owned();
                if exported {
                    state.variables.export(&own, true);
                }
            }
        }
    }

    fn elements(
        &mut self,
        target: &Target<'_>,
        words: &[(Option<String>, Word)],
        state: &mut State,
        span: Span,
    ) -> Array {
        let mut elements = match state.variables.contents(target.name) {
            Some(Contents::Array(old)) if target.append => old.clone(),
            Some(Contents::Scalar(old)) if target.append => {
                old.first().map(|v| (Key::Index(0), v.clone())).into_iter().collect()
            }
            _ => Array::new(),
        };
        let mut next = free(&elements);
        for (index, word) in words {
            match index {
                Some(index) => {
                    let key = self.key(target.name, index, state, span).unwrap_or(Key::Index(next));
                    if let Key::Index(at) = key {
                        next = at.saturating_add(1);
                    }
                    let value = self.value(&word.pieces, state, word.span);
                    elements.insert(key, value);
                }
                None => {
                    for value in self.fields(std::slice::from_ref(word), state).0 {
                        elements.insert(Key::Index(next), value);
                        next = next.saturating_add(1);
                    }
                }
            }
        }
        elements
    }

    /// Gives a variable a value, as what is declared of it demands.
    pub(super) fn store(&mut self, target: &Target<'_>, value: Value, state: &mut State, span: Span) {
        let Target { name, index, append } = *target;
        let kind = state.variables.get(name).map_or(Kind::Plain, |v| v.kind);
        let value = match kind {
            Kind::Integer => self.number(&value, state, span),
            Kind::Lower => value.map_text(str::to_lowercase),
            Kind::Upper => value.map_text(str::to_uppercase),
            Kind::Plain | Kind::Reference | Kind::Associative => value,
        };
        // These arrays are other names of the shell's own tables.
        if let ("BASH_ALIASES" | "BASH_CMDS", Some(index)) = (name, index) {
            Arc::make_mut(&mut state.aliases).insert(index.to_owned(), value.code());
            return;
        }
        let array = match state.variables.contents(name) {
            Some(Contents::Array(old)) => Some(old.clone()),
            Some(Contents::Scalar(old)) if index.is_some() => {
                Some(old.first().map(|v| (Key::Index(0), v.clone())).into_iter().collect())
            }
            _ => index.map(|_| Array::new()),
        };
        let Some(mut array) = array else {
            let old = match state.variables.contents(name) {
                Some(Contents::Scalar(old)) if append => old.clone(),
                _ => Vec::new(),
            };
            let mut values: Vec<Value> =
                old.iter().map(|old| self.added(old, &value, kind, state, span)).collect();
            if values.is_empty() {
                values.push(value);
            }
            return state.set_any(name, values);
        };
        let key = match index {
            Some(index) => self.key(name, index, state, span).unwrap_or(Key::Index(free(&array))),
            None => Key::Index(0),
        };
        let value = match array.get(&key) {
            Some(old) if append => self.added(&old.clone(), &value, kind, state, span),
            _ => value,
        };
        array.insert(key, value);
        state.variables.put(name, Contents::Array(array));
    }

    fn added(&mut self, old: &Value, new: &Value, kind: Kind, state: &mut State, span: Span) -> Value {
        let mut whole = old.clone();
        if kind == Kind::Integer {
            whole.append(&Value::text("+"));
            whole.append(new);
            return self.number(&whole, state, span);
        }
        whole.append(new);
        whole
    }

    fn number(&mut self, value: &Value, state: &mut State, span: Span) -> Value {
        let number = self.arithmetic(value, state, span);
        number.map_or_else(|| Value::dynamic(Source::Number, false), |n| Value::text(n.to_string()))
    }

    /// Gives what a word names a value: `name` or `name[index]`.
    pub(super) fn store_named(&mut self, name: &Value, value: Value, state: &mut State, span: Span) {
        let text = name.settled().code();
        match text.split_once('[').and_then(|(name, rest)| Some((name, rest.strip_suffix(']')?))) {
            Some((name, index)) => {
                let target = Target { name, index: Some(index), append: false };
                self.store(&target, value, state, span);
            }
            None => self.store(&Target { name: &text, index: None, append: false }, value, state, span),
        }
    }

    /// Computes the subscript in `name[index]`, as whatever takes the name of a variable does.
    pub(super) fn subscript_of(&mut self, name: &Value, state: &mut State, span: Span) {
        let text = name.settled().code();
        if let Some((name, rest)) = text.split_once('[') {
            self.key(name, rest.strip_suffix(']').unwrap_or(rest), state, span);
        }
    }

    /// The key that a subscript means; `None` for a number that is not known.
    pub(super) fn key(&mut self, name: &str, index: &str, state: &mut State, span: Span) -> Option<Key> {
        let expanded = self.expanded(index, state, span);
        let associative = state.variables.get(name).is_some_and(|v| {
            let names =
                |c: &Contents| matches!(c, Contents::Array(a) if a.keys().any(|k| matches!(k, Key::Name(_))));
            v.kind == Kind::Associative || v.contents.as_ref().is_some_and(names)
        });
        if associative {
            let text = expanded.code();
            return Some(Key::Name(text.trim_matches(['"', '\'']).to_owned()));
        }
        let number = self.arithmetic(&expanded, state, span)?;
        if number >= 0 {
            return Some(Key::Index(number));
        }
        match state.variables.contents(name) {
            Some(Contents::Array(array)) => Some(Key::Index(free(array).saturating_add(number))),
            _ => Some(Key::Index(0)),
        }
    }

    /// Computed text with the expansions in it done, as in a here-document.
    pub(super) fn expanded(&mut self, text: &str, state: &mut State, span: Span) -> Value {
        if !text.contains(['$', '`', '\\']) {
            return Value::text(text);
        }
        let before = self.pinned;
        let (base, span) = self.position(text, Place::Computed(span));
        let stands = Span::new(base, base + text.len());
        let value = match word::parse(text, stands, state.dialect, Mode::HereDocument) {
            Ok(word) => self.value(&word.pieces, state, span),
            Err(_) => Value::dynamic(Source::Output, true),
        };
        self.pinned = before;
        value
    }

    /// `declare -x name=value` and its relatives.
    pub(super) fn declare(&mut self, command: &str, given: &Declared<'_>, state: &mut State) -> Value {
        let settings = settings::Attributes::read(command, given.arguments);
        if settings.functions {
            for name in given.arguments.iter().filter_map(Value::literal) {
                let function = state.functions.get(name).cloned();
                if let Some(function) = function.filter(|_| settings.export == Some(true)) {
                    state.functions.insert(name, Function { exported: true, ..function });
                }
            }
            return Value::default();
        }
        let own = !state.calling.is_empty() && !settings.global && !matches!(command, "export" | "readonly");
        for argument in given.arguments.iter().filter(|a| !a.prefix().starts_with(['-', '+'])) {
            match settings::assignment(argument) {
                Some((name, value)) => {
                    self.introduce(&name, own, &settings, state);
                    self.declared(&name, value, state, given.span);
                }
                None => match argument.settled().code().split_once('=') {
                    // The name has a subscript.
                    Some((name, text)) => {
                        self.store_named(&Value::text(name), Value::text(text), state, given.span);
                    }
                    None => {
                        self.subscript_of(argument, state, given.span);
                        self.introduce(&argument.settled().code(), own, &settings, state);
                    }
                },
            }
        }
        for assignment in given.assignments {
            self.introduce(&assignment.name, own, &settings, state);
            self.assign_declared(assignment, state, given.span);
        }
        Value::default()
    }

    /// A reference takes the name that it is given for itself.
    fn assign_declared(&mut self, assignment: &Assignment, state: &mut State, span: Span) {
        match (&assignment.value, state.variables.entry(&assignment.name).kind) {
            (AssignedValue::Scalar(word), Kind::Reference) => {
                let value = self.value(&word.pieces, state, word.span);
                state.variables.entry(&assignment.name).contents = Some(Contents::Scalar(vec![value]));
            }
            _ => self.assign(assignment, state, span),
        }
    }

    fn declared(&mut self, name: &str, value: Value, state: &mut State, span: Span) {
        if state.variables.entry(name).kind == Kind::Reference {
            state.variables.entry(name).contents = Some(Contents::Scalar(vec![value]));
            return;
        }
        let code = value.code();
        if code.starts_with('(') && code.ends_with(')') {
            self.text(&format!("{name}={code}"), Place::Computed(span), state, &Value::default());
            return;
        }
        self.store(&Target { name, index: None, append: false }, value, state, span);
    }

    fn introduce(&mut self, name: &str, own: bool, settings: &settings::Attributes, state: &mut State) {
        if own && !state.locals.iter().any(|(n, _)| n == name) {
            let before = state.variables.own(name).cloned();
            state.locals.push((name.to_owned(), before));
            if settings.kind != Some(Kind::Plain) {
                state.variables.remove(name);
            }
        }
        let variable = state.variables.entry(name);
        if let Some(kind) = settings.kind {
            variable.kind = kind;
        }
        if let Some(export) = settings.export {
            let unset = variable.contents.is_none();
            state.variables.export(name, export);
            if unset && let Some(value) = state.variable(name) {
                state.set(name, value);
            }
        }
    }
}

/// What `declare` is given.
pub(super) struct Declared<'a> {
    pub(super) arguments: &'a [Value],
    pub(super) assignments: &'a [Assignment],
    pub(super) span: Span,
}

/// The first index behind all elements.
fn free(array: &Array) -> i64 {
    let last = array.keys().filter_map(|k| if let Key::Index(n) = k { Some(*n) } else { None }).max();
    last.map_or(0, |n| n.saturating_add(1))
}
