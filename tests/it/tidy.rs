//! Sizes, module docs, and that what the documentation names exists.

use crate::support::{files_below, repository};
use std::collections::BTreeSet;
use std::path::Path;

/// Lines of a file without its tests, at most.
const FILE: usize = 400;
/// Lines of a function, at most.
const FUNCTION: usize = 70;
/// Files over the limit, each with its reason. The list only shrinks.
const LONG_FILES: &[(&str, &str)] = &[];

fn sources() -> Vec<(String, String)> {
    let root = repository();
    let files =
        files_below(&root.join("src"), &["rs"]).into_iter().chain(files_below(&root.join("tests"), &["rs"]));
    files
        .map(|path| {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// The files that only tests compile: `tests/` and what a parent declares behind `#[cfg(test)]`.
fn test_files(sources: &[(String, String)]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, source) in sources {
        if name.starts_with("tests/") {
            found.insert(name.clone());
        }
        let folder = name.trim_end_matches(".rs").trim_end_matches("/mod");
        for declared in source.split("#[cfg(test)]\n").skip(1) {
            let line = declared.lines().next().unwrap_or("").trim_start_matches("pub(crate) ");
            if let Some(module) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
                found.insert(format!("{folder}/{module}.rs"));
                found.insert(format!("{folder}/{module}/mod.rs"));
            }
        }
    }
    found
}

fn without_tests(source: &str) -> &str {
    source.split("\n#[cfg(test)]\nmod tests").next().unwrap_or(source)
}

#[test]
fn files_stay_small() {
    let mut wrong = Vec::new();
    let sources = sources();
    let tests = test_files(&sources);
    for (name, source) in sources.iter().filter(|(name, _)| !tests.contains(name)) {
        let lines = without_tests(source).lines().count();
        let known = LONG_FILES.iter().any(|(file, _)| file == name);
        if lines > FILE && !known {
            wrong.push(format!("{name} has {lines} lines; {FILE} at most"));
        }
        if known && lines <= FILE {
            wrong.push(format!("{name} fits now: take it off the list"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn functions_stay_small() {
    let mut wrong = Vec::new();
    for (name, source) in sources() {
        let lines: Vec<&str> = source.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let code = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            let code = code
                .trim_start_matches("pub(super) ")
                .trim_start_matches("const ")
                .trim_start_matches("async ");
            if !code.starts_with("fn ") || line.trim_end().ends_with(';') {
                continue;
            }
            let close = format!("{}}}", " ".repeat(indent));
            let length = lines[start..].iter().position(|l| *l == close).map_or(0, |end| end + 1);
            if length > FUNCTION {
                wrong.push(format!(
                    "{name}:{} has a function of {length} lines; {FUNCTION} at most",
                    start + 1
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|(_, source)| !source.starts_with("//!"))
        .map(|(name, _)| name)
        .collect();
    assert!(silent.is_empty(), "no `//!` at the top of: {}", silent.join(", "));
}

#[test]
fn folders_stay_flat() {
    let src = repository().join("src");
    let deep: Vec<_> = files_below(&src, &["rs"])
        .into_iter()
        .filter(|path| path.strip_prefix(&src).unwrap().components().count() > 3)
        .collect();
    assert!(deep.is_empty(), "more than two folders below src/: {deep:?}");
}

#[test]
fn every_path_that_the_documents_name_exists() {
    let mut missing = Vec::new();
    for document in ["ARCHITECTURE.md", "README.md"] {
        let text = std::fs::read_to_string(repository().join(document)).unwrap();
        for word in text.split('`').skip(1).step_by(2) {
            let top = word.split('/').next().unwrap_or("");
            let ours = [
                "src",
                "tests",
                "policies",
                "hooks",
                "scripts",
                "examples",
                "docs",
                "benches",
                "packaging",
                ".ci",
                "fuzz",
            ];
            let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            if word.contains('/')
                && plain
                && ours.contains(&top)
                && !Path::new(repository()).join(word).exists()
            {
                missing.push(format!("{document} names `{word}`"));
            }
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}
