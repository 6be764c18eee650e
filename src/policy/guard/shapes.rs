//! What shows in the whole of a script and in no single call: shells on connections, loops without end.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::language::Action;
use super::lexer::Token;
use super::reader::Found;
use crate::shell::{Part, Span};

/// Names that end a loop, or make it wait.
const PAUSES: [&str; 24] = [
    "sleep",
    "usleep",
    "nanosleep",
    "break",
    "last",
    "exit",
    "return",
    "wait",
    "waitpid",
    "select",
    "accept",
    "recv",
    "read",
    "readline",
    "getline",
    "input",
    "gets",
    "get",
    "poll",
    "join",
    "raise",
    "die",
    "quit",
    "next_line",
];

/// Names with which scripts reach other machines.
const SOCKETS: [&str; 16] = [
    "socket",
    "Socket",
    "TCPSocket",
    "TCPServer",
    "fsockopen",
    "pfsockopen",
    "stream_socket_client",
    "stream_socket_server",
    "create_connection",
    "net",
    "tcp",
    "inet",
    "INET",
    "connect",
    "createConnection",
    "createServer",
];

/// What shows in the whole of a script and in no single call.
pub(super) fn shapes(analysis: &mut Analysis<'_>, tokens: &[Token], found: &[Found], span: Span) {
    let name = |wanted: &[&str]| {
        tokens.iter().any(|t| matches!(t, Token::Name(n) if n.split('.').any(|p| wanted.contains(&p))))
    };
    let text = |wanted: &[&str]| {
        tokens
            .iter()
            .any(|t| matches!(t, Token::Text { text, .. } if wanted.iter().any(|w| text.contains(w))))
    };
    let shell = text(&["/bin/sh", "/bin/bash", "sh -i", "/bin/dash", "/bin/zsh", "cmd.exe"])
        || name(&["dup2"])
        || hands_over(tokens, |program| analysis.rules.lists("shells", program))
        || found.iter().any(obeys);
    let socket =
        name(&SOCKETS) || tokens.iter().any(|t| matches!(t, Token::Text { text, .. } if text == "net"));
    let device = text(&["/inet/tcp/", "/dev/tcp/"]);
    if (shell && (socket || device)) || (text(&["/inet/tcp/"]) && name(&["getline"])) {
        analysis.add(Effect::new(Kind::ReverseShell, "script", "a shell on a network connection", span));
    }
    if name(&["fork", "pcntl_fork"]) && name(&["while", "loop", "for", "until", "setInterval"]) {
        analysis.add(Effect::new(Kind::Exhaustion, "processes", "processes without end", span));
    }
    if endless(tokens) && !name(&PAUSES) {
        analysis.add(Effect::new(Kind::Exhaustion, "time", "a loop without end", span));
    }
}

/// Whether a call runs what is not known at all: what a connection brings.
fn obeys(call: &Found) -> bool {
    let runs = matches!(call.action, Action::Shell | Action::Command | Action::Words);
    let mut items = call.arguments.iter().flat_map(|a| &a.items).peekable();
    runs && items.peek().is_some() && items.all(|v| matches!(v.parts(), [Part::Dynamic(_)]))
}

/// Whether a string is the name of a shell with nothing to do but to take commands.
fn hands_over(tokens: &[Token], is_shell: impl Fn(&str) -> bool) -> bool {
    tokens.iter().enumerate().any(|(at, token)| {
        let Token::Text { text, .. } = token else { return false };
        let mut words = text.split_whitespace();
        let plain = |word: &str| word == "-i" || word == "-l" || word.contains(['<', '>']);
        let told = matches!(tokens.get(at + 2), Some(Token::Text { text, .. }) if text == "-c");
        words.next().is_some_and(&is_shell) && words.all(plain) && !told
    })
}

/// Whether a loop has a condition that always holds.
fn endless(tokens: &[Token]) -> bool {
    let always = |token: Option<&Token>| match token {
        Some(Token::Name(word)) => matches!(word.as_str(), "true" | "True" | "TRUE"),
        Some(Token::Number(number)) => number == "1",
        _ => false,
    };
    let ends =
        |token: Option<&Token>| !matches!(token, Some(Token::Sign('<' | '>' | '=' | '!' | '-' | '+' | '*')));
    tokens.iter().enumerate().any(|(at, token)| {
        let Token::Name(word) = token else { return false };
        let open = usize::from(tokens.get(at + 1) == Some(&Token::Sign('(')));
        let condition = tokens.get(at + 1 + open);
        match word.as_str() {
            "while" => {
                let before = at.checked_sub(1).and_then(|b| tokens.get(b));
                (always(condition) && ends(tokens.get(at + 2 + open)))
                    || matches!(before, Some(Token::Number(n)) if n == "1")
                        && open == 0
                        && condition.is_none()
            }
            "until" => {
                matches!(condition, Some(Token::Name(w)) if w == "false")
                    || matches!(condition, Some(Token::Number(n)) if n == "0")
            }
            "loop" => {
                matches!(tokens.get(at + 1), Some(Token::Sign('{')))
                    || matches!(tokens.get(at + 1), Some(Token::Name(w)) if w == "do")
            }
            "for" => {
                open == 1
                    && tokens.get(at + 2) == Some(&Token::Sign(';'))
                    && tokens.get(at + 3) == Some(&Token::Sign(';'))
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::policy::guard::effect::Kind;
    use crate::policy::guard::rules::Rules;
    use crate::policy::guard::{Setting, Subject, effects};

    /// Whether `command` uses up what the machine has.
    fn check(command: &str, expected: bool) {
        let found = effects(Rules::builtin(), &Subject::Shell(command), &Setting::default());
        assert_eq!(found.iter().any(|e| e.kind == Kind::Exhaustion), expected, "{command}");
    }

    #[test]
    fn output_without_end_counts_where_it_is_kept() {
        check("yes > /srv/x", true);
        check("yes | sort", true);
        check("yes x | logger", true);
        check("yes | head -n 5 > /srv/x", false);
        check("yes | apt-get install x", false);
    }

    #[test]
    fn loops_that_never_rest_are_found_in_other_languages() {
        check("python3 -c 'while True: pass'", true);
        check("perl -e 'fork while 1'", true);
        check("python3 -c 'import time\nwhile True: time.sleep(1)'", false);
    }

    #[test]
    fn jobs_in_the_background_are_counted() {
        check("for i in $(seq 100000); do sleep 9 & done", true);
        check("for i in $(seq 10); do sleep 9 & done", false);
        check("for i in $(seq 100000); do sleep 9 & wait; done", false);
    }
}
