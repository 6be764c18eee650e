//! A map by name of which copies cost nothing: they share what none of them has changed.
//!
//! A script is evaluated on many ways that differ in little. What would be copied or compared for each
//! command is one part in 1,024 of a map, however much a script has set.

use foldhash::fast::RandomState;
use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::sync::{Arc, OnceLock};

/// Parts of a part.
const WIDTH: usize = 32;

type Leaf<T> = Option<Arc<BTreeMap<String, T>>>;
type Row<T> = Option<Arc<[Leaf<T>; WIDTH]>>;

/// A map by name.
#[derive(Debug, Clone)]
pub struct Shared<T>(Option<Arc<[Row<T>; WIDTH]>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Clone + PartialEq> Shared<T> {
    /// What `name` stands for.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        let rows = self.0.as_ref()?;
        let (row, leaf) = place(name);
        rows[row].as_ref()?[leaf].as_ref()?.get(name)
    }

    /// Whether `name` stands for anything.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether nothing has ever been in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.leaves().map(|leaf| leaf.len()).sum()
    }

    /// What `name` stands for, to be changed.
    pub fn entry(&mut self, name: &str) -> &mut T
    where
        T: Default,
    {
        self.leaf(name).entry(name.to_owned()).or_default()
    }

    /// Makes `name` stand for `value`.
    pub fn insert(&mut self, name: impl Into<String>, value: T) {
        let name = name.into();
        self.leaf(&name).insert(name, value);
    }

    /// Makes `name` stand for nothing.
    pub fn remove(&mut self, name: &str) {
        if self.contains(name) {
            self.leaf(name).remove(name);
        }
    }

    /// All names, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.leaves().flat_map(|leaf| leaf.iter().map(|(name, value)| (name.as_str(), value)))
    }

    /// Adds everything of `other`, which wins.
    pub fn extend(&mut self, other: &Self) {
        for name in self.differing(other) {
            if let Some(value) = other.get(&name) {
                self.insert(name, value.clone());
            }
        }
        self.share(other);
    }

    /// Shares again what has become equal, so that it is not compared the next time.
    pub(super) fn share(&mut self, other: &Self) {
        for (row, leaf) in self.parts_apart(other) {
            let part = |map: &Self| map.part(row).and_then(|leaves| leaves[leaf].clone());
            if let (Some(mine), Some(theirs)) = (part(self), part(other))
                && mine == theirs
            {
                let rows = Arc::make_mut(self.0.get_or_insert_default());
                Arc::make_mut(rows[row].get_or_insert_default())[leaf] = Some(theirs);
            }
        }
    }

    /// The names that do not stand for the same in both.
    pub(super) fn differing(&self, other: &Self) -> Vec<String> {
        let mut names = Vec::new();
        for (row, leaf) in self.parts_apart(other) {
            let part = |map: &Self| map.part(row).and_then(|leaves| leaves[leaf].clone()).unwrap_or_default();
            let (mine, theirs) = (part(self), part(other));
            names.extend(mine.iter().filter(|(n, v)| theirs.get(*n) != Some(v)).map(|(n, _)| n.clone()));
            names.extend(theirs.keys().filter(|n| !mine.contains_key(*n)).cloned());
        }
        names
    }

    /// Where the two share nothing: row and leaf.
    fn parts_apart(&self, other: &Self) -> Vec<(usize, usize)> {
        let mut apart = Vec::new();
        if same(self.0.as_ref(), other.0.as_ref()) {
            return apart;
        }
        for row in 0..WIDTH {
            let (mine, theirs) = (self.part(row), other.part(row));
            if same(mine, theirs) {
                continue;
            }
            let leaf = |row: Option<&'_ Arc<[Leaf<T>; WIDTH]>>, at: usize| {
                row.and_then(|row| row[at].as_ref().map(Arc::as_ptr))
            };
            apart.extend((0..WIDTH).filter(|at| leaf(mine, *at) != leaf(theirs, *at)).map(|at| (row, at)));
        }
        apart
    }

    fn part(&self, row: usize) -> Option<&Arc<[Leaf<T>; WIDTH]>> {
        self.0.as_ref()?[row].as_ref()
    }

    fn leaf(&mut self, name: &str) -> &mut BTreeMap<String, T> {
        let (row, leaf) = place(name);
        let rows = Arc::make_mut(self.0.get_or_insert_default());
        let row = Arc::make_mut(rows[row].get_or_insert_default());
        Arc::make_mut(row[leaf].get_or_insert_default())
    }

    fn leaves(&self) -> impl Iterator<Item = &BTreeMap<String, T>> {
        let rows = self.0.iter().flat_map(|rows| rows.iter().flatten());
        rows.flat_map(|row| row.iter().flatten()).map(AsRef::as_ref)
    }
}

impl<T: Clone + PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.differing(other).is_empty()
    }
}

impl<T: Clone + Eq> Eq for Shared<T> {}

fn same<T>(a: Option<&Arc<T>>, b: Option<&Arc<T>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Where a name belongs. Nobody outside can tell, so no script can put all its names in one place.
fn place(name: &str) -> (usize, usize) {
    static HASHER: OnceLock<RandomState> = OnceLock::new();
    let hash = HASHER.get_or_init(RandomState::default).hash_one(name).to_le_bytes();
    (usize::from(hash[0]) % WIDTH, usize::from(hash[1]) % WIDTH)
}

#[cfg(test)]
mod tests {
    use super::Shared;

    #[test]
    fn copies_share_until_one_changes() {
        let mut map: Shared<u32> = Shared::default();
        (0..1000).for_each(|n| map.insert(n.to_string(), n));
        let mut copy = map.clone();
        assert_eq!(map, copy);
        *copy.entry("7") = 0;
        copy.remove("8");
        copy.insert("new", 1);
        assert_eq!((map.get("7"), copy.get("7")), (Some(&7), Some(&0)));
        let mut differing = map.differing(&copy);
        differing.sort();
        assert_eq!(differing, ["7", "8", "new"]);
        map.extend(&copy);
        assert_eq!(
            (map.len(), map.get("7"), map.get("8"), map.get("new")),
            (1001, Some(&0), Some(&8), Some(&1))
        );
    }

    #[test]
    fn what_is_the_same_again_does_not_differ() {
        let mut map: Shared<u32> = Shared::default();
        map.insert("a", 1);
        let mut copy = map.clone();
        *copy.entry("a") = 2;
        *copy.entry("a") = 1;
        assert!(map == copy && !map.is_empty() && map.contains("a"));
    }
}
