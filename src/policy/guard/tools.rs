//! The tools by name.

use super::lists::Names;
use super::patterns::Glob;
use super::table::Tool;
use std::collections::{BTreeMap, HashMap};

/// All tools by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Tools {
    by_name: HashMap<String, usize>,
    families: Vec<(Glob, usize)>,
    tools: Vec<Tool>,
}

impl Tools {
    /// Adds the tables of one file.
    ///
    /// # Errors
    /// When it is not TOML, not of this form, or describes a tool that is described already.
    pub(super) fn add(&mut self, text: &str, lists: &Names) -> Result<(), toml::de::Error> {
        let file: BTreeMap<String, Tool> = toml::from_str(text)?;
        for (name, mut tool) in file {
            tool.expand(lists);
            let index = self.tools.len();
            for name in std::iter::once(&name).chain(&tool.names) {
                if name.contains('*') {
                    self.families.push((Glob::from(name.clone()), index));
                } else if self.by_name.insert(name.clone(), index).is_some() {
                    return Err(serde::de::Error::custom(format!("`{name}` is described twice")));
                }
            }
            self.tools.push(tool);
        }
        Ok(())
    }

    /// The tool of that name; a version at its end does not matter.
    pub(super) fn named(&self, name: &str) -> Option<&Tool> {
        let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        let index = self.by_name.get(name).or_else(|| {
            let family = self.families.iter().find(|(pattern, _)| pattern.matches(name));
            family.map(|(_, index)| index).or_else(|| self.by_name.get(plain))
        });
        index.and_then(|index| self.tools.get(*index))
    }
}
