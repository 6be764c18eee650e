//! A case: a wish in both languages, and where the two programs differ on purpose.

use crate::support::{files_below, repository};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One file below `tests/fixtures/puppet`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// The name of the file, of the class and of the module.
    #[serde(skip)]
    pub(super) name: String,
    /// What it shows.
    #[serde(rename = "about")]
    _about: String,
    /// A shell script that makes what is there before the first run.
    #[serde(default)]
    pub(super) before: String,
    /// A shell script that changes something after the second run.
    #[serde(default)]
    pub(super) drift: String,
    /// What stands in the Puppet class.
    pub(super) puppet: String,
    /// The module of Countersign.
    pub(super) countersign: String,
    /// The files that both modules deliver.
    #[serde(default)]
    pub(super) files: BTreeMap<String, String>,
    /// Where the programs differ on purpose.
    #[serde(default)]
    pub(super) differs: Vec<Differs>,
}

/// A difference on purpose: lines that only one of the programs has. What is not named here is the same.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Differs {
    /// In which runs; `machine after …` is about what has become of the machine.
    pub(super) runs: Vec<String>,
    /// What docs/coming-from-puppet.md says of it.
    pub(super) why: String,
    /// What only Puppet says.
    #[serde(default)]
    pub(super) puppet: Vec<String>,
    /// What only Countersign says.
    #[serde(default)]
    pub(super) countersign: Vec<String>,
}

impl Differs {
    pub(super) fn is_of(&self, run: &str) -> bool {
        self.runs.iter().any(|name| name == run)
    }
}

/// All cases of a folder, by name.
pub(super) fn all(folder: &str) -> Vec<Case> {
    let paths = files_below(&repository().join("tests/fixtures/puppet").join(folder), &["toml"]);
    assert!(!paths.is_empty(), "there are no cases in `{folder}`");
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let mut case: Case = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        case.name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        case
    };
    paths.iter().map(read).collect()
}
