//! What functions and methods return that scripts put constants and names of files together with.

use super::language::Returns;
use super::values::{Values, globbed, joined};
use super::{decoding, disguise};
use crate::shell::{Source, Value};

/// What a call of a function that returns `what` returns.
pub(super) fn result(what: Option<Returns>, receiver: Option<&Values>, arguments: &[Values]) -> Values {
    let all: Vec<Values> = receiver.into_iter().chain(arguments).cloned().collect();
    let first = all.first().cloned().unwrap_or_default();
    let Some(what) = what else { return remote(&all) };
    match what {
        Returns::First => first,
        Returns::More => first.with(Values::of_list(arguments.to_vec())),
        Returns::List => Values::of_list(arguments.to_vec()),
        Returns::Characters => disguise::characters(&all).unwrap_or(first),
        Returns::Mapped => {
            let chr = arguments.first().and_then(|f| f.name.as_deref()) == Some("chr");
            let list = arguments.last().filter(|_| chr);
            list.and_then(|l| disguise::each_character(&l.items)).unwrap_or_else(Values::unknown)
        }
        Returns::Coded => disguise::coded(&first, all.get(1..).and_then(<[Values]>::last)),
        Returns::Base64 | Returns::Base32 | Returns::Hex | Returns::Rot13 | Returns::Url => {
            first.map(|text| decoding::decode(what, text))
        }
        Returns::Joined | Returns::Spaced | Returns::Strung => strung(what, receiver, arguments),
        Returns::Path => path(&all),
        Returns::Reversed => reversed(&first),
        Returns::Format => disguise::formatted(&first, &flat(all.get(1..).unwrap_or_default())),
        Returns::Replaced => replaced(receiver, arguments),
        Returns::Lower => first.map(|text| Some(text.to_lowercase())),
        Returns::Upper => first.map(|text| Some(text.to_uppercase())),
        Returns::Matches | Returns::Below | Returns::Names => names(what, receiver, arguments),
        Returns::Elements => Values { list: true, ..first },
        Returns::Words => match (receiver.or(arguments.last()), first.list) {
            (Some(text), false) => words(text),
            _ => first,
        },
        Returns::Content => read(&first),
        Returns::Module => {
            let module = first.text().unwrap_or("").trim_start_matches("node:").to_owned();
            Values::unknown().named(module)
        }
    }
}

/// Something unknown; from the network where one of its parts is.
fn remote(parts: &[Values]) -> Values {
    let found = parts.iter().find_map(|v| v.items.iter().find(|v| v.has(Source::Remote)));
    found.map_or_else(Values::unknown, |v| Values::one(v.clone()))
}

pub(super) fn flat(arguments: &[Values]) -> Vec<Value> {
    arguments.iter().flat_map(|a| a.items.clone()).collect()
}

/// What a file contains is not known; a name stays one, and so does what came over the network.
fn read(path: &Values) -> Values {
    match path.text() {
        _ if path.items.iter().any(|v| v.has(Source::Remote) || v.has(Source::Input)) => path.clone(),
        Some(text) if text.contains("://") => Values::one(Value::dynamic(Source::Remote, true)),
        Some(_) => Values::one(Value::dynamic(Source::File, true)),
        None => path.clone(),
    }
}

/// `' '.join(list)`, `list.join(' ')`, `join(' ', list)`, `paste0(…)`, `"a".concat("b")`.
fn strung(how: Returns, receiver: Option<&Values>, arguments: &[Values]) -> Values {
    let all = |from: &[Values]| Values { items: flat(from), list: true, name: None };
    let blank = Value::default();
    let text = match (receiver, arguments) {
        (Some(list), [separator]) if list.list => list.join(separator.items.first().unwrap_or(&blank)),
        (Some(list), []) => list.join(&blank),
        (Some(separator), rest) if how == Returns::Joined => {
            all(rest).join(separator.items.first().unwrap_or(&blank))
        }
        (Some(first), rest) => all(&[std::slice::from_ref(first), rest].concat()).join(&blank),
        (None, [separator, rest @ ..]) if how == Returns::Joined => {
            all(rest).join(separator.items.first().unwrap_or(&blank))
        }
        (None, rest) => all(rest).join(&Value::text(if how == Returns::Spaced { " " } else { "" })),
    };
    Values::one(text)
}

/// The parts of a path joined.
fn path(parts: &[Values]) -> Values {
    let mut whole = Values::default();
    for part in parts {
        whole = match whole.items.is_empty() {
            true => part.clone().elements(),
            false => joined(joined(whole, Values::one(Value::text("/"))), part.clone().elements()),
        };
    }
    whole
}

/// The names in a directory, or those that match a pattern.
fn names(how: Returns, receiver: Option<&Values>, arguments: &[Values]) -> Values {
    let pattern = |v: &Value| v.literal().map_or_else(|| v.clone(), globbed);
    let any = Values::one(globbed("*"));
    let mut found = match (how, receiver.or(arguments.first())) {
        (Returns::Matches, _) => {
            let patterns = flat(arguments).iter().map(pattern).collect();
            let patterns = Values { items: patterns, ..Values::default() };
            path(&[receiver.cloned().unwrap_or_default(), patterns])
        }
        (Returns::Below, Some(directory)) => path(&[directory.clone(), any]),
        _ => any,
    };
    found.list = true;
    found
}

/// The words of a text, as a list.
fn words(text: &Values) -> Values {
    match text.text() {
        Some(text) => {
            Values { items: text.split_whitespace().map(Value::text).collect(), list: true, name: None }
        }
        None => text.clone(),
    }
}

/// The text backwards; a list from its end.
pub(super) fn reversed(value: &Values) -> Values {
    if value.list {
        let items = value.items.iter().rev().cloned().collect();
        return Values { items, list: true, name: None };
    }
    value.map(|text| Some(text.chars().rev().collect()))
}

fn replaced(receiver: Option<&Values>, arguments: &[Values]) -> Values {
    let (subject, from, to) = match (receiver, arguments) {
        (Some(subject), [from, to, ..]) => (subject, from, to),
        (None, [from, to, subject]) => (subject, from, to),
        _ => return Values::unknown(),
    };
    match (from.text(), to.text()) {
        (Some(from), Some(to)) if !from.is_empty() => subject.map(|text| Some(text.replace(from, to))),
        _ => Values::unknown(),
    }
}
