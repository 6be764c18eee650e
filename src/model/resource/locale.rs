//! `locale`: the language of the node's programs.

use super::{Attr, Deed, Fault, Nature, Shape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The attributes of `locale` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("name", Shape::Text, "The value of `LANG`, for example `de_DE.UTF-8`; the title by default."),
    Attr::new(
        "variables",
        Shape::Table,
        "Values of `LANGUAGE` and `LC_…` that differ from it. Others are left alone.",
    ),
];

/// The wanted language.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locale {
    /// The value of `LANG`.
    pub name: String,
    /// Values of `LANGUAGE` and `LC_…`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

impl Nature for Locale {
    const NAME: &'static str = "locale";
    const DOC: &'static str = "the language of the node's programs";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("name");
    const EXAMPLE: (&'static str, &'static str) =
        ("de_DE.UTF-8", "variables = { LC_MESSAGES = 'C.UTF-8' }\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("setting", "locale".into()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn paths(&self) -> Vec<String> {
        vec!["/etc/default/locale".into(), "/etc/locale.conf".into(), "/etc/locale.gen".into()]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        let lines = self.variables.iter().map(|(name, value)| format!("{name}={value}\n"));
        vec![Deed::hold(
            "name",
            "/etc/default/locale",
            format!("LANG={}\n{}", self.name, lines.collect::<String>()),
        )]
    }

    fn faults(&self) -> Vec<Fault> {
        let value = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | ':'))
        };
        let mut faults = Vec::new();
        if !value(&self.name) {
            faults.push(Fault::new(
                "name",
                format!("`{}` is no locale", self.name.escape_default()),
                "for example `C.UTF-8`",
            ));
        }
        for (name, text) in &self.variables {
            if (name != "LANGUAGE" && !name.starts_with("LC_")) || !value(text) {
                let message = format!("`{name}={}` is no setting of a locale", text.escape_default());
                faults.push(Fault::new("variables", message, "`LANGUAGE`, `LC_TIME`, `LC_MESSAGES` …"));
            }
        }
        faults
    }
}
