//! From typed attributes to the typed form of a resource, for the types that are not files.
//!
//! What one attribute may be is decided before; here is what attributes mean together, and what the
//! names of packages, services and accounts may look like, so that none is ever read as an option.

use super::document::place;
use super::plain;
use super::shape::{RawCommand, Typed, path_fault};
use crate::model::resource::{
    Bound, Command, Configfiles, Content, Cron, CronField, Enable, Exec, Group, LogOutput, Mark, Membership,
    Package, PackageEnsure, PackageManager, Service, ServiceEnsure, User, Word,
};
use crate::model::{Finding, Kind, Spec};
use std::collections::BTreeMap;
use std::ops::Range;

/// The attributes of one resource, each with its place in the module's file.
pub(super) struct Attrs<'a> {
    /// The type.
    pub(super) kind: Kind,
    /// The title.
    pub(super) title: &'a str,
    /// The module's file.
    pub(super) file: &'a str,
    /// Where the title stands.
    pub(super) at: Range<usize>,
    /// The values.
    pub(super) values: BTreeMap<&'static str, (Typed, Range<usize>)>,
    /// Where findings go.
    pub(super) findings: &'a mut Vec<Finding>,
}

impl Attrs<'_> {
    /// The place of attribute `name`, or of the title when it is not set.
    pub(super) fn span(&self, name: &str) -> Range<usize> {
        self.values.get(name).map_or_else(|| self.at.clone(), |(_, span)| span.clone())
    }

    /// Adds a finding at attribute `name`.
    pub(super) fn fail(&mut self, rule: &str, name: &str, message: impl Into<String>, instead: &str) {
        let finding = Finding::error(rule, message, place(self.file, &self.span(name)));
        self.findings.push(if instead.is_empty() { finding } else { finding.instead(instead) });
    }

    /// The text at `name`.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.values.get(name) {
            Some((Typed::Text(text), _)) => Some(text.clone()),
            _ => None,
        }
    }

    /// The texts at `name`, none when it is not set.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        match self.values.get(name) {
            Some((Typed::Texts(texts), _)) => Some(texts.clone()),
            _ => None,
        }
    }

    /// The truth value at `name`.
    pub(super) fn bool(&self, name: &str) -> Option<bool> {
        match self.values.get(name) {
            Some((Typed::Bool(value), _)) => Some(*value),
            _ => None,
        }
    }

    /// The number at `name`; its shape has bounded it.
    pub(super) fn number<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        match self.values.get(name) {
            Some((Typed::Integer(number), _)) => T::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The text with live facts and secrets at `name`.
    fn content(&self, name: &str) -> Option<Content> {
        match self.values.get(name) {
            Some((Typed::Content(content), _)) => Some(content.clone()),
            _ => None,
        }
    }

    /// The commands at `name`.
    pub(super) fn commands(&self, name: &str) -> Vec<RawCommand> {
        match self.values.get(name) {
            Some((Typed::Commands(commands), _)) => commands.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn table(&self, name: &str) -> BTreeMap<String, String> {
        match self.values.get(name) {
            Some((Typed::Table(table), _)) => table.clone(),
            _ => BTreeMap::new(),
        }
    }

    /// The name of the thing itself: `name`, or else the title, checked.
    fn named(&mut self, what: &str, form: &str, valid: impl Fn(&str) -> bool) -> String {
        let name = self.text("name").unwrap_or_else(|| self.title.to_owned());
        if !valid(&name) {
            self.fail("bad-name", "name", format!("`{}` is no {what}", name.escape_default()), form);
        }
        name
    }

    /// Checks the account named at `name`, by name or number.
    pub(super) fn account(&mut self, name: &str) -> Option<String> {
        let account = self.text(name)?;
        let number = account.len() <= 10 && account.chars().all(|c| c.is_ascii_digit());
        if !number && !is_account(&account) {
            let message = format!("`{}` is no name of an account", account.escape_default());
            self.fail("bad-name", name, message, ACCOUNT);
        }
        Some(account)
    }

    fn absent(&self) -> bool {
        self.text("ensure").as_deref() == Some("absent")
    }
}

const ACCOUNT: &str = "use 1 to 32 of a-z, 0-9, `_` and `-`, starting with a letter or `_`";

fn is_account(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

fn is_service(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "@._:-".contains(c))
}

/// The typed form of a resource that is no file; `None` after telling what is wrong.
pub(super) fn build(attrs: &mut Attrs<'_>) -> Option<Spec> {
    let before = attrs.findings.len();
    let spec = match attrs.kind {
        Kind::File => return None,
        Kind::Package => Spec::Package(package(attrs)),
        Kind::Service => Spec::Service(service(attrs)),
        Kind::Exec => Spec::Exec(exec(attrs)?),
        Kind::User => Spec::User(user(attrs)),
        Kind::Group => Spec::Group(group(attrs)),
        Kind::Cron => Spec::Cron(cron(attrs)),
        // Types whose attributes are all that there is to them.
        _ => return plain::build(attrs, None),
    };
    for fault in super::languages::faults(&spec) {
        attrs.fail("bad-value", fault.attr, fault.message, &fault.instead);
    }
    (attrs.findings.len() == before).then_some(spec)
}

fn package(attrs: &mut Attrs<'_>) -> Package {
    let provider = attrs.text("provider").and_then(|name| PackageManager::named(&name));
    // Which one a package without a provider is for, only its node knows.
    let managers: Vec<PackageManager> = match provider {
        Some(manager) => vec![manager],
        None => PackageManager::of_distributions().collect(),
    };
    let ensure = match attrs.text("ensure").as_deref() {
        None | Some("present" | "installed") => PackageEnsure::Present,
        Some("absent") => PackageEnsure::Absent,
        Some("purged") => PackageEnsure::Purged,
        Some("latest") => PackageEnsure::Latest,
        Some(text) => versions(attrs, text, &managers),
    };
    Package {
        name: attrs.named("name of a package", "use A-Z a-z 0-9 `+` `.` `_` `:` and `-`", |name| {
            managers.iter().any(|manager| manager.is_name(name))
        }),
        ensure,
        mark: attrs.text("mark").map(|mark| if mark == "hold" { Mark::Hold } else { Mark::None }),
        configfiles: match attrs.text("configfiles").as_deref() {
            Some("replace") => Configfiles::Replace,
            _ => Configfiles::Keep,
        },
        install_options: attrs.texts("install_options").unwrap_or_default(),
        uninstall_options: attrs.texts("uninstall_options").unwrap_or_default(),
        provider,
    }
}

/// A version, or bounds of it with blanks between them.
fn versions(attrs: &mut Attrs<'_>, text: &str, managers: &[PackageManager]) -> PackageEnsure {
    let bounds: Option<Vec<Bound>> = text.split_whitespace().map(Bound::parse).collect();
    let ensure = match bounds {
        Some(bounds) if !bounds.is_empty() => PackageEnsure::Range(bounds),
        _ => PackageEnsure::Version(text.to_owned()),
    };
    let good = ensure.versions().all(|version| managers.iter().any(|manager| manager.is_version(version)));
    if !good {
        let message = format!("`{}` is no version of a package", text.escape_default());
        let instead = "`present`, `absent`, `purged`, an exact version, or a range such as `>=1.0 <2.0`";
        attrs.fail("bad-value", "ensure", message, instead);
    }
    ensure
}

fn service(attrs: &mut Attrs<'_>) -> Service {
    let ensure = attrs.text("ensure").map(|ensure| match ensure.as_str() {
        "running" => ServiceEnsure::Running,
        _ => ServiceEnsure::Stopped,
    });
    let enable = attrs.text("enable").map(|enable| match enable.as_str() {
        "true" => Enable::Yes,
        "false" => Enable::No,
        _ => Enable::Mask,
    });
    let name = attrs.named("name of a service", "use A-Z a-z 0-9 `@` `.` `_` `:` and `-`", is_service);
    Service { name, ensure, enable, provider: attrs.text("provider") }
}

fn user(attrs: &mut Attrs<'_>) -> User {
    for name in ["comment", "home", "shell"] {
        if attrs.text(name).is_some_and(|text| text.contains(':')) {
            attrs.fail(
                "bad-value",
                name,
                format!("`{name}` cannot have a colon: passwd(5) has no escape"),
                "",
            );
        }
    }
    let groups = accounts(attrs, "groups", "a group");
    let inclusive = attrs.text("membership").as_deref() == Some("inclusive");
    User {
        name: attrs.named("name of an account", ACCOUNT, is_account),
        absent: attrs.absent(),
        uid: attrs.number("uid"),
        gid: attrs.account("gid"),
        groups,
        membership: if inclusive { Membership::Inclusive } else { Membership::Minimum },
        comment: attrs.text("comment"),
        home: attrs.text("home"),
        shell: attrs.text("shell"),
        managehome: attrs.bool("managehome").unwrap_or(false),
        system: attrs.bool("system").unwrap_or(false),
        allowdupe: attrs.bool("allowdupe").unwrap_or(false),
        expiry: attrs.text("expiry"),
        password: attrs.content("password"),
        password_max_age: attrs.number("password_max_age"),
        password_min_age: attrs.number("password_min_age"),
        password_warn_days: attrs.number("password_warn_days"),
    }
}

fn group(attrs: &mut Attrs<'_>) -> Group {
    Group {
        name: attrs.named("name of a group", ACCOUNT, is_account),
        absent: attrs.absent(),
        gid: attrs.number("gid"),
        system: attrs.bool("system").unwrap_or(false),
        members: accounts(attrs, "members", "an account"),
        auth_membership: attrs.bool("auth_membership").unwrap_or(false),
        allowdupe: attrs.bool("allowdupe").unwrap_or(false),
    }
}

/// The names of accounts in a list.
fn accounts(attrs: &mut Attrs<'_>, name: &str, what: &str) -> Option<Vec<String>> {
    let names = attrs.texts(name);
    if let Some(bad) = names.iter().flatten().find(|name| !is_account(name)) {
        let message = format!("`{}` is no name of {what}", bad.escape_default());
        attrs.fail("bad-name", name, message, ACCOUNT);
    }
    names
}

fn cron(attrs: &mut Attrs<'_>) -> Cron {
    const FIELDS: [&str; 5] = ["minute", "hour", "monthday", "month", "weekday"];
    let absent = attrs.absent();
    let command = attrs.text("command").unwrap_or_default();
    if command.trim().is_empty() && !absent {
        attrs.fail("missing-attribute", "command", "an entry of a crontab needs a `command`", "");
    }
    let field = |name: &str| CronField(attrs.text(name).unwrap_or_else(|| "*".to_owned()));
    let schedule = match attrs.text("special") {
        Some(word) => vec![CronField(format!("@{word}"))],
        None => FIELDS.map(field).to_vec(),
    };
    attrs.account("user");
    Cron {
        name: attrs.text("name").unwrap_or_else(|| attrs.title.to_owned()),
        absent,
        command,
        user: attrs.text("user").unwrap_or_else(|| "root".to_owned()),
        schedule,
        environment: attrs.table("environment"),
    }
}

fn exec(attrs: &mut Attrs<'_>) -> Option<Exec> {
    let shell = attrs.text("provider").as_deref() == Some("shell");
    let path = attrs.texts("path").unwrap_or_default();
    let mut all: BTreeMap<&str, Vec<Command>> = BTreeMap::new();
    for name in ["command", "onlyif", "unless", "refresh"] {
        let raw = attrs.commands(name);
        let commands = raw.into_iter().filter_map(|raw| command(attrs, name, raw, shell)).collect();
        all.insert(name, commands);
    }
    for (name, commands) in &all {
        for program in commands.iter().filter_map(program).filter(|_| path.is_empty()) {
            if !program.starts_with('/') {
                let message = format!("`{}` is not absolute, and no `path` is set", program.escape_default());
                attrs.fail("unqualified-command", name, message, "write the whole path, or set `path`");
            } else if path_fault(program).is_some() {
                let message = format!("`{}` is no plain path", program.escape_default());
                attrs.fail("bad-path", name, message, "");
            }
        }
    }
    let mut take = |name: &str| all.remove(name).unwrap_or_default();
    let mut exec = Exec::of(take("command").into_iter().next()?);
    exec.onlyif = take("onlyif");
    exec.unless = take("unless");
    exec.refresh = take("refresh").into_iter().next();
    exec.creates = attrs.texts("creates").unwrap_or_default();
    exec.refreshonly = attrs.bool("refreshonly").unwrap_or(false);
    exec.parallel = attrs.bool("parallel").unwrap_or(false);
    if let Some((Typed::Integers(codes), _)) = attrs.values.get("returns") {
        exec.returns = codes.iter().filter_map(|code| u8::try_from(*code).ok()).collect();
    }
    exec.timeout = attrs.number("timeout").unwrap_or(exec.timeout);
    exec.tries = attrs.number("tries").unwrap_or(exec.tries);
    exec.try_sleep = attrs.number("try_sleep").unwrap_or(exec.try_sleep);
    exec.user = attrs.account("user");
    exec.group = attrs.account("group");
    exec.umask = attrs.text("umask");
    exec.cwd = attrs.text("cwd");
    exec.environment = attrs.table("environment");
    exec.path = path;
    exec.logoutput = match attrs.text("logoutput").as_deref() {
        Some("true") => LogOutput::Yes,
        Some("false") => LogOutput::No,
        _ => LogOutput::OnFailure,
    };
    Some(exec)
}

fn program(command: &Command) -> Option<&str> {
    match command {
        Command::Argv(words) => words.first().and_then(|word| match word {
            Word::Text(program) => Some(program.as_str()),
            Word::Fact(_) => None,
        }),
        Command::Shell(_) => None,
    }
}

fn command(attrs: &mut Attrs<'_>, name: &str, raw: RawCommand, shell: bool) -> Option<Command> {
    match raw {
        RawCommand::Argv(_) if shell && name == "command" => {
            let message = "a list is an argument vector, and `provider = \"shell\"` wants text";
            attrs.fail("bad-value", name, message, "remove `provider`, or write the command as text");
            None
        }
        RawCommand::Argv(words) => Some(Command::Argv(words)),
        RawCommand::Text(text) if shell => Some(Command::Shell(text)),
        RawCommand::Text(_) => {
            let message = "text out of data is not split into words";
            attrs.fail("bad-value", name, message, "give a list, one element for each argument");
            None
        }
    }
}
