//! What authors push: tree objects, the files of a site, and how reviewers are shown them.

use super::world::{NODE, world};
use countersign::model::{Catalog, Finding, Stamp, Tree};
use countersign::module;
use countersign::policy::report::Style;
use countersign::repo::{EntryKind, parse_tree};
use countersign::review::admission::{Proposal, judge};
use countersign::review::source::{self, Hunk, Side};
use countersign::review::{escape, render};

/// A tree object that is taken in is printed back to the same bytes, in order and with portable names (D16).
pub(crate) fn tree(data: &[u8]) {
    let Ok(entries) = parse_tree(data) else { return };
    let mut printed = Vec::new();
    for entry in &entries {
        let mode = match entry.kind {
            EntryKind::File => "100644",
            EntryKind::Folder => "40000",
        };
        printed.extend_from_slice(format!("{mode} {}\0", entry.name).as_bytes());
        let id = entry.id.to_string();
        let digits: Vec<u8> =
            id.bytes().map(|digit| digit - if digit < b'a' { b'0' } else { b'a' - 10 }).collect();
        printed.extend(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]));
        assert!(entry.name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'), "{entry:?}");
    }
    assert!(printed == data, "read as something else: {data:?}");
    let mut names: Vec<String> = entries.iter().map(|entry| entry.name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), entries.len(), "twins: {data:?}");
}

/// The first line of the input is a path, the rest the content of that file in a site that is whole otherwise.
///
/// It loads, lints and compiles, always to the same, or all findings are about places that exist.
pub(crate) fn site(data: &[u8]) {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(path) = std::str::from_utf8(&data[..end]) else { return };
    let mut tree = world().site.clone();
    if tree.insert(path, data[end + 1..].to_vec()).is_err() {
        return;
    }
    let environment = "production".parse().unwrap();
    let proposal =
        Proposal { environment: &environment, tree: &tree, base: &world().site, now: Stamp::from_unix(0) };
    match judge(&proposal) {
        Err(findings) => {
            assert!(!findings.is_empty(), "refused without a reason: {data:?}");
            findings.iter().for_each(|finding| somewhere(&tree, finding));
        }
        Ok(admitted) => {
            let again = module::load(&tree).and_then(|site| module::compile(&site, &environment)).unwrap();
            assert!(again.nodes == admitted.compilation.nodes, "compiled to something else: {data:?}");
            for node in &again.nodes {
                assert_eq!(Catalog::decode(&node.bytes).unwrap(), node.catalog);
            }
            assert!(again.nodes.iter().any(|node| node.catalog.node.as_str() == NODE) || path.contains(NODE));
        }
    }
}

/// A finding is about a place in a text that is there.
fn somewhere(tree: &Tree, finding: &Finding) {
    let places = std::iter::once(&finding.place).chain(finding.related.iter().map(|related| &related.place));
    for place in places {
        let Some(Ok(text)) = tree.get(&place.file).map(std::str::from_utf8) else { continue };
        assert!(text.get(place.start..place.end).is_some(), "{finding:?} is no place in {text:?}");
    }
}

/// The first byte says where the rest is cut into an old and a new text.
///
/// Their difference leads from one to the other, and reviewers see it in printable characters, all of it (D14, D15).
pub(crate) fn diff(data: &[u8]) {
    let Some((cut, rest)) = data.split_first() else { return };
    let (old, new) = rest.split_at(rest.len() * usize::from(*cut) / 256);
    let hunks = source::hunks(old, new);
    assert!(applied(old, &hunks) == new, "does not lead to the new text: {data:?}");
    let tree = |content: &[u8]| {
        let mut tree = Tree::default();
        tree.insert("a.toml", content.to_vec()).unwrap();
        tree
    };
    let shown = render::source(&source::diff(&tree(old), &tree(new)), Style::Plain);
    assert!(printable(&shown), "{shown:?}");
    assert_eq!(shown.is_empty(), old == new, "{data:?}");
    for hunk in &hunks {
        for line in hunk.lines.iter().filter(|line| line.side != Side::Both) {
            let text = escape::line(line.bytes.strip_suffix(b"\n").unwrap_or(&line.bytes));
            assert!(shown.contains(&text), "{text:?} is not in {shown:?}");
        }
    }
}

/// The text that the hunks make of `old`.
fn applied(old: &[u8], hunks: &[Hunk]) -> Vec<u8> {
    let lines: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
    let (mut at, mut new) = (0, Vec::new());
    for hunk in hunks {
        new.extend(lines[at..hunk.old_start - 1].concat());
        at = hunk.old_start - 1;
        for line in &hunk.lines {
            if line.side != Side::New {
                assert_eq!(line.bytes, lines[at], "line {at}");
                at += 1;
            }
            if line.side != Side::Old {
                new.extend_from_slice(&line.bytes);
            }
        }
    }
    new.extend(lines[at..].concat());
    new
}

/// Whether a terminal shows the text as it is.
pub(crate) fn printable(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte))
}
