//! How much work a text makes for the grammar, told before the grammar is asked.
//!
//! The grammar tries some constructs a second time when the first way of reading them fails, at every level:
//! each bracket or `case` around a token doubles how often that token may be looked at.

use brush_parser::Token;

/// What encloses a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Bracket,
    Case,
    Other,
}

/// What a text asks of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Weight {
    /// How often tokens are looked at, at most.
    pub(super) looks: u64,
    /// Constructs inside one another.
    pub(super) depth: usize,
}

/// The weight of `tokens`. Too much is only stricter: nothing that the grammar takes for a construct is missed.
pub(super) fn weigh(tokens: &[Token]) -> Weight {
    let mut weight = Weight::default();
    let mut open: Vec<Open> = Vec::new();
    let mut doubling = 0u32;
    // Keywords are such only where a command may start.
    let mut start = true;
    for token in tokens {
        weight.looks = weight.looks.saturating_add(1 << doubling.min(40));
        let (text, word) = match token {
            Token::Operator(text, _) => (text.as_str(), false),
            Token::Word(text, _) => (text.as_str(), true),
        };
        match opened(text, word, start) {
            Some(Open::Other) => open.push(Open::Other),
            Some(doubled) => {
                open.push(doubled);
                doubling += 1;
            }
            None => {
                if let Some(closed) = closed(text, word, start).filter(|c| open.last() == Some(c)) {
                    open.pop();
                    doubling -= u32::from(closed != Open::Other);
                }
            }
        }
        weight.depth = weight.depth.max(open.len());
        start = if word { start && leads(text) } else { !text.starts_with(['<', '>']) };
    }
    weight
}

fn opened(text: &str, word: bool, start: bool) -> Option<Open> {
    match text {
        "(" if !word => Some(Open::Bracket),
        "case" if word && start => Some(Open::Case),
        "if" | "while" | "until" | "for" | "select" | "{" if word && start => Some(Open::Other),
        _ => None,
    }
}

fn closed(text: &str, word: bool, start: bool) -> Option<Open> {
    match text {
        ")" if !word => Some(Open::Bracket),
        "esac" if word && start => Some(Open::Case),
        "fi" | "done" | "}" if word && start => Some(Open::Other),
        _ => None,
    }
}

/// Whether a command may start behind this word, which stands where one may.
fn leads(word: &str) -> bool {
    matches!(
        word,
        "if" | "then"
            | "elif"
            | "else"
            | "while"
            | "until"
            | "do"
            | "{"
            | "!"
            | "time"
            | "coproc"
            | "function"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, depth: usize, looks: std::ops::Range<u64>) {
        let tokens = brush_parser::uncached_tokenize_str(text, &Default::default()).unwrap();
        let weight = weigh(&tokens);
        assert_eq!(weight.depth, depth, "{text}");
        assert!(looks.contains(&weight.looks), "{text}: {}", weight.looks);
    }

    #[test]
    fn brackets_and_cases_double_and_nothing_else_does() {
        check("a; b | c && d", 0, 5..10);
        check("if a; then b; fi; { c; }; while d; do e; done", 1, 18..30);
        check("echo case esac if ( x )", 1, 5..20);
        check("case x in a) b;; *) c;; esac; d", 1, 20..40);
        check(&"case x in x) ".repeat(12), 12, 4096..100_000);
        check(&"( ".repeat(20), 20, 1 << 19..1 << 22);
    }
}
