//! Git objects, refs and trees, as hostile as they come.

use super::*;
use crate::model::{Stamp, Tree};
use std::process::Command;

fn tree(files: &[(&str, &[u8])]) -> Tree {
    let mut tree = Tree::default();
    for (path, bytes) in files {
        tree.insert(path, bytes.to_vec()).unwrap();
    }
    tree
}

pub(super) fn site(dir: &Path) -> Repo {
    let setup = SiteSetup { program: Path::new("/bin/true"), nonce_seed: [7; 32], branch: "production" };
    init_site(dir, &setup).unwrap()
}

fn commit(repo: &Repo, files: &Tree, parents: &[Id]) -> Id {
    repo.write_commit(&NewCommit { files, parents, message: "m\n", time: Stamp::from_unix(1) }).unwrap()
}

/// A commit whose root tree has the given raw bytes.
pub(super) fn raw_commit(repo: &Repo, bytes: &[u8]) -> Id {
    let tree = repo.git.odb().unwrap().write(git2::ObjectType::Tree, bytes).unwrap();
    let text = format!("tree {tree}\nauthor a <a@x> 1 +0000\ncommitter a <a@x> 1 +0000\n\nm\n");
    Id(repo.git.odb().unwrap().write(git2::ObjectType::Commit, text.as_bytes()).unwrap())
}

pub(super) fn entry(mode: &str, name: &str, id: Id) -> Vec<u8> {
    [mode.as_bytes(), b" ", name.as_bytes(), b"\0", id.0.as_bytes()].concat()
}

fn findings(result: Result<Tree, RepoError>) -> String {
    match result.unwrap_err() {
        RepoError::Tree(findings) => {
            findings.iter().map(|f| f.message.as_str()).collect::<Vec<_>>().join("\n")
        }
        other => panic!("{other}"),
    }
}

#[test]
fn files_go_in_and_come_out() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    let files = tree(&[("a/b/c.toml", b"x"), ("a/b.toml", b""), ("z", b"\0\xff")]);
    let id = commit(&repo, &files, &[]);
    assert_eq!(repo.read_tree(id, Limits::SITE).unwrap(), files);
    repo.fsck().unwrap();
}

#[test]
fn refs_move_together_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    let one = commit(&repo, &tree(&[("a", b"1")]), &[]);
    let two = commit(&repo, &tree(&[("a", b"2")]), &[one]);
    let step = |name: &str, old, new| RefUpdate { name: name.into(), old, new };
    repo.update(&[step("refs/x/a", Expected::Absent, one), step("refs/x/b", Expected::Absent, one)]).unwrap();
    let stale = [step("refs/x/a", Expected::At(one), two), step("refs/x/b", Expected::Absent, two)];
    assert!(matches!(repo.update(&stale), Err(RepoError::Git { .. })));
    assert_eq!(repo.refs("refs/x/").unwrap(), [("refs/x/a".into(), one), ("refs/x/b".into(), one)]);
    assert!(repo.descends(two, one).unwrap() && !repo.descends(one, two).unwrap());
    assert_eq!(repo.range(one, two, 10).unwrap(), [two]);
}

#[test]
fn d28_the_lock_of_a_git_that_was_killed_does_not_stay() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    let one = commit(&repo, &tree(&[("a", b"1")]), &[]);
    let update = |name: &str| [RefUpdate { name: name.into(), old: Expected::Absent, new: one }];
    repo.update(&update("refs/x/a")).unwrap();
    std::fs::write(repo.path().join("refs/x/b.lock"), "").unwrap();
    repo.update(&update("refs/x/b")).unwrap();
    assert_eq!(repo.refs("refs/x/").unwrap().len(), 2);
    assert!(!repo.path().join("refs/x/b.lock").exists());
    // What is refused for another reason is refused.
    assert!(repo.update(&update("refs/x/a")).is_err());
}

#[test]
fn d16_raw_trees_hold_plain_files_only() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    let blob = Id(repo.git.blob(b"x").unwrap());
    let check = |entries: &[(&str, &str)], expected: &str| {
        let bytes = entries.iter().flat_map(|(mode, name)| entry(mode, name, blob)).collect::<Vec<_>>();
        let said = findings(repo.read_tree(raw_commit(&repo, &bytes), Limits::SITE));
        assert!(said.contains(expected), "{entries:?}: {said}");
    };
    check(&[("100755", "a")], "executable");
    check(&[("120000", "a")], "symbolic link");
    check(&[("160000", "a")], "submodule");
    check(&[("100664", "a")], "unknown kind");
    check(&[("040000", "a")], "unknown kind");
    check(&[("100644", "a"), ("100644", "a")], "repeated or out of order");
    check(&[("100644", "b"), ("100644", "a")], "repeated or out of order");
    check(&[("100644", "A"), ("100644", "a")], "upper and lower case");
    check(&[("100644", "a ")], "character outside");
    check(&[("100644", "a.")], "ends with a dot");
    check(&[("100644", "..")], "`.` or `..`");
    check(&[("100644", ".GIT")], "git itself");
    check(&[("100644", ".gitmodules")], "git itself");
    check(&[("100644", "git~1")], "git itself");
    check(&[("100644", "p\u{430}th")], "character outside");
    check(&[("100644", "a"), ("100644", "a.")], "ends with a dot");
    check(&[("100644", "a"), ("100644", "a ")], "character outside");
    check(&[("100644", "e\u{301}")], "character outside");
    check(&[("100644", ".git~1")], "git itself");
    check(&[("100644", "a/b")], "a slash");
    check(&[("100644", "")], "1 to 255 bytes");
    check(&[("100644", &"n".repeat(256))], "1 to 255 bytes");
    check(&[("40000", "a"), ("100644", "a.b")], "repeated or out of order");
    check(&[("40000", "a")], "where a tree belongs");
    let said = findings(repo.read_tree(raw_commit(&repo, b"100644 a\0short"), Limits::SITE));
    assert!(said.contains("damaged"), "{said}");
}

/// A commit with one file below so many folders, all of the same name.
fn nested(repo: &Repo, folders: usize, name: &str) -> Id {
    let odb = repo.git.odb().unwrap();
    let mut bytes = entry("100644", "f", Id(repo.git.blob(b"x").unwrap()));
    for _ in 0..folders {
        bytes = entry("40000", name, Id(odb.write(git2::ObjectType::Tree, &bytes).unwrap()));
    }
    raw_commit(repo, &bytes)
}

#[test]
fn d16_paths_have_a_depth_and_a_length() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    assert_eq!(repo.read_tree(nested(&repo, 15, "a"), Limits::SITE).unwrap().len(), 1);
    let said = findings(repo.read_tree(nested(&repo, 16, "a"), Limits::SITE));
    assert!(said.contains("more than 16 levels"), "{said}");
    let said = findings(repo.read_tree(nested(&repo, 3, &"n".repeat(100)), Limits::SITE));
    assert!(said.contains("1 to 255 bytes"), "{said}");
}

#[test]
fn d19_a_tree_of_any_depth_is_left_at_the_sixteenth_level() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    let said = findings(repo.read_tree(nested(&repo, 3000, "a"), Limits::SITE));
    assert!(said.contains("more than 16 levels"), "{said}");
}

#[test]
fn d16_every_fault_is_reported_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    let blob = Id(repo.git.blob(b"x").unwrap());
    let bytes = [entry("100755", "a", blob), entry("120000", "b", blob)].concat();
    assert_eq!(findings(repo.read_tree(raw_commit(&repo, &bytes), Limits::SITE)).lines().count(), 2);
}

#[test]
fn d19_sizes_are_looked_at_before_reading() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    let limits = Limits { file: 4, entries: 3, total: 6 };
    let check = |files: &[(&str, &[u8])], expected: &str| {
        let said = findings(repo.read_tree(commit(&repo, &tree(files), &[]), limits));
        assert!(said.contains(expected), "{said}");
    };
    check(&[("a", b"12345")], "at most 4");
    check(&[("a", b"1"), ("b", b""), ("c", b""), ("d", b"")], "more than 3");
    check(&[("a", b"1234"), ("b", b"1234")], "more than 6 bytes");
}

#[test]
fn d20_a_missing_object_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    let ghost = Id(git2::Oid::hash_object(git2::ObjectType::Blob, b"never stored").unwrap());
    let id = raw_commit(&repo, &entry("100644", "a", ghost));
    assert!(matches!(repo.read_tree(id, Limits::SITE), Err(RepoError::Read { .. })));
}

#[test]
fn d17_grafts_and_shallow_are_refused_and_replacements_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    let good = commit(&repo, &tree(&[("a", b"good")]), &[]);
    let evil = commit(&repo, &tree(&[("a", b"evil")]), &[]);
    let name = format!("refs/replace/{good}");
    repo.update(&[RefUpdate { name, old: Expected::Absent, new: evil }]).unwrap();
    assert_eq!(repo.read_tree(good, Limits::SITE).unwrap().get("a"), Some(&b"good"[..]));
    for file in ["shallow", "info/grafts"] {
        let path = repo.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("{good}\n")).unwrap();
        assert!(matches!(Repo::open(repo.path()), Err(RepoError::FalseHistory { .. })), "{file}");
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn the_work_tree_is_read_as_git_would_add_it() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str| std::fs::write(dir.path().join(name), name).unwrap();
    for name in ["a", "b.log", ".gitignore"] {
        write(name);
    }
    std::fs::write(dir.path().join(".gitignore"), "*.log\n").unwrap();
    let names = |tree: Tree| tree.iter().map(|(path, _)| path.to_owned()).collect::<Vec<_>>();
    assert_eq!(names(worktree::read(dir.path()).unwrap()), [".gitignore", "a", "b.log"]);
    assert!(Command::new("git").arg("init").arg("-q").arg(dir.path()).status().unwrap().success());
    assert_eq!(names(worktree::read(dir.path()).unwrap()), [".gitignore", "a"]);
    std::os::unix::fs::symlink("a", dir.path().join("link")).unwrap();
    assert!(findings(worktree::read(dir.path())).contains("only plain files"));
}

#[test]
fn a_site_is_hardened_and_keeps_its_secret() {
    let dir = tempfile::tempdir().unwrap();
    let repo = site(dir.path());
    let seed = repo.config("receive.certNonceSeed").unwrap();
    assert_eq!(repo.config("receive.fsckObjects").unwrap().as_deref(), Some("true"));
    let setup = SiteSetup { program: Path::new("/o'k"), nonce_seed: [8; 32], branch: "production" };
    let repo = init_site(dir.path(), &setup).unwrap();
    assert_eq!(repo.config("receive.certNonceSeed").unwrap(), seed);
    let hook = std::fs::read_to_string(repo.path().join("hooks/pre-receive")).unwrap();
    assert!(hook.contains(r"'/o'\''k' hook pre-receive"), "{hook}");
}
