//! The order of the resources of a catalog: explicit edges, then automatic ones, ties by list order.

use super::resource::{Need, Resource};
use super::{Kind, Ref};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

/// One edge: `from` comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Index of the resource that comes first.
    pub from: usize,
    /// Index of the resource that comes after it.
    pub to: usize,
    /// Whether a change of `from` refreshes `to`.
    pub refresh: bool,
}

/// The resources of a catalog in the order in which they are applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Indices into the resource list, first to last.
    pub order: Vec<usize>,
    /// All edges, ascending.
    pub edges: Vec<Edge>,
}

/// Why resources have no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two resources have one name.
    #[error("`{0}` is declared twice")]
    Duplicate(Ref),
    /// A metaparameter names a resource that the catalog does not have.
    #[error("`{from}` has `{metaparameter}` on `{to}`, which is not in the catalog")]
    Unknown {
        /// The resource with the metaparameter.
        from: Ref,
        /// `before`, `require`, `notify` or `subscribe`.
        metaparameter: &'static str,
        /// The resource that is missing.
        to: Ref,
    },
    /// Resources that wait for each other, each for the next and the last for the first.
    #[error("dependency cycle: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> "))]
    Cycle(Vec<Ref>),
}

/// Where each resource is in the list, by type and title.
type Index<'a> = HashMap<(Kind, &'a str), usize>;

/// Orders `resources`.
///
/// # Errors
/// All duplicates and unknown references, or else one cycle per group of resources that wait for each other.
pub fn order(resources: &[Resource]) -> Result<Graph, Vec<GraphError>> {
    let mut errors = Vec::new();
    let mut index = Index::with_capacity(resources.len());
    for (i, resource) in resources.iter().enumerate() {
        if index.insert((resource.spec.kind(), &resource.title), i).is_some() {
            errors.push(GraphError::Duplicate(resource.reference()));
        }
    }
    let explicit = explicit_edges(resources, &index, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let automatic = automatic_edges(resources, &index);
    let edges = merged(explicit.iter().chain(&automatic).copied());
    if let Ok(order) = sort(resources.len(), &edges) {
        return Ok(Graph { order, edges });
    }
    // As Puppet does: an automatic edge never contradicts what the author wrote.
    let explicit = merged(explicit);
    let next = successors(&explicit, resources.len());
    let agreeing = automatic.into_iter().filter(|edge| !reaches(&next, edge.to, edge.from));
    let edges = merged(explicit.iter().copied().chain(agreeing));
    match sort(resources.len(), &edges) {
        Ok(order) => Ok(Graph { order, edges }),
        Err(rest) => Err(cycles(resources, &edges, &rest)),
    }
}

fn explicit_edges(resources: &[Resource], index: &Index<'_>, errors: &mut Vec<GraphError>) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (i, resource) in resources.iter().enumerate() {
        let meta = &resource.meta;
        let lists = [
            ("before", &meta.before, true, false),
            ("require", &meta.require, false, false),
            ("notify", &meta.notify, true, true),
            ("subscribe", &meta.subscribe, false, true),
        ];
        for (metaparameter, refs, forward, refresh) in lists {
            for to in refs {
                match index.get(&(to.kind, to.title.as_str())) {
                    Some(&j) if forward => edges.push(Edge { from: i, to: j, refresh }),
                    Some(&j) => edges.push(Edge { from: j, to: i, refresh }),
                    None => errors.push(GraphError::Unknown {
                        from: resource.reference(),
                        metaparameter,
                        to: to.clone(),
                    }),
                }
            }
        }
    }
    edges
}

/// What a type waits for by itself: the folder a file is in, the user and group that own it, and so on.
fn automatic_edges(resources: &[Resource], index: &Index<'_>) -> Vec<Edge> {
    // The first that provides a path, and for each that does the next: most paths have one.
    let mut first: HashMap<&str, usize> = HashMap::with_capacity(resources.len());
    let mut next = vec![None; resources.len()];
    for (i, resource) in resources.iter().enumerate().rev() {
        if let Some(path) = resource.spec.provides() {
            next[i] = first.insert(path, i);
        }
    }
    let mut edges = Vec::new();
    for (to, resource) in resources.iter().enumerate() {
        for need in resource.spec.needs() {
            let (named, at) = match need {
                Need::User(name) => (index.get(&(Kind::User, name)), None),
                Need::Group(name) => (index.get(&(Kind::Group, name)), None),
                Need::Path(path) => (None, first.get(path)),
                Need::Within(path) => (None, folders(path).find_map(|folder| first.get(folder))),
            };
            let all =
                named.copied().into_iter().chain(std::iter::successors(at.copied(), |from| next[*from]));
            edges.extend(all.filter(|from| *from != to).map(|from| Edge { from, to, refresh: false }));
        }
    }
    edges
}

/// The folders that a path is in, the nearest first, without the root.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(folder, _)| folder))
        .skip(1)
        .filter(|path| !path.is_empty())
}

/// Ascending, one edge per pair; a pair refreshes when any of its edges does.
fn merged(edges: impl IntoIterator<Item = Edge>) -> Vec<Edge> {
    let mut edges: Vec<Edge> = edges.into_iter().collect();
    edges.sort_unstable();
    edges.dedup_by(|edge, kept| {
        let same = (edge.from, edge.to) == (kept.from, kept.to);
        kept.refresh |= same && edge.refresh;
        same
    });
    edges
}

fn successors(edges: &[Edge], count: usize) -> Vec<Vec<usize>> {
    let mut next = vec![Vec::new(); count];
    for edge in edges {
        next[edge.from].push(edge.to);
    }
    next
}

fn reaches(next: &[Vec<usize>], from: usize, to: usize) -> bool {
    let (mut seen, mut todo) = (BTreeSet::from([from]), vec![from]);
    while let Some(at) = todo.pop() {
        if at == to {
            return true;
        }
        todo.extend(next[at].iter().copied().filter(|n| seen.insert(*n)));
    }
    false
}

/// Kahn's algorithm with the smallest index first; what cannot be ordered comes back as the error.
fn sort(count: usize, edges: &[Edge]) -> Result<Vec<usize>, BTreeSet<usize>> {
    let next = successors(edges, count);
    let mut waits = vec![0_usize; count];
    for edge in edges {
        waits[edge.to] += 1;
    }
    let mut ready: BinaryHeap<_> = (0..count).filter(|i| waits[*i] == 0).map(std::cmp::Reverse).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(std::cmp::Reverse(i)) = ready.pop() {
        order.push(i);
        for &j in &next[i] {
            waits[j] -= 1;
            if waits[j] == 0 {
                ready.push(std::cmp::Reverse(j));
            }
        }
    }
    if order.len() == count { Ok(order) } else { Err((0..count).filter(|i| waits[*i] > 0).collect()) }
}

/// One cycle out of the resources in `rest`, named from its member that is declared first.
fn cycles(resources: &[Resource], edges: &[Edge], rest: &BTreeSet<usize>) -> Vec<GraphError> {
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    for edge in edges.iter().filter(|e| rest.contains(&e.from) && rest.contains(&e.to)) {
        before.entry(edge.to).or_insert(edge.from);
    }
    let Some(&start) = rest.first() else { return Vec::new() };
    let (mut path, mut at) = (Vec::new(), start);
    while !path.contains(&at) {
        path.push(at);
        match before.get(&at) {
            Some(&previous) => at = previous,
            None => break,
        }
    }
    let from = path.iter().position(|i| *i == at).unwrap_or(0);
    let mut members: Vec<usize> = path[from..].iter().rev().copied().collect();
    let first = members.iter().enumerate().min_by_key(|(_, i)| **i).map_or(0, |(position, _)| position);
    members.rotate_left(first);
    members.extend(members.first().copied());
    vec![GraphError::Cycle(members.into_iter().map(|i| resources[i].reference()).collect())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resource::Notify;
    use crate::model::{Meta, ModuleName, Spec};

    fn note(title: &str, require: &[&str]) -> Resource {
        let module: ModuleName = "m".parse().unwrap_or_else(|e| unreachable!("{e}"));
        let mut meta = Meta::of(module);
        meta.require = require.iter().filter_map(|r| format!("notify[{r}]").parse().ok()).collect();
        Resource { title: title.into(), spec: Spec::Notify(Notify { message: String::new() }), meta }
    }

    fn check(resources: &[Resource], expected: &str) {
        let text = match order(resources) {
            Ok(graph) => {
                graph.order.iter().map(|i| resources[*i].title.as_str()).collect::<Vec<_>>().join(" ")
            }
            Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn ties_follow_the_list() {
        check(&[note("b", &[]), note("a", &[])], "b a");
        check(&[note("b", &["a"]), note("c", &[]), note("a", &[])], "c a b");
    }

    #[test]
    fn cycles_name_their_members() {
        let resources =
            [note("x", &[]), note("a", &["c"]), note("b", &["a"]), note("c", &["b"]), note("d", &["c"])];
        check(&resources, "dependency cycle: notify[a] -> notify[b] -> notify[c] -> notify[a]");
    }

    #[test]
    fn all_missing_and_repeated_names_are_told() {
        let text = "`notify[a]` is declared twice; `notify[b]` has `require` on `notify[z]`, which is not in the catalog";
        check(&[note("a", &[]), note("a", &[]), note("b", &["z"])], text);
    }
}
