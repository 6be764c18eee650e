//! The text of a JSON file: setting and removing one value, everything else left as it is written. No I/O.

use serde_json::Value;
use std::ops::Range;

/// Why a text cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// It is no JSON.
    #[error("the file is no JSON: {0}")]
    Form(String),
    /// A name on the way leads to something that is no object.
    #[error("`{0}` is no object, so nothing can be in it")]
    NoObject(String),
    /// A name is there twice, and readers differ in which they take.
    #[error("`{0}` is there twice")]
    Twice(String),
}

/// The value at `key` as it is written.
pub(super) fn find<'t>(text: &'t str, key: &[String]) -> Result<Option<&'t str>, Fault> {
    parsed(text)?;
    let mut at = whole(text);
    for name in key {
        match members(text, &at, name)?.iter().find(|member| member.name == *name) {
            Some(member) => at = member.value.clone(),
            None => return Ok(None),
        }
    }
    Ok(Some(&text[at]))
}

/// The text with `value`, which is JSON, at `key`.
pub(super) fn set(text: &str, key: &[String], value: &str) -> Result<String, Fault> {
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    parsed(text)?;
    let mut at = whole(text);
    for (depth, name) in key.iter().enumerate() {
        let members = members(text, &at, name)?;
        let Some(member) = members.iter().find(|member| member.name == *name) else {
            return Ok(added(text, &at, &members, (&key[depth..], value)));
        };
        at = member.value.clone();
    }
    Ok(format!("{}{value}{}", &text[..at.start], &text[at.end..]))
}

/// The text without what is at `key`.
pub(super) fn remove(text: &str, key: &[String]) -> Result<String, Fault> {
    let Some((last, folders)) = key.split_last() else { return Ok(text.to_owned()) };
    let mut at = whole(text);
    for name in folders {
        match members(text, &at, name)?.iter().find(|member| member.name == *name) {
            Some(member) => at = member.value.clone(),
            None => return Ok(text.to_owned()),
        }
    }
    let members = members(text, &at, last)?;
    let Some(index) = members.iter().position(|member| member.name == *last) else {
        return Ok(text.to_owned());
    };
    let gone = match (index.checked_sub(1).map(|before| &members[before]), members.get(index + 1)) {
        (_, Some(next)) => members[index].key.start..next.key.start,
        (Some(before), None) => before.value.end..members[index].value.end,
        (None, None) => at.start + 1..at.end - 1,
    };
    Ok(format!("{}{}", &text[..gone.start], &text[gone.end..]))
}

fn parsed(text: &str) -> Result<Value, Fault> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    serde_json::from_str(text).map_err(|error| Fault::Form(error.to_string()))
}

/// A member of an object and where it stands.
struct Member {
    name: String,
    key: Range<usize>,
    value: Range<usize>,
}

fn whole(text: &str) -> Range<usize> {
    text.len() - text.trim_start().len()..text.trim_end().len()
}

/// The members of the object at `at`, where `wanted` must not be twice. The text is JSON.
fn members(text: &str, at: &Range<usize>, wanted: &str) -> Result<Vec<Member>, Fault> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    if !text[at.clone()].starts_with('{') {
        return Err(Fault::NoObject(text[at.clone()].chars().take(40).collect()));
    }
    let mut found: Vec<Member> = Vec::new();
    let mut position = blanks(text, at.start + 1);
    while position < at.end - 1 {
        let key = position..string_end(text, position);
        let colon = blanks(text, key.end);
        let start = blanks(text, colon + 1);
        let value = start..value_end(text, start);
        let name = serde_json::from_str::<String>(&text[key.clone()]).unwrap_or_default();
        if name == wanted && found.iter().any(|member| member.name == name) {
            return Err(Fault::Twice(name));
        }
        position = blanks(text, value.end);
        if text[position..].starts_with(',') {
            position = blanks(text, position + 1);
        }
        found.push(Member { name, key, value });
    }
    Ok(found)
}

fn blanks(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches([' ', '\t', '\n', '\r']).len()
}

fn string_end(text: &str, at: usize) -> usize {
    let mut escaped = false;
    for (offset, c) in text[at..].char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + offset + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

fn value_end(text: &str, at: usize) -> usize {
    let (mut position, mut depth) = (at, 0_usize);
    while let Some(c) = text[position..].chars().next() {
        match c {
            '"' => {
                position = string_end(text, position);
                if depth == 0 {
                    return position;
                }
                continue;
            }
            '{' | '[' => depth += 1,
            '}' | ']' if depth == 0 => return position,
            '}' | ']' => {
                depth -= 1;
                if depth == 0 {
                    return position + 1;
                }
            }
            ',' | ' ' | '\t' | '\n' | '\r' if depth == 0 => return position,
            _ => {}
        }
        position += c.len_utf8();
    }
    position
}

/// The text with a new member in the object at `at`, in the form that its neighbours have.
fn added(text: &str, at: &Range<usize>, members: &[Member], (names, value): (&[String], &str)) -> String {
    let indent_at = |position: usize| {
        let line = text[..position].rfind('\n').map_or(0, |at| at + 1);
        let rest = &text[line..position];
        rest[..rest.len() - rest.trim_start().len()].to_owned()
    };
    let outer = indent_at(at.start);
    let lines =
        members.first().map_or(at.start == whole(text).start, |m| text[at.start..m.key.start].contains('\n'));
    let inner = match members.first() {
        Some(first) if lines => indent_at(first.key.start),
        _ => format!("{outer}{}", step(text)),
    };
    let unit = inner.strip_prefix(&outer).filter(|unit| !unit.is_empty()).unwrap_or("  ").to_owned();
    let member = nested(names, value, lines.then_some((inner.as_str(), unit.as_str())));
    let before = members.last().map_or(at.start + 1, |last| last.value.end);
    let comma = if members.is_empty() { "" } else { "," };
    let (open, close) = match (lines, members.is_empty()) {
        (true, true) => (format!("\n{inner}"), format!("\n{outer}")),
        (true, false) => (format!("\n{inner}"), String::new()),
        (false, true) => (String::new(), String::new()),
        (false, false) => (" ".to_owned(), String::new()),
    };
    // An empty object may have blanks in it.
    let after = if members.is_empty() { at.end - 1 } else { before };
    format!("{}{comma}{open}{member}{close}{}", &text[..before], &text[after..])
}

/// How far the text indents, by its first indented line.
fn step(text: &str) -> &str {
    let indented = text.lines().find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
    indented.map_or("  ", |line| &line[..line.len() - line.trim_start().len()])
}

/// `"a": {"b": value}`, over several lines where an indent is given.
fn nested(names: &[String], value: &str, indent: Option<(&str, &str)>) -> String {
    let Some((name, rest)) = names.split_first() else { return value.to_owned() };
    let key = Value::from(name.as_str());
    if rest.is_empty() {
        return format!("{key}: {value}");
    }
    match indent {
        Some((indent, unit)) => {
            let deeper = format!("{indent}{unit}");
            let inner = nested(rest, value, Some((&deeper, unit)));
            format!("{key}: {{\n{deeper}{inner}\n{indent}}}")
        }
        None => format!("{key}: {{{}}}", nested(rest, value, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(names: &str) -> Vec<String> {
        names.split('.').map(str::to_owned).collect()
    }

    fn check(text: &str, names: &str, value: &str, expected: &str) {
        let set = set(text, &key(names), value).unwrap();
        assert_eq!(set, expected);
        assert_eq!(find(&set, &key(names)), Ok(Some(value)), "{set}");
    }

    #[test]
    fn a_value_is_set_where_it_belongs_and_nothing_else_moves() {
        check(
            "{\n    \"b\": 1,\n    \"a\": [1, 2]\n}\n",
            "b",
            "2",
            "{\n    \"b\": 2,\n    \"a\": [1, 2]\n}\n",
        );
        check("{\n    \"b\": 1\n}\n", "c", "\"x\"", "{\n    \"b\": 1,\n    \"c\": \"x\"\n}\n");
        check("{\"b\": 1}", "c", "2", "{\"b\": 1, \"c\": 2}");
        check("{}\n", "a.b", "2", "{\n  \"a\": {\n    \"b\": 2\n  }\n}\n");
        check("", "a", "2", "{\n  \"a\": 2\n}\n");
        check("{\n\t\"a\": {}\n}", "a.b", "true", "{\n\t\"a\": {\"b\": true}\n}");
        check(
            "{ \"x,}\\\"\": \"]\", \"a\":{\"b\":null} }",
            "a.b",
            "0",
            "{ \"x,}\\\"\": \"]\", \"a\":{\"b\":0} }",
        );
    }

    #[test]
    fn a_value_is_removed_with_its_comma() {
        let gone = |text: &str, names: &str| remove(text, &key(names)).unwrap();
        assert_eq!(gone("{\n  \"a\": 1,\n  \"b\": 2\n}", "a"), "{\n  \"b\": 2\n}");
        assert_eq!(gone("{\n  \"a\": 1,\n  \"b\": 2\n}", "b"), "{\n  \"a\": 1\n}");
        assert_eq!(gone("{\"a\": {\"b\": 1}}", "a.b"), "{\"a\": {}}");
        assert_eq!(gone("{\"a\": 1}", "b.c"), "{\"a\": 1}");
    }

    #[test]
    fn what_cannot_be_changed_safely_is_refused() {
        assert_eq!(set("{\"a\": 1}", &key("a.b"), "1"), Err(Fault::NoObject("1".into())));
        assert_eq!(set("{\"a\": 1, \"a\": 2}", &key("a"), "1"), Err(Fault::Twice("a".into())));
        assert!(matches!(set("{\"a\": 1 // x\n}", &key("a"), "1"), Err(Fault::Form(_))));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-d\"\\\\ {},:]{1,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn setting_and_removing_is_what_the_parsed_document_says(
            members in prop::collection::btree_map("[a-c]{1,2}", value(), 0..4),
            names in prop::collection::vec("[a-c]{1,2}", 1..3),
            new in value(),
            pretty in any::<bool>(),
        ) {
            let mut document = Value::Object(members.into_iter().collect());
            let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) }.unwrap();
            if let Ok(changed) = set(&text, &names, &new.to_string()) {
                let mut at = &mut document;
                for name in &names {
                    at = at.as_object_mut().unwrap().entry(name.clone()).or_insert_with(|| Value::Object(Default::default()));
                }
                *at = new;
                prop_assert_eq!(serde_json::from_str::<Value>(&changed).unwrap(), document.clone());
                let gone = remove(&changed, &names).unwrap();
                let (last, folders) = names.split_last().unwrap();
                let mut at = &mut document;
                for name in folders {
                    at = &mut at[name.as_str()];
                }
                at.as_object_mut().unwrap().remove(last);
                prop_assert_eq!(serde_json::from_str::<Value>(&gone).unwrap(), document);
            }
        }
    }
}
