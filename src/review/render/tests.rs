//! Nothing in a change is invisible, and nothing in it reaches the terminal raw.

use super::*;
use crate::model::resource::{Content, File, FileEnsure, Meta, Part, Resource, Spec};
use crate::model::safety::{Budget, Check, Health};
use crate::model::{Catalog, Sealed, Tree};
use crate::review::{effect, source};

fn tree(files: &[(&str, &[u8])]) -> Tree {
    let mut tree = Tree::default();
    for (path, bytes) in files {
        tree.insert(path, bytes.to_vec()).unwrap();
    }
    tree
}

fn shown(old: &[(&str, &[u8])], new: &[(&str, &[u8])]) -> String {
    source(&source::diff(&tree(old), &tree(new)), Style::Plain)
}

#[test]
fn d14_every_way_of_hiding_shows() {
    let check = |old: &[(&str, &[u8])], new: &[(&str, &[u8])], expected: &str| {
        let text = shown(old, new);
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    };
    check(&[("a", b"x\n")], &[("a", b"y\n")], "-x\n+y\n");
    check(&[("a", b"x\n")], &[("a", b"x\0y\n")], "+x<U+0000>y");
    check(&[("a", b"x\n")], &[("a", b"x\r\n")], "+x<CR>");
    check(&[("a", b"x\n")], &[("a", b"x")], "\\ no line feed at the end");
    check(&[("a", b"x \n")], &[("a", b"x\n")], "-x \n+x\n");
    check(&[("a", b"\tx\n")], &[("a", b"        x\n")], "-<TAB>x\n");
    check(&[], &[("a", b"")], "new file a (empty)");
    check(&[("a", b"")], &[], "removed file a (empty)");
    check(&[("a", b"1\n2\n")], &[("b", b"1\n3\n")], "new file b");
    check(&[], &[(".gitattributes", b"* -diff\n")], "+* -diff");
    check(
        &[(".gitattributes", b"* -diff\n"), ("a", b"x\n")],
        &[(".gitattributes", b"* -diff\n"), ("a", b"y\n")],
        "+y",
    );
    check(&[], &[("a", "\u{202e}x\n".as_bytes())], "+<U+202E>x");
    check(&[], &[("a", b"\x1b[8mhidden\x1b[0m\n")], "+<U+001B>[8mhidden");
    check(&[], &[("a", b"\xff\xfe\n")], "+<0xFF><0xFE>");
    let long = vec![b'a'; 1 << 20];
    let text = shown(&[], &[("a", &long)]);
    assert!(text.len() > 1 << 20, "a long line is cut");
}

#[test]
fn a_hunk_says_where_it_is() {
    let old: String = (1..=20).map(|n| format!("{n}\n")).collect();
    let new = old.replace("\n10\n", "\nten\n");
    let text = shown(&[("a", old.as_bytes())], &[("a", new.as_bytes())]);
    assert_eq!(text, "file a\n@@ -7 +7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n");
}

fn catalog(node: &str, files: &[(&str, &str)]) -> Catalog {
    let contents: Vec<_> = files.iter().map(|(path, text)| (*path, Content::Text((*text).into()))).collect();
    catalog_of(node, &contents)
}

fn catalog_of(node: &str, files: &[(&str, Content)]) -> Catalog {
    let module: crate::model::ModuleName = "m".parse().unwrap();
    let resource = |(path, content): &(&str, Content)| Resource {
        title: (*path).to_owned(),
        spec: Spec::File(File {
            path: (*path).to_owned(),
            ensure: FileEnsure::File,
            content: Some(content.clone()),
            target: None,
            owner: None,
            group: None,
            mode: None,
            selinux: None,
            recurse: false,
            recurselimit: None,
            max_files: None,
            purge: false,
            ignore: Vec::new(),
            force: false,
            replace: true,
            backup: None,
            validate_cmd: Vec::new(),
            show_diff: true,
        }),
        meta: Meta::of(module.clone()),
    };
    let resources = files.iter().map(resource).collect();
    Catalog::new("production".parse().unwrap(), node.parse().unwrap(), vec![module.clone()], resources)
}

#[test]
fn identical_changes_are_told_once() {
    let old =
        [catalog("a", &[("/x", "a\n2\n")]), catalog("b", &[("/x", "b\n2\n")]), catalog("c", &[("/x", "1")])];
    let new = [
        catalog("a", &[("/x", "a\n3\n")]),
        catalog("b", &[("/x", "b\n3\n")]),
        catalog("d", &[("/y", "\x1b")]),
    ];
    let diff = effect::diff(&old, &new);
    let text = effect(&diff, Style::Plain);
    let expected = "new: 1 node: d\ngone, left as they are: 1 node: c\n2 nodes: a, b\n  ~ file[/x]\n      content:\n        @@ -2 +2 @@\n        -2\n        +3\n";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("content = <U+001B>"), "{text}");
    assert_eq!(diff.affected.len(), 4);
}

#[test]
fn budgets_and_health_checks_are_shown() {
    let old = [catalog("a", &[("/x", "1")])];
    let mut new = old.clone();
    new[0].budget = Some(Budget { deletions: Some(5), ..Budget::default() });
    let check = Check::Http("http://127.0.0.1/up".into());
    new[0].health = vec![Health { name: "page".into(), check, timeout: 10, tries: 3 }];
    let text = effect(&effect::diff(&old, &new), Style::Plain);
    let expected = "  ~ what a run may do, and what must work afterwards\n      budget: deletions = 5\n      health check page = http://127.0.0.1/up, 10 seconds, 3 tries\n";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn another_order_is_a_change() {
    let old = [catalog("a", &[("/x", "1"), ("/y", "1")])];
    let new = [catalog("a", &[("/y", "1"), ("/x", "1")])];
    assert!(effect(&effect::diff(&old, &new), Style::Plain).contains("in another order"));
    assert_eq!(effect(&effect::diff(&old, &old), Style::Plain), "no node changes\n");
}

#[test]
fn d14_text_cannot_pose_as_a_live_fact() {
    let fact = || Part::Fact("os.name".parse().unwrap());
    let posing = || Part::Text("{{ facts.os.name }}".into());
    let last = |text: &str| Part::Text(format!("\n{text}\n"));
    let shown = |old: Vec<Part>, new: Vec<Part>| {
        let (old, new) = (Content::Parts(old), Content::Parts(new));
        effect(
            &effect::diff(&[catalog_of("a", &[("/x", old)])], &[catalog_of("a", &[("/x", new)])]),
            Style::Plain,
        )
    };
    let text = shown(vec![posing(), last("1")], vec![fact(), last("2")]);
    assert!(text.contains("live facts in content:  -> os.name at 1:1") && text.contains("-1"), "{text}");
    let text = shown(vec![posing(), fact(), last("1")], vec![fact(), posing(), last("1")]);
    assert!(text.contains("os.name at 1:20 -> os.name at 1:1"), "{text}");
}

#[test]
fn d30_a_secret_shows_its_name_and_key_and_text_cannot_pose_as_it() {
    let sealed = |text: &str| Sealed {
        site: "s".into(),
        secret: "db/password".parse().unwrap(),
        node: "a".parse().unwrap(),
        key: crate::model::Digest::of(b"key"),
        text: text.into(),
    };
    let shown = |old: &[Part], new: &[Part]| {
        let all = |parts: &[Part]| Content::Parts(parts.to_vec());
        let catalogs = [old, new].map(|parts| [catalog_of("a", &[("/x", all(parts))])]);
        effect(&effect::diff(&catalogs[0], &catalogs[1]), Style::Plain)
    };
    let plain = |text: &str| Part::Text(text.into());
    let key = crate::model::Digest::of(b"key").hex()[..12].to_owned();
    let [one, two] = ["ONE", "TWO"].map(|text| Part::Sealed(sealed(text)));
    let text = shown(&[plain("p=")], &[plain("p="), one.clone()]);
    assert!(text.contains("{{ secret db/password }}"), "{text}");
    assert!(text.contains(&format!("sealed(db/password, key a@{key}, sha256:")), "{text}");
    // What was sealed anew is one line, without what it is sealed to.
    let text = shown(&[plain("p="), one.clone()], &[plain("p="), two]);
    assert!(text.contains("secrets in content: sealed(") && !text.contains("ONE"), "{text}");
    assert!(!text.contains("content =") && !text.contains("  content:"), "{text}");
    let text = shown(&[plain("{{ secret db/password }}")], &[one]);
    assert!(text.contains("secrets in content = sealed("), "{text}");
}
