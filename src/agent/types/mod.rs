//! The resource types: what each compares on the node, and how it changes what differs.
//!
//! One file per type and one per provider. A type looks ([`Type::check`]) and makes a plan, property by
//! property; the engine decides whether a plan is carried out ([`Type::apply`]). Nothing here knows of order,
//! noop runs, refreshes of others or reports.

mod access;
mod accounts;
mod apk;
mod apt;
mod archive;
mod augeas;
mod backup;
mod content;
mod cron;
mod crontab;
mod dnf;
mod edited;
mod exec;
mod file;
mod flatpak;
mod found;
mod found_config;
mod fstab;
mod gem;
mod group;
mod host_entry;
mod ini_setting;
mod json_text;
mod kernel;
mod key_setting;
mod known;
mod line_in_file;
mod members;
mod mode;
mod mount;
mod nftables;
mod notify;
mod npm;
mod openrc;
mod order;
mod package;
mod pacman;
mod pip;
mod provider;
mod purge;
mod recurse;
mod repository;
mod rpm;
mod runit;
mod service;
mod settings;
mod snap;
mod ssh_key;
mod systemd;
mod sysv;
mod tar;
mod tidy;
mod unit;
mod user;
mod version;
mod yaml_text;
mod yum_repository;
mod zip;
mod zypper;

pub(super) use archive::Unpacked;
pub(super) use augeas::Lens;
pub(super) use cron::Entry;
pub(super) use exec::{AT_ONCE, Run};
pub(super) use file::{Inode, Step as FileStep, Writing};
pub(super) use found::{
    groups_found, hosts_found, keys_found, mounts_found, names, packages_found, swaps_found, users_found,
};
pub(super) use found_config::{cron_found, locale_found, repositories_found, services_found, units_found};
pub(super) use group::Members;
pub(super) use host_entry::HostEntry;
pub(super) use ini_setting::Setting as IniLine;
pub(super) use kernel::{KernelSetting, Loaded};
pub(super) use key_setting::Setting as KeyValue;
pub(super) use known::Known;
pub(super) use line_in_file::Line;
pub(super) use mount::{Mounted, Swapping};
pub(super) use nftables::{Filter, load as load_rules};
pub(super) use notify::Message;
pub(super) use package::{Installed, Step as PackageStep};
pub(super) use purge::Purged;
pub(super) use repository::Source;
pub(super) use service::{Daemon, is_name as is_service_name};
pub(super) use settings::{Language, Name, Zone};
pub(super) use ssh_key::Key;
pub(super) use systemd::traces;
pub(super) use tidy::Tidied;
pub(super) use unit::UnitFile;
pub(super) use user::Account;
pub(super) use yum_repository::RpmSource;

pub(super) use super::text as chain;

use super::bucket::{Bucket, BucketError};
use super::host::{Ending, Folder, Host, HostError, Invocation, Outcome, RunError};
use super::undo::Undo;
use crate::agent::journal::JournalError;
use crate::agent::keyring::{Keyring, Unopened};
use crate::model::fact::FactError;
use crate::model::resource::{Content, Deed, LogLevel, PackageManager};
use crate::model::{Digest, Facts, Kind, Resource, Spec};
use crate::policy::guard::{self, GuardCommand, Setting};
use known::Lists;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// What the resource types need of the node and of the run.
pub(super) struct Node<'a> {
    pub(super) host: &'a Host,
    pub(super) facts: &'a Facts,
    pub(super) blobs: &'a dyn BlobSource,
    pub(super) secrets: &'a Keyring,
    pub(super) bucket: &'a Bucket,
    /// Whether the resource at hand is only looked at.
    pub(super) noop: bool,
    /// Whether what is changed may have to be put back.
    pub(super) keep: bool,
    /// Whether what is wished of the resource at hand is on record: as long as it is so, nobody needs [`Plan::wanted`].
    pub(super) noted: bool,
    /// What [`Node::managed`] gives, once it was asked for.
    pub(super) managed: OnceCell<BTreeMap<String, bool>>,
    /// The resources of the catalog, for types that look at others.
    pub(super) catalog: &'a [Resource],
    /// The services that the catalog names: their state is read in one go.
    pub(super) services: Vec<String>,
    pub(super) known: Known,
    /// Where the last file was looked at.
    pub(super) folder: Folder,
}

/// Where the bytes of file contents come from.
pub trait BlobSource {
    /// The bytes with this digest. The caller checks them against it.
    ///
    /// # Errors
    /// When they cannot be had.
    fn blob(&self, digest: &Digest, size: u64) -> Result<Vec<u8>, BlobError>;
}

/// Why the bytes of a file cannot be had.
pub type BlobError = Box<dyn std::error::Error + Send + Sync>;

/// A resource type at work on one resource.
pub(super) trait Type {
    /// What puts one property right.
    type Step;

    /// Compares the resource with the node. Changes nothing.
    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Self::Step>, Failure>;

    /// What puts back what this step changes, as it is before it. Nothing for what cannot be put back.
    fn undo(&self, _step: &Self::Step, _node: &mut Node<'_>) -> Result<Vec<Undo>, Failure> {
        Ok(Vec::new())
    }

    /// What has to be done again when everything else was put back.
    fn undo_refresh(&self) -> Vec<Undo> {
        Vec::new()
    }

    /// Carries out one step of the plan.
    fn apply(&self, step: Self::Step, node: &mut Node<'_>) -> Result<Done, Failure>;

    /// Forgets what a change of this resource may have made untrue.
    fn forget(&self, _known: &mut Known) {}

    /// Answers to the change of a resource that this one subscribes to.
    fn refresh(&self, _node: &mut Node<'_>) -> Result<Refreshed, Failure> {
        Ok(Refreshed::Nothing)
    }
}

/// What is to be done about one resource.
#[derive(Debug)]
pub(super) struct Plan<S> {
    /// The properties that are not as they should be, in the order in which they are put right.
    pub(super) changes: Vec<Change<S>>,
    /// Every property that is managed and its wanted value, to tell drift from new wishes next time.
    pub(super) wanted: Vec<(&'static str, String)>,
    /// What could not be found out without running a command.
    pub(super) unevaluated: Option<String>,
}

/// One property that is not as it should be.
#[derive(Debug)]
pub(super) struct Change<S> {
    pub(super) property: &'static str,
    pub(super) from: String,
    pub(super) to: String,
    /// The sentence in the log.
    pub(super) message: String,
    /// A diff, where there is one to show.
    pub(super) diff: Option<String>,
    pub(super) step: S,
}

/// What a step did besides what it was for.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Lines for the log; `None` is the resource's own level.
    pub(super) log: Vec<(Option<LogLevel>, String)>,
    /// The resource is as fresh as a refresh would make it: a service that was started.
    pub(super) fresh: bool,
}

/// How a refresh went.
#[derive(Debug)]
pub(super) enum Refreshed {
    /// This type does not answer to a refresh.
    Nothing,
    /// It was not needed, for this reason.
    Skipped(String),
    /// Done, with lines for the log.
    Done(Done),
}

/// Why a resource failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Fact(#[from] FactError),
    #[error(transparent)]
    Sealed(#[from] Unopened),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Disk(#[from] super::disk::DiskError),
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error("this must never run: {0}")]
    Denied(String),
    #[error("`{command}` {ending}{output}")]
    Command { command: String, ending: String, output: String },
    #[error("'{command}' returned {returned} instead of one of [{expected}]{output}")]
    Returned { command: String, returned: String, expected: String, output: String },
    #[error("there is no {kind} `{name}` on this node")]
    NoAccount { kind: Kind, name: String },
    #[error("`{path}` is a directory: it is only {deed} with `force`")]
    NeedsForce { path: String, deed: &'static str },
    #[error("`{path}` has more than {limit} entries below it")]
    TooMany { path: String, limit: usize },
    #[error("cannot get the content {digest}")]
    Blob {
        digest: Digest,
        #[source]
        cause: BlobError,
    },
    #[error("the content that came for {wanted} is {have}")]
    WrongBlob { wanted: Digest, have: Digest },
    #[error("`{value}` is no {what}")]
    Value { value: String, what: &'static str },
    #[error("this node has no {0}")]
    NoProvider(&'static str),
    #[error("`{}` cannot {what}", .manager.name())]
    Unable { manager: PackageManager, what: String },
    #[error("{0}")]
    NotReached(String),
}

impl<S> Plan<S> {
    pub(super) const fn new() -> Self {
        Self { changes: Vec::new(), wanted: Vec::new(), unevaluated: None }
    }

    /// Notes a managed property, and a change of it when it differs.
    pub(super) fn property(
        &mut self,
        property: &'static str,
        have: &str,
        wanted: &str,
        step: impl FnOnce() -> S,
    ) {
        self.wanted.push((property, wanted.to_owned()));
        if have != wanted {
            let message = format!("{property} changed '{have}' to '{wanted}'");
            self.changes.push(Change::new(property, have, wanted, step()).saying(message));
        }
    }
}

impl<S> Change<S> {
    pub(super) fn new(property: &'static str, from: &str, to: &str, step: S) -> Self {
        let message = format!("{property} changed '{from}' to '{to}'");
        Self { property, from: from.to_owned(), to: to.to_owned(), message, diff: None, step }
    }

    pub(super) fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }
}

impl Done {
    pub(super) fn quietly() -> Self {
        Self::default()
    }
}

impl Node<'_> {
    /// Every path that the catalog names, and the backups that it makes; `true` for a directory whose resource looks below
    /// it too.
    fn managed(&self) -> &BTreeMap<String, bool> {
        self.managed.get_or_init(|| recurse::managed(self.catalog))
    }

    /// Runs a command of a provider's own that must succeed.
    fn tool(&self, invocation: &Invocation) -> Result<String, Failure> {
        tool(self.host, invocation)
    }
}

/// Runs a command of a provider's own that must succeed.
fn tool(host: &Host, invocation: &Invocation) -> Result<String, Failure> {
    printed(invocation, host.run(invocation)?)
}

/// What a command printed that must have succeeded.
fn printed(invocation: &Invocation, outcome: Outcome) -> Result<String, Failure> {
    if !outcome.succeeded() {
        return Err(command_failed(invocation, &outcome));
    }
    if outcome.truncated {
        let text = format!("`{}` printed more than can be read", invocation.argv.join(" "));
        return Err(Failure::NotReached(text));
    }
    Ok(outcome.output)
}

/// The last look at what a resource does by itself. What commands and files of their own do is judged where they are
/// filled in.
pub(super) fn judge_deeds(spec: &Spec) -> Result<(), Failure> {
    if matches!(spec, Spec::File(_)) {
        return Ok(());
    }
    for deed in spec.deeds() {
        let command = match deed {
            Deed::Like { argv, .. } => GuardCommand::Argv(argv),
            Deed::Hold { path, content, .. } => match content.as_ref() {
                Content::Text(text) => GuardCommand::File(path.into_owned(), text.get().into_owned()),
                Content::Blob { .. } | Content::Parts(_) => continue,
            },
            Deed::Run { .. } | Deed::Cron { .. } => continue,
        };
        judge(&command, &Setting::default())?;
    }
    Ok(())
}

/// The last look at a command before it may run, knowing where it would run and in which environment.
fn judge(command: &GuardCommand, setting: &Setting) -> Result<(), Failure> {
    guard::check_in(command, setting).map_err(|denied| Failure::Denied(chain(&denied)))
}

fn command_failed(invocation: &Invocation, outcome: &Outcome) -> Failure {
    let ending = match outcome.ending {
        Ending::Code(code) => format!("failed with exit code {code}"),
        Ending::Signal(signal) => format!("was ended by signal {signal}"),
        Ending::TimedOut => "did not end in time".to_owned(),
    };
    let tail = tail(&outcome.output);
    let output = if tail.is_empty() { String::new() } else { format!(": {tail}") };
    Failure::Command { command: invocation.argv.join(" "), ending, output }
}

/// The last lines of what a command printed: enough to see why it failed.
fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.trim_end().lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// A name for a database of the node: nothing that could be read as an option or end a field.
fn plain_name<'a>(name: &'a str, what: &'static str) -> Result<&'a str, Failure> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, ':' | ',' | '/');
    if name.is_empty() || name.starts_with(['-', '+', '~']) || name.contains(odd) {
        return Err(Failure::Value { value: name.escape_default().to_string(), what });
    }
    Ok(name)
}

#[cfg(test)]
mod tests;
