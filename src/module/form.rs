//! The keys of the files of a site: one table each, for reading, for messages and for editors' schemas.
//!
//! What a resource type accepts is not here but in the attribute tables of `model`.

use crate::model::resource::{Period, PeriodMatch};

/// A key that a table may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// The key.
    pub(super) name: &'static str,
    /// What its value looks like.
    pub(super) form: Form,
    /// One sentence for readers.
    pub(super) doc: &'static str,
}

/// What the value of a key looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Bool,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A list of anything.
    List,
    /// Anything.
    Any,
    /// A table with these keys.
    Table(&'static [Field]),
    /// A table of tables with these keys.
    Tables(&'static [Field]),
    /// A table of anything.
    Open,
}

impl Field {
    const fn new(name: &'static str, form: Form, doc: &'static str) -> Self {
        Self { name, form, doc }
    }
}

/// The types of parameters.
pub(super) const TYPES: &[&str] = &["text", "integer", "bool", "list", "table", "secret"];
/// How values of several data files make one.
pub(super) const MERGES: &[&str] = &["replace", "join"];

/// `countersign.toml`.
pub(super) const SITE: &[Field] = &[
    Field::new("name", Form::Text, "The name of the site."),
    Field::new(
        "environments",
        Form::Texts,
        "Protected branches that catalogs are compiled for; `production` unless given.",
    ),
    Field::new("defaults", Form::Table(DEFAULTS), "What holds for every node."),
    Field::new("groups", Form::Tables(GROUP), "Groups of nodes."),
    Field::new("budget", Form::Table(BUDGET), "The most that one run may do to a node; more is not begun."),
    Field::new("health", Form::Tables(HEALTH), "Checks after a run that changed something."),
    Field::new("schedules", Form::Tables(SCHEDULE), "Times at which resources may be looked at."),
];
/// `[schedules.<schedule>]` of `countersign.toml`.
pub(super) const SCHEDULE: &[Field] = &[
    Field::new("range", Form::Texts, "Parts of the day on the node's clock, for example `22:00-04:00`."),
    Field::new(
        "weekday",
        Form::Texts,
        "Days; a part of the day that crosses midnight belongs to the day before.",
    ),
    Field::new(
        "period",
        Form::OneOf(Period::NAMES),
        "How often; `never` with a `range` or `weekday` is: not then.",
    ),
    Field::new(
        "periodmatch",
        Form::OneOf(PeriodMatch::NAMES),
        "A period is new after its length (`distance`, the default) or with each hour, day, week or month (`number`).",
    ),
    Field::new("repeat", Form::Integer, "How often within a period; once unless given."),
];
/// `[budget]` of `countersign.toml` and of its groups.
pub(super) const BUDGET: &[Field] = &[
    Field::new("changes", Form::Integer, "Resources that are changed, at most."),
    Field::new(
        "deletions",
        Form::Integer,
        "Files, packages, accounts and entries that are removed, at most.",
    ),
    Field::new("restarts", Form::Integer, "Services that are restarted, at most."),
];
/// `[health.<check>]` of `countersign.toml`.
pub(super) const HEALTH: &[Field] = &[
    Field::new("command", Form::Texts, "A program and its arguments, which must succeed."),
    Field::new("http", Form::Text, "A URL (`http://…`) that must answer with a status of 200 to 399."),
    Field::new("tcp", Form::Text, "An address (`host:port`) that must accept a connection."),
    Field::new("timeout", Form::Integer, "Seconds that one try may take; 10 unless given."),
    Field::new("tries", Form::Integer, "How often it is tried until it has failed; 3 unless given."),
    Field::new("groups", Form::Texts, "Only nodes of these groups have it; all nodes unless given."),
];
/// `[defaults]` of `countersign.toml`.
pub(super) const DEFAULTS: &[Field] =
    &[Field::new("include", Form::Texts, "Modules that every node includes, before all others.")];
/// `[groups.<group>]` of `countersign.toml`.
pub(super) const GROUP: &[Field] = &[
    Field::new("include", Form::Texts, "Modules that the nodes of this group include, in order."),
    Field::new("description", Form::Text, "One sentence for readers."),
    Field::new("budget", Form::Table(BUDGET), "A stricter budget for the nodes of this group."),
];
/// `nodes/<node>.toml`.
pub(super) const NODE: &[Field] = &[
    Field::new("description", Form::Text, "One sentence for readers."),
    Field::new("groups", Form::Texts, "Groups; data of a later one overrides data of an earlier one."),
    Field::new("include", Form::Texts, "Modules that only this node includes, after those of its groups."),
    Field::new("facts", Form::Open, "Facts that reviewers agree to: `node.facts` in templates."),
    Field::new(
        "sealing_key",
        Form::Text,
        "The key that secrets are sealed to: what `countersign agent sealing-key` prints on the node.",
    ),
];
/// `data/secrets/<secret>.toml`, which `countersign secret seal` writes.
pub(super) const SECRET: &[Field] = &[
    Field::new("site", Form::Text, "The name of the site that the values are sealed for."),
    Field::new("node", Form::Tables(SEALED), "A sealed value for each node."),
];
/// `[node.<node>]` of `data/secrets/<secret>.toml`.
pub(super) const SEALED: &[Field] = &[
    Field::new("key", Form::Text, "The SHA-256 of the sealing key that it is sealed to."),
    Field::new("sealed", Form::Text, "The encrypted value in base64."),
];
/// The head of `modules/<module>/module.toml`; besides it there are only resource types.
pub(super) const MODULE: &[Field] = &[
    Field::new("params", Form::Tables(PARAM), "Parameters, whose values come from `data/`."),
    Field::new("description", Form::Text, "One sentence for readers."),
];
/// A parameter of a module.
pub(super) const PARAM: &[Field] = &[
    Field::new("type", Form::OneOf(TYPES), "What its values look like."),
    Field::new("items", Form::OneOf(TYPES), "What the elements of a list look like."),
    Field::new("default", Form::Any, "The value where no data file has one."),
    Field::new("required", Form::Bool, "`false`: a node may do without a value."),
    Field::new("min", Form::Integer, "Least number, or least length of a text or list."),
    Field::new("max", Form::Integer, "Greatest number, or greatest length of a text or list."),
    Field::new("pattern", Form::Text, "A regular expression that the whole text must match."),
    Field::new("values", Form::List, "The values that are allowed."),
    Field::new(
        "merge",
        Form::OneOf(MERGES),
        "`replace` (the default) takes the value of highest precedence; `join` puts lists and tables together.",
    ),
    Field::new("description", Form::Text, "One sentence, shown by `countersign lookup --explain`."),
];
