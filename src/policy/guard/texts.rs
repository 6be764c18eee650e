//! Commands inside other text: behind `!` or `|`, behind `=` or `:`, in quotes, in the parentheses of a call.

/// Words that hand what follows them to a shell, in the languages of many tools.
const INTRODUCED_BY: [&str; 17] = [
    "shell",
    "sh",
    "system",
    "run",
    "exec",
    "execute",
    "silent",
    "call",
    "command",
    "local",
    "source",
    "e",
    "platform",
    "ProxyCommand",
    "LocalCommand",
    "RemoteCommand",
    "cmd",
];

/// The places in `text` where a command may stand: one text for a shell, or the words of a vector.
pub(super) fn commands(text: &str) -> impl Iterator<Item = Vec<&str>> {
    starts(text).into_iter().filter_map(move |(at, opener)| {
        let inside = &text[at..end(text, at, opener)];
        let code = inside.trim().trim_end_matches(['\\', ';']);
        if code.is_empty() {
            return None;
        }
        let quoted = matches!(opener, Some('"' | '\'')) && !code.contains(char::is_whitespace);
        Some(if quoted { vector(text, at) } else { vec![code] })
    })
}

/// Where a command may start, and the character that opens it.
fn starts(text: &str) -> Vec<(usize, Option<char>)> {
    let mut found = Vec::new();
    let mut opener = None;
    let mut fresh = true;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            if c == '\n' {
                (fresh, opener) = (true, None);
            }
        } else if !is_word(c) {
            (fresh, opener) = (true, Some(c));
        } else if fresh {
            found.push((at, opener));
            let word = &text[at..at + text[at..].find(|c| !is_word(c)).unwrap_or(text.len() - at)];
            at += word.len();
            // `-c'rm …'`, `+shell rm …`, `1e rm …`, `- shell: rm …`
            let bare = word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.'));
            fresh = introduces(bare) || (bare.len() < 2 && word.starts_with('-'));
            continue;
        }
        at += c.len_utf8();
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')
}

/// Whether a word hands what follows it to a shell.
pub(super) fn introduces(word: &str) -> bool {
    INTRODUCED_BY.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Where a command ends that starts at `from` behind `opener`.
fn end(text: &str, from: usize, opener: Option<char>) -> usize {
    let rest = &text[from..];
    let line = rest.find('\n').unwrap_or(rest.len());
    let closing = match opener {
        None => Some(line),
        Some(quote @ ('"' | '\'' | '`')) => rest.find(quote),
        Some('(' | '{' | '[') => unbalanced(rest),
        Some(_) => unbalanced(&rest[..line]),
    };
    from + closing.unwrap_or(line)
}

/// Where the first bracket closes that `text` does not open.
fn unbalanced(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' if depth == 0 => return Some(at),
            ')' | '}' | ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The strings of a list whose first starts at `at`: `"rm", "-rf", "/usr"`.
fn vector(text: &str, at: usize) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.get(at - 1..).unwrap_or("");
    while let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let Some(length) = rest[1..].find(quote) else { break };
        words.push(&rest[1..=length]);
        rest = rest[length + 2..].trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        while let Some(after) = rest.strip_prefix("nil").or_else(|| rest.strip_prefix("- ")) {
            rest = after.trim_start();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = super::commands(text).map(|words| words.join(" ")).collect();
        for wanted in expected {
            assert!(found.iter().any(|f| f == wanted), "{wanted:?} in {text:?}: {found:?}");
        }
    }

    #[test]
    fn commands_are_found_where_tools_put_them() {
        check("rm -rf /usr", &["rm -rf /usr"]);
        check(":!rm -rf /usr", &["rm -rf /usr"]);
        check("| rm -rf /usr", &["rm -rf /usr"]);
        check("shell rm -rf /usr", &["rm -rf /usr"]);
        check("ProxyCommand=rm -rf /usr", &["rm -rf /usr"]);
        check("call system(\"rm -rf /usr\")", &["rm -rf /usr"]);
        check("os.execute('rm -rf /usr') x", &["rm -rf /usr"]);
        check("(call-process \"rm\" nil nil nil \"-rf\" \"/usr\")", &["rm -rf /usr"]);
        check("['rm','-rf','/usr']", &["rm -rf /usr"]);
        check("ext::sh -c x", &["sh -c x"]);
        check("EXEC:rm -rf /usr", &["rm -rf /usr"]);
        check("\\write18{rm -rf /usr}\\end", &["rm -rf /usr"]);
        check("(%pipe%rm -rf /usr) (w) file", &["rm -rf /usr"]);
        check("a: b\nquit\n!rm -rf /usr\n", &["rm -rf /usr"]);
        check("- shell: rm -rf /usr", &["rm -rf /usr"]);
    }
}
