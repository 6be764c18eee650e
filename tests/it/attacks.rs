//! `docs/attacks.md` against the tests: nothing is claimed that no test shows, and what is not shown is counted.

use crate::support::{files_below, repository};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of attacks on what is handed out to nodes, and on everything before and around it.
const ROWS: [(char, usize); 2] = [('T', 14), ('D', 51)];
/// Rows that are not shown, or not wholly. The number only falls.
const NOT_SHOWN: usize = 0;

fn page() -> String {
    std::fs::read_to_string(repository().join("docs/attacks.md")).unwrap()
}

/// The cells of the rows of the table below a heading.
pub(crate) fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let section = page.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| ") || line.starts_with("|-"));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.skip(2).map(cells).collect()
}

/// The names between backticks.
pub(crate) fn named(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The names of all functions that are tests.
pub(crate) fn tests() -> BTreeSet<String> {
    let folders = ["src", "tests"].map(|folder| repository().join(folder));
    let files = folders.iter().flat_map(|folder| files_below(folder, &["rs"]));
    let mut found = BTreeSet::new();
    for source in files.map(|file| std::fs::read_to_string(file).unwrap()) {
        let mut marked = false;
        for line in source.lines().map(str::trim_start) {
            let name =
                line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            match name {
                Some(name) if marked => drop(found.insert(name.to_owned())),
                _ => {}
            }
            marked =
                line == "#[test]" || line.starts_with("#[tokio::test") || (marked && line.starts_with("#["));
        }
    }
    found
}

/// The ids that a test's name begins with: `t1_t9_d1_what_an_attacker…` shows T1, T9 and D1.
fn ids(test: &str) -> Vec<String> {
    let words = test.split('_').map(str::to_uppercase);
    let id = |word: &String| {
        word.starts_with(['T', 'D']) && word.len() > 1 && word[1..].chars().all(|c| c.is_ascii_digit())
    };
    words.take_while(id).collect()
}

#[test]
fn every_row_has_a_test_or_is_told_as_not_shown() {
    let (page, tests) = (page(), tests());
    let rows: BTreeMap<String, Vec<String>> =
        table(&page, "Rows").into_iter().map(|cells| (cells[0].clone(), cells)).collect();
    let open: Vec<String> = table(&page, "Not shown yet").into_iter().map(|cells| cells[0].clone()).collect();
    let mut wrong = Vec::new();
    for (letter, count) in ROWS {
        let numbers = 1..=count;
        wrong.extend(
            numbers
                .map(|n| format!("{letter}{n}"))
                .filter(|id| !rows.contains_key(id))
                .map(|id| format!("{id} has no row")),
        );
    }
    for (id, cells) in &rows {
        let shown = cells.get(3).map(|cell| named(cell)).unwrap_or_default();
        if shown.is_empty() && !open.contains(id) {
            wrong.push(format!("{id} has no test and is not told as not shown"));
        }
        for test in shown {
            if !tests.contains(test) {
                wrong.push(format!("{id} names `{test}`, which is no test"));
            } else if !ids(test).contains(id) {
                wrong.push(format!("{id} names `{test}`, which does not carry its id"));
            }
        }
    }
    wrong.extend(open.iter().filter(|id| !rows.contains_key(*id)).map(|id| format!("{id} is no row")));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(rows.len(), ROWS.iter().map(|(_, count)| count).sum::<usize>());
    assert_eq!(open.iter().collect::<BTreeSet<_>>().len(), open.len(), "a row stands there twice");
    assert_eq!(open.len(), NOT_SHOWN, "more is not shown than before, or less: then lower the number");
}

#[test]
fn no_test_carries_the_id_of_no_row() {
    let rows: BTreeSet<String> = table(&page(), "Rows").into_iter().map(|cells| cells[0].clone()).collect();
    let lost: Vec<String> =
        tests().into_iter().filter(|test| ids(test).iter().any(|id| !rows.contains(id))).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn every_incident_names_tests_that_exist() {
    let (incidents, tests) = (table(&page(), "What happened to others"), tests());
    assert!(incidents.len() >= 10, "the incidents were not found: {incidents:?}");
    let mut wrong = Vec::new();
    for cells in &incidents {
        let shown = cells.get(3).map(|cell| named(cell)).unwrap_or_default();
        if shown.is_empty() || cells.len() != 4 {
            wrong.push(format!("{} names no test", cells[0]));
        }
        wrong.extend(
            shown.iter().filter(|test| !tests.contains(**test)).map(|test| format!("{}: `{test}`", cells[0])),
        );
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
