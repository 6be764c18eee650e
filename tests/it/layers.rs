//! Who may import whom: the table in ARCHITECTURE.md, held against every path in `src/`.

use crate::support::{files_below, repository};
use std::collections::{BTreeMap, BTreeSet};

/// The table rows `| layer | `module/` | … | `a`, `b` |` of ARCHITECTURE.md.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let ticked = |cell: &str| -> BTreeSet<String> {
        cell.split('`').skip(1).step_by(2).map(|word| word.trim_end_matches('/').to_owned()).collect()
    };
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ") && line[2..].starts_with(|c: char| c.is_ascii_digit()));
    rows.flat_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let may = ticked(cells[3]);
        ticked(cells[1]).into_iter().map(move |module| (module, may.clone()))
    })
    .collect()
}

/// The names that follow `crate::` in a source text, two levels deep: `policy::guard`, `model::Ref`.
fn imports(source: &str) -> Vec<String> {
    let code: String =
        source.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with("pub(in ") {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_members(group)),
            None => found.push(path_start(rest)),
        }
    }
    found
}

fn path_start(text: &str) -> String {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len());
    text[..end].split("::").take(2).collect::<Vec<_>>().join("::")
}

/// The paths in `{a::b, c::{d, e}}` behind its opening brace, at its outermost level.
fn group_members(text: &str) -> Vec<String> {
    let (mut depth, mut members, mut current) = (1, Vec::new(), String::new());
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            members.push(path_start(current.trim()));
            current.clear();
        } else {
            current.push(c);
        }
        if depth == 0 {
            break;
        }
    }
    members
}

/// The row of the table that a file belongs to: `policy/guard` before `policy`.
fn owner<'a>(file: &str, modules: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let inside = |module: &&String| file.starts_with(&format!("{module}/")) || file == format!("{module}.rs");
    modules.filter(inside).max_by_key(|module| module.len())
}

fn allowed(module: &str, may: &BTreeSet<String>, import: &str) -> bool {
    let first = import.split("::").next().unwrap_or(import);
    let own = module.split('/').next() == Some(first) && !module.contains('/');
    let own_part = module.replace('/', "::") == import;
    own || own_part || may.contains("all") || may.contains(first) || may.contains(import)
}

#[test]
fn every_import_is_an_arrow_of_the_table() {
    let table = table();
    assert!(table.len() >= 11, "the layer table of ARCHITECTURE.md was not found: {table:?}");
    let src = repository().join("src");
    let mut wrong = Vec::new();
    for path in files_below(&src, &["rs"]) {
        let file = path.strip_prefix(&src).unwrap().to_str().unwrap();
        if file == "lib.rs" {
            continue;
        }
        let Some(module) = owner(file, table.keys()) else {
            wrong.push(format!("src/{file} belongs to no row of the layer table"));
            continue;
        };
        let source = std::fs::read_to_string(&path).unwrap();
        for import in imports(&source) {
            if !allowed(module, &table[module], &import) {
                wrong.push(format!("src/{file} imports `crate::{import}`, which `{module}` may not"));
            }
        }
        let depth = file.matches('/').count() + usize::from(!file.ends_with("mod.rs"));
        if source.contains(&"super::".repeat(depth + 1)) {
            wrong.push(format!("src/{file} climbs out of its module with `super::`; write `crate::`"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let source = "use crate::model::Ref;\nuse crate::{signing::{Root, X}, policy::guard};\npub(in crate::policy) fn f() {}\nlet x = crate::repo::open(); // crate::no\n";
    assert_eq!(imports(source), ["model::Ref", "signing::", "policy::guard", "repo::open"]);
}
