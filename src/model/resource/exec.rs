//! `exec`: a command. An argument vector by default, a shell only by choice.

use super::{Attr, Deed, Live, Nature, Need, Shape, is_false};
use crate::model::FactPath;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The attributes of `exec` in a module.
const ATTRS: &[Attr] = &[
    Attr::new(
        "command",
        Shape::Command,
        "A list is an argument vector. Text is split at blanks, and with `provider = \"shell\"` handed to /bin/sh. \
         The title by default.",
    )
    .live(Live::Argument),
    Attr::new("provider", Shape::OneOf(&["posix", "shell"]), "`posix` runs without a shell.").default("\"posix\""),
    Attr::new("onlyif", Shape::Commands, "Run only if all of these succeed.").live(Live::Argument),
    Attr::new("unless", Shape::Commands, "Do not run if any of these succeeds.").live(Live::Argument),
    Attr::new("creates", Shape::Paths, "Do not run if any of these paths exists."),
    Attr::new("refresh", Shape::Command, "Run this instead of `command` on a refresh.").live(Live::Argument),
    Attr::new("refreshonly", Shape::Bool, "Run only on a refresh.").default("false"),
    Attr::new(
        "parallel",
        Shape::Bool,
        "It may run at the same time as the commands before and after it in the list that say so too.",
    )
    .default("false"),
    Attr::new("returns", Shape::Integers(0, 255), "Exit codes that mean success.").default("0"),
    Attr::new("timeout", Shape::Integer(0, 86_400), "Seconds for each try; 0 for no limit.").default("300"),
    Attr::new("tries", Shape::Integer(1, 100), "How often to try.").default("1"),
    Attr::new("try_sleep", Shape::Integer(0, 3_600), "Seconds between tries.").default("0"),
    Attr::new("user", Shape::Text, "Run as this user."),
    Attr::new("group", Shape::Text, "Run as this group."),
    Attr::new("umask", Shape::Mode, "Octal umask of the command."),
    Attr::new("cwd", Shape::Path, "Working directory; `/` by default."),
    Attr::new("environment", Shape::Table, "Environment variables."),
    Attr::new("path", Shape::Paths, "Where commands are looked up; becomes PATH."),
    Attr::new("logoutput", Shape::BoolOr(&["on_failure"]), "When to log the output.").default("\"on_failure\""),
];

/// A command and when to run it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exec {
    /// The command.
    pub command: Command,
    /// Run only if all of these succeed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub onlyif: Vec<Command>,
    /// Do not run if any of these succeeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<Command>,
    /// Do not run if any of these paths exists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub creates: Vec<String>,
    /// Run this instead of `command` on a refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Command>,
    /// Run only on a refresh.
    #[serde(default, skip_serializing_if = "is_false")]
    pub refreshonly: bool,
    /// It may run at the same time as its neighbours that may, too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub parallel: bool,
    /// Exit codes that mean success.
    #[serde(default = "zero", skip_serializing_if = "is_zero")]
    pub returns: Vec<u8>,
    /// Seconds for each try; 0 for no limit.
    #[serde(default = "five_minutes", skip_serializing_if = "is_five_minutes")]
    pub timeout: u32,
    /// How often to try.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub tries: u32,
    /// Seconds between tries.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub try_sleep: u32,
    /// Run as this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Run as this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Octal umask of the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub umask: Option<String>,
    /// Working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Where commands are looked up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// When to log the output.
    #[serde(default, skip_serializing_if = "LogOutput::is_default")]
    pub logoutput: LogOutput,
}

impl Nature for Exec {
    const NAME: &'static str = "exec";
    const DOC: &'static str = "a command";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("command");
    const EXAMPLE: (&'static str, &'static str) = ("/usr/bin/true", "refreshonly = true\n");
    const ANSWERS: bool = true;

    fn thing(&self) -> Option<(&'static str, String)> {
        None
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.commands().map(|(_, command)| command.text()).collect();
        names.extend(self.program().map(str::to_owned));
        names
    }

    fn needs(&self) -> Vec<Need<'_>> {
        let user = self.user.as_deref().map(Need::User);
        let programs = self.commands().filter_map(|(_, command)| command.begins_with());
        user.into_iter().chain(self.cwd.as_deref().into_iter().chain(programs).map(Need::Path)).collect()
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        let (cwd, environment) = (self.cwd.as_deref(), &self.environment);
        self.commands().map(|(attr, command)| Deed::Run { attr, command, cwd, environment }).collect()
    }
}

impl Exec {
    /// The command alone, everything else as it is by default.
    #[must_use]
    pub fn of(command: Command) -> Self {
        Self {
            command,
            onlyif: Vec::new(),
            unless: Vec::new(),
            creates: Vec::new(),
            refresh: None,
            refreshonly: false,
            parallel: false,
            returns: zero(),
            timeout: five_minutes(),
            tries: once(),
            try_sleep: 0,
            user: None,
            group: None,
            umask: None,
            cwd: None,
            environment: BTreeMap::new(),
            path: Vec::new(),
            logoutput: LogOutput::OnFailure,
        }
    }

    /// The program that `command` starts, where that is one fixed word.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        match &self.command {
            Command::Argv(words) => match words.first() {
                Some(Word::Text(program)) => Some(program),
                Some(Word::Fact(_)) | None => None,
            },
            Command::Shell(_) => None,
        }
    }

    /// Every command of this resource with the name of the attribute that holds it.
    pub fn commands(&self) -> impl Iterator<Item = (&'static str, &Command)> {
        std::iter::once(("command", &self.command))
            .chain(self.onlyif.iter().map(|c| ("onlyif", c)))
            .chain(self.unless.iter().map(|c| ("unless", c)))
            .chain(self.refresh.iter().map(|c| ("refresh", c)))
    }
}

/// A command as it will be executed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// An argument vector; nothing is expanded.
    Argv(Vec<Word>),
    /// Text for `/bin/sh -c`.
    Shell(String),
}

impl Command {
    /// The path of the program that it begins with, where that is a fixed one.
    fn begins_with(&self) -> Option<&str> {
        let first = match self {
            Self::Argv(words) => match words.first()? {
                Word::Text(program) => program,
                Word::Fact(_) => return None,
            },
            Self::Shell(text) => text.split_whitespace().next()?,
        };
        first.starts_with('/').then_some(first)
    }

    /// It as one text: the words with a blank between them.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Shell(text) => text.clone(),
            Self::Argv(words) => {
                let text = |word: &Word| match word {
                    Word::Text(text) => text.clone(),
                    Word::Fact(fact) => format!("{{{{ facts.{fact} }}}}"),
                };
                words.iter().map(text).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// One element of an argument vector.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// This text.
    Text(String),
    /// The node's value of this fact, as one argument. Never the first element.
    Fact(FactPath),
}

/// When to log the output of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogOutput {
    /// Always.
    Yes,
    /// Never.
    No,
    /// When the command fails.
    #[default]
    OnFailure,
}

impl LogOutput {
    fn is_default(&self) -> bool {
        *self == Self::OnFailure
    }
}

fn zero() -> Vec<u8> {
    vec![0]
}

fn is_zero(returns: &[u8]) -> bool {
    returns == [0]
}

const fn five_minutes() -> u32 {
    300
}

const fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_five_minutes(seconds: &u32) -> bool {
    *seconds == five_minutes()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_once(tries: &u32) -> bool {
    *tries == once()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_nought(seconds: &u32) -> bool {
    *seconds == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_needs_the_programs_that_it_and_its_guards_begin_with() {
        let argv = |program: &str| Command::Argv(vec![Word::Text(program.into())]);
        let exec = Exec {
            onlyif: vec![argv("/srv/ask")],
            unless: vec![argv("test")],
            cwd: Some("/srv".into()),
            user: Some("bert".into()),
            ..Exec::of(Command::Shell("/srv/run now && true".into()))
        };
        let names: Vec<&str> = exec
            .needs()
            .iter()
            .filter_map(|need| match need {
                Need::User(name) | Need::Path(name) => Some(*name),
                Need::Group(_) | Need::Within(_) => None,
            })
            .collect();
        assert_eq!(names, ["bert", "/srv", "/srv/run", "/srv/ask"]);
    }
}
