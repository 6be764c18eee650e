//! Quotes, expansions and braces inside words.

use super::*;
use crate::shell::ast::{Name, Op};

fn check(text: &str, expected: &[Piece]) {
    let word = parse(text, Span::new(0, text.len()), Dialect::Bash, Mode::Plain);
    assert_eq!(word.map(|w| w.pieces).as_deref(), Ok(expected), "{text}");
}

fn quoted(text: &str) -> Piece {
    Piece::Quoted(text.into())
}

#[test]
fn quotes_and_escapes_come_off() {
    check("a'b c'\"d\"", &[Piece::Text("a".into()), quoted("b c"), quoted(""), quoted("d")]);
    check("r\\m", &[Piece::Text("r".into()), quoted("m")]);
    check("$'\\x72\\155'", &[quoted("rm")]);
    check("\"a\\b\\$\"", &[quoted(""), quoted("a"), quoted("\\b"), quoted("$")]);
}

#[test]
fn expansions_keep_their_place() {
    let Ok(word) = parse("x$(ls $(pwd))", Span::new(10, 23), Dialect::Bash, Mode::Plain) else {
        panic!("does not parse")
    };
    assert!(matches!(&word.pieces[1], Piece::Command { text, at: Some(13), .. } if text == "ls $(pwd)"));
}

#[test]
fn parameters_have_operations() {
    let Ok(word) = parse("${x:-a}${#y}${z%%.*}", Span::default(), Dialect::Bash, Mode::Plain) else {
        panic!("does not parse")
    };
    let ops: Vec<_> = word
        .pieces
        .iter()
        .filter_map(|p| if let Piece::Parameter(p) = p { Some((&p.name, &p.op)) } else { None })
        .collect();
    assert!(matches!(ops[0], (Name::Variable(x), Op::Default(true, _)) if x == "x"));
    assert!(matches!(ops[1].1, Op::Length));
    assert!(matches!(ops[2].1, Op::RemoveSuffix(true, _)));
}

#[test]
fn what_is_not_closed_is_an_error() {
    for text in ["${x", "$(ls", "`ls", "${x~~}"] {
        assert!(parse(text, Span::default(), Dialect::Bash, Mode::Plain).is_err(), "{text}");
    }
}
