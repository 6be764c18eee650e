//! The template engine, held short: strict about names, bounded in steps, depth and output, and
//! without anything that two machines could answer differently.

use super::limits::Limits;
use super::live::{self, Form};
use crate::model::fact::KNOWN;
use crate::model::finding::did_you_mean;
use crate::model::{Finding, Place};
use minijinja::value::{Object, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value as Rendered};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// The templates of one module, those inside attributes included.
#[derive(Debug)]
pub(super) struct Templates {
    env: Environment<'static>,
    sources: BTreeMap<String, Source>,
    secrets: BTreeSet<String>,
}

/// A template and where its text stands.
#[derive(Debug)]
pub(super) struct Source {
    /// The file.
    pub(super) file: Arc<str>,
    /// The bytes of the file that it was read from.
    pub(super) span: Range<usize>,
    /// Where its first byte stands, when the file has it byte for byte.
    pub(super) exact: Option<usize>,
    /// What it is made of.
    pub(super) form: Form,
    /// The names that it and its includes need, ascending.
    pub(super) names: Vec<String>,
    /// Whether it is plain text, the same rendered as written.
    pub(super) plain: bool,
    live: bool,
    secret: bool,
    includes: Vec<live::Include>,
}

/// What a template may use while it is rendered.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// The parameters of the module.
    pub(super) params: Arc<BTreeMap<String, Rendered>>,
    /// Names that `for_each` defines.
    pub(super) locals: Vec<(String, Rendered)>,
    /// The node's name, groups and reviewed facts.
    pub(super) node: Rendered,
    /// Whether live facts may be written out.
    pub(super) live: bool,
}

/// What stands for each live fact while a template is rendered: its path between two NULs, which no other text may have.
static MARKERS: LazyLock<Rendered> = LazyLock::new(|| {
    let mut top: BTreeMap<&str, Rendered> = BTreeMap::new();
    let mut inner: BTreeMap<&str, Vec<(&str, Rendered)>> = BTreeMap::new();
    for (path, ..) in KNOWN {
        let marker = Rendered::from(format!("\0{path}\0"));
        match path.split_once('.') {
            Some((table, name)) => inner.entry(table).or_default().push((name, marker)),
            None => drop(top.insert(path, marker)),
        }
    }
    top.extend(inner.into_iter().map(|(table, pairs)| (table, Rendered::from_pairs(pairs))));
    Rendered::from_pairs(top)
});

/// Templates whose value is wanted, not its text, have names that start so.
const WHOLE: char = '=';

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Rendered) -> Option<Rendered> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Rendered> {
        let local = self.locals.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        local.or_else(|| match key {
            "node" => Some(self.node.clone()),
            "facts" => self.live.then(|| MARKERS.clone()),
            name => self.params.get(name).cloned(),
        })
    }
}

impl Scope {
    /// The value of a name.
    pub(super) fn lookup(self: Arc<Self>, name: &str) -> Option<Rendered> {
        self.get_value_by_str(name)
    }
}

impl Source {
    /// Whether it writes out facts of the node itself.
    pub(super) const fn is_live(&self) -> bool {
        self.live
    }

    /// Whether it writes out a secret.
    pub(super) const fn is_secret(&self) -> bool {
        self.secret
    }

    /// The place of some bytes of the template, or of all of it where its text is not exact. An end that is missed may be
    /// said to lie behind the text.
    pub(super) fn place(&self, range: Option<Range<usize>>) -> Place {
        match (self.exact, range) {
            (Some(at), Some(range)) => {
                let within = |offset: usize| (at + offset).min(self.span.end);
                Place::new(&*self.file, within(range.start), within(range.end))
            }
            _ => Place::new(&*self.file, self.span.start, self.span.end),
        }
    }
}

impl Templates {
    /// No templates yet. `secrets` are the names that stand for secrets.
    pub(super) fn new(secrets: BTreeSet<String>) -> Self {
        let mut env = Environment::new();
        if let Ok(syntax) = env
            .syntax()
            .to_builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()
        {
            env.set_syntax(syntax);
        }
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(|_| AutoEscape::None);
        env.set_debug(true);
        env.set_fuel(Some(Limits::STANDARD.fuel));
        env.set_recursion_limit(Limits::STANDARD.recursion);
        env.remove_global("debug");
        env.remove_filter("pprint");
        env.set_formatter(|out, state, value| {
            if state.name().starts_with(WHOLE) {
                state.set_temp("value", value.clone());
                return Ok(());
            }
            let refuse = |what: &str| Err(Error::new(ErrorKind::InvalidOperation, what.to_owned()));
            match value.kind() {
                ValueKind::String | ValueKind::Bool => Ok(write!(out, "{value}")?),
                ValueKind::Number if value.is_integer() => Ok(write!(out, "{value}")?),
                ValueKind::Number => {
                    refuse("a number with a fraction has more than one spelling; use `round|int`")
                }
                ValueKind::None => refuse("this has no value; test it with `is not none` first"),
                ValueKind::Seq | ValueKind::Iterable => {
                    refuse("a list cannot be written out; use `|join(', ')`")
                }
                _ => refuse("only text, numbers and truth values can be written out"),
            }
        });
        Self { env, sources: BTreeMap::new(), secrets }
    }

    /// Whether a name stands for a secret.
    pub(super) fn is_secret(&self, name: &str) -> bool {
        self.secrets.contains(name)
    }

    /// Whether a text needs the engine at all.
    pub(super) fn needed(text: &str) -> bool {
        text.contains("{{") || text.contains("{%") || text.contains("{#")
    }

    /// Adds the template `name`, which may use the names `known`.
    pub(super) fn add(
        &mut self,
        name: &str,
        text: &str,
        at: Source,
        known: &BTreeSet<&str>,
        findings: &mut Vec<Finding>,
    ) {
        let before = findings.len();
        let mut source = Source { plain: !Self::needed(text), ..at };
        match live::analyse(text, self.env.syntax().clone(), &self.secrets) {
            Err(error) => findings.push(broken(&error, source.place(error.range()))),
            Ok(analysis) => {
                for (name, span) in analysis.names.iter().filter(|(name, _)| !known.contains(name.as_str())) {
                    let place = source.place(Some(span.clone()));
                    findings.push(super::fields::unknown_name(
                        "parameter",
                        name,
                        place,
                        known.iter().copied(),
                    ));
                }
                for misuse in analysis.misuses {
                    findings.push(Finding::error(
                        misuse.rule,
                        misuse.message,
                        source.place(Some(misuse.span)),
                    ));
                }
                let names: BTreeSet<String> = analysis.names.into_iter().map(|(name, _)| name).collect();
                source.names = names.into_iter().collect();
                source.live = !analysis.facts.is_empty();
                source.secret = analysis.secret;
                source.form = analysis.form;
                source.includes = analysis.includes;
            }
        }
        if findings.len() == before
            && let Err(error) = self.env.add_template_owned(name.to_owned(), text.to_owned())
        {
            findings.push(broken(&error, source.place(error.range())));
        }
        self.sources.insert(name.to_owned(), source);
    }

    /// Adds the text of an attribute, as a value when it is one expression and `typed` asks for that; returns its name.
    pub(super) fn add_inline(
        &mut self,
        typed: bool,
        (text, source): (&str, Source),
        known: &BTreeSet<&str>,
        findings: &mut Vec<Finding>,
    ) -> String {
        let form =
            live::analyse(text, self.env.syntax().clone(), &self.secrets).map(|analysis| analysis.form);
        let at_value = typed && form.is_ok_and(|form| form == Form::Expression);
        let count = self.sources.len();
        let name = if at_value { format!("{WHOLE}:{count}") } else { format!(":{count}") };
        self.add(&name, text, source, known, findings);
        name
    }

    /// Checks what can be checked only when all templates are there, and gathers names over includes.
    pub(super) fn finish(&mut self, findings: &mut Vec<Finding>) {
        let reach: BTreeMap<String, BTreeSet<String>> =
            self.sources.keys().map(|name| (name.clone(), self.reached(name))).collect();
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, source) in &self.sources {
            for include in &source.includes {
                let place = source.place(Some(include.span.clone()));
                let Some(reached) = reach.get(&include.name) else {
                    let known = self.sources.keys().map(String::as_str).filter(|n| is_file(n));
                    let near = did_you_mean(&include.name, known);
                    let finding = Finding::error(
                        "unknown-template",
                        format!("there is no template `{}`", include.name),
                        place,
                    );
                    findings.push(match near {
                        Some(near) => finding.instead(format!("did you mean `{near}`?")),
                        None => finding,
                    });
                    continue;
                };
                let any = |found: fn(&Source) -> bool| reached.iter().any(|name| found(&self.sources[name]));
                let (live, secret) = (any(Source::is_live), any(Source::is_secret));
                if include.captured && (live || secret) {
                    let (rule, what) =
                        if live { ("live-fact", "live facts") } else { ("secret-place", "a secret") };
                    let message = format!(
                        "this template writes out {what} and so can only be included, not imported, stored or changed"
                    );
                    findings.push(Finding::error(rule, message, place));
                }
            }
            let all: BTreeSet<String> =
                reach[name].iter().flat_map(|name| self.sources[name].names.iter().cloned()).collect();
            names.insert(name.clone(), all.into_iter().collect());
        }
        for (name, names) in names {
            if let Some(source) = self.sources.get_mut(&name) {
                source.names = names;
            }
        }
    }

    fn reached(&self, name: &str) -> BTreeSet<String> {
        let (mut seen, mut todo) = (BTreeSet::from([name.to_owned()]), vec![name.to_owned()]);
        while let Some(source) = todo.pop().and_then(|name| self.sources.get(&name)) {
            for include in source.includes.iter().filter(|i| self.sources.contains_key(&i.name)) {
                if seen.insert(include.name.clone()) {
                    todo.push(include.name.clone());
                }
            }
        }
        seen
    }

    /// The template of that name.
    pub(super) fn source(&self, name: &str) -> Option<&Source> {
        self.sources.get(name)
    }

    /// The names of the templates that are files.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> + Clone {
        self.sources.keys().map(String::as_str).filter(|name| is_file(name))
    }

    /// The text of a template.
    ///
    /// # Errors
    /// What went wrong and where in the template.
    pub(super) fn render(&self, name: &str, scope: Scope) -> Result<String, Box<Finding>> {
        let rendered = self.env.get_template(name).and_then(|t| t.render(Rendered::from_object(scope)));
        let text = rendered.map_err(|error| Box::new(self.failed(name, &error)))?;
        if text.len() > Limits::STANDARD.rendered {
            let message = format!("this makes {} bytes; {} at most", text.len(), Limits::STANDARD.rendered);
            return Err(Box::new(Finding::error("too-large", message, self.place(name, None))));
        }
        Ok(text)
    }

    /// The value of a template that is one expression.
    ///
    /// # Errors
    /// What went wrong and where in the template.
    pub(super) fn evaluate(&self, name: &str, scope: Scope) -> Result<Rendered, Box<Finding>> {
        let captured =
            self.env.get_template(name).and_then(|t| t.render_captured(Rendered::from_object(scope)));
        let captured = captured.map_err(|error| Box::new(self.failed(name, &error)))?;
        Ok(captured.state().get_temp("value").unwrap_or_default())
    }

    fn failed(&self, name: &str, error: &Error) -> Finding {
        let at = error.name().unwrap_or(name);
        let finding = broken(error, self.place(at, error.range()));
        if at == name { finding } else { finding.related(self.place(name, None), "included from here") }
    }

    fn place(&self, name: &str, range: Option<Range<usize>>) -> Place {
        self.sources.get(name).map_or_else(|| Place::file(name), |source| source.place(range))
    }
}

impl Source {
    /// A template that stands in `file`, not yet read.
    pub(super) fn new(file: &Arc<str>, span: Range<usize>, exact: Option<usize>) -> Self {
        let (form, names, includes) = (Form::Text, Vec::new(), Vec::new());
        let (plain, live, secret) = (false, false, false);
        Self { file: Arc::clone(file), span, exact, form, names, plain, live, secret, includes }
    }
}

fn is_file(name: &str) -> bool {
    !name.starts_with([':', WHOLE])
}

fn broken(error: &Error, place: Place) -> Finding {
    let message = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    Finding::error("template-error", message, place)
}
