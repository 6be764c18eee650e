//! Lists of names that the rows of tables refer to.

use super::selector::Condition;
use std::collections::BTreeMap;

/// Lists of names that patterns refer to as `@name`.
pub(super) type Names = BTreeMap<String, Vec<String>>;

impl Condition {
    /// Puts the members of lists where patterns name them.
    pub(super) fn expand(&mut self, lists: &Names) {
        let patterns = self.words.iter_mut().chain(&mut self.not).chain(self.option.values_mut());
        for pattern in patterns.filter(|p| p.contains('@')) {
            let alternatives = pattern.split('|').map(|one| {
                let list = one.strip_prefix('@').and_then(|name| lists.get(name));
                list.map_or_else(|| one.to_owned(), |members| members.join("|"))
            });
            *pattern = alternatives.collect::<Vec<_>>().join("|");
        }
    }
}
