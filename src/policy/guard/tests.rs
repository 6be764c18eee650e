//! What commands are found to do, and what is refused right before they run.

use super::*;

#[test]
fn the_embedded_policy_parses_and_is_complete() {
    let rules = Rules::builtin();
    let listed: std::collections::BTreeSet<String> =
        rules.all().iter().map(|r| format!("{}.toml", r.id)).collect();
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let data = ["paths.toml", "content.toml", "languages.toml", "resources.toml", "statements.toml"];
    let found: std::collections::BTreeSet<String> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml") && !data.contains(&name.as_str()))
        .collect();
    assert_eq!(listed, found);
    for rule in rules.all() {
        for (part, text) in [
            ("what", &rule.what),
            ("why", &rule.why),
            ("example", &rule.example),
            ("instead", &rule.instead),
            ("gaps", &rule.gaps),
        ] {
            assert!(!text.trim().is_empty(), "{}: {part}", rule.id);
        }
    }
}
