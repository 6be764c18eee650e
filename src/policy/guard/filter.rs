//! Programs that turn text into text, computed where the text is known: decoding is no disguise.

use super::decoding;
use super::special::file_content;
use crate::shell::run::{Call, State};
use crate::shell::{Dynamic, Flavour, Part, Source, Value, decode};
use base64::Engine as _;

/// Options with which `openssl enc` needs a key: its result is not computed.
const KEYS: [&str; 6] = ["-k", "-K", "-kfile", "-pass", "-pbkdf2", "-iter"];

/// What a filter prints.
pub(super) fn apply(call: &Call<'_>, state: &State) -> Value {
    let name = call.program();
    let words: Vec<String> = call.words[1..].iter().map(Value::code).collect();
    if name == "expr" {
        return substring(&words).map_or_else(|| Value::dynamic(Source::Number, false), Value::text);
    }
    let input = input(name, &words, call, state);
    let Some(text) = input.literal() else { return partly(name, &input) };
    let given = |names: &[&str]| words.iter().any(|w| names.contains(&w.as_str()) || cluster(w, names));
    let computed = match name {
        "base64" | "base32" | "basenc" | "python-m-base64" => {
            match given(&["-d", "-D", "--decode", "--de", "-di", "-id"]) {
                true if name == "base32" || given(&["--base32", "--base32hex"]) => decoding::base32(text),
                true if given(&["--base16"]) => decoding::hex(text),
                true if given(&["--base2msbf", "--base2lsbf", "--z85", "--base58"]) => None,
                true => decoding::base64(text),
                false => Some(base64::engine::general_purpose::STANDARD.encode(text)),
            }
        }
        "xxd" if given(&["-r"]) => hex(text, !given(&["-p", "-ps"])),
        "rev" => Some(text.lines().map(|l| l.chars().rev().collect::<String>() + "\n").collect()),
        "tac" => Some(text.split_inclusive('\n').rev().collect()),
        "paste" if given(&["-s", "--serial"]) => Some(serial(text, &words)),
        "tr" => translate(text, &words),
        "sed" | "gsed" => sed(text, &words),
        "cut" => cut(text, &words),
        "openssl" if words.iter().any(|w| KEYS.contains(&w.as_str())) => None,
        "openssl" if given(&["base64"]) || (given(&["enc"]) && given(&["-base64", "-a"])) => {
            if given(&["-d"]) { decoding::base64(text) } else { None }
        }
        "nl" => Some(numbered(text)),
        _ => None,
    };
    computed.map_or_else(|| Value::dynamic(Source::Output, true), Value::text)
}

/// The part of its input that `head -c`, `tail -c` or `dd` prints.
pub(super) fn excerpt(call: &Call<'_>, input: Value) -> Value {
    let Some(text) = input.literal() else { return input };
    let words: Vec<String> = call.words.iter().map(Value::code).collect();
    let Some((program, words)) = words.split_first() else { return input };
    let part = match program.rsplit('/').next().unwrap_or(program) {
        "head" | "ghead" => count(words).and_then(|count| match count.split_once('-') {
            Some((_, but)) => {
                but.parse().ok().map(|but| text.chars().take(text.len().saturating_sub(but)).collect())
            }
            None => count.parse().ok().map(|first| text.chars().take(first).collect()),
        }),
        "tail" | "gtail" => count(words).and_then(|count| match count.split_once('+') {
            Some((_, from)) => {
                from.parse().ok().map(|from: usize| text.chars().skip(from.saturating_sub(1)).collect())
            }
            None => count
                .parse()
                .ok()
                .map(|last: usize| text.chars().skip(text.chars().count().saturating_sub(last)).collect()),
        }),
        "dd" => Some(blocks(text, words)),
        _ => None,
    };
    part.map_or(input, |part: String| Value::text(part))
}

/// The value of `-c`.
fn count(words: &[String]) -> Option<String> {
    let long = words.iter().find_map(|w| w.strip_prefix("--bytes=").or_else(|| w.strip_prefix("-c")));
    match long {
        Some("") | None => words.iter().position(|w| w == "-c").and_then(|at| words.get(at + 1)).cloned(),
        Some(count) => Some(count.to_owned()),
    }
}

/// `dd bs=… skip=… count=… conv=swab`
fn blocks(text: &str, words: &[String]) -> String {
    let number =
        |key: &str| words.iter().find_map(|w| w.strip_prefix(key)).and_then(|n| n.parse::<usize>().ok());
    let size = number("bs=").or_else(|| number("ibs=")).unwrap_or(512);
    let skipped = number("skip=").unwrap_or(0).saturating_mul(size);
    let taken = number("count=").map_or(usize::MAX, |count| count.saturating_mul(size));
    let mut chars: Vec<char> = text.chars().skip(skipped).take(taken).collect();
    if words.iter().any(|w| w.strip_prefix("conv=").is_some_and(|c| c.split(',').any(|c| c == "swab"))) {
        chars.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
    }
    chars.into_iter().collect()
}

/// Every line behind its number.
fn numbered(text: &str) -> String {
    let one = |(at, line): (usize, &str)| format!("{:6}\t{line}\n", at + 1);
    text.lines().enumerate().map(one).collect()
}

/// What a filter prints whose program is not computed.
pub(super) fn rewritten(call: &Call<'_>, _state: &State) -> Value {
    let selects = |script: &Value| {
        let text = script.code().replace("NR>1", "").replace("NR > 1", "");
        ["/", "~", "==", "<", ">"].iter().any(|sign| text.contains(sign)) && !text.contains("root")
    };
    let passes = |word: &Value| {
        let script: String = word.code().split_whitespace().collect();
        matches!(script.as_str(), "1" | "{print}" | "{print$0}" | "{print$0;}" | "{print;}" | "//")
    };
    match call.stdin.literal() {
        Some(_) if matches!(&call.words[1..], [script] if passes(script)) => call.stdin.clone(),
        // A script with a condition takes the processes that its author had in mind.
        None if call.stdin.has(Source::Processes) && call.words[1..].iter().any(selects) => {
            Value::dynamic(Source::Output, true)
        }
        Some(_) => Value::dynamic(Source::Output, true),
        None => partly("sed", call.stdin),
    }
}

/// Whether a cluster of short options has one of the single-letter `names`.
fn cluster(word: &str, names: &[&str]) -> bool {
    word.starts_with('-')
        && !word.starts_with("--")
        && names.iter().any(|n| n.len() == 2 && word.contains(&n[1..]))
}

fn input(name: &str, words: &[String], call: &Call<'_>, state: &State) -> Value {
    let skipped = match name {
        "tr" => usize::MAX,
        "sed" | "gsed" if !words.iter().any(|w| w.starts_with("-e") || w.starts_with("--expression")) => 1,
        _ => 0,
    };
    let takes = |w: &str| matches!(w, "-e" | "-f" | "-d" | "-c" | "-w" | "-b") && name != "base64";
    let mut operands = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word.starts_with('-') && word.len() > 1 {
            at += usize::from(takes(word));
        } else if name != "openssl" {
            operands.push(word);
        }
        at += 1;
    }
    if name == "openssl"
        && let Some(path) = words.iter().position(|w| w == "-in").and_then(|at| words.get(at + 1))
    {
        return file_content(&Value::text(path.as_str()), state);
    }
    match operands.get(skipped) {
        Some(path) if path.as_str() != "-" => file_content(&Value::text(path.as_str()), state),
        _ => call.stdin.clone(),
    }
}

/// The result on text that is not all known.
fn partly(name: &str, input: &Value) -> Value {
    let filters = matches!(name, "sed" | "gsed" | "cut" | "tr" | "tac" | "rev");
    let sources: Vec<Dynamic> =
        input.parts().iter().filter_map(|p| if let Part::Dynamic(u) = p { Some(*u) } else { None }).collect();
    if input.has(Source::Remote) {
        return Value::dynamic(Source::Remote, true);
    }
    match sources.first() {
        Some(first) if filters && input.parts().len() == 1 => Value::dynamic(first.source, true),
        // Names stay names, whatever is cut off them.
        None if filters && input.has_glob() => input.clone(),
        _ => Value::dynamic(Source::Output, true),
    }
}

/// `expr substr TEXT POSITION LENGTH`
fn substring(words: &[String]) -> Option<String> {
    let [operation, text, position, length] = words else { return None };
    let (position, length): (usize, usize) = (position.parse().ok()?, length.parse().ok()?);
    let from = position.checked_sub(1).filter(|_| operation == "substr")?;
    Some(text.chars().skip(from).take(length).collect())
}

fn hex(text: &str, dump: bool) -> Option<String> {
    let line = |line: &str| -> String {
        let body = line.split_once(": ").filter(|_| dump).map_or(line, |(_, b)| b);
        body.split("  ").next().unwrap_or("").chars().filter(char::is_ascii_hexdigit).collect()
    };
    let digits: String = text.lines().map(line).collect();
    let bytes: Vec<u8> = (0..digits.len() / 2)
        .filter_map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).ok())
        .collect();
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn translate(text: &str, words: &[String]) -> Option<String> {
    let delete = words.iter().any(|w| w.starts_with('-') && w.contains('d'));
    let sets: Vec<Vec<char>> =
        words.iter().filter(|w| !(w.starts_with('-') && w.len() > 1)).map(|w| set(w)).collect();
    let from = sets.first()?;
    if delete {
        return Some(text.chars().filter(|c| !from.contains(c)).collect());
    }
    let to = sets.get(1)?;
    let last = *to.last()?;
    let change =
        |c: char| from.iter().position(|f| *f == c).map_or(c, |at| to.get(at).copied().unwrap_or(last));
    Some(text.chars().map(change).collect())
}

/// `paste -s -d x`: the lines as one.
fn serial(text: &str, words: &[String]) -> String {
    let attached =
        words.iter().find_map(|w| w.split_once('d').filter(|_| w.starts_with('-')).map(|(_, d)| d));
    let next =
        words.iter().position(|w| w.starts_with('-') && w.ends_with('d')).and_then(|at| words.get(at + 1));
    let delimiter = match (attached, next) {
        (Some(""), Some(next)) => next,
        (Some(delimiter), _) => delimiter,
        (None, _) => "\t",
    };
    text.lines().collect::<Vec<_>>().join(&decode(delimiter, Flavour::Printf)) + "\n"
}

/// The characters of a set of `tr`.
fn set(text: &str) -> Vec<char> {
    let expanded = text
        .replace("[:upper:]", "A-Z")
        .replace("[:lower:]", "a-z")
        .replace("[:digit:]", "0-9")
        .replace("[:space:]", "\\t\\n ");
    let chars: Vec<char> = decode(&expanded, Flavour::Printf).chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(&end)) if c <= end => {
                out.extend(c..=end);
                at += 3;
            }
            _ => {
                out.push(c);
                at += 1;
            }
        }
    }
    out
}

/// `s/…/…/` with patterns that mean themselves, `d` and `p` aside: anything else is not computed.
fn sed(text: &str, words: &[String]) -> Option<String> {
    let script = words.iter().find(|w| !w.starts_with('-'))?;
    let mut text = text.to_owned();
    for command in script.split(';').map(str::trim) {
        let separator = command.strip_prefix('s')?.chars().next()?;
        let parts: Vec<&str> = command[1 + separator.len_utf8()..].split(separator).collect();
        let [from, to, flags] = parts.as_slice() else { return None };
        if to.contains(['\\', '&']) || flags.contains(['e', 'w']) {
            return None;
        }
        let pattern = regex_lite::Regex::new(&from.replace("\\(", "(").replace("\\)", ")")).ok()?;
        let lines = text.lines().map(|line| {
            let count = usize::from(!flags.contains('g'));
            pattern.replacen(line, count, regex_lite::NoExpand(to)).into_owned() + "\n"
        });
        text = lines.collect();
    }
    Some(text)
}

/// `cut -c a-b` and `cut -d x -f n`.
fn cut(text: &str, words: &[String]) -> Option<String> {
    let option = |letter: &str| {
        let at = words.iter().position(|w| w.starts_with(letter))?;
        let attached = words[at][2..].to_owned();
        if attached.is_empty() { words.get(at + 1).cloned() } else { Some(attached) }
    };
    let range = |text: &str| -> Option<(usize, usize)> {
        let (a, b) = text.split_once('-').unwrap_or((text, text));
        let first = if a.is_empty() { 1 } else { a.parse().ok()? };
        let last = if b.is_empty() { usize::MAX } else { b.parse().ok()? };
        // `cut` counts from one, and refuses everything else.
        (first > 0).then_some((first, last))
    };
    if let Some(columns) = option("-c").or_else(|| option("-b")) {
        let (first, last) = range(&columns)?;
        let one = |l: &str| l.chars().take(last).skip(first - 1).collect::<String>() + "\n";
        return Some(text.lines().map(one).collect());
    }
    let delimiter = option("-d").unwrap_or_else(|| "\t".to_owned());
    let (first, last) = range(&option("-f")?)?;
    let one = |l: &str| {
        let fields: Vec<&str> = l.split(delimiter.as_str()).collect();
        fields.iter().take(last).skip(first - 1).copied().collect::<Vec<_>>().join(&delimiter) + "\n"
    };
    Some(text.lines().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::{Dialect, Span};

    /// What the filter `words` prints, given `input`.
    fn check(words: &str, input: &str, expected: &str) {
        let words: Vec<Value> = words.split(' ').map(Value::text).collect();
        let (spans, stdin) = (vec![Span::default(); words.len()], Value::text(input));
        let call = Call {
            words: &words,
            spans: &spans,
            stdin: &stdin,
            environment: &[],
            span: Span::default(),
            socket: false,
        };
        let state = State::new(Dialect::Bash, Value::text("/"));
        let printed = match apply(&call, &state) {
            unknown if unknown.has_dynamic() => excerpt(&call, stdin.clone()),
            known => known,
        };
        assert_eq!(printed.literal(), Some(expected), "{words:?}");
    }

    #[test]
    fn text_is_turned_into_text() {
        check("base64 -d", "cm0=", "rm");
        check("basenc --base16 -d", "726D", "rm");
        check("base32 -d", "OJWQ====", "rm");
        check("xxd -r -p", "726d", "rm");
        check("tr a-z n-za-m", "ez", "rm");
        check("rev", "mr", "rm\n");
        check("cut -c2-3", "xrmx", "rm\n");
        check("head -c 2", "rmxx", "rm");
        check("tail -c +3", "xxrm", "rm");
        check("dd bs=1 skip=2", "xxrm", "rm");
        check("dd conv=swab", "mr", "rm");
    }
}
