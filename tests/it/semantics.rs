//! `docs/semantics.md` against the tests: each rule names tests that exist.

use crate::attacks::{named, table, tests};
use crate::support::repository;

#[test]
fn every_rule_of_the_semantics_has_a_test() {
    let page = std::fs::read_to_string(repository().join("docs/semantics.md")).unwrap();
    let (headings, tests) = (page.lines().filter_map(|line| line.strip_prefix("## ")), tests());
    let (mut wrong, mut rules) = (Vec::new(), 0);
    for cells in headings.flat_map(|heading| table(&page, heading)) {
        rules += 1;
        let shown = cells.get(1).map(|cell| named(cell)).unwrap_or_default();
        if shown.is_empty() || cells.len() != 2 {
            wrong.push(format!("`{}` names no test", cells[0]));
        }
        let lost = shown.iter().filter(|test| !tests.contains(**test));
        wrong.extend(lost.map(|test| format!("`{test}` is no test: {}", cells[0])));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(rules > 45, "the rules were not found: {rules}");
}
