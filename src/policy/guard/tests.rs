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

#[test]
fn every_limit_is_a_finding_of_its_own() {
    let check = |class: &str, text: &str| {
        let found = effects(Rules::builtin(), &Subject::Shell(text), &Setting::default());
        let shown: String = text.chars().take(60).collect();
        assert!(
            found.iter().any(|e| e.kind == Kind::Limit && e.class == class),
            "{class}: {shown}: {found:?}"
        );
        let findings = findings(Rules::builtin(), &found, "<command>");
        assert!(findings.iter().any(|f| f.rule == "analysis-limit"), "{class}: {shown}");
    };
    check("commands", &":\n".repeat(60_001));
    check("programs inside programs", &format!("{}id", "nice ".repeat(41)));
    check("nesting", &format!("{}id{}", "echo $(".repeat(44), ")".repeat(44)));
    let functions: String = (0..30).map(|n| format!("f{n}() {{ f{}; }}\n", n + 1)).collect();
    check("calls of functions", &format!("{functions}f0"));
    check("arguments of a function", "f() { [ -n \"$1\" ] && f $* $*; }; f a b c d");
    check("words of a brace expansion", "touch /srv/{1..9999999}");
    check("length of a value", &format!("x=aaaaaaaa; {}echo \"$x\"", "x=$x$x$x$x; ".repeat(12)));
    check("text", &"#".repeat((1 << 20) + 1));
    check("text", &format!("{}id{}", "echo $(".repeat(60), ")".repeat(60)));
    check("text", &format!("{}id{}", "{ ".repeat(60), "; }".repeat(60)));
}

#[test]
fn text_of_one_character_over_and_over_is_read_once() {
    // What looks at the rest of the text for each of them does not come back in a lifetime.
    for text in [
        "{", "[", "[a", "{a,", "(", "$(", "${", "<(", "\\", "`", "\"", "'", "*a", "~", "{1..2}", "!", "a=",
        "<<E\n", "];[",
    ] {
        let text = format!("echo {}", text.repeat(1_000_000 / text.len()));
        drop(effects(Rules::builtin(), &Subject::Shell(&text), &Setting::default()));
    }
}

#[test]
fn characters_that_the_analysis_uses_itself_are_refused_wherever_they_come_from() {
    for c in ['\u{fff0b}', '\u{ffe00}'] {
        let words = [Value::text("rm"), Value::text(format!("x{c}y"))];
        let content = Value::text(format!("#!/bin/sh\nrm x{c}y\n"));
        let text = format!("rm x{c}y");
        for subject in
            [Subject::Argv(&words), Subject::Shell(&text), Subject::File("/usr/local/bin/x", &content, true)]
        {
            let found = effects(Rules::builtin(), &subject, &Setting::default());
            assert!(
                matches!(found.as_slice(), [Effect { kind: Kind::Hidden, .. }]),
                "{subject:?}: {found:?}"
            );
        }
    }
    let fact = [Value::text("echo"), fact()];
    assert!(effects(Rules::builtin(), &Subject::Argv(&fact), &Setting::default()).is_empty());
}
