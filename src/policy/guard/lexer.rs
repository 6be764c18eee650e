//! A script of another language, cut into names, strings and signs.

use super::interpreter::Language;

/// A piece of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, with the dots in it: `os.system`. `::`, `->` and `\` are dots too.
    Name(String),
    /// A string.
    Text {
        /// What is between its quotes.
        text: String,
        /// Whether expansions and escapes in it mean something.
        active: bool,
        /// Whether it is run in a shell, as back quotes are in some languages.
        run: bool,
    },
    /// A number.
    Number(String),
    /// Any other character; `;` also stands for the end of a line.
    Sign(char),
}

/// Cuts `code` up.
pub(super) fn tokens(code: &str, language: &Language) -> Vec<Token> {
    let chars: Vec<char> = code.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let comment = language.comments.iter().any(|mark| {
            let mark: Vec<char> = mark.chars().collect();
            chars[at..].starts_with(&mark) && !(mark == ['#'] && at > 0 && chars[at - 1] == '$')
        });
        if comment {
            while chars.get(at).is_some_and(|c| *c != '\n') {
                at += 1;
            }
        } else if matches!(c, '\'' | '"' | '`') {
            at = string(&chars, at, &mut out, language);
        } else if c.is_alphabetic()
            || c == '_'
            || (c == '$' && name_start(&chars, at + 1))
            || c == '@' && name_start(&chars, at + 1)
        {
            at = name(&chars, at, &mut out);
            at = quoted(&chars, at, &mut out, language);
        } else if c == '%'
            && matches!(chars.get(at + 1), Some('x'))
            && matches!(chars.get(at + 2), Some('(' | '{' | '[' | '|'))
        {
            out.push(Token::Name("qx".into()));
            at = quoted(&chars, at + 2, &mut out, language);
        } else if c.is_ascii_digit() {
            let start = at;
            while chars.get(at).is_some_and(char::is_ascii_alphanumeric) {
                at += 1;
            }
            out.push(Token::Number(chars[start..at].iter().collect()));
        } else {
            if c == '\n' {
                out.push(Token::Sign(';'));
            } else if !c.is_whitespace() {
                out.push(Token::Sign(c));
            }
            at += 1;
        }
    }
    out
}

fn name_start(chars: &[char], at: usize) -> bool {
    chars.get(at).is_some_and(|c| c.is_alphabetic() || *c == '_')
}

fn name(chars: &[char], mut at: usize, out: &mut Vec<Token>) -> usize {
    let mut name = String::new();
    while let Some(&c) = chars.get(at) {
        let next = chars.get(at + 1);
        match c {
            '$' | '@' if name.is_empty() => at += 1,
            c if c.is_alphanumeric() || c == '_' => {
                name.push(c);
                at += 1;
            }
            '.' if name_start(chars, at + 1) => {
                name.push('.');
                at += 1;
            }
            ':' if next == Some(&':') && name_start(chars, at + 2) => {
                name.push('.');
                at += 2;
            }
            '-' if next == Some(&'>') && name_start(chars, at + 2) => {
                name.push('.');
                at += 2;
            }
            _ => break,
        }
    }
    out.push(Token::Name(name));
    at
}

/// `q(…)`, `qq{…}`, `qx/…/`, and prefixes of strings such as Python's `r'…'`, right behind a name.
fn quoted(chars: &[char], at: usize, out: &mut Vec<Token>, language: &Language) -> usize {
    let Some(Token::Name(name)) = out.last() else { return at };
    let kind = name.clone();
    let Some(&open) = chars.get(at) else { return at };
    if matches!(open, '\'' | '"') && kind.len() <= 2 && kind.chars().all(|c| "rbfuRBFU".contains(c)) {
        out.pop();
        return string(chars, at, out, language);
    }
    if !matches!(kind.as_str(), "q" | "qq" | "qx" | "qw")
        || open.is_whitespace()
        || matches!(open, ',' | ';' | '=')
    {
        return at;
    }
    let close = match open {
        '(' => ')',
        '{' => '}',
        '[' => ']',
        '<' => '>',
        other => other,
    };
    let (mut depth, mut end) = (1usize, at + 1);
    while let Some(&c) = chars.get(end) {
        if c == close {
            depth -= 1;
            if depth == 0 {
                break;
            }
        } else if c == open {
            depth += 1;
        }
        end += 1;
    }
    let text: String = chars.get(at + 1..end).unwrap_or_default().iter().collect();
    out.pop();
    out.push(Token::Text { text, active: kind != "q", run: kind == "qx" });
    end + 1
}

fn string(chars: &[char], at: usize, out: &mut Vec<Token>, language: &Language) -> usize {
    let quote = chars[at];
    let triple = chars.get(at + 1) == Some(&quote) && chars.get(at + 2) == Some(&quote) && quote != '`';
    let mut end = at + if triple { 3 } else { 1 };
    let mut text = String::new();
    while let Some(&c) = chars.get(end) {
        let closes = if triple { chars[end..].starts_with(&[quote; 3]) } else { c == quote };
        if closes {
            break;
        }
        text.push(c);
        end += 1;
        if c == '\\'
            && let Some(&next) = chars.get(end)
        {
            text.push(next);
            end += 1;
        }
    }
    let template = quote == '`' && language.names.iter().any(|n| n == "node");
    let active = quote != '\'' || language.names.iter().any(|n| n == "python" || n == "node");
    out.push(Token::Text { text, active, run: quote == '`' && !template });
    end + if triple { 3 } else { 1 }
}
