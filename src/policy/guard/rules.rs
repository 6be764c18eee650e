//! Rules as data: predicates over effects, with the page that explains them.
//!
//! Rules only say what matters. How a tool's arguments become effects is in the tool tables.

use super::configuration::Resources;
use super::content::{Line, Row, Usual};
use super::effect::{Effect, Kind};
use super::embedded;
use super::language::Language;
use super::lists::Names;
use super::paths::Paths;
use super::patterns::ByPath;
use super::sed::Keep;
use super::statements;
use super::table::Tool;
use super::tools::Tools;
use crate::model::{Digest, Severity};
use crate::shell::run::matches;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A rule of the policy, as in `policies/<id>.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Kebab-case name: of the rule, its file and its fixtures.
    pub id: String,
    /// How much a finding of it matters.
    pub severity: Severity,
    /// One line for lists.
    pub title: String,
    /// What a finding says; `{target}` and `{class}` are filled in.
    pub message: String,
    /// What the rule looks for.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What it refuses.
    pub example: String,
    /// What to write instead.
    pub instead: String,
    /// What it is known not to see.
    pub gaps: String,
    /// The effects that break it: any of these. Empty for rules that are checked in code.
    #[serde(default, rename = "match")]
    pub matches: Vec<Match>,
}

/// A predicate over effects. What is not given does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// One of these kinds.
    pub effect: Vec<Kind>,
    /// On one of these classes; any when empty.
    #[serde(default)]
    pub class: Vec<String>,
    /// With or without everything below.
    pub recursive: Option<bool>,
    /// Told not to ask, or not.
    pub forced: Option<bool>,
}

impl Match {
    fn holds(&self, effect: &Effect) -> bool {
        self.effect.contains(&effect.kind)
            && (self.class.is_empty() || self.class.contains(&effect.class))
            && self.recursive.is_none_or(|wanted| wanted == effect.recursive)
            && self.forced.is_none_or(|wanted| wanted == effect.forced)
    }
}

impl Rule {
    /// Whether `effect` breaks this rule.
    #[must_use]
    pub fn breaks(&self, effect: &Effect) -> bool {
        self.matches.iter().any(|m| m.holds(effect))
    }

    /// The message for `effect`.
    #[must_use]
    pub fn message_for(&self, effect: &Effect) -> String {
        self.message.replace("{target}", &effect.target).replace("{class}", &effect.class)
    }
}

/// Everything that an analysis looks things up in.
#[derive(Debug, Clone)]
pub struct Rules {
    rules: Vec<Rule>,
    pub(super) tools: Tools,
    pub(super) paths: Paths,
    pub(super) content: ByPath<Row>,
    pub(super) lines: ByPath<Line>,
    pub(super) keeps: ByPath<Keep>,
    /// What files usually hold.
    pub(super) usual: ByPath<Usual>,
    pub(super) languages: BTreeMap<String, Language>,
    pub(super) statements: Vec<statements::Row>,
    /// A program that is in no table, as far as it is known: the options that name what it writes.
    pub(super) unlisted: Tool,
    /// What resources of other configuration tools do.
    pub(super) resources: Resources,
    /// Programs that print settings for the shell that reads them.
    pub(super) settings: Vec<Settings>,
    /// Variables whose value some programs run in a shell.
    pub(super) runs_variables: Vec<String>,
    /// Settings of variables that switch off how programs check what they fetch.
    pub(super) insecure_variables: Vec<String>,
    /// Patterns of paths that are executed, or hold what is.
    pub(super) program_paths: ByPath<String>,
    /// Variables that name code which programs load.
    pub(super) loads_variables: Vec<String>,
    /// Variables that hold options of a program.
    pub(super) option_variables: Vec<String>,
    /// Programs that come back at once.
    pub(super) quick_programs: Vec<String>,
    /// Options whose values are prose.
    pub(super) prose_options: Vec<String>,
    /// Where a site keeps programs of its own: their words mean what it likes.
    pub(super) own_programs: Vec<String>,
    /// Words that tell a program to destroy something.
    pub(super) destroying_words: Vec<String>,
    /// Words that tell a program to remove something.
    pub(super) removing_words: Vec<String>,
    /// Words for everything there is.
    pub(super) everything_words: Vec<String>,
    /// Patterns of packages that a machine cannot do without.
    pub(in crate::policy) essential_packages: Vec<String>,
    /// Patterns of services that protect a machine.
    pub(in crate::policy) security_services: Vec<String>,
    /// Lists of patterns by name.
    pub(super) lists: Names,
}

/// Programs that print settings for the shell that reads them: variables, aliases, completions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Their names.
    pub(super) of: Vec<String>,
    /// What their arguments start with, where they do; as in conditions of tools.
    pub(super) words: Vec<Vec<String>>,
}

/// `policies/content.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContentFile {
    output_options: Vec<String>,
    settings: Vec<Settings>,
    runs_variables: Vec<String>,
    insecure_variables: Vec<String>,
    program_paths: ByPath<String>,
    loads_variables: Vec<String>,
    option_variables: Vec<String>,
    quick_programs: Vec<String>,
    prose_options: Vec<String>,
    own_programs: Vec<String>,
    destroying_words: Vec<String>,
    removing_words: Vec<String>,
    everything_words: Vec<String>,
    essential_packages: Vec<String>,
    lists: Names,
    file: ByPath<Row>,
    line: ByPath<Line>,
    keep: ByPath<Keep>,
    usual: ByPath<Usual>,
}

/// A file of the policy that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`: {message}")]
pub struct RulesError {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub message: String,
    /// Where.
    pub span: Option<std::ops::Range<usize>>,
}

impl RulesError {
    pub(in crate::policy) fn toml(file: &str, error: &toml::de::Error) -> Self {
        Self { file: file.to_owned(), message: error.message().to_owned(), span: error.span() }
    }
}

impl Rules {
    /// The rules that come with Countersign. The same for everybody, and parsed once.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Rules> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            #[expect(clippy::expect_used, reason = "embedded; a test parses every one of these files")]
            Self::parse().expect("the embedded policy parses")
        })
    }

    /// The digest over the files that the built-in rules are made of.
    #[must_use]
    pub fn builtin_digest() -> Digest {
        let files = embedded::RULES.iter().chain(embedded::TOOLS.iter());
        let mut text: String =
            files.map(|(name, text)| format!("{name} {}\n", Digest::of(text.as_bytes()))).collect();
        for part in [
            embedded::PATHS,
            embedded::CONTENT,
            embedded::LANGUAGES,
            embedded::STATEMENTS,
            embedded::RESOURCES,
        ] {
            text.push_str(&format!("{}\n", Digest::of(part.as_bytes())));
        }
        Digest::of(text.as_bytes())
    }

    fn parse() -> Result<Self, RulesError> {
        let mut rules = Vec::new();
        for (file, text) in embedded::RULES.iter() {
            rules.push(toml::from_str(text).map_err(|e| RulesError::toml(file, &e))?);
        }
        let content: ContentFile =
            toml::from_str(embedded::CONTENT).map_err(|e| RulesError::toml("policies/content.toml", &e))?;
        let list = |name: &str| content.lists.get(name).cloned().unwrap_or_default();
        let mut tools = Tools::of(&content.lists);
        for (file, text) in embedded::TOOLS.iter() {
            let twice = |message| RulesError { file: (*file).to_owned(), message, span: None };
            tools.add(text).map_err(twice)?;
        }
        Ok(Self {
            rules,
            tools,
            paths: toml::from_str(embedded::PATHS)
                .map_err(|e| RulesError::toml("policies/paths.toml", &e))?,
            content: content.file,
            lines: content.line,
            keeps: content.keep,
            resources: toml::from_str(embedded::RESOURCES)
                .map_err(|e| RulesError::toml("policies/resources.toml", &e))?,
            usual: content.usual,
            languages: toml::from_str(embedded::LANGUAGES)
                .map_err(|e| RulesError::toml("policies/languages.toml", &e))?,
            statements: toml::from_str::<statements::File>(embedded::STATEMENTS)
                .map_err(|e| RulesError::toml("policies/statements.toml", &e))?
                .statement,
            unlisted: Tool { values: content.output_options, ..Tool::default() },
            settings: content.settings,
            runs_variables: content.runs_variables,
            insecure_variables: content.insecure_variables,
            program_paths: content.program_paths,
            loads_variables: content.loads_variables,
            option_variables: content.option_variables,
            quick_programs: content.quick_programs,
            prose_options: content.prose_options,
            own_programs: content.own_programs,
            destroying_words: content.destroying_words,
            removing_words: content.removing_words,
            everything_words: content.everything_words,
            essential_packages: content.essential_packages,
            security_services: [list("protection"), list("logins")].concat(),
            lists: content.lists,
        })
    }

    /// All rules, in order of their names.
    #[must_use]
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether a pattern of a list matches `name`.
    pub(super) fn lists(&self, list: &str, name: &str) -> bool {
        self.lists.get(list).is_some_and(|patterns| patterns.iter().any(|pattern| matches(pattern, name)))
    }

    /// The rule of that name.
    #[must_use]
    pub fn named(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// Adds a site's protected paths: `[[class]]` tables as in the built-in file.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn protect(&mut self, file: &str, text: &str) -> Result<(), RulesError> {
        let paths: Paths = toml::from_str(text).map_err(|e| RulesError::toml(file, &e))?;
        self.paths.extend(paths);
        Ok(())
    }

    /// Raises the severity of a rule. It is never lowered.
    pub fn raise(&mut self, id: &str, severity: Severity) -> bool {
        let Some(rule) = self.rules.iter_mut().find(|rule| rule.id == id) else { return false };
        rule.severity = rule.severity.max(severity);
        true
    }

    /// The most severe rule that an effect breaks.
    #[must_use]
    pub fn broken_by(&self, effect: &Effect) -> Option<&Rule> {
        self.rules.iter().filter(|rule| rule.breaks(effect)).max_by_key(|rule| rule.severity)
    }
}
