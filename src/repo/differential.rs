//! Trees made at random, read three times: by our walk, by `git ls-tree` and by libgit2 (D16). What we take in, the
//! other two read as the same files; what is taken in does not depend on luck, since the seeds are fixed.

use super::tests::{raw_commit, site};
use super::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRng, TestRunner};
use std::collections::BTreeMap;

/// Names as they come, and names that one program or one machine takes for another.
const NAMES: [&str; 24] = [
    "a",
    "a.b",
    "a-b",
    "a0",
    "ab",
    "b",
    "B",
    "A",
    "a.",
    "a ",
    "b.toml",
    "c_d",
    "..",
    ".",
    ".git",
    ".GIT",
    ".gitignore",
    ".gitmodules",
    "git~1",
    "a/b",
    "e\u{301}",
    "\u{e9}",
    "a\n",
    "p\u{430}th",
];
const GOOD: usize = 8;
const MODES: [&str; 8] = ["100644", "40000", "100755", "120000", "160000", "040000", "100664", "100600"];

/// An entry of a tree: its name and what stands there.
#[derive(Debug, Clone)]
enum Node {
    Leaf { mode: usize, content: u8 },
    Folder(Vec<(usize, Node)>),
}

/// A tree object whose entries are mostly in git's order, mostly with portable names.
fn folder(depth: u32) -> BoxedStrategy<Vec<(usize, Node)>> {
    let name = prop_oneof![12 => 0..GOOD, 1 => GOOD..NAMES.len()];
    let mode = prop_oneof![12 => Just(0_usize), 1 => 0..MODES.len()];
    let leaf = (mode, any::<u8>()).prop_map(|(mode, content)| Node::Leaf { mode, content });
    let node = if depth == 0 {
        leaf.boxed()
    } else {
        prop_oneof![2 => leaf, 1 => folder(depth - 1).prop_map(Node::Folder)].boxed()
    };
    let entries = proptest::collection::vec((name, node), 0..6);
    (entries, 0..10_u8).prop_map(|(entries, luck)| if luck == 0 { entries } else { ordered(entries) }).boxed()
}

/// As git orders them, each name once.
fn ordered(entries: Vec<(usize, Node)>) -> Vec<(usize, Node)> {
    let mut found: BTreeMap<String, (usize, Node)> = BTreeMap::new();
    for (name, node) in entries {
        let slash = if matches!(node, Node::Folder(_)) { "/" } else { "" };
        let taken = found.values().any(|(other, _)| NAMES[*other] == NAMES[name]);
        if !taken {
            found.insert(format!("{}{slash}", NAMES[name]), (name, node));
        }
    }
    found.into_values().collect()
}

/// Writes a tree object, its parts first, without anybody's check.
fn write(repo: &Repo, entries: &[(usize, Node)]) -> Vec<u8> {
    let odb = repo.git.odb().unwrap();
    let mut bytes = Vec::new();
    for (name, node) in entries {
        let (mode, id) = match node {
            Node::Leaf { mode, content } => {
                (MODES[*mode], odb.write(git2::ObjectType::Blob, &[*content]).unwrap())
            }
            Node::Folder(below) => {
                (MODES[1], odb.write(git2::ObjectType::Tree, &write(repo, below)).unwrap())
            }
        };
        bytes.extend(tests::entry(mode, NAMES[*name], Id(id)));
    }
    bytes
}

/// Path and blob of each file, as stock git lists them; `None` when it cannot.
fn stock(repo: &Repo, commit: Id) -> Option<BTreeMap<String, String>> {
    let listed =
        program::Git::at(repo.path(), "ls-tree").args(["-r", "-z", "--full-tree", &commit.to_string()]);
    let listed = listed.output().ok()?;
    let line = |line: &[u8]| {
        let text = String::from_utf8_lossy(line).into_owned();
        let (meta, path) = text.split_once('\t')?;
        let id = meta.strip_prefix("100644 blob ")?;
        Some((path.to_owned(), id.to_owned()))
    };
    listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()).map(line).collect()
}

/// The same by libgit2, which is also asked for each path alone.
fn library(repo: &Repo, commit: Id) -> Option<BTreeMap<String, String>> {
    let tree = repo.git.find_commit(commit.0).and_then(|commit| commit.tree()).ok()?;
    let mut found = BTreeMap::new();
    let mut plain = true;
    let walked = tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
        let path = format!("{folder}{}", String::from_utf8_lossy(entry.name_bytes()));
        match entry.kind() {
            Some(git2::ObjectType::Tree) => {}
            Some(git2::ObjectType::Blob) if entry.filemode() == 0o100_644 => {
                let alone = tree.get_path(std::path::Path::new(&path)).map(|found| found.id());
                plain &= alone.is_ok_and(|id| id == entry.id());
                plain &= found.insert(path, entry.id().to_string()).is_none();
            }
            _ => plain = false,
        }
        git2::TreeWalkResult::Ok
    });
    (walked.is_ok() && plain).then_some(found)
}

#[test]
fn d16_what_we_take_in_git_and_libgit2_read_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
    let algorithm = proptest::test_runner::RngAlgorithm::ChaCha;
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(algorithm));
    let counted = std::cell::Cell::new((0, 0));
    let result = runner.run(&folder(3), |entries| {
        let commit = raw_commit(&repo, &write(&repo, &entries));
        let (taken, refused) = counted.get();
        let Ok(ours) = repo.read_tree(commit, Limits::SITE) else {
            counted.set((taken, refused + 1));
            return Ok(());
        };
        counted.set((taken + usize::from(!ours.is_empty()), refused));
        let blob = |bytes: &[u8]| git2::Oid::hash_object(git2::ObjectType::Blob, bytes).unwrap().to_string();
        let ours: BTreeMap<String, String> =
            ours.iter().map(|(path, bytes)| (path.to_owned(), blob(bytes))).collect();
        let ours = Some(ours);
        prop_assert_eq!(&ours, &stock(&repo, commit));
        prop_assert_eq!(&ours, &library(&repo, commit));
        Ok(())
    });
    result.unwrap();
    let (taken, refused) = counted.get();
    assert!(taken > 50 && refused > 50, "{taken} taken in, {refused} refused: the trees are too much alike");
}

/// The differential would notice: these are trees that the two read differently, or that are not plain.
#[test]
fn d16_the_comparison_tells_two_readings_apart() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    let twice = [(0, Node::Leaf { mode: 0, content: 1 }), (0, Node::Leaf { mode: 0, content: 2 })];
    let commit = raw_commit(&repo, &write(&repo, &twice));
    assert_ne!(stock(&repo, commit), None);
    assert_eq!(library(&repo, commit), None);
    let link = [(0, Node::Leaf { mode: 3, content: 1 })];
    let commit = raw_commit(&repo, &write(&repo, &link));
    assert_eq!((stock(&repo, commit), library(&repo, commit)), (None, None));
}
