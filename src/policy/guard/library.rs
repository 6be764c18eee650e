//! What the few functions and methods do that disguise a constant in a script.

use super::values::{Values, globbed, joined};
use crate::shell::{Source, Value};

/// Characters or elements that a constant may be repeated to before it counts as a use of memory.
const TOO_MUCH: f64 = 4e9;
/// Characters that a repeated constant is computed up to.
const COMPUTED: f64 = 4096.0;

/// What a call returns.
pub(super) fn result(name: &str, receiver: Option<&Values>, arguments: &[Values]) -> Values {
    let last = name.rsplit('.').next().unwrap_or(name).trim_end_matches(['!', '?']);
    let all = || receiver.into_iter().chain(arguments);
    let first = receiver.or(arguments.first()).cloned().unwrap_or_default();
    if let Some(decoded) = decoded(last, &first, arguments.last().filter(|_| all().count() > 1)) {
        return decoded;
    }
    match last {
        "chr" | "fromCharCode" | "char" | "pack" | "bytes" | "bytearray" | "fromCodePoint" | "Char" => {
            characters(arguments.iter().chain(receiver).flat_map(|a| &a.items)).unwrap_or(first)
        }
        "map" | "array_map" => {
            let chr = arguments.first().and_then(|f| f.name.as_deref()) == Some("chr");
            let list = arguments.last().filter(|_| chr);
            list.and_then(|l| each_character(&l.items)).unwrap_or_else(Values::unknown)
        }
        "join" | "implode" | "paste" | "paste0" | "concat" | "append" if all().count() > 0 => {
            if matches!(name, "path.join" | "File.join" | "posixpath.join") || name.ends_with("path.join") {
                return path(arguments);
            }
            strung(last, receiver, arguments)
        }
        "c" | "array" => Values::of_list(arguments.to_vec()),
        "joinpath" => path(&all().cloned().collect::<Vec<_>>()),
        "reverse" | "strrev" | "reversed" => reversed(&first),
        "format" | "sprintf" => match receiver {
            Some(format) => formatted(format, &flat(arguments)),
            None => formatted(&first, &flat(arguments.get(1..).unwrap_or_default())),
        },
        "replace" | "gsub" | "str_replace" | "sub" | "replaceAll" => replaced(receiver, arguments),
        "lower" | "downcase" | "toLowerCase" | "lc" | "strtolower" => first.map(|t| Some(t.to_lowercase())),
        "upper" | "upcase" | "toUpperCase" | "uc" | "strtoupper" => first.map(|t| Some(t.to_uppercase())),
        "glob"
        | "iglob"
        | "rglob"
        | "Dir"
        | "walk"
        | "listdir"
        | "readdirSync"
        | "scandir"
        | "iterdir"
        | "children"
        | "entries"
        | "readdir"
        | "find"
        | "each_child"
        | "list_dir"
        | "globSync"
        | "DirectoryIterator"
        | "RecursiveDirectoryIterator"
        | "FilesystemIterator"
        | "GlobIterator"
        | "ReadDir"
        | "read_dir" => names(last, receiver, arguments),
        "split" | "explode" | "shlex" => match (receiver.or(arguments.last()), first.list) {
            (Some(text), false) => words(text),
            _ => first,
        },
        "read" | "read_text" | "read_bytes" | "readFileSync" | "file_get_contents" | "slurp"
        | "readlines" | "binread" | "readfile"
            if !first.items.iter().any(|v| v.has(Source::Remote))
                && !first.items.iter().any(|v| v.has(Source::Input)) =>
        {
            read(&first)
        }
        "__import__" | "import_module" | "require" | "import" | "CDLL" | "getRuntime" | "binding" => {
            let module = first.text().unwrap_or("").trim_start_matches("node:").to_owned();
            Values::unknown().named(module)
        }
        "str"
        | "Path"
        | "PosixPath"
        | "PurePath"
        | "Pathname"
        | "list"
        | "tuple"
        | "String"
        | "abspath"
        | "expanduser"
        | "resolve"
        | "trim"
        | "strip"
        | "chomp"
        | "toString"
        | "to_s"
        | "encode"
        | "decode"
        | "text"
        | "each"
        | "to_a"
        | "sorted"
        | "set"
        | "realpath"
        | "as_posix"
        | "Array"
        | "from"
        | "b"
        | "freeze"
        | "ProcessBuilder"
        | "stringToProcess"
        | "Process"
        | "open"
        | "fopen"
        | "File"
        | "shlex.split"
        | "path"
        | "then"
        | "forEach"
        | "loads"
        | "compile"
        | "sort"
        | "filter"
        | "bytes.decode"
        | "read"
        | "readlines"
        | "getInputStream"
        | "body"
        | "content"
        | "raw"
        | "toAbsolutePath"
        | "new"
        | "glob.escape"
        | "RecursiveIteratorIterator"
        | "IteratorIterator" => first,
        // `Command::new("rm").arg("-rf").args(["/etc"])`
        "arg" | "args" => receiver.cloned().unwrap_or_default().with(Values::of_list(arguments.to_vec())),
        _ => remote(all()),
    }
}

/// Something unknown; from the network where one of its parts is.
fn remote<'v>(mut parts: impl Iterator<Item = &'v Values>) -> Values {
    let found = parts.find_map(|v| v.items.iter().find(|v| v.has(Source::Remote)));
    found.map_or_else(Values::unknown, |v| Values::one(v.clone()))
}

fn flat(arguments: &[Values]) -> Vec<Value> {
    arguments.iter().flat_map(|a| a.items.clone()).collect()
}

/// What a file contains is not known; a name stays one.
fn read(path: &Values) -> Values {
    match path.text() {
        Some(text) if text.contains("://") => Values::one(Value::dynamic(Source::Remote, true)),
        Some(_) => Values::one(Value::dynamic(Source::File, true)),
        None => path.clone(),
    }
}

/// Encodings of text, by the function's name or, for `Buffer.from(x, 'hex')` and its kind, by the last argument.
fn decoded(name: &str, first: &Values, last: Option<&Values>) -> Option<Values> {
    let kind = last.and_then(Values::text).unwrap_or("").to_lowercase();
    let how = match name {
        "b64decode" | "decode_base64" | "base64_decode" | "atob" | "decode64" | "strict_decode64"
        | "urlsafe_decode64" | "decodebytes" | "standard_b64decode" | "urlsafe_b64decode" | "a2b_base64" => {
            "base64"
        }
        "fromhex" | "unhexlify" | "hex2bin" | "a2b_hex" => "hex",
        "b32decode" => "base32",
        "str_rot13" => "rot13",
        "unquote" | "decodeURIComponent" | "urldecode" | "unescape" | "uri_unescape" | "rawurldecode" => {
            "url"
        }
        "from" | "decode" | "getdecoder" | "pack" | "unpack" | "unpack1" => {
            match kind.trim_end_matches(['*', '_']) {
                "base64" | "m" | "m0" => "base64",
                "hex" | "h" => "hex",
                "rot13" | "rot_13" => "rot13",
                // Perl names the encoding first.
                _ => {
                    let how = match first.text()? {
                        "H*" => "hex",
                        "m" | "m0" => "base64",
                        _ => return None,
                    };
                    return last.map(|text| text.map(|text| decode(how, text)));
                }
            }
        }
        _ => return None,
    };
    Some(first.map(|text| decode(how, text)))
}

/// The text in an encoding, decoded.
pub(super) fn decode(how: &str, text: &str) -> Option<String> {
    match how {
        "base64" => super::decoding::base64(text),
        "base32" => super::decoding::base32(text),
        "hex" => super::decoding::hex(text),
        "url" => super::decoding::percent(text),
        "rot13" => Some(text.chars().map(rot13).collect()),
        _ => None,
    }
}

fn rot13(c: char) -> char {
    let turned = |base: u8, c: char| char::from((c as u8 - base + 13) % 26 + base);
    match c {
        'a'..='z' => turned(b'a', c),
        'A'..='Z' => turned(b'A', c),
        other => other,
    }
}

/// Numbers as the characters of one text.
fn characters<'v>(numbers: impl Iterator<Item = &'v Value>) -> Option<Values> {
    let one = |v: &Value| v.literal().and_then(|t| t.parse::<u32>().ok()).and_then(char::from_u32);
    let text: String = numbers.map(one).collect::<Option<String>>()?;
    if text.is_empty() { None } else { Some(Values::one(Value::text(text))) }
}

/// Numbers as characters, each a text of its own.
fn each_character(numbers: &[Value]) -> Option<Values> {
    let one = |v: &Value| characters(std::iter::once(v)).and_then(|v| v.items.into_iter().next());
    let items = numbers.iter().map(one).collect::<Option<Vec<Value>>>()?;
    Some(Values { items, list: true, name: None })
}

/// `' '.join(list)`, `list.join(' ')`, `join(' ', list)`, `paste0(…)`, `"a".concat("b")`.
fn strung(name: &str, receiver: Option<&Values>, arguments: &[Values]) -> Values {
    let all = |from: &[Values]| Values { items: flat(from), list: true, name: None };
    let blank = Value::default();
    let text = match (receiver, arguments) {
        (Some(list), [separator]) if list.list => list.join(separator.items.first().unwrap_or(&blank)),
        (Some(list), []) => list.join(&blank),
        (Some(separator), rest) if name == "join" => {
            all(rest).join(separator.items.first().unwrap_or(&blank))
        }
        (Some(first), rest) => all(&[std::slice::from_ref(first), rest].concat()).join(&blank),
        (None, [separator, rest @ ..]) if matches!(name, "join" | "implode") => {
            all(rest).join(separator.items.first().unwrap_or(&blank))
        }
        (None, rest) => all(rest).join(&Value::text(if name == "paste" { " " } else { "" })),
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
fn names(name: &str, receiver: Option<&Values>, arguments: &[Values]) -> Values {
    let pattern = |v: &Value| v.literal().map_or_else(|| v.clone(), globbed);
    let directory = receiver.cloned().unwrap_or_default();
    let mut found = match name {
        "glob" | "rglob" | "iglob" | "Dir" | "globSync" => {
            let patterns =
                Values { items: flat(arguments).iter().map(pattern).collect(), ..Values::default() };
            path(&[directory, patterns])
        }
        "walk"
        | "find"
        | "scandir"
        | "iterdir"
        | "children"
        | "DirectoryIterator"
        | "RecursiveDirectoryIterator"
        | "FilesystemIterator" => {
            let from = if directory.items.is_empty() {
                arguments.first().cloned().unwrap_or_default()
            } else {
                directory
            };
            if name == "walk" { from } else { path(&[from, Values::one(globbed("*"))]) }
        }
        _ => Values::one(globbed("*")),
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

/// What `printf` prints, given a format and what goes into it.
pub(super) fn printed(arguments: &[Values]) -> Values {
    match arguments.split_first() {
        Some((format, rest)) => formatted(format, &flat(rest)),
        None => Values::default(),
    }
}

/// `%s`, `%c`, `{}` and `{0}` in a format replaced.
pub(super) fn formatted(format: &Values, arguments: &[Value]) -> Values {
    let Some(text) = format.text() else { return Values::unknown() };
    if text.contains('%') {
        let arguments = as_characters(text, arguments);
        return Values::one(crate::shell::run::printf(&Value::text(text.replace('\\', "\\\\")), &arguments));
    }
    let mut out = Value::default();
    let mut next = arguments.iter();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let (key, behind) = behind.split_once('}').unwrap_or((behind, ""));
        out.append(&Value::text(before));
        let value = match key.parse::<usize>() {
            Ok(at) => arguments.get(at),
            Err(_) => next.next(),
        };
        out.append(&value.cloned().unwrap_or_else(|| Value::dynamic(Source::Output, true)));
        rest = behind;
    }
    out.append(&Value::text(rest));
    Values::one(out)
}

/// The arguments of a format, numbers that go into a `%c` as the characters that they are.
fn as_characters(format: &str, arguments: &[Value]) -> Vec<Value> {
    let conversions: Vec<char> = format
        .replace("%%", "")
        .split('%')
        .skip(1)
        .filter_map(|rest| rest.chars().find(char::is_ascii_alphabetic))
        .collect();
    let one = |(at, value): (usize, &Value)| {
        let letter = conversions.get(at % conversions.len().max(1));
        let character = (letter == Some(&'c')).then(|| characters(std::iter::once(value))).flatten();
        character.map_or_else(|| value.clone(), |c| c.spaced())
    };
    arguments.iter().enumerate().map(one).collect()
}

/// A text or list repeated; none where that is more than a machine holds. Two numbers are multiplied.
pub(super) fn repeated(left: &Values, right: &Values) -> Option<Values> {
    let product = |a: f64, b: f64| Some(Values::one(Value::text(format!("{}", a * b))));
    let (what, count) = match (left.number().filter(|_| !left.list), right.number()) {
        (Some(a), Some(b)) => return product(a, b),
        (None, Some(count)) => (left, count),
        (Some(count), None) => (right, count),
        (None, None) => return Some(joined(left.clone(), right.clone())),
    };
    let length = what.text().map_or(1, str::len).max(1) as f64;
    if length * count >= TOO_MUCH {
        return None;
    }
    match what.text() {
        Some(text) if length * count <= COMPUTED => {
            let times = (0..64 * 64).take_while(|n| f64::from(*n) < count).count();
            Some(Values { list: what.list, ..Values::one(Value::text(text.repeat(times))) })
        }
        _ => Some(Values::unknown()),
    }
}

/// Whether a call that reserves memory asks for more than a machine holds.
pub(super) fn is_too_much(arguments: &[Values]) -> bool {
    arguments.iter().filter_map(Values::number).any(|n| n >= TOO_MUCH)
}

/// A power of two numbers.
pub(super) fn power(left: &Values, right: &Values) -> Values {
    match (left.number(), right.number()) {
        (Some(a), Some(b)) => Values::one(Value::text(format!("{}", a.powf(b)))),
        _ => Values::unknown(),
    }
}
