//! `docs/tuf-conformance.md` against the tests: every case has one that exists, or a reason.

use super::rotations;
use crate::attacks::{named, table, tests};
use crate::support::{files_below, repository};
use std::collections::BTreeSet;

/// Cases on the page: parametrised ones count each.
const CASES: usize = 76;

fn rows() -> Vec<Vec<String>> {
    let page = std::fs::read_to_string(repository().join("docs/tuf-conformance.md")).unwrap();
    table(&page, "Cases")
}

#[test]
fn every_case_of_the_suite_has_a_test_or_a_reason() {
    let (rows, tests) = (rows(), tests());
    let mut wrong = Vec::new();
    for cells in &rows {
        let [case, test, remark] = cells.as_slice() else {
            wrong.push(format!("{cells:?} has not three cells"));
            continue;
        };
        match named(test).as_slice() {
            [] if remark.is_empty() => wrong.push(format!("{case} has neither a test nor a reason")),
            [test] if !tests.contains(*test) => {
                wrong.push(format!("{case} names `{test}`, which is no test"))
            }
            [] | [_] => {}
            more => wrong.push(format!("{case} names {more:?}")),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let cases: BTreeSet<&String> = rows.iter().map(|cells| &cells[0]).collect();
    assert_eq!((cases.len(), rows.len()), (CASES, CASES));
}

#[test]
fn every_test_of_the_suites_cases_is_on_the_page() {
    let rows = rows();
    let on_page: BTreeSet<&str> = rows.iter().flat_map(|cells| named(&cells[1])).collect();
    for file in files_below(&repository().join("tests/it/tuf"), &["rs"]) {
        let source = std::fs::read_to_string(&file).unwrap();
        for name in source.split("#[test]\nfn test_").skip(1).filter_map(|rest| rest.split('(').next()) {
            assert!(on_page.contains(format!("test_{name}").as_str()), "`test_{name}` is not on the page");
        }
    }
    let cases: BTreeSet<String> = rows.iter().map(|cells| cells[0].replace('`', "")).collect();
    for case in rotations::cases() {
        assert!(cases.contains(&case), "`{case}` is not on the page");
    }
}
