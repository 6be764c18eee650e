//! The tools by name.
//!
//! There are about a thousand, and an agent asks for a handful: of a table only its names are read beforehand, and the rest
//! when the tool is first asked for.

use super::lists::Names;
use super::patterns::Glob;
use super::table::Tool;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

/// All tools by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Tools {
    by_name: HashMap<&'static str, usize>,
    families: Vec<(Glob, usize)>,
    tables: Vec<Table>,
    lists: Names,
}

/// One tool of a file.
#[derive(Debug, Clone)]
struct Table {
    name: &'static str,
    text: &'static str,
    tool: OnceLock<Tool>,
}

impl Tools {
    /// No tools yet, in whose tables `@name` stands for one of these lists.
    pub(super) fn of(lists: &Names) -> Self {
        Self { lists: lists.clone(), ..Self::default() }
    }

    /// Adds the tables of one file.
    ///
    /// # Errors
    /// The name of a tool that is described already.
    pub(super) fn add(&mut self, text: &'static str) -> Result<(), String> {
        for table in tables(text) {
            let index = self.tables.len();
            for name in std::iter::once(table.name).chain(table.names()) {
                if name.contains('*') {
                    self.families.push((Glob::from(name.to_owned()), index));
                } else if self.by_name.insert(name, index).is_some() {
                    return Err(format!("`{name}` is described twice"));
                }
            }
            self.tables.push(table);
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
        let table = self.tables.get(*index?)?;
        #[expect(clippy::expect_used, reason = "embedded; a test parses every one of these tables")]
        Some(table.tool.get_or_init(|| table.parse(&self.lists).expect("the embedded table parses")))
    }
}

impl Table {
    /// Its further names.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        let text = self.text.split_once("\nnames = [").and_then(|(_, rest)| rest.split_once(']'));
        text.map_or("", |(names, _)| names).split('"').skip(1).step_by(2)
    }

    fn parse(&self, lists: &Names) -> Result<Tool, toml::de::Error> {
        let mut file: BTreeMap<String, Tool> = toml::from_str(self.text)?;
        let mut tool = file.remove(self.name).ok_or_else(|| serde::de::Error::custom("another table"))?;
        tool.expand(lists);
        Ok(tool)
    }
}

/// The tables of a file: each begins with `[name]` on a line of its own, and what is inside one never does.
fn tables(text: &'static str) -> impl Iterator<Item = Table> {
    let starts: Vec<usize> = text
        .match_indices("\n[")
        .map(|(at, _)| at + 1)
        .chain(text.starts_with('[').then_some(0))
        .filter(|start| name(&text[*start..]).is_some())
        .collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| {
        let text = &text[start..end];
        Some(Table { name: name(text)?, text, tool: OnceLock::new() })
    })
}

/// The name in the head of a table, if it is that of a tool and not of a part of one.
fn name(text: &'static str) -> Option<&'static str> {
    let head = text.lines().next()?.strip_prefix('[')?.strip_suffix(']')?;
    match head.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').filter(|name| !name.contains('"')),
        None => Some(head).filter(|name| !name.contains(['.', '[', '"'])),
    }
}

#[cfg(test)]
mod tests {
    use super::super::embedded;
    use super::*;

    #[test]
    fn tables_that_are_read_one_by_one_are_what_their_files_say() {
        let lists = Names::default();
        let mut all = 0;
        for (file, text) in embedded::TOOLS.iter() {
            let whole: BTreeMap<String, Tool> =
                toml::from_str(text).unwrap_or_else(|e| panic!("{file}: {e}"));
            let parts: Vec<Table> = tables(text).collect();
            let names: Vec<&str> = parts.iter().map(|table| table.name).collect();
            assert_eq!(parts.len(), whole.len(), "{file}: {names:?}");
            for table in parts {
                let mut tool = whole[table.name].clone();
                assert!(table.names().eq(tool.names.iter()), "{file}: {}", table.name);
                tool.expand(&lists);
                assert_eq!(format!("{:?}", table.parse(&lists).unwrap()), format!("{tool:?}"), "{file}");
                all += 1;
            }
        }
        assert!(all > 500, "{all}");
    }

    #[test]
    fn a_tool_is_described_once() {
        let mut tools = Tools::of(&Names::default());
        tools.add("# Tools.\n\n[one]\nnames = [\"eins\",\n  \"uno\"]\n\n[\"fam.*\"]\nstop = true\n").unwrap();
        assert!(tools.named("uno").is_some() && tools.named("two").is_none());
        assert!(tools.named("fam.ily").unwrap().stop);
        assert_eq!(tools.add("[uno]\n"), Err("`uno` is described twice".into()));
    }
}
