//! Commands written as one text. Without a shell, the text is split at blanks before anything is
//! filled in, so that no value can ever become a second argument or another command (D34).

use super::document::{Item, Text, Value, place};
use crate::model::Finding;
use std::ops::Range;

/// What a shell would read as more than a word.
const SHELL: &[char] = &[
    ';', '|', '&', '<', '>', '(', ')', '$', '`', '\\', '"', '\'', '*', '?', '[', ']', '{', '}', '~', '#',
    '!', '\n',
];

/// An attribute that holds commands, with every text in it split into a list of words.
pub(super) fn split_all(item: &Item, file: &str, findings: &mut Vec<Finding>) -> Item {
    let value = match &item.value {
        Value::Text(text) => return split(text, &item.span, file, findings),
        // A list with a list in it is a list of commands; any other list is one command.
        Value::List(items) if items.iter().any(|item| matches!(item.value, Value::List(_))) => {
            Value::List(items.iter().map(|item| split_all(item, file, findings)).collect())
        }
        other => other.clone(),
    };
    Item { value, span: item.span.clone() }
}

/// The words of one command, or its one expression, whose value must then be a list.
pub(super) fn split(text: &Text, span: &Range<usize>, file: &str, findings: &mut Vec<Finding>) -> Item {
    let whole = |value| Item { value, span: span.clone() };
    let at =
        |from: usize, to: usize| text.exact.map_or_else(|| span.clone(), |start| start + from..start + to);
    if text.text.contains("{%") || text.text.contains("{#") {
        let message = "a command without a shell is words and `{{ … }}`";
        let finding = Finding::error("shell-characters", message, place(file, span));
        findings.push(finding.instead("write it as a list, one element for each argument"));
        return whole(Value::Broken);
    }
    let Some(ranges) = words(&text.text) else {
        let finding = Finding::error("template-error", "this `{{` has no `}}`", place(file, span));
        findings.push(finding);
        return whole(Value::Broken);
    };
    let before = findings.len();
    for (from, c) in outside(&text.text).filter(|(_, c)| SHELL.contains(c)) {
        let message = format!("`{}` means something only to a shell, and none runs here", c.escape_default());
        let finding =
            Finding::error("shell-characters", message, place(file, &at(from, from + c.len_utf8())));
        findings.push(finding.instead("write the command as a list, or set `provider = \"shell\"`"));
    }
    if findings.len() > before {
        return whole(Value::Broken);
    }
    let word = |range: &Range<usize>| Item {
        value: Value::Text(Text {
            text: text.text[range.clone()].to_owned(),
            exact: text.exact.map(|start| start + range.start),
        }),
        span: at(range.start, range.end),
    };
    match ranges.as_slice() {
        [one] if text.text[one.clone()].starts_with("{{") && text.text[one.clone()].ends_with("}}") => {
            word(one)
        }
        ranges => whole(Value::List(ranges.iter().map(word).collect())),
    }
}

/// The characters outside `{{ … }}`.
fn outside(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut inside = false;
    let mut skip = 0;
    text.char_indices().filter(move |(at, _)| {
        if *at < skip {
            return false;
        }
        if !inside && text[*at..].starts_with("{{") {
            inside = true;
        } else if inside && text[*at..].starts_with("}}") {
            (inside, skip) = (false, *at + 2);
            return false;
        }
        !inside
    })
}

/// The words between blanks, where `{{ … }}` may hold blanks; `None` when one is not closed.
fn words(text: &str) -> Option<Vec<Range<usize>>> {
    let (mut words, mut start, mut at) = (Vec::new(), None, 0);
    while let Some(c) = text[at..].chars().next() {
        if text[at..].starts_with("{{") {
            start.get_or_insert(at);
            at += text[at..].find("}}")? + 2;
        } else if matches!(c, ' ' | '\t') {
            words.extend(start.take().map(|from| from..at));
            at += c.len_utf8();
        } else {
            start.get_or_insert(at);
            at += c.len_utf8();
        }
    }
    words.extend(start.map(|from| from..at));
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let mut findings = Vec::new();
        let given = Text { text: text.to_owned(), exact: Some(100) };
        let item = split(&given, &(99..101 + text.len()), "m", &mut findings);
        let got: Vec<String> = match &item.value {
            Value::List(items) => {
                items.iter().map(|item| text[item.span.start - 100..item.span.end - 100].to_owned()).collect()
            }
            Value::Text(one) => vec![format!("whole {}", one.text)],
            _ => {
                findings.iter().map(|f| format!("{}@{}", f.rule, f.place.start.saturating_sub(100))).collect()
            }
        };
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn text_is_split_before_it_is_filled_in() {
        check("/bin/echo  a b", &["/bin/echo", "a", "b"]);
        check("/bin/x --n={{ a b }} {{ c }}", &["/bin/x", "--n={{ a b }}", "{{ c }}"]);
        check("{{ command }}", &["whole {{ command }}"]);
        check("{{ a }} {{ b }}", &["{{ a }}", "{{ b }}"]);
    }

    #[test]
    fn d34_what_only_a_shell_understands_is_told_character_by_character() {
        check("/bin/a; /bin/b", &["shell-characters@6"]);
        check("/bin/a > x | y", &["shell-characters@7", "shell-characters@11"]);
        check("/bin/a $(b)", &["shell-characters@7", "shell-characters@8", "shell-characters@10"]);
        check("/bin/a {{ x | join(';') }}", &["/bin/a", "{{ x | join(';') }}"]);
        check("/bin/a {% if x %}", &["shell-characters@0"]);
    }
}
