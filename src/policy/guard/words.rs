//! Scripts in which a line is a command and its words, as in Tcl: cut up into calls.

use super::language::Language;
use super::lexer::{Quoting, Token};

/// Scripts inside one another, at most.
const MAX_DEPTH: usize = 12;

/// Cuts `code` up: `file delete -force /srv/x` becomes `file.delete("-force", "/srv/x");`.
pub(super) fn tokens(code: &str, language: &Language) -> Vec<Token> {
    let mut out = Vec::new();
    script(&code.chars().collect::<Vec<char>>(), language, 0, &mut out);
    out
}

fn script(chars: &[char], language: &Language, depth: usize, out: &mut Vec<Token>) {
    if depth > MAX_DEPTH {
        return;
    }
    let mut words: Vec<Word> = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        match c {
            '\n' | ';' => {
                command(std::mem::take(&mut words), language, depth, out);
                at += 1;
            }
            '#' if words.is_empty() => {
                while chars.get(at).is_some_and(|c| *c != '\n') {
                    at += 1;
                }
            }
            '\\' if chars.get(at + 1) == Some(&'\n') => at += 2,
            c if c.is_whitespace() => at += 1,
            _ => at = word(chars, at, &mut words),
        }
    }
    command(words, language, depth, out);
}

/// A word of a command.
struct Word {
    text: String,
    /// In braces: nothing in it is expanded, and it may be a script.
    braced: bool,
}

fn word(chars: &[char], at: usize, words: &mut Vec<Word>) -> usize {
    let close = match chars[at] {
        '{' => Some('}'),
        '"' => Some('"'),
        _ => None,
    };
    let (mut depth, mut text) = (0usize, String::new());
    let mut end = at + usize::from(close.is_some());
    while let Some(&c) = chars.get(end) {
        match (c, close) {
            ('\\', _) => {
                text.push(c);
                end += 1;
                text.extend(chars.get(end));
                end += 1;
                continue;
            }
            (c, Some(close)) if c == close && depth == 0 => {
                end += 1;
                break;
            }
            ('{', Some('}')) | ('[', _) => depth += 1,
            ('}', Some('}')) | (']', _) => depth = depth.saturating_sub(1),
            (c, None) if depth == 0 && (c.is_whitespace() || c == ';') => break,
            _ => {}
        }
        text.push(c);
        end += 1;
    }
    words.push(Word { text, braced: close == Some('}') });
    end.max(at + 1)
}

fn command(words: Vec<Word>, language: &Language, depth: usize, out: &mut Vec<Token>) {
    let mut words = words.into_iter().peekable();
    let Some(first) = words.next() else { return };
    let mut name = first.text;
    if let Some(second) = words.peek()
        && language.calls.contains_key(&format!("{name}.{}", second.text))
    {
        name = format!("{name}.{}", second.text);
        words.next();
    }
    let words: Vec<Word> = words.collect();
    for inner in words.iter().flat_map(substitutions) {
        script(&inner.chars().collect::<Vec<char>>(), language, depth + 1, out);
    }
    let mut values = words.iter();
    match name.as_str() {
        "set" | "variable" => {
            let target = values.next().map(|w| w.text.clone()).unwrap_or_default();
            out.extend([Token::Name(target), Token::Sign('=')]);
        }
        _ => out.extend([Token::Name(name.clone()), Token::Sign('(')]),
    }
    for (at, word) in values.enumerate() {
        if at > 0 {
            out.push(Token::Sign(','));
        }
        let quoting = if word.braced { Quoting::Raw } else { Quoting::Active };
        out.push(Token::Text { text: word.text.clone(), quoting });
    }
    if name != "set" && name != "variable" {
        out.push(Token::Sign(')'));
    }
    out.push(Token::Sign(';'));
    // Bodies of loops, branches and procedures.
    let is_call = language.calls.contains_key(&name);
    for body in words.iter().filter(|w| w.braced && !is_call) {
        script(&body.text.chars().collect::<Vec<char>>(), language, depth + 1, out);
    }
}

/// The commands in brackets in a word.
fn substitutions(word: &Word) -> Vec<String> {
    let mut found = Vec::new();
    let (mut depth, mut text) = (0usize, String::new());
    for c in word.text.chars().filter(|_| !word.braced) {
        match c {
            ']' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    found.push(std::mem::take(&mut text));
                    continue;
                }
            }
            '[' => {
                depth += 1;
                if depth == 1 {
                    continue;
                }
            }
            _ => {}
        }
        if depth > 0 {
            text.push(c);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::guard::rules::Rules;

    fn check(code: &str, expected: &str) {
        let shown: String = tokens(code, &Rules::builtin().languages["tcl"])
            .iter()
            .map(|token| match token {
                Token::Name(name) => name.clone(),
                Token::Text { text, .. } => format!("'{text}'"),
                Token::Pattern => "/".to_owned(),
                Token::Number(number) => number.clone(),
                Token::Sign(sign) => sign.to_string(),
            })
            .collect();
        assert_eq!(shown, expected, "{code}");
    }

    #[test]
    fn lines_become_calls() {
        check("file delete -force /srv/x", "file.delete('-force','/srv/x');");
        check("set d /srv", "d='/srv';");
        check("puts [exec id]", "exec('id');puts('[exec id]');");
    }
}
