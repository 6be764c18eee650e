//! Shell patterns on known text: `*`, `?`, `[…]`.

/// Whether the whole of `text` matches `pattern`, in which `\` takes the meaning off the next character.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    // Nearly every pattern of a table differs from a text in its first characters.
    let alike = pattern.bytes().zip(text.bytes()).take_while(|(p, t)| p == t && !is_special(*p)).count();
    match pattern.as_bytes().get(alike) {
        None => return text.len() == alike,
        Some(byte) if !is_special(*byte) => return false,
        Some(_) => {}
    }
    let (mut pattern, mut text) = (&pattern[alike..], &text[alike..]);
    if let Some(end) = pattern.strip_prefix('*').filter(|end| !is_pattern(end)) {
        return text.ends_with(end);
    }
    // What stands behind the last `*`, and where in the text it was tried last.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        if let Some(behind) = pattern.strip_prefix('*') {
            if behind.is_empty() {
                return true;
            }
            retry = Some((behind, text));
            pattern = behind;
        } else if pattern.is_empty() && text.is_empty() {
            return true;
        } else if let Some((pattern_rest, text_rest)) = step(pattern, text) {
            (pattern, text) = (pattern_rest, text_rest);
        } else if let Some((behind, from)) = retry
            && let Some(c) = from.chars().next()
        {
            let next = &from[c.len_utf8()..];
            retry = Some((behind, next));
            (pattern, text) = (behind, next);
        } else {
            return false;
        }
    }
}

/// Whether `text` may match something that is not the same text.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    text.bytes().any(is_special)
}

/// Whether a byte may mean something else than itself.
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b'\\')
}

/// What is left of both when the first element of the pattern matches the first character.
fn step<'p, 't>(pattern: &'p str, text: &'t str) -> Option<(&'p str, &'t str)> {
    let mut chars = text.chars();
    let c = chars.next()?;
    one(pattern, c).map(|rest| (rest, chars.as_str()))
}

/// What is left of the pattern when its first element matches `c`.
fn one(pattern: &str, c: char) -> Option<&str> {
    let mut chars = pattern.chars();
    match chars.next()? {
        '?' => Some(chars.as_str()),
        '\\' => (chars.next() == Some(c)).then_some(chars.as_str()),
        '[' => match class(chars.as_str(), c) {
            Some((true, rest)) => Some(rest),
            Some((false, _)) => None,
            None => (c == '[').then_some(chars.as_str()),
        },
        p => (p == c).then_some(chars.as_str()),
    }
}

/// Whether the bracket expression whose inside starts `pattern` has `c`, and what follows it.
fn class(pattern: &str, c: char) -> Option<(bool, &str)> {
    let negated = pattern.starts_with(['!', '^']);
    let mut rest = &pattern[usize::from(negated)..];
    let mut found = false;
    let mut first = true;
    loop {
        let mut chars = rest.chars();
        let low = chars.next()?;
        let after = chars.as_str();
        if low == ']' && !first {
            return Some((found != negated, after));
        }
        first = false;
        if low == '['
            && let Some(name) = after.strip_prefix(':')
        {
            let end = name.find(":]")?;
            found |= named(&name[..end], c);
            rest = &name[end + 2..];
            continue;
        }
        match after.strip_prefix('-').and_then(|high| high.chars().next()).filter(|high| *high != ']') {
            Some(high) => {
                found |= low <= c && c <= high;
                rest = &after[1 + high.len_utf8()..];
            }
            None => {
                found |= low == c;
                rest = after;
            }
        }
    }
}

fn named(class: &str, c: char) -> bool {
    match class {
        "alpha" => c.is_alphabetic(),
        "digit" => c.is_ascii_digit(),
        "alnum" => c.is_alphanumeric(),
        "lower" => c.is_lowercase(),
        "upper" => c.is_uppercase(),
        "space" | "blank" => c.is_whitespace(),
        "punct" => c.is_ascii_punctuation(),
        _ => true,
    }
}

/// Ends of a text that are tried, at most.
const MAX_CUTS: usize = 512;

/// Removes the shortest or longest prefix of `text` that matches.
pub(super) fn remove_prefix<'a>(text: &'a str, pattern: &str, largest: bool) -> &'a str {
    let mut cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    if largest {
        cuts.reverse();
    }
    cuts.into_iter().take(MAX_CUTS).find(|at| matches(pattern, &text[..*at])).map_or(text, |at| &text[at..])
}

/// Removes the shortest or longest suffix of `text` that matches.
pub(super) fn remove_suffix<'a>(text: &'a str, pattern: &str, largest: bool) -> &'a str {
    let mut cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    if !largest {
        cuts.reverse();
    }
    cuts.into_iter().take(MAX_CUTS).find(|at| matches(pattern, &text[*at..])).map_or(text, |at| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        let check =
            |pattern, text, expected| assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        check("*", "", true);
        check("/u*", "/usr", true);
        check("/[be]*", "/etc", true);
        check("/[!be]*", "/etc", false);
        check("?sr", "usr", true);
        check("*.log", "a.log.1", false);
        check("a*b*c", "aXXbYYc", true);
        check("[[:lower:]]tc", "etc", true);
        check("\\*", "*", true);
        check("*", "x", true);
        check("**x", "aax", true);
        check("a\\", "a", false);
        check("[a", "[a", true);
        check("[]x]", "]", true);
        check("[!a-c]ä*", "dä", true);
        check("aé*", "aè", false);
        check("é", "è", false);
        check("*é", "xé", true);
        check("a*b", "ab", true);
        check("ab*b", "ab", false);
    }

    #[test]
    fn ends_are_removed_as_in_a_shell() {
        assert_eq!(remove_suffix("a.b.c", ".*", false), "a.b");
        assert_eq!(remove_suffix("a.b.c", ".*", true), "a");
        assert_eq!(remove_prefix("/a/b", "*/", true), "b");
    }
}
