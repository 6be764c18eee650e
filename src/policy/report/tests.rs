use super::*;
use crate::model::Severity;

fn findings() -> (Vec<Finding>, &'static str) {
    let source = "[exec.x]\ncommand = \"rm -rf /\u{202e}\"\n";
    let finding =
        Finding::new("recursive-removal", Severity::Deny, "this removes `/`", Place::new("m.toml", 20, 28))
            .related(Place::new("data/common.toml", 0, 0), "the value came from here")
            .why("nothing is left")
            .instead("name the directory");
    (vec![finding], source)
}

#[test]
fn text_has_excerpt_why_and_instead_and_escapes_what_is_hostile() {
    let (findings, source) = findings();
    let shown = text(&findings, &|file| (file == "m.toml").then_some(source), Style::Plain);
    for part in [
        "error[recursive-removal]",
        "m.toml:2:12",
        "^^^^^^^^",
        "why: nothing is left",
        "instead: name",
        "U+202E",
        "1 denied",
    ] {
        assert!(shown.contains(part), "`{part}` is not in\n{shown}");
    }
    assert!(!shown.contains('\u{202e}'));
}

#[test]
fn json_and_sarif_carry_line_and_column() {
    let (findings, source) = findings();
    let sources = |file: &str| (file == "m.toml").then_some(source);
    let json: serde_json::Value = serde_json::from_str(&json(&findings, &sources)).unwrap_or_default();
    assert_eq!(json["findings"][0]["position"]["line"], 2);
    assert_eq!(json["findings"][0]["severity"], "deny");
    let sarif: serde_json::Value = serde_json::from_str(&sarif(&findings, &sources)).unwrap_or_default();
    let region = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startLine"], &region["startColumn"]), (&2.into(), &12.into()));
    assert_eq!(sarif["version"], "2.1.0");
}
