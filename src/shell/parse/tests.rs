//! What is parsed, what is not, and where.

use super::*;

fn parsed(text: &str) -> Script {
    parse(text, 0, Dialect::Bash).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

#[test]
fn spans_are_bytes_of_the_text() {
    let text = "echo 'é' && rm -rf /srv";
    let script = parsed(text);
    let (_, pipeline) = &script.items[0].chain[1];
    let CommandKind::Simple { words, .. } = &pipeline.commands[0].kind else { panic!("not simple") };
    let last = words[2].span;
    assert_eq!(&text[last.start..last.end], "/srv");
}

#[test]
fn what_does_not_parse_is_an_error_with_its_place() {
    for text in ["if true; then", "a &&", "echo 'x", "( true", "case x in"] {
        assert!(matches!(parse(text, 0, Dialect::Bash), Err(ParseError::Syntax { .. })), "{text}");
    }
}

#[test]
fn the_place_of_an_error_is_a_whole_character() {
    let text = "for u in *; é \"$u\"; done";
    let error = parse(text, 0, Dialect::Bash).unwrap_err();
    let ParseError::Syntax { span, .. } = error else { panic!("{error}") };
    assert!(text.get(span.start..span.end).is_some(), "{span:?}");
}

#[test]
fn limits_are_errors_of_their_own() {
    assert_eq!(parse(&"(".repeat(MAX_NESTING + 1), 0, Dialect::Bash), Err(ParseError::TooDeep));
    assert_eq!(parse(&"a".repeat(MAX_TEXT + 1), 0, Dialect::Bash), Err(ParseError::TooLong));
}

#[test]
fn everything_that_runs_is_in_the_tree() {
    let text = "f() { a; }; for x in 1 2; do b; done; while c; do d; done\ncase $x in y) e;; esac; [[ -n $z ]] && (g)";
    assert_eq!(parsed(text).items.len(), 5);
}
