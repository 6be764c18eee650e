//! The text of a YAML file: setting and removing one value, everything else left as it is written. No I/O.
//!
//! This is no reader of YAML. It knows mappings in blocks whose members stand on lines of their own, and goes by
//! indentation around everything else; where what is asked for lies in anything else, it says so and changes nothing.

use std::ops::Range;

/// Why a text cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// A line cannot be told.
    #[error("line {0} is YAML that is not changed here: {1}")]
    Line(usize, &'static str),
    /// A name on the way leads to something that is no mapping in a block.
    #[error("`{0}` is no mapping of names on lines of their own, so nothing is put into it")]
    NoMapping(String),
    /// The value is more than a scalar.
    #[error("`{0}` has a value that is no scalar on its line")]
    NoScalar(String),
    /// A name is there twice.
    #[error("`{0}` is there twice")]
    Twice(String),
    /// What is to be written is no value.
    #[error("`{0}` is no value in the words of JSON, which is how one is written with `literal`")]
    Value(String),
}

/// What a scalar is: text, or something else as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scalar {
    Text(String),
    Other(String),
}

/// The value at `key` as it is written, with whether it is `value` already.
pub(super) fn find<'t>(
    text: &'t str,
    key: &[String],
    value: &Wish,
) -> Result<Option<(&'t str, bool)>, Fault> {
    let document = Document::of(text)?;
    let Some((last, _)) = key.split_last() else { return Ok(None) };
    match document.walk(key)? {
        Walk::There(member) if value.gone => Ok(Some((document.written(&member), false))),
        Walk::There(member) => {
            let (range, scalar) = document.scalar(&member, last)?;
            Ok(Some((&text[range], scalar == value.scalar)))
        }
        Walk::Missing { .. } => Ok(None),
    }
}

/// The text with the value at `key`.
pub(super) fn set(text: &str, key: &[String], value: &Wish) -> Result<String, Fault> {
    let document = Document::of(text)?;
    let Some((last, _)) = key.split_last() else { return Ok(text.to_owned()) };
    match document.walk(key)? {
        Walk::There(member) => {
            let (range, _) = document.scalar(&member, last)?;
            let blank = if range.start == member.colon + 1 { " " } else { "" };
            Ok(format!("{}{blank}{}{}", &text[..range.start], value.written(), &text[range.end..]))
        }
        Walk::Missing { depth, indent, line } => {
            let mut added = String::new();
            for (deeper, name) in key[depth..].iter().enumerate() {
                let blanks = " ".repeat(indent + 2 * deeper);
                added += &format!("{blanks}{}:", Wish::text(name).written());
                added += &if depth + deeper + 1 == key.len() {
                    format!(" {}\n", value.written())
                } else {
                    "\n".into()
                };
            }
            let at = document.lines.get(line).map_or(text.len(), |line| line.at);
            let before = &text[..at];
            let ended = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
            Ok(format!("{before}{ended}{added}{}", &text[at..]))
        }
    }
}

/// The text without what is at `key`.
pub(super) fn remove(text: &str, key: &[String]) -> Result<String, Fault> {
    let document = Document::of(text)?;
    match document.walk(key)? {
        Walk::There(member) => {
            let at = |line: usize| document.lines.get(line).map_or(text.len(), |line| line.at);
            Ok(format!("{}{}", &text[..at(member.line)], &text[at(member.end)..]))
        }
        Walk::Missing { .. } => Ok(text.to_owned()),
    }
}

/// A value to be written.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    scalar: Scalar,
    gone: bool,
}

impl Wish {
    /// A text.
    pub(super) fn text(text: &str) -> Self {
        Self { scalar: Scalar::Text(text.to_owned()), gone: false }
    }

    /// A value in the words of JSON, which are words of YAML too.
    pub(super) fn literal(text: &str) -> Result<Self, Fault> {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|_| Fault::Value(text.to_owned()))?;
        Ok(match value {
            serde_json::Value::String(text) => Self::text(&text),
            // As it was written: `1.0` stays `1.0`.
            serde_json::Value::Number(_) => {
                Self { scalar: Scalar::Other(text.trim().to_owned()), gone: false }
            }
            other => Self { scalar: Scalar::Other(other.to_string()), gone: false },
        })
    }

    /// Nothing.
    pub(super) fn nothing() -> Self {
        Self { gone: true, ..Self::text("") }
    }

    /// As it is written: in quotes unless every reader takes it for the same text without.
    pub(super) fn written(&self) -> String {
        match &self.scalar {
            Scalar::Other(text) => text.clone(),
            Scalar::Text(text) if is_plain_text(text) => text.clone(),
            Scalar::Text(text) => serde_json::json!(text).to_string(),
        }
    }
}

/// Words that some reader of YAML takes for something else than text.
const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

fn is_word(text: &str) -> bool {
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Text that is the same text to every reader without quotes.
fn is_plain_text(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_./+-".contains(c))
        && !is_word(text)
}

/// A line with something on it besides blanks and comments.
#[derive(Debug)]
struct Line {
    number: usize,
    /// Where the line begins in the text.
    at: usize,
    indent: usize,
    /// Where it ends, without what ends it.
    end: usize,
}

/// A member of a mapping.
#[derive(Debug, Clone)]
struct Member {
    name: String,
    /// Its line, and the first that is no longer its own.
    line: usize,
    end: usize,
    colon: usize,
}

/// Where the names of a key lead.
enum Walk {
    There(Member),
    /// Up to `depth` names are there; the next one belongs before this line, indented so far.
    Missing {
        depth: usize,
        indent: usize,
        line: usize,
    },
}

struct Document<'t> {
    text: &'t str,
    lines: Vec<Line>,
}

impl<'t> Document<'t> {
    fn of(text: &'t str) -> Result<Self, Fault> {
        let (mut lines, mut at) = (Vec::new(), 0);
        for (number, whole) in text.split_inclusive('\n').enumerate() {
            let number = number + 1;
            let line = whole.trim_end_matches(['\n', '\r']);
            let bare = line.trim_start_matches(' ');
            let begin = at;
            at += whole.len();
            if bare.trim().is_empty() || bare.starts_with('#') {
                continue;
            }
            if bare.starts_with('\t') {
                return Err(Fault::Line(number, "it is indented with a tab"));
            }
            let indent = line.len() - bare.len();
            let marks = indent == 0 && (bare.starts_with("---") || bare.starts_with("..."));
            if marks && bare.trim_end() == "---" && lines.is_empty() {
                continue;
            }
            if marks || (indent == 0 && bare.starts_with('%')) {
                return Err(Fault::Line(number, "there is more than one document, or a directive"));
            }
            lines.push(Line { number, at: begin, indent, end: begin + line.len() });
        }
        Ok(Self { text, lines })
    }

    fn bare(&self, line: &Line) -> &'t str {
        &self.text[line.at + line.indent..line.end]
    }

    fn walk(&self, key: &[String]) -> Result<Walk, Fault> {
        let (mut from, mut until, mut parent) = (0, self.lines.len(), None::<Member>);
        for (depth, name) in key.iter().enumerate() {
            let Some(first) = self.lines[from..until].first() else {
                let above = parent.as_ref().map(|parent: &Member| &self.lines[parent.line]);
                let indent = above.map_or(0, |line| line.indent + 2);
                return Ok(Walk::Missing { depth, indent, line: from });
            };
            let indent = first.indent;
            let members = self.members(from, until)?;
            let mut named = members.iter().filter(|member| member.name == *name);
            let found = named.next().cloned();
            if named.next().is_some() {
                return Err(Fault::Twice(name.clone()));
            }
            let Some(member) = found else { return Ok(Walk::Missing { depth, indent, line: until }) };
            if depth + 1 == key.len() {
                return Ok(Walk::There(member));
            }
            let rest = self.text[member.colon + 1..self.lines[member.line].end].trim_start();
            let sequence = self.lines.get(member.line + 1).filter(|_| member.line + 1 < member.end);
            let sequence = sequence.is_some_and(|line| is_item(self.bare(line)));
            if !(rest.is_empty() || rest.starts_with('#')) || sequence {
                return Err(Fault::NoMapping(name.clone()));
            }
            (from, until) = (member.line + 1, member.end);
            parent = Some(member);
        }
        Err(Fault::NoMapping(String::new()))
    }

    /// The members of the mapping on these lines.
    fn members(&self, from: usize, until: usize) -> Result<Vec<Member>, Fault> {
        let indent = self.lines[from].indent;
        let mut members: Vec<Member> = Vec::new();
        for at in from..until {
            let line = &self.lines[at];
            let bare = self.bare(line);
            let own = line.indent > indent || (line.indent == indent && is_item(bare));
            if own && let Some(last) = members.last_mut() {
                last.end = at + 1;
                continue;
            }
            if line.indent != indent {
                return Err(Fault::Line(line.number, "it is indented otherwise than what it belongs to"));
            }
            let (name, colon) = member(bare).ok_or(Fault::Line(line.number, "it is no `name: value`"))?;
            members.push(Member { name, line: at, end: at + 1, colon: line.at + line.indent + colon });
        }
        Ok(members)
    }

    /// The scalar of a member, and where it stands.
    fn scalar(&self, member: &Member, name: &str) -> Result<(Range<usize>, Scalar), Fault> {
        let no_scalar = || Fault::NoScalar(name.to_owned());
        let line = &self.lines[member.line];
        if member.end > member.line + 1 {
            return Err(no_scalar());
        }
        let after = &self.text[member.colon + 1..line.end];
        let value = after.trim_start();
        let start = line.end - value.len();
        if value.is_empty() || value.starts_with('#') {
            return Ok((member.colon + 1..member.colon + 1, Scalar::Other(String::new())));
        }
        let (length, scalar) = match value.chars().next() {
            Some('"') => {
                let end = json_end(value).ok_or_else(no_scalar)?;
                let text = serde_json::from_str(&value[..end]).map_err(|_| no_scalar())?;
                (end, Scalar::Text(text))
            }
            Some('\'') => {
                let end = single_end(value).ok_or_else(no_scalar)?;
                (end, Scalar::Text(value[1..end - 1].replace("''", "'")))
            }
            Some('&' | '*' | '!' | '|' | '>' | '%' | '@' | '`') => return Err(no_scalar()),
            Some('[' | '{') if value.contains('#') || !is_closed(value) => return Err(no_scalar()),
            _ => {
                let end = value.find(" #").unwrap_or(value.len());
                let plain = value[..end].trim_end();
                if plain.contains(": ") {
                    return Err(no_scalar());
                }
                let text = !plain.starts_with(['[', '{', '~', '.', '-', '+'])
                    && !plain.starts_with(|c: char| c.is_ascii_digit())
                    && !is_word(plain);
                let kind = if text { Scalar::Text } else { Scalar::Other };
                (plain.len(), kind(plain.to_owned()))
            }
        };
        let rest = value[length..].trim_start();
        if rest.is_empty() || rest.starts_with('#') {
            Ok((start..start + length, scalar))
        } else {
            Err(no_scalar())
        }
    }

    /// What stands behind a name on its line.
    fn written(&self, member: &Member) -> &'t str {
        self.text[member.colon + 1..self.lines[member.line].end].trim()
    }
}

fn is_item(bare: &str) -> bool {
    bare == "-" || bare.starts_with("- ")
}

/// The name of a member and where its colon stands.
fn member(bare: &str) -> Option<(String, usize)> {
    let (name, colon) = match bare.chars().next()? {
        '"' => {
            let end = json_end(bare)?;
            (serde_json::from_str(&bare[..end]).ok()?, end)
        }
        '\'' => {
            let end = single_end(bare)?;
            (bare[1..end - 1].replace("''", "'"), end)
        }
        '?' | ':' | ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '%' | '@' | '`' => {
            return None;
        }
        _ => {
            let inner = bare.find(": ");
            let colon = inner.or_else(|| bare.ends_with(':').then(|| bare.len() - 1))?;
            if bare[..colon].contains(" #") || is_item(bare) {
                return None;
            }
            (bare[..colon].trim_end().to_owned(), colon)
        }
    };
    let rest = bare[colon..].strip_prefix(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then_some((name, colon))
}

/// The end of a text in double quotes.
fn json_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The end of a text in single quotes, in which two of them are one.
fn single_end(text: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        at += text[at..].find('\'')?;
        if !text[at + 1..].starts_with('\'') {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Whether a list or mapping in brackets ends where the text does.
fn is_closed(value: &str) -> bool {
    let value = value.trim_end();
    (value.starts_with('[') && value.ends_with(']')) || (value.starts_with('{') && value.ends_with('}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "---\n# top\nserver:\n  # the port\n  port: 80 # why\n  'host name': \"a b\"\n  tls:\n    on: true\n\
                        list:\n- a: 1\n- b\nscript: |\n  port: 81\n  server:\nempty:\nlast: x\n";

    fn key(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn check(names: &[&str], value: Wish, expected: Option<(&str, bool)>, after: &str) {
        let key = key(names);
        assert_eq!(find(TEXT, &key, &value), Ok(expected), "{names:?}");
        let new = set(TEXT, &key, &value).unwrap();
        assert_eq!(new, after, "{names:?}");
        assert!(find(&new, &key, &value).unwrap().unwrap().1, "{new}");
        assert_eq!(set(&new, &key, &value).unwrap(), new);
    }

    #[test]
    fn one_value_changes_and_everything_else_stays() {
        let with = |from: &str, to: &str| TEXT.replacen(from, to, 1);
        check(
            &["server", "port"],
            Wish::literal("8080").unwrap(),
            Some(("80", false)),
            &with("port: 80", "port: 8080"),
        );
        check(&["server", "port"], Wish::literal("80").unwrap(), Some(("80", true)), TEXT);
        check(&["server", "port"], Wish::text("80"), Some(("80", false)), &with("port: 80", "port: \"80\""));
        check(&["server", "host name"], Wish::text("a b"), Some(("\"a b\"", true)), TEXT);
        check(
            &["server", "tls", "on"],
            Wish::literal("false").unwrap(),
            Some(("true", false)),
            &with("on: true", "on: false"),
        );
        check(
            &["server", "tls", "cert"],
            Wish::text("/etc/x.pem"),
            None,
            &with("on: true\n", "on: true\n    cert: /etc/x.pem\n"),
        );
        check(
            &["server", "new", "yes"],
            Wish::text("no"),
            None,
            &with("on: true\n", "on: true\n  new:\n    \"yes\": \"no\"\n"),
        );
        check(&["empty"], Wish::text("it's"), Some(("", false)), &with("empty:", "empty: \"it's\""));
        check(&["empty", "a"], Wish::text("b"), None, &with("empty:\n", "empty:\n  a: b\n"));
        check(&["other"], Wish::literal("[1, \"a\"]").unwrap(), None, &format!("{TEXT}other: [1,\"a\"]\n"));
        check(&["last"], Wish::text("y"), Some(("x", false)), &with("last: x", "last: \"y\""));
        let fresh = set("", &key(&["a", "b"]), &Wish::text("c")).unwrap();
        assert_eq!(fresh, "a:\n  b: c\n");
        assert_eq!(set("a: 1", &key(&["b"]), &Wish::text("c")).unwrap(), "a: 1\nb: c\n");
        assert_eq!(set("a: 1\r\n", &key(&["a"]), &Wish::text("c")).unwrap(), "a: c\r\n");
    }

    #[test]
    fn what_is_removed_goes_with_what_is_in_it() {
        for (names, gone) in [
            (&["server", "port"][..], "  port: 80 # why\n"),
            (&["list"], "list:\n- a: 1\n- b\n"),
            (&["script"], "script: |\n  port: 81\n  server:\n"),
            (&["server", "tls"], "  tls:\n    on: true\n"),
        ] {
            assert!(find(TEXT, &key(names), &Wish::nothing()).unwrap().is_some());
            assert_eq!(remove(TEXT, &key(names)).unwrap(), TEXT.replacen(gone, "", 1), "{names:?}");
        }
        assert_eq!(remove(TEXT, &key(&["none", "x"])).unwrap(), TEXT);
    }

    #[test]
    fn what_is_not_plain_is_refused() {
        let refused = |text: &str, names: &[&str]| set(text, &key(names), &Wish::text("x")).unwrap_err();
        for (text, names) in [
            (TEXT, &["list", "a"][..]),
            (TEXT, &["script", "port"]),
            ("a: {b: 1}\n", &["a", "b"]),
            ("a: &x\n  b: 1\n", &["a", "b"]),
            ("a: 1\n", &["a", "b"]),
        ] {
            assert_eq!(refused(text, names), Fault::NoMapping(names[0].into()), "{text}");
        }
        for text in [
            "a:\n  b: 1\n",
            "a:\n- b\n",
            "a: |\n  b\n",
            "a: *x\n",
            "a: !t x\n",
            "a: b\n  c\n",
            "a: [1,\n  2]\n",
            "a: 'b' c\n",
            "a: [1] # x ]\n",
            "a: \"\\x41\"\n",
        ] {
            assert_eq!(refused(text, &["a"]), Fault::NoScalar("a".into()), "{text}");
        }
        assert_eq!(refused("a: 1\na: 2\n", &["a"]), Fault::Twice("a".into()));
        assert_eq!(refused("a: 1\n'a': 2\n", &["a"]), Fault::Twice("a".into()));
        for text in [
            "- a\n",
            "a: 1\n---\nb: 1\n",
            "%YAML 1.2\n---\na: 1\n",
            "a:\n\tb: 1\n",
            "? a\n: b\n",
            "a: 1\n b: 2\nc\n",
            "{a: 1}\n",
            "  a: 1\nb: 2\n",
            "text\n",
        ] {
            assert!(matches!(refused(text, &["a"]), Fault::Line(..)), "{text}");
        }
        assert!(Wish::literal("yes").is_err() && Wish::literal("a: b").is_err());
    }
}
