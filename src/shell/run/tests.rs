//! What scripts come to when they are evaluated.

use super::*;
use crate::shell::Dialect;

/// Notes which programs run, in words.
#[derive(Default)]
struct Recorder {
    ran: Vec<String>,
    problems: Vec<Problem>,
    steps: usize,
}

impl Programs for Recorder {
    fn run(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let words: Vec<String> = call.words.iter().map(|w| w.settled().to_string()).collect();
        let cwd: Vec<String> = state.cwd.iter().map(ToString::to_string).collect();
        self.ran.push(format!(
            "{}{}",
            words.join("|"),
            if cwd == ["/"] { String::new() } else { format!(" @{}", cwd.join(",")) }
        ));
        if call.words[0].literal() == Some("cat") {
            call.stdin.clone()
        } else {
            Value::dynamic(crate::shell::Source::Output, true)
        }
    }

    fn write(&mut self, write: &Write<'_>, _state: &mut State) {
        self.ran.push(format!("{}>{}", write.path, write.content));
    }

    fn problem(&mut self, problem: Problem, _span: Span) {
        self.problems.push(problem);
    }

    fn differs(&mut self) {}

    fn waits(&self, _name: &str) -> bool {
        false
    }

    fn step(&mut self) -> bool {
        self.steps += 1;
        self.steps < 10_000
    }
}

fn record(text: &str, dialect: Dialect) -> Recorder {
    let mut recorder = Recorder::default();
    let mut state = State::new(dialect, Value::text("/"));
    let place = Place::Source(Span::new(0, text.len()));
    Shell::new(&mut recorder).text(text, place, &mut state, &Value::default());
    recorder
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(record(text, Dialect::Bash).ran, expected, "{text}");
}

#[test]
fn quoting_and_expansions_are_resolved() {
    check("p -\"r\"'f' a\\b \"c d\"", &["p|-rf|ab|c d"]);
    check("$'\\x70' $'\\141'", &["p|a"]);
    check("x=p; $x a${x}b \"$x\"", &["p|apb|p"]);
    check("p {a,b}{1..2} {c", &["p|a1|a2|b1|b2|{c"]);
    check("p ~/x ~bin/y", &["p|/root/x|/home/bin/y"]);
    check("p ${u:-d} ${u:+n} \"${u}\" $u", &["p|d|"]);
    check("x=a.b.c; p ${x%.*} ${x##*.} ${x/b/z} ${x:2:1} ${#x} ${x^^}", &["p|a.b|c|a.z.c|b|5|A.B.C"]);
    check("p $((1 + 2 * 3))", &["p|7"]);
    check("x='a b'; p $x \"$x\"", &["p|a|b|a b"]);
    check("y=x; x=v; p ${!y}", &["p|v"]);
    check("a=(1 2 3); p \"${a[@]}\" ${a[1]} ${#a[@]}", &["p|1|2|3|2|3"]);
}

#[test]
fn expressions_are_computed() {
    check(
        "p $((1+2*3)) $(((1+2)*3)) $((0x72)) $((16#ff)) $((2**3)) $((-1)) $((010))",
        &["p|7|9|114|255|8|-1|8"],
    );
    check("p $((1>0?5:6)) $((1,2)) $((1&&0||1)) $((!3))", &["p|5|2|1|0"]);
    check("x=3; p $((x+1)) $((y)) $((x+=2)) $x $((x++)) $x", &["p|4|0|5|5|5|6"]);
    check("p $((1/0)) $(($$+1))", &["p|<number>|<number>"]);
    check("x='a[$(q)]'; p $((x))", &["q", "p|0"]);
}

#[test]
fn variables_are_what_is_declared_of_them() {
    check("declare -n r=c; c=1; r=2; p $c $r", &["p|2|2"]);
    check("declare -i n=2; n+=3; p $n; declare -l x=AB; p $x", &["p|5", "p|ab"]);
    check("declare -A m=([a]=1 [b]=2); p ${m[b]} ${!m[@]}", &["p|2|a|b"]);
    check("f() { local x=1; p $x; }; x=2; f; p $x", &["p|1", "p|2"]);
    check("a=([2]=x); a+=(y); p ${a[@]:0:1} ${a[-1]} ${#a[@]}", &["p|x|y|2"]);
    check("set -- a b; IFS=-; p \"$*\"", &["p|a-b"]);
    check("IFS=: read a b <<< x:y; p $a $b", &["p|x|y"]);
    check("mapfile -t a <<< $'x\\ny'; p \"${a[@]}\"", &["p|x|y"]);
    check("[[ xay =~ x(.) ]]; p ${BASH_REMATCH[1]}", &["p|a"]);
}

#[test]
fn conditions_teach_about_variables() {
    check("[ -n \"$x\" ] && p $x; p $x", &["p|<unknown>", "p|<unknown>", "p"]);
    check("[ -z \"$x\" ] && exit; p $x", &["p|<unknown>"]);
    check("if [[ $x == a ]]; then p $x; fi", &["p|a"]);
    check("case $x in /s/*) p $x;; esac", &["p|/s/<unknown>"]);
    check("for x in $y; do [ -n \"$x\" ] || continue; p /$x; done", &["p|/<unknown>"; 3]);
}

#[test]
fn loops_run_as_often_as_their_constants_say() {
    check("i=0; while [ $i -lt 2 ]; do p $i; i=$((i+1)); done", &["p|0", "p|1"]);
    check("for ((i=0;i<2;i++)); do p $i; done", &["p|0", "p|1"]);
    check("while q; do x=y$x; done; p $x", &["q", "q", "q", "p", "p|y", "p|yy", "p|yyy"]);
}

#[test]
fn braces_and_streams_without_end_are_bounded() {
    let limit = |what| vec![Problem::Limit(what)];
    check("p {01..3} {a..e..2} x{1..1000}", &["p|01|02|03|a|c|e|x[0-9]*"]);
    assert_eq!(record("p {1..99999999999}", Dialect::Bash).problems, limit("words of a brace expansion"));
    assert_eq!(
        record("x=a; for i in $(q); do x=$x$x; done", Dialect::Bash).problems,
        limit("length of a value")
    );
    assert_eq!(record("mapfile a < /dev/zero", Dialect::Bash).problems, [Problem::Endless]);
    assert_eq!(record("p $(< /dev/zero)", Dialect::Bash).problems, [Problem::Endless]);
    assert_eq!(record("read -n 9 x < /dev/urandom", Dialect::Bash).problems, []);
}

#[test]
fn outputs_of_constants_are_followed() {
    check("p $(echo a; printf '%s-%03d' b 7)", &["p|a|b-007"]);
    check("p $(printf '\\x72\\155')", &["p|rm"]);
    check("echo hi | cat | p", &["cat", "p"]);
    check("eval \"p a\"' b'", &["p|a|b"]);
    check("read a b <<< 'x y z'; p $a $b", &["p|x|y|z"]);
    check("echo t > /f; . /f", &["/f>t\n", "t"]);
}

#[test]
fn the_place_is_followed() {
    check("cd /srv/x && p; q", &["p @/srv/x", "q @/srv/x,/"]);
    check("cd /srv/x; p", &["p @/srv/x,/"]);
    check("cd /srv/x || exit 1; p", &["p @/srv/x"]);
    check("set -e; cd /srv/x; p", &["p @/srv/x"]);
    check("if cd /srv/x; then p; fi", &["p @/srv/x"]);
    check("(cd /usr && p); q", &["p @/usr", "q"]);
}

#[test]
fn every_branch_is_taken_and_joined() {
    check("if a; then x=1; else x=2; fi; p $x", &["a", "p|1", "p|2"]);
    check("for x in 1 2; do p $x; done", &["p|1", "p|2"]);
    check("case $1 in a) p;; *) q;; esac", &["p", "q"]);
    check("f() { p \"$1\"; }; f a; f b", &["p|a", "p|b"]);
    check("set -- a b; p $2 \"$@\"", &["p|b|a|b"]);
    check("if a; then x=1; fi; p /$x", &["a", "p|/1", "p|/"]);
}

#[test]
fn dash_and_bash_read_differently() {
    assert_eq!(record("p {a,b} $'c'", Dialect::Dash).ran, ["p|{a,b}|$c"]);
    assert_eq!(record("p $(echo 'a\\nb')", Dialect::Dash).ran, ["p|a|b"]);
    assert_eq!(record("p $(echo 'a\\nb')", Dialect::Bash).ran, ["p|a\\nb"]);
}

#[test]
fn bombs_and_limits_are_problems() {
    assert_eq!(record("b(){ b|b& };b", Dialect::Bash).problems.first(), Some(&Problem::Bomb));
    assert_eq!(record("while :; do p & done", Dialect::Bash).problems, [Problem::Bomb]);
    let deep = "eval ".repeat(3) + "'if'";
    assert!(matches!(record(&deep, Dialect::Bash).problems[0], Problem::Unparsed(_)));
    let doubling = "x=aaaaaaaaaaaaaaaa;".to_owned() + &"x=$x$x;".repeat(20);
    assert_eq!(record(&doubling, Dialect::Bash).problems.first(), Some(&Problem::Limit("length of a value")));
}

#[test]
fn text_that_is_partly_unknown_and_does_not_parse_is_undetermined() {
    let problems = |text: &str| record(text, Dialect::Bash).problems;
    assert!(matches!(problems("x=$(date); eval \"if $x\"").as_slice(), [Problem::Undetermined(_)]));
    assert!(matches!(problems("eval 'if x'").as_slice(), [Problem::Unparsed(_)]));
}
