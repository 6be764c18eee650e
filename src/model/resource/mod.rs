//! What a catalog may ask of a node: the resource types, their attributes, and what all of them share.
//!
//! Each type has a file here with its typed form, its [`Attr`] table and its [`Nature`], and one line in `kinds.rs`.
//! The table is the one source for reading modules, for `describe`, for the documentation and for editors' schemas.

mod apt_repository;
mod archive;
mod attr;
mod augeas;
mod cron;
mod exec;
mod file;
mod group;
mod host;
mod hostname;
mod ini_setting;
mod kernel_module;
mod key_setting;
mod kinds;
mod line_in_file;
mod locale;
mod mount;
mod nature;
mod nft_text;
mod nftables;
mod notify;
mod package;
mod package_manager;
mod presence;
mod purge;
mod schedule;
mod selinux;
mod service;
mod ssh_authorized_key;
mod swap;
mod sysctl;
mod systemd_unit;
mod tidy;
mod timezone;
mod user;
mod yum_repository;

pub use apt_repository::AptRepository;
pub use archive::Archive;
pub use attr::{Attr, Live, Shape};
pub use augeas::{Argument as AugeasArgument, Augeas, Condition, Edit as AugeasEdit};
pub use cron::{Cron, Field as CronField};
pub use exec::{Command, Exec, LogOutput, Word};
pub use file::{BUCKET, Content, Ensure as FileEnsure, File, ModeError, Part, check_mode};
pub use group::Group;
pub use host::Host;
pub use hostname::Hostname;
pub use ini_setting::IniSetting;
pub use kernel_module::KernelModule;
pub use key_setting::{Format, KeySetting};
pub use kinds::{Kind, Spec};
pub use line_in_file::LineInFile;
pub use locale::Locale;
pub use mount::{Mount, MountEnsure};
pub use nature::{Deed, Fault, Nature, Need};
pub use nft_text::{Entrance, Lockout, Ruleset, judge as judge_ruleset};
pub use nftables::Nftables;
pub use notify::Notify;
pub use package::{Bound, Configfiles, Ensure as PackageEnsure, Mark, Package, Than};
pub use package_manager::PackageManager;
pub use presence::Presence;
pub use purge::Purge;
pub use schedule::{Period, PeriodMatch, Schedule, Span, SpanError, Wall, Weekday};
pub use selinux::{Context, ContextPart};
pub use service::{Enable, Ensure as ServiceEnsure, Service};
pub use ssh_authorized_key::SshAuthorizedKey;
pub use swap::Swap;
pub use sysctl::Sysctl;
pub use systemd_unit::{SystemdUnit, UNIT_ENDINGS};
pub use tidy::{Tidy, TidyTime};
pub use timezone::Timezone;
pub use user::{Membership, User, is_hash};
pub use yum_repository::YumRepository;

use super::{Expr, ModuleName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A reference to a resource, written `file[/etc/motd]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ref {
    /// The type.
    pub kind: Kind,
    /// The title.
    pub title: String,
}

/// Text that is not `type[title]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a reference: write `type[title]`, for example `service[nginx]`", .0.escape_default())]
pub struct RefError(String);

impl std::str::FromStr for Ref {
    type Err = RefError;

    fn from_str(text: &str) -> Result<Self, RefError> {
        let parts = text.strip_suffix(']').and_then(|t| t.split_once('['));
        parts
            .and_then(|(kind, title)| Some(Self { kind: Kind::named(kind)?, title: title.to_owned() }))
            .filter(|reference| !reference.title.is_empty())
            .ok_or_else(|| RefError(text.to_owned()))
    }
}

impl TryFrom<String> for Ref {
    type Error = RefError;

    fn try_from(text: String) -> Result<Self, RefError> {
        text.parse()
    }
}

impl From<Ref> for String {
    fn from(reference: Ref) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.kind, self.title)
    }
}

/// One resource of a catalog. The list order of a catalog breaks ties between independent resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The title: unique among the resources of its type in a catalog.
    pub title: String,
    /// The type and its attributes.
    pub spec: Spec,
    /// What every resource has.
    pub meta: Meta,
}

impl Resource {
    /// The reference that names this resource.
    #[must_use]
    pub fn reference(&self) -> Ref {
        Ref { kind: self.spec.kind(), title: self.title.clone() }
    }
}

impl Spec {
    /// Whether an agent can put back what it changed for this resource. A type that is not named here cannot.
    #[must_use]
    pub const fn goes_back(&self) -> bool {
        match self {
            // What was removed with all that was in it is gone.
            Self::File(file) => !file.purge && !file.force,
            Self::User(user) => !(user.absent && user.managehome),
            Self::IniSetting(_) | Self::KeySetting(_) | Self::LineInFile(_) => true,
            Self::Service(_) | Self::Group(_) | Self::Notify(_) | Self::Nftables(_) => true,
            _ => false,
        }
    }
}

/// What every resource has: where it comes from and the metaparameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// The module that declares it.
    pub module: ModuleName,
    /// Apply it only where this holds of the node's own facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expr>,
    /// Resources that come after this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Ref>,
    /// Resources that come before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<Ref>,
    /// Resources that come after this one and are refreshed when it changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Ref>,
    /// Resources that come before this one and refresh it when they change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscribe: Vec<Ref>,
    /// Only report what would change.
    #[serde(default, skip_serializing_if = "is_false")]
    pub noop: bool,
    /// It stays as it is when a health check fails: declared where that is so and the node has health checks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub irreversible: bool,
    /// Tags besides the automatic ones (type, module, title where it is a plain word).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<String>,
    /// The level at which changes are logged.
    #[serde(default, skip_serializing_if = "LogLevel::is_default")]
    pub loglevel: LogLevel,
    /// When it may be looked at; always when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Box<Schedule>>,
    /// Attributes whose changes are told, whoever makes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audit: Vec<String>,
}

impl Meta {
    /// The metaparameters of a resource that sets none.
    #[must_use]
    pub const fn of(module: ModuleName) -> Self {
        Self {
            module,
            when: None,
            before: Vec::new(),
            require: Vec::new(),
            notify: Vec::new(),
            subscribe: Vec::new(),
            noop: false,
            irreversible: false,
            tag: Vec::new(),
            loglevel: LogLevel::Notice,
            schedule: None,
            audit: Vec::new(),
        }
    }
}

/// The attribute table of the metaparameters, which every type accepts.
pub const META_ATTRS: &[Attr] = &[
    Attr::new("before", Shape::Refs, "Resources that come after this one."),
    Attr::new("require", Shape::Refs, "Resources that come before this one; a failed one skips this."),
    Attr::new("notify", Shape::Refs, "Like `before`, and refreshes them when this one changes."),
    Attr::new("subscribe", Shape::Refs, "Like `require`, and refreshes this one when they change."),
    Attr::new("noop", Shape::Bool, "Only report what would change. `false` cannot lift a noop run.")
        .default("false"),
    Attr::new(
        "irreversible",
        Shape::Bool,
        "It stays as it is when a health check fails. Must be said where that is so and the node has health checks.",
    )
    .default("false"),
    Attr::new("tag", Shape::Texts, "Tags besides the automatic ones."),
    Attr::new("loglevel", Shape::OneOf(LogLevel::NAMES), "The level at which changes are logged.")
        .default("\"notice\""),
    Attr::new("alias", Shape::Texts, "Other names by which relationships may mean it."),
    Attr::new(
        "schedule",
        Shape::Text,
        "When it may be looked at: a `[schedules.…]` of `countersign.toml`, or `hourly`, `daily`, `weekly`, `monthly`, `never`.",
    ),
    Attr::new(
        "audit",
        Shape::Texts,
        "Attributes whose changes are told, whoever makes them; `all` for every one that a node can be asked for.",
    ),
];

/// What says whether and how often a resource is there at all. Read by the compiler; never in a catalog as it is.
pub const CONTROL_ATTRS: &[Attr] = &[
    Attr::new(
        "for_each",
        Shape::Text,
        "One resource for each element: `vhost in vhosts`, or `name, user in users` for a table.",
    ),
    Attr::new(
        "when",
        Shape::Text,
        "A guard: the resource is there only where it holds, for example `facts.os.family == 'debian'`.",
    ),
];

/// A level of the run's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Only for whoever debugs.
    Debug,
    /// Progress.
    Info,
    /// A change: the default.
    #[default]
    Notice,
    /// Something unexpected that did not stop the run.
    Warning,
    /// A failure.
    Err,
    /// A failure that needs a person soon.
    Crit,
    /// A failure that needs a person now.
    Alert,
    /// The system is unusable.
    Emerg,
}

impl LogLevel {
    /// The names in ascending order.
    pub const NAMES: &'static [&'static str] =
        &["debug", "info", "notice", "warning", "err", "crit", "alert", "emerg"];

    /// Whether this is the level that a resource has without saying so.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_true(value: &bool) -> bool {
    *value
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_go_both_ways() {
        for text in ["file[/etc/motd]", "exec[a [odd] title]", "service[nginx]"] {
            assert_eq!(text.parse::<Ref>().map(|r| r.to_string()), Ok(text.to_owned()));
        }
        for bad in ["", "file", "file[]", "File[/x]", "nope[x]", "file[/x] "] {
            assert!(bad.parse::<Ref>().is_err(), "{bad}");
        }
    }

    #[test]
    fn no_type_redefines_a_metaparameter_or_repeats_an_attribute() {
        for kind in Kind::ALL {
            let names: Vec<_> =
                kind.attrs().iter().chain(META_ATTRS).chain(CONTROL_ATTRS).map(|a| a.name).collect();
            let distinct: std::collections::BTreeSet<_> = names.iter().collect();
            assert_eq!(names.len(), distinct.len(), "{kind}");
        }
    }
}
