//! Findings as text, JSON and SARIF.

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

/// A finding in which everything that a site can say is hostile to the format around it.
fn hostile() -> (Vec<Finding>, &'static str) {
    let source = "x = \"]]></failure>\"\ny = 1\n";
    let text =
        "</failure>]]><!-- \"'&amp; \u{0}\u{1b}[2J\u{202e}\r\n::error file=/etc/passwd,line=1::owned%0A";
    let resource = format!("exec[{text}]").parse().unwrap();
    let finding =
        Finding::new("remote-code", Severity::NeedsWaiver, text, Place::new("a b,c:<d>.toml", 5, 18))
            .related(Place::new("e&f.toml", 0, 4), text)
            .why(text)
            .instead(text)
            .resource(resource);
    let warning = Finding::new("of-the-compiler", Severity::Warn, text, Place::new("<commands>", 0, 21));
    (vec![finding, warning], source)
}

#[test]
fn junit_is_well_formed_and_says_what_was_found() {
    let (findings, source) = hostile();
    let shown = junit(&findings, &|_| Some(source));
    let document = roxmltree::Document::parse(&shown).unwrap();
    let all = |name: &str| document.descendants().filter(|n| n.has_tag_name(name)).collect::<Vec<_>>();
    let (cases, failures) = (all("testcase"), all("failure"));
    assert_eq!((cases.len(), failures.len(), all("system-out").len()), (2, 1, 1));
    assert_eq!(cases[0].attribute("classname"), Some("a b,c:<d>.toml"));
    assert_eq!(failures[0].attribute("message"), Some(escape(&findings[0].message).as_str()));
    assert!(failures[0].text().unwrap().starts_with("a b,c:<d>.toml:1:6\n</failure>]]>"));
    let suite = all("testsuite")[0];
    assert_eq!((suite.attribute("tests"), suite.attribute("failures")), (Some("2"), Some("1")));
}

#[test]
fn junit_without_findings_is_one_case_that_passed() {
    let shown = junit(&[], &|_| None);
    let document = roxmltree::Document::parse(&shown).unwrap();
    let cases: Vec<_> = document.descendants().filter(|n| n.has_tag_name("testcase")).collect();
    assert!(cases.len() == 1 && !cases[0].has_children(), "{shown}");
}

#[test]
fn github_has_one_command_a_line_whatever_a_site_says() {
    let (findings, source) = hostile();
    let shown = github(&findings, &|_| Some(source));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 2, "{shown}");
    let first =
        "::error file=a b%2Cc%3A<d>.toml,line=1,endLine=1,col=6,endColumn=19,title=remote-code::</failure>";
    let second = "::warning title=of-the-compiler::</failure>";
    assert!(lines[0].starts_with(first), "{shown}");
    assert!(lines[1].starts_with(second), "{shown}");
    assert!(lines[1].ends_with("%0A::error file=/etc/passwd,line=1::owned%250A"), "{shown}");
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown}");
}

#[test]
fn sarif_fits_the_schema_of_its_standard() {
    let mut schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/schemas/sarif-2.1.0.json")).unwrap();
    // The published schema has a bracket too many in the pattern of a language, which we do not write.
    for part in ["run", "toolComponent"] {
        schema["definitions"][part]["properties"]["language"].as_object_mut().unwrap().remove("pattern");
    }
    let schema = jsonschema::validator_for(&schema).unwrap();
    for (findings, source) in [findings(), hostile(), (Vec::new(), "")] {
        let log: serde_json::Value = serde_json::from_str(&sarif(&findings, &|_| Some(source))).unwrap();
        let wrong: Vec<String> =
            schema.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\n{log:#}");
        let mut broken = log;
        broken["runs"][0]["results"] = serde_json::json!([{ "level": "fatal" }]);
        assert!(!schema.is_valid(&broken));
    }
}

#[test]
fn sarif_has_rules_with_help_and_regions_in_lines_and_bytes() {
    let (findings, source) = hostile();
    let log: serde_json::Value = serde_json::from_str(&sarif(&findings, &|_| Some(source))).unwrap();
    let run = &log["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["text"].as_str().is_some_and(|text| !text.is_empty()), "{rule}");
    }
    let physical = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(physical["artifactLocation"]["uri"], "a%20b%2Cc%3A%3Cd%3E.toml");
    let region = &physical["region"];
    assert_eq!((&region["byteOffset"], &region["byteLength"]), (&5.into(), &13.into()));
    assert_eq!(run["results"][0]["relatedLocations"][0]["physicalLocation"]["region"]["byteLength"], 4);
}

#[test]
fn a_fingerprint_stays_when_lines_move_and_changes_with_the_text() {
    let fingerprint = |source: &str| {
        let at = source.find("rm -rf").unwrap();
        let finding =
            Finding::new("recursive-removal", Severity::Deny, "x", Place::new("m.toml", at, at + 8));
        let log: serde_json::Value = serde_json::from_str(&sarif(&[finding], &|_| Some(source))).unwrap();
        log["runs"][0]["results"][0]["partialFingerprints"]["finding/v1"].as_str().unwrap().to_owned()
    };
    assert_eq!(fingerprint("rm -rf /"), fingerprint("\n\n  rm -rf / # now"));
    assert_ne!(fingerprint("rm -rf /"), fingerprint("rm -rf ~"));
}
