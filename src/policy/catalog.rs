//! One resource of a catalog → what is wrong with it: every command that it runs, every file that some
//! program will execute, and what the resource does by itself.

use super::guard::{self, Rules, Setting, Subject};
use super::resource;
use crate::model::resource::{Command, Content, Cron, Exec, File, Part, Word};
use crate::model::{Digest, Severity, Spec};
use crate::shell::{Span, Value};
use std::collections::BTreeMap;

/// Something wrong with a resource, before it is known where its attributes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) rule: String,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) why: String,
    pub(super) instead: String,
    /// The attribute that says so.
    pub(super) attr: &'static str,
    /// Where in its value.
    pub(super) span: Option<Span>,
    /// The element of a list.
    pub(super) item: Option<usize>,
    /// The digest of the exact command or content.
    pub(super) digest: Digest,
}

impl Raw {
    /// A finding of a rule that is checked in code.
    pub(super) fn of(rules: &Rules, rule: &str, target: &str, attr: &'static str) -> Option<Self> {
        let rule = rules.named(rule)?;
        Some(Self {
            rule: rule.id.clone(),
            severity: rule.severity,
            message: rule.message.replace("{target}", target).replace("{class}", attr),
            why: rule.why.trim().to_owned(),
            instead: rule.instead.trim().to_owned(),
            attr,
            span: None,
            item: None,
            digest: Digest::of(format!("{attr}\n{target}\n").as_bytes()),
        })
    }

    /// The findings of a command or script.
    pub(super) fn analysed(
        rules: &Rules,
        subject: &Subject<'_>,
        setting: &Setting,
        attr: &'static str,
    ) -> Vec<Self> {
        let digest = digest_of(subject);
        let words = match subject {
            Subject::Argv(words) => guard::spans_of(words),
            Subject::Shell(_) | Subject::File(..) => Vec::new(),
        };
        let effects = guard::effects(rules, subject, setting);
        let findings = guard::findings(rules, &effects, "");
        findings
            .into_iter()
            .map(|finding| {
                let span = Span::new(finding.place.start, finding.place.end);
                let item = words.iter().position(|w| w.start <= span.start && span.end <= w.end);
                Self {
                    rule: finding.rule,
                    severity: finding.severity,
                    message: finding.message,
                    why: finding.why,
                    instead: finding.instead.unwrap_or_default(),
                    attr,
                    span: words.is_empty().then_some(span).filter(|s| s.end > s.start),
                    item,
                    digest,
                }
            })
            .collect()
    }
}

/// The digest that a waiver names: of the text of a command, its words with a line each, or a content.
fn digest_of(subject: &Subject<'_>) -> Digest {
    match subject {
        Subject::Argv(words) => {
            let lines: String = words.iter().map(|w| format!("{w}\n")).collect();
            Digest::of(lines.as_bytes())
        }
        Subject::Shell(text) => Digest::of(text.as_bytes()),
        Subject::File(_, content, _) => Digest::of(content.to_string().as_bytes()),
    }
}

/// Looks at one resource.
pub(super) fn examine(rules: &Rules, spec: &Spec, blobs: &BTreeMap<Digest, Vec<u8>>) -> Vec<Raw> {
    match spec {
        Spec::Exec(exec) => commands(rules, exec),
        Spec::Cron(cron) => self::cron(rules, cron),
        Spec::File(file) => {
            let mut found = resource::file(rules, file);
            found.extend(content(rules, file, blobs));
            if !file.validate_cmd.is_empty() {
                let words: Vec<Value> = file.validate_cmd.iter().map(|w| Value::text(w.as_str())).collect();
                found.extend(Raw::analysed(
                    rules,
                    &Subject::Argv(&words),
                    &Setting::default(),
                    "validate_cmd",
                ));
            }
            found
        }
        Spec::Package(package) => resource::package(rules, package),
        Spec::Service(service) => resource::service(rules, service),
        Spec::User(user) => resource::user(rules, user),
        Spec::Group(_) | Spec::Notify(_) => Vec::new(),
    }
}

fn commands(rules: &Rules, exec: &Exec) -> Vec<Raw> {
    let setting = Setting { cwd: exec.cwd.clone(), environment: exec.environment.clone() };
    let found = exec.commands().flat_map(|(attr, command)| match command {
        Command::Shell(text) => Raw::analysed(rules, &Subject::Shell(text), &setting, attr),
        Command::Argv(words) => {
            let words: Vec<Value> = words
                .iter()
                .map(|word| match word {
                    Word::Text(text) => Value::text(text.as_str()),
                    Word::Fact(_) => guard::fact(),
                })
                .collect();
            Raw::analysed(rules, &Subject::Argv(&words), &setting, attr)
        }
    });
    found.collect()
}

fn cron(rules: &Rules, cron: &Cron) -> Vec<Raw> {
    if cron.absent {
        return Vec::new();
    }
    let setting = Setting { cwd: None, environment: cron.environment.clone() };
    // What stands behind a bare `%` is standard input of what stands before it.
    let text = match unescaped_percent(&cron.command) {
        Some(at) => {
            let (command, input) = cron.command.split_at(at);
            format!("{command} <<'CRON_INPUT'\n{}\nCRON_INPUT\n", input[1..].replace('%', "\n"))
        }
        None => cron.command.replace("\\%", "%"),
    };
    Raw::analysed(rules, &Subject::Shell(&text), &setting, "command")
}

fn unescaped_percent(command: &str) -> Option<usize> {
    command.match_indices('%').map(|(at, _)| at).find(|at| !command[..*at].ends_with('\\'))
}

fn content(rules: &Rules, file: &File, blobs: &BTreeMap<Digest, Vec<u8>>) -> Vec<Raw> {
    let executable = file.mode.as_deref().is_some_and(is_executable);
    let value = match &file.content {
        None => return Vec::new(),
        Some(Content::Text(text)) => Value::text(text.as_str()),
        Some(Content::Parts(parts)) => parts.iter().fold(Value::default(), |mut value, part| {
            value.append(&match part {
                Part::Text(text) => Value::text(text.as_str()),
                Part::Fact(_) => guard::fact(),
            });
            value
        }),
        Some(Content::Blob { digest, .. }) => {
            match blobs.get(digest).map(|bytes| std::str::from_utf8(bytes)) {
                Some(Ok(text)) => Value::text(text),
                _ if executable => {
                    return Raw::of(rules, "unreadable-script", &file.path, "source").into_iter().collect();
                }
                _ => return Vec::new(),
            }
        }
    };
    Raw::analysed(rules, &Subject::File(&file.path, &value, executable), &Setting::default(), "content")
}

fn is_executable(mode: &str) -> bool {
    match u32::from_str_radix(mode, 8) {
        Ok(bits) => bits & 0o111 != 0,
        Err(_) => mode.contains('x'),
    }
}
