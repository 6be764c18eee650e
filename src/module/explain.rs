//! Which value a node gets for a parameter, and which file it comes from.

use super::Site;
use super::data::{Data, joined};
use super::document::Item;
use super::param::{Merge, quoted};
use crate::model::finding::did_you_mean;
use crate::model::{NodeName, Place};

/// The value of a parameter on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The key, `module.parameter`.
    pub key: String,
    /// What the module says of it.
    pub description: String,
    /// The value as TOML, or `None` when nothing gives one.
    pub value: Option<String>,
    /// What was looked at, highest precedence first; the module's default last.
    pub steps: Vec<Step>,
}

/// One file that could have given a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The file, or the place of the value in it.
    pub place: Place,
    /// The value that it gives, as TOML.
    pub value: Option<String>,
    /// Whether that value counts.
    pub used: bool,
}

/// A lookup that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// A key without a dot.
    #[error("`{}` is no key: write `module.parameter`", .0.escape_default())]
    Form(String),
    /// No such node.
    #[error("there is no node `{name}`{}", hint(near.as_deref()))]
    Node {
        /// The name.
        name: String,
        /// A node with nearly that name.
        near: Option<String>,
    },
    /// No such module or parameter.
    #[error("there is no parameter `{key}`{}", hint(near.as_deref()))]
    Key {
        /// The key.
        key: String,
        /// A key that is nearly the same.
        near: Option<String>,
    },
}

fn hint(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

impl Site {
    /// The value of `key` (`module.parameter`) on a node, and how it came about.
    ///
    /// # Errors
    /// When the node or the parameter is not there.
    pub fn lookup(&self, node: &str, key: &str) -> Result<Lookup, LookupError> {
        let (name, found) = self.nodes().get_key_value(node).ok_or_else(|| LookupError::Node {
            name: node.to_owned(),
            near: did_you_mean(node, self.nodes().keys().map(NodeName::as_str)).map(str::to_owned),
        })?;
        let (module, param) = key.split_once('.').ok_or_else(|| LookupError::Form(key.to_owned()))?;
        let declared =
            self.module(module).and_then(|m| Some((m, m.params.iter().find(|p| p.name == param)?)));
        let (module, param) = declared.ok_or_else(|| {
            let keys: Vec<String> = self.keys().collect();
            let near = did_you_mean(key, keys.iter().map(String::as_str)).map(str::to_owned);
            LookupError::Key { key: key.to_owned(), near }
        })?;
        let mut items: Vec<&Item> = Vec::new();
        let mut steps = Vec::new();
        for layer in Data::layers(name, found).iter().rev() {
            let datum = self.data().get(layer, &module.name, &param.name);
            let used = datum.is_some() && (items.is_empty() || param.merge == Merge::Join);
            if let Some(datum) = datum.filter(|_| used) {
                items.insert(0, &datum.item);
            }
            let place = datum.map_or_else(|| Place::file(layer.path()), |datum| datum.place.clone());
            steps.push(Step { place, value: datum.map(|datum| quoted(&datum.item.value)), used });
        }
        let default = param.default.as_ref();
        let used = items.is_empty() && default.is_some();
        steps.push(Step { place: param.place.clone(), value: default.map(|item| quoted(&item.value)), used });
        let value = match items.as_slice() {
            [] => default.map(|item| quoted(&item.value)),
            items => Some(quoted(&joined(items.iter().copied()).value)),
        };
        Ok(Lookup { key: key.to_owned(), description: param.description.clone(), value, steps })
    }

    /// All keys that can be looked up, ascending.
    pub fn keys(&self) -> impl Iterator<Item = String> {
        self.modules().filter_map(|name| self.module(name.as_str())).flat_map(|module| {
            module.params.iter().map(move |param| format!("{}.{}", module.name, param.name))
        })
    }
}
