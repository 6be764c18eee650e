//! What shows in the whole of a script and in no single call: shells on connections, loops without end.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::lexer::Token;
use crate::shell::Span;

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

/// What shows in the whole of a script and in no single call.
pub(super) fn shapes(analysis: &mut Analysis<'_>, tokens: &[Token], span: Span) {
    let name = |wanted: &[&str]| {
        tokens.iter().any(|t| matches!(t, Token::Name(n) if n.split('.').any(|p| wanted.contains(&p))))
    };
    let text = |wanted: &[&str]| {
        tokens
            .iter()
            .any(|t| matches!(t, Token::Text { text, .. } if wanted.iter().any(|w| text.contains(w))))
    };
    let shell =
        text(&["/bin/sh", "/bin/bash", "sh -i", "/bin/dash", "/bin/zsh", "cmd.exe"]) || name(&["dup2"]);
    let socket = name(&["socket", "Socket", "TCPSocket", "fsockopen", "net", "tcp", "inet", "connect"]);
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
