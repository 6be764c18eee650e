//! `tidy`: old or large files that are removed from a folder.

use super::{Attr, Deed, Fault, Nature, Need, Shape, is_false};
use serde::{Deserialize, Serialize};

/// The attributes of `tidy` in a module.
const ATTRS: &[Attr] = &[
    Attr::new("path", Shape::Path, "The folder; the title by default."),
    Attr::new(
        "age",
        Shape::Text,
        "Remove what is older: a number of `s`, `m`, `h`, `d` or `w`; days without a unit.",
    ),
    Attr::new(
        "size",
        Shape::Text,
        "Remove what is as large or larger: a number of `b`, `k`, `m`, `g` or `t`; kilobytes without a unit.",
    ),
    Attr::new("matches", Shape::Texts, "Only files with such names: patterns with `*`, `?` and `[…]`."),
    Attr::new("recurse", Shape::Bool, "Look into folders below it too.").default("false"),
    Attr::new("recurselimit", Shape::Integer(1, 100), "How many folders deep, with `recurse`."),
    Attr::new("rmdirs", Shape::Bool, "Remove folders below it that become empty.").default("false"),
    Attr::new("type", Shape::OneOf(&["atime", "mtime", "ctime"]), "Which of the times of a file counts.")
        .default("\"atime\""),
    Attr::new(
        "max_files",
        Shape::Integer(0, 1_000_000),
        "Fail, and remove nothing, when more files than this would go; 0 for any number.",
    )
    .default("1000"),
];

/// What is removed from a folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tidy {
    /// The folder.
    pub path: String,
    /// A number and a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<String>,
    /// A number and a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// Patterns of names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<String>,
    /// Look into folders below it too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recurse: bool,
    /// How many folders deep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurselimit: Option<u32>,
    /// Remove folders that become empty.
    #[serde(default, skip_serializing_if = "is_false")]
    pub rmdirs: bool,
    /// Which time counts.
    #[serde(default, rename = "type")]
    pub time: TidyTime,
    /// Fail when more files than this would go.
    #[serde(default = "thousand")]
    pub max_files: u32,
}

/// A time of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TidyTime {
    /// When it was read last.
    #[default]
    Atime,
    /// When its content was changed last.
    Mtime,
    /// When anything about it was changed last.
    Ctime,
}

impl Tidy {
    /// The age in seconds.
    #[must_use]
    pub fn seconds(&self) -> Option<u64> {
        let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];
        self.age.as_deref().and_then(|text| number(text, 86_400, &units))
    }

    /// The size in bytes.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        let units = [('b', 1), ('k', 1 << 10), ('m', 1 << 20), ('g', 1 << 30), ('t', 1 << 40)];
        self.size.as_deref().and_then(|text| number(text, 1 << 10, &units))
    }
}

/// A number with a unit behind it, or `usual` ones.
fn number(text: &str, usual: u64, units: &[(char, u64)]) -> Option<u64> {
    let unit = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(*unit)?, *factor)));
    let (digits, factor) = unit.unwrap_or((text, usual));
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    plain.then(|| digits.parse::<u64>().ok()?.checked_mul(factor)).flatten()
}

impl Nature for Tidy {
    const NAME: &'static str = "tidy";
    const DOC: &'static str = "old or large files that are removed from a folder";
    const ATTRS: &'static [Attr] = ATTRS;
    const TITLE: Option<&'static str> = Some("path");
    const EXAMPLE: (&'static str, &'static str) =
        ("/var/cache/app", "age = '4w'\nmatches = '*.tmp'\nrecurse = true\n");

    fn thing(&self) -> Option<(&'static str, String)> {
        Some(("folder to tidy", format!("{} {}", self.path, self.matches.join(" ")).trim_end().to_owned()))
    }

    fn names(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn sweeps(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Path(&self.path), Need::Within(&self.path)]
    }

    fn deeds(&self) -> Vec<Deed<'_>> {
        let mut argv = vec!["find".to_owned(), self.path.clone()];
        let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
        if !self.recurse {
            add(&["-maxdepth", "1"]);
        }
        add(&["!", "-type", "d"]);
        if let Some(seconds) = self.seconds() {
            add(&["-mmin", &format!("+{}", seconds / 60)]);
        }
        if let [pattern] = self.matches.as_slice() {
            add(&["-name", pattern]);
        }
        add(&["-delete"]);
        vec![Deed::Like { attr: "path", argv }]
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.age.is_some() && self.seconds().is_none() {
            faults.push(Fault::new("age", "this is no age", "for example `2w` or `90m`"));
        }
        if self.size.is_some() && self.bytes().is_none() {
            faults.push(Fault::new("size", "this is no size", "for example `100m`"));
        }
        if self.age.is_none() && self.size.is_none() && self.matches.is_empty() {
            let message = "without `age`, `size` or `matches`, everything would be removed";
            faults.push(Fault::new("path", message, "`matches = \"*\"` says that you mean it"));
        }
        if self.matches.iter().any(|pattern| pattern.is_empty() || pattern.contains('/')) {
            faults.push(Fault::new("matches", "a pattern is held against the name of a file alone", ""));
        }
        if self.recurselimit.is_some() && !self.recurse {
            faults.push(Fault::new("recurselimit", "this means nothing without `recurse`", ""));
        }
        faults
    }
}

const fn thousand() -> u32 {
    1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes_have_units() {
        for (text, expected) in [
            ("2w", Some(1_209_600)),
            ("3", Some(259_200)),
            ("0s", Some(0)),
            ("w", None),
            ("-1d", None),
            ("1y", None),
            ("99999999999999999999d", None),
            ("9999999999999999999w", None),
        ] {
            let tidy = |age: &str| Tidy {
                path: "/x".into(),
                age: Some(age.into()),
                size: Some("10m".into()),
                matches: Vec::new(),
                recurse: false,
                recurselimit: None,
                rmdirs: false,
                time: TidyTime::Atime,
                max_files: 0,
            };
            assert_eq!((tidy(text).seconds(), tidy(text).bytes()), (expected, Some(10 << 20)), "{text}");
        }
    }
}
