//! Shell patterns on known text: `*`, `?`, `[…]`.

/// Whether the whole of `text` matches `pattern`, in which `\` takes the meaning off the next character.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?', '[', '\\']) {
        return pattern == text;
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() || p < pattern.len() {
        if pattern.get(p) == Some(&'*') {
            retry = Some((p, t));
            p += 1;
            continue;
        }
        if t < text.len()
            && let Some(length) = one(&pattern[p.min(pattern.len())..], text[t])
        {
            p += length;
            t += 1;
            continue;
        }
        match retry {
            Some((star, from)) if from < text.len() => {
                retry = Some((star, from + 1));
                (p, t) = (star + 1, from + 1);
            }
            _ => return false,
        }
    }
    true
}

/// Characters of the pattern that match `c`, if its first element does.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '\\' => (pattern.get(1) == Some(&c)).then_some(2),
        '[' => match class(pattern, c) {
            Some((true, length)) => Some(length),
            Some((false, _)) => None,
            None => (c == '[').then_some(1),
        },
        p => (*p == c).then_some(1),
    }
}

/// Whether the bracket expression that starts `pattern` has `c`, and how long it is.
fn class(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let first = if negated { 2 } else { 1 };
    let mut at = first;
    let mut found = false;
    loop {
        match pattern.get(at)? {
            ']' if at > first => return Some((found != negated, at + 1)),
            '[' if pattern.get(at + 1) == Some(&':') => {
                let end = (at + 2..pattern.len())
                    .find(|i| pattern[*i] == ':' && pattern.get(i + 1) == Some(&']'))?;
                found |= named(&pattern[at + 2..end].iter().collect::<String>(), c);
                at = end + 2;
            }
            &low => {
                let range =
                    pattern.get(at + 1) == Some(&'-') && pattern.get(at + 2).is_some_and(|h| *h != ']');
                let high = if range { pattern[at + 2] } else { low };
                found |= low <= c && c <= high;
                at += if range { 3 } else { 1 };
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
    }

    #[test]
    fn ends_are_removed_as_in_a_shell() {
        assert_eq!(remove_suffix("a.b.c", ".*", false), "a.b");
        assert_eq!(remove_suffix("a.b.c", ".*", true), "a");
        assert_eq!(remove_prefix("/a/b", "*/", true), "b");
    }
}
