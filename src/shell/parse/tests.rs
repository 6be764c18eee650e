//! What is parsed, what is not, and where.

use super::*;
use crate::shell::outline;
use crate::shell::reader::LOOKS;

const BOTH: [Dialect; 2] = [Dialect::Bash, Dialect::Dash];

fn parsed(text: &str) -> Script {
    parse(text, 0, Dialect::Bash).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

/// The outline of `text`, with a slash for each end of a line and `>` for each level.
fn drawn(text: &str, dialect: Dialect) -> Result<String, ParseError> {
    let outline = outline(text, dialect)?;
    let lines = outline.lines().map(|line| {
        let inside = line.trim_start();
        let level = (line.len() - inside.len()) / 2;
        format!("{}{}", ">".repeat(level), inside.replace("command  ", "").replace("  ", " ").trim_end())
    });
    Ok(lines.collect::<Vec<_>>().join(" / "))
}

fn check(text: &str, expected: &str) {
    assert_eq!(drawn(text, Dialect::Bash).as_deref(), Ok(expected), "{text}");
}

fn check_dash(text: &str, expected: &str) {
    assert_eq!(drawn(text, Dialect::Dash).as_deref(), Ok(expected), "{text}");
}

/// Fails unless `text` is an error at the first byte of `place`.
fn check_error(text: &str, place: &str) {
    let error = parse(text, 0, Dialect::Bash).unwrap_err();
    let ParseError::Syntax { span, .. } = &error else { panic!("{text}: {error}") };
    assert_eq!(span.start, text.find(place).unwrap_or(text.len()), "{text}: {error}");
    assert!(text.get(span.start..span.end).is_some(), "{text}: {span:?}");
}

#[test]
fn lists_and_pipelines() {
    check("a; b & c\nd", "a / beside the rest: b / c / d");
    check("a && b ||\n c", "a / and then, if that worked: b / or else: c");
    check("a | b |& c", "pipe / >a / >b / >>duplicate |& / >c");
    check("! time -p ! a", "a");
    check("a | time b", "pipe / >a / >time b");
    check("a # b\n# c\nd#e", "a / d#e");
    check("a \\\n b&\\\n& c", "a b / and then, if that worked: c");
    check("", "");
}

#[test]
fn simple_commands() {
    check("x=1 y+=2 z[i + 1]=3 a b=c", "x=1 y+=2 z=3 a b=c");
    check("x=(a [k]=b\n #c\n d)", "x=(a b d)");
    check("export x=(a) y; local -r z=b", "export y x=(a) / local -r z=b");
    check("eval x=(a b)", "eval x=(a b)");
    check("ls !(a|b c).txt", "ls !(a|b c).txt");
    check("a <(b) --c=<(d)e >(f)", "a <(b) --c=<(d)e >(f)");
    check("echo if then }", "echo if then }");
    check("{a,b} [[a]]", "{a,b} [[a]]");
}

#[test]
fn redirections() {
    check("2>e a <b >>c d", "a d / >write e / >read b / >append c");
    check("a >| b <> c &> d &>> e", "a / >write b / >write c / >writeboth d / >appendboth e");
    check("a 2>&1 >&- <&3 >& f", "a / >duplicate 1 / >duplicate - / >duplicate 3 / >duplicate f");
    check("exec {fd}>x 3<y", "exec / >write x / >read y");
    check("a <<< b", "a / >text b");
    check("a > >(b)", "a / >write >(b)");
}

#[test]
fn here_documents() {
    check("a <<E | b\n$x\nE\nc", "pipe / >a / >>text $x\\n / >b / c");
    check("a <<'E' <<-F; b\n1\nE\n\t2\n\tF\nc", "a / >text 1\\n / >text \t2\\n / b / c");
    check("if a <<E; then b\n)\nE\nfi", "if / >a / >>text )\\n / then / >b");
    check("x=$(a <<E\n'\nE\n) b", "x=$(a <<E\\n'\\nE\\n) b");
    check("a <<E\nb\\\nE\nE\nc", "a / >text b\\\\nE\\n / c");
    check("a <<EOF\nEO\\\nF\nc", "a / >text / c");
    check_dash("a <<EOF\nEO\\\nF\nc", "a / >text EO\\\\nF\\nc");
    check("a <<E", "a / >text");
}

#[test]
fn compound_commands() {
    check(
        "if a; then b; elif c; then d; else e; fi >f",
        "if / >a / then / >b / if / >c / then / >d / else / >e / >write f",
    );
    check("while a; do b; done; until c; do d; done", "loop / >a / do / >b / loop / >c / do / >d");
    check("for x in a b; do c; done", "for x in a b / >c");
    check("for x do c; done; for y\nin; do d; done", "for x in \"$@\" / >c / for y in / >d");
    check("for ((i=0;i<(3);i++)); do a; done; for ((;;)) { b; }", "count / >a / count / >b");
    check("select x in a; do b; done", "for x in a / >b");
    check("case $x in (a|b) c;; d) ;& *) e;; esac", "case $x / >a b / >>c / >d / >* / >>e");
    check("case x in esac", "case x");
    check("(a; b) | { c\n}", "pipe / >subshell / >>a / >>b / >group / >>c");
    check("coproc a; coproc N { b; }", "coprocess COPROC / >a / coprocess N / >group / >>b");
    check(
        "((x + 1)); ((a) ; (b)); ( (c) )",
        "compute ((x + 1)) / subshell / >subshell / >>a / >subshell / >>b / subshell / >subshell / >>c",
    );
}

#[test]
fn functions() {
    check("f() { a; } >b; g ( ) (c)", "function f / >group / >>a / >>write b / function g / >subshell / >>c");
    check(
        "function f { a; }; function if() { b; }",
        "function f / >group / >>a / function if / >group / >>b",
    );
    check("f()\n[[ -e x ]]", "function f / >test [[ -e x ]]");
    check_dash("f() a", "function f / >a");
    check_error("f() a", "a");
}

#[test]
fn conditions() {
    for text in [
        "[[ -f a && ! ( b || c ) ]]",
        "[[ a =~ ^(b|c d)$|e ]]",
        "[[ a < b ]]",
        "[[ a == @(b|c)* ]]",
        "[[ a\n||\nb\n]]",
        "[[ $x -eq 1 ]]",
    ] {
        check(text, &format!("test {}", text.replace('\n', "\\n")));
    }
    let text = format!("[[ a{} ]]", " && a".repeat(50_000));
    assert_eq!(parsed(&text).items.len(), 1);
}

#[test]
fn dash_has_less() {
    check_dash("a &> b", "beside the rest: a /  / >write b");
    check_dash("[[ a ]]; time b; function c", "[[ a ]] / time b / function c");
    check_dash("((a))", "subshell / >subshell / >>a");
    check_dash("x+=1; x[1]=2", "x+=1 / x[1]=2");
    for text in
        ["x=(a)", "a <(b)", "a <<< b", "a |& b", "ls !(a)", "function f { a; }", "for ((;;)); do a; done"]
    {
        assert!(matches!(parse(text, 0, Dialect::Dash), Err(ParseError::Syntax { .. })), "{text}");
    }
}

#[test]
fn substitutions_end_where_the_grammar_ends_them() {
    for inner in [
        "case x in a) b;; (c) d; esac",
        "echo ')' \")\" \\) # )\n",
        "a `b )` ${c:-)} $((1 + (2)))",
        "echo case in",
        "for x in case; do a; done",
        "x=(case a); b",
        "(a) | { b; }",
        "a $(b \"$(c ')')\")",
        "((1 << 2)); b",
        "ls !(a|b)",
    ] {
        for text in [format!("a $({inner}) b"), format!("a \"$({inner})\" b")] {
            let script = parsed(&text);
            let CommandKind::Simple { words, .. } = &script.items[0].chain[0].1.commands[0].kind else {
                panic!()
            };
            assert_eq!(words.len(), 3, "{text}");
            let found =
                words[1].pieces.iter().any(|p| matches!(p, Piece::Command { text, .. } if text == inner));
            assert!(found, "{text}: {:?}", words[1]);
        }
    }
}

#[test]
fn spans_are_bytes_of_the_text() {
    let text = "echo 'é' && rm -rf /srv";
    let script = parsed(text);
    let (_, pipeline) = &script.items[0].chain[1];
    let CommandKind::Simple { words, .. } = &pipeline.commands[0].kind else { panic!("not simple") };
    let last = words[2].span;
    assert_eq!(&text[last.start..last.end], "/srv");
    let span = parse("a; b c ", 10, Dialect::Bash).unwrap().items[1].chain[0].1.commands[0].span;
    assert_eq!(span, Span::new(13, 16));
}

#[test]
fn places_behind_joined_lines_and_tabs_are_exact() {
    let text = "é\\\né <<-E\n\té $(a)\n\tE\n";
    let script = parsed(text);
    let target = &script.items[0].chain[0].1.commands[0].redirects[0].target;
    let at = target.pieces.iter().find_map(|p| if let Piece::Command { at, .. } = p { *at } else { None });
    assert_eq!(at, text.find("a)"));
    assert_eq!(target.pieces[0], Piece::Quoted("é ".into()));
}

#[test]
fn what_does_not_parse_is_an_error_with_its_place() {
    check_error("if true; then", "\u{0}");
    check_error("a &&", "\u{0}");
    check_error("echo 'x", "'");
    check_error("echo \"x $(a)", "\"");
    check_error("a; echo $(b", "$(");
    check_error("( true", "(");
    check_error("{ true; ", "{");
    check_error("case x in", "case");
    check_error("a;; b", ";;");
    check_error("a; fi", "fi");
    check_error("while a do b; done", "done");
    check_error("for x in *; é; done", "é");
    check_error("a | | b", "| b");
    check_error("[[ a b c ]]", "b");
    check_error("x=(a", "(");
    check_error("a >", "\u{0}");
    check_error("(a) b", "b");
    check_error("a (b)", "(");
    check_error("echo ${x~~}", "~");
}

#[test]
fn limits_are_errors_of_their_own() {
    assert_eq!(parse(&"(".repeat(MAX_NESTING + 1), 0, Dialect::Bash), Err(ParseError::TooDeep));
    assert_eq!(parse(&"a".repeat(MAX_TEXT + 1), 0, Dialect::Bash), Err(ParseError::TooLong));
    for (open, close) in
        [("(", ")"), ("{ ", "; }"), ("\"$(", ")\""), ("if a; then ", "; fi"), ("cat <(", ")")]
    {
        let nested = |levels: usize| format!("{}a{}", open.repeat(levels), close.repeat(levels));
        for dialect in BOTH.into_iter().filter(|d| !open.contains('<') || *d == Dialect::Bash) {
            assert!(parse(&nested(20), 0, dialect).is_ok(), "{open} {:?}", parse(&nested(20), 0, dialect));
            assert_eq!(parse(&nested(MAX_NESTING + 1), 0, dialect), Err(ParseError::TooDeep), "{open}");
        }
    }
}

/// How much of `text` is looked at, for each of its bytes.
fn looks(text: &str) -> usize {
    let most = BOTH.map(|dialect| {
        LOOKS.set(0);
        drop(parse(text, 0, dialect));
        LOOKS.get()
    });
    most.into_iter().max().unwrap_or(0) / text.len().max(1)
}

/// What a text is made of, over and over, where each reads on to something that never comes.
const BLOCKS: [&str; 83] = [
    "(",
    ")",
    "((",
    "))",
    "( (",
    "$(",
    "$((",
    "$( (",
    "$[",
    "[",
    "[[ ",
    "a[",
    "a[;",
    "{",
    "{ ",
    "${",
    "${a[",
    "$(${a[ } ",
    "${a:-",
    "\"",
    "'",
    "`",
    "\"$(",
    "\"${a:-\"",
    "<<a ",
    "<<a\n",
    "<<a ((",
    "<<-a\n\t",
    "$(<<a\n",
    "$(<<a\n(( ",
    "<(",
    "a <(",
    "! ",
    "!",
    "time ",
    "coproc ",
    "if ",
    "if a; then ",
    "while ",
    "for x in ",
    "for ((",
    "case x in x)",
    "case x in x) a;; ",
    "$(case x in x) ",
    "f() ",
    "f() {",
    "function f ",
    "x=(",
    "x=(a ",
    "@(",
    "a@(b|",
    "[[ ( ",
    "[[ ! ",
    "[[ a =~ (",
    "[[ a && ",
    "\\",
    "\\\n",
    "&",
    ";",
    "\n",
    "|",
    "a|",
    "a&&",
    "a;",
    "a\n",
    "#",
    "$",
    "$'",
    "~",
    "1",
    "1>",
    "{a}>",
    ">&",
    "é",
    "= ",
    "((a) ",
    "$((a) ",
    "((a\") ",
    "$(((a) ) ",
    "x=$((1+2))\n",
    "$'\\'' ((",
    "for x in a; do b; done\n",
    "a <<E\nb\nE\n",
];

#[test]
fn the_work_grows_with_the_text_and_no_faster() {
    for block in BLOCKS {
        let few = looks(&block.repeat(1_000));
        let many = looks(&block.repeat(10_000));
        // Each level of nesting, of which there are few, may look at all that is inside.
        let most = MAX_NESTING + 12;
        assert!(few <= most && many <= most, "`{block}`: {few}, then {many} looks for each byte");
    }
}

#[test]
fn no_text_is_too_much_for_the_stack() {
    let openers = [
        "(",
        "((",
        "$(",
        "$((",
        "\"$(",
        "<(",
        "[",
        "[[ ( ",
        "{",
        "{ ",
        "${",
        "${a:-",
        "'",
        "\"",
        "`",
        "<<a ",
        "<<a\n",
        "! ",
        "if ",
        "case x in x) ",
        "$(case x in x) ",
        "f() ",
        "coproc ",
        "x=(",
        "@(",
    ];
    for opener in openers {
        let text = opener.repeat(100_000.min(MAX_TEXT / opener.len()));
        for dialect in BOTH {
            let parsed = parse(&text, 0, dialect);
            let syntax = matches!(parsed, Err(ParseError::Syntax { .. }));
            assert!(parsed.is_ok() || syntax || parsed == Err(ParseError::TooDeep), "`{opener}`");
        }
    }
}

#[test]
fn everything_that_runs_is_in_the_tree() {
    let text = "f() { a; }; for x in 1 2; do b; done; while c; do d; done\ncase $x in y) e;; esac; [[ -n $z ]] && (g)";
    assert_eq!(parsed(text).items.len(), 5);
}
