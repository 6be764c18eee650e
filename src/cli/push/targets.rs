//! Which nodes a push is for: filters over what the site says of nodes and what the server knows of them.
//!
//! Filters of different kinds must all hold, as in `mco`; several names are alternatives. The result is a plain
//! list, which is what gets signed: no pattern ever leaves the operator's machine.

use crate::model::wire::NodeInfo;
use crate::model::{FactPath, ModuleName, NodeName};
use crate::module::Site;
use crate::signing::glob::NameGlob;
use regex::Regex;
use serde_json::Value;
use std::cmp::Ordering;
use std::str::FromStr;

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Filters {
    /// Nodes that include all of these modules.
    pub(super) modules: Vec<ModuleName>,
    /// Nodes in all of these groups.
    pub(super) groups: Vec<String>,
    /// Nodes whose names match one of these.
    pub(super) names: Vec<NamePattern>,
    /// Nodes that say all of this of themselves.
    pub(super) facts: Vec<FactFilter>,
}

impl Filters {
    /// Whether nothing was asked for.
    pub(super) const fn is_empty(&self) -> bool {
        self.modules.is_empty() && self.groups.is_empty() && self.names.is_empty() && self.facts.is_empty()
    }

    /// Whether the site is needed to answer.
    pub(super) const fn needs_site(&self) -> bool {
        !self.modules.is_empty() || !self.groups.is_empty()
    }

    /// The enrolled nodes that fulfil all filters, ascending.
    pub(super) fn select<'a>(&self, site: Option<&Site>, nodes: &'a [NodeInfo]) -> Vec<&'a NodeInfo> {
        let mut chosen: Vec<&NodeInfo> = nodes
            .iter()
            .filter(|info| self.holds_by_site(site, &info.node))
            .filter(|info| self.names.is_empty() || self.names.iter().any(|name| name.matches(&info.node)))
            .filter(|info| self.facts.iter().all(|fact| fact.holds(info)))
            .collect();
        chosen.sort_by(|a, b| a.node.cmp(&b.node));
        chosen
    }

    fn holds_by_site(&self, site: Option<&Site>, node: &NodeName) -> bool {
        if !self.needs_site() {
            return true;
        }
        let Some(node) = site.and_then(|site| site.nodes().get(node)) else { return false };
        self.modules.iter().all(|module| node.modules.contains(module))
            && self.groups.iter().all(|group| node.groups.contains(group))
    }
}

/// A name, a glob, or `/a regular expression/`.
#[derive(Debug, Clone)]
pub(super) enum NamePattern {
    Glob(NameGlob),
    Regex(Regex),
}

impl NamePattern {
    fn matches(&self, node: &NodeName) -> bool {
        match self {
            Self::Glob(glob) => glob.matches(node.as_str()),
            Self::Regex(regex) => regex.is_match(node.as_str()),
        }
    }
}

impl FromStr for NamePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match slashed(text) {
            Some(inner) => Regex::new(inner).map(Self::Regex).map_err(|e| e.to_string()),
            None => NameGlob::try_from(text.to_owned()).map(Self::Glob).map_err(|e| e.to_string()),
        }
    }
}

/// `fact=value`, and the other comparisons that `mco` knows.
#[derive(Debug, Clone)]
pub(super) struct FactFilter {
    path: FactPath,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Matches(Regex),
    Compares(&'static [Ordering], String),
    Differs(String),
}

const COMPARISONS: [(&str, &[Ordering]); 8] = [
    ("==", &[Ordering::Equal]),
    ("<=", &[Ordering::Less, Ordering::Equal]),
    ("=<", &[Ordering::Less, Ordering::Equal]),
    (">=", &[Ordering::Greater, Ordering::Equal]),
    ("=>", &[Ordering::Greater, Ordering::Equal]),
    ("=", &[Ordering::Equal]),
    ("<", &[Ordering::Less]),
    (">", &[Ordering::Greater]),
];

impl FromStr for FactFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "write `fact=value`, or one of == != =~ <= >= < > in place of =".to_owned();
        let at = text.find(['=', '<', '>', '!']).ok_or_else(form)?;
        let (path, rest) = text.split_at(at);
        let path = path.trim().parse().map_err(|e: crate::model::fact::FactPathError| e.to_string())?;
        let regex = |pattern: &str| Regex::new(pattern).map(Test::Matches).map_err(|e| e.to_string());
        let test = if let Some(pattern) = rest.strip_prefix("=~") {
            regex(slashed(pattern.trim()).unwrap_or(pattern.trim()))?
        } else if let Some(value) = rest.strip_prefix("!=") {
            Test::Differs(value.trim().to_owned())
        } else {
            let fits = COMPARISONS.iter().find(|(operator, _)| rest.starts_with(operator));
            let (operator, orderings) = fits.ok_or_else(form)?;
            let value = rest[operator.len()..].trim();
            match slashed(value) {
                Some(pattern) => regex(pattern)?,
                None => Test::Compares(orderings, value.to_owned()),
            }
        };
        Ok(Self { path, test })
    }
}

impl FactFilter {
    fn holds(&self, info: &NodeInfo) -> bool {
        let Some(value) = info.facts.get(self.path.as_str()).and_then(text) else { return false };
        match &self.test {
            Test::Matches(regex) => regex.is_match(&value),
            Test::Differs(other) => value != *other,
            Test::Compares(wanted, other) => wanted.contains(&compare(&value, other)),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Numbers as numbers, everything else as text.
fn compare(have: &str, want: &str) -> Ordering {
    match (have.parse::<i64>(), want.parse::<i64>()) {
        (Ok(have), Ok(want)) => have.cmp(&want),
        _ => have.cmp(want),
    }
}

fn slashed(text: &str) -> Option<&str> {
    text.strip_prefix('/')?.strip_suffix('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Facts;
    use serde_json::json;

    fn node(name: &str, family: &str, processors: u64) -> NodeInfo {
        let mut facts = Facts::default();
        facts.set(&"os.family".parse().unwrap(), json!(family));
        facts.set(&"processors".parse().unwrap(), json!(processors));
        let node = name.parse().unwrap();
        NodeInfo { node, connected: true, last_seen: None, seq: None, facts }
    }

    fn check(names: &[&str], facts: &[&str], expected: &[&str]) {
        let nodes = [
            node("web2.example", "debian", 16),
            node("web1.example", "debian", 4),
            node("db1.example", "redhat", 4),
        ];
        let filters = Filters {
            names: names.iter().map(|n| n.parse().unwrap()).collect(),
            facts: facts.iter().map(|f| f.parse().unwrap()).collect(),
            ..Filters::default()
        };
        let chosen: Vec<&str> = filters.select(None, &nodes).iter().map(|n| n.node.as_str()).collect();
        assert_eq!(chosen, expected, "{names:?} {facts:?}");
    }

    #[test]
    fn names_are_alternatives_and_facts_must_all_hold() {
        check(&["web1.example"], &[], &["web1.example"]);
        check(&["web*"], &[], &["web1.example", "web2.example"]);
        check(&["web1.example", "db*"], &[], &["db1.example", "web1.example"]);
        check(&["/^(web|db)1/"], &[], &["db1.example", "web1.example"]);
        check(&["nothing"], &[], &[]);
        check(&[], &["os.family=debian", "processors=4"], &["web1.example"]);
        check(&["db*"], &["os.family=debian"], &[]);
    }

    #[test]
    fn every_comparison_of_mco_is_known() {
        check(&[], &["os.family==redhat"], &["db1.example"]);
        check(&[], &["os.family!=redhat"], &["web1.example", "web2.example"]);
        check(&[], &["os.family=~^deb"], &["web1.example", "web2.example"]);
        check(&[], &["os.family=/hat$/"], &["db1.example"]);
        check(&[], &["processors>4"], &["web2.example"]);
        check(&[], &["processors>=16"], &["web2.example"]);
        check(&[], &["processors=<4"], &["db1.example", "web1.example"]);
        check(&[], &["no.such!=x"], &[]);
    }

    #[test]
    fn a_filter_of_another_form_is_refused() {
        for bad in ["", "os.family", "=x", "os.family~x", "os.family=~(", "Os=x"] {
            assert!(bad.parse::<FactFilter>().is_err(), "{bad}");
        }
        assert!("/(/".parse::<NamePattern>().is_err());
    }

    #[test]
    fn modules_and_groups_without_a_site_choose_nothing() {
        let filters = Filters { groups: vec!["web".into()], ..Filters::default() };
        assert!(filters.select(None, &[node("web1.example", "debian", 1)]).is_empty());
    }
}
