//! Scripts of `sed`, taken apart, and what they leave of a line.

use regex_lite::Regex;
use std::cell::OnceCell;
use std::collections::BTreeSet;

/// Names and numbers of patterns that lines are made of, at most.
const SOUGHT: usize = 8;

/// A pattern as it was compiled when it was first asked; nothing for one that is no expression of ours.
type Compiled = OnceCell<Option<Regex>>;

/// One command of a script.
#[derive(Debug, Clone, Default)]
pub(super) struct Command {
    /// Which lines: none for every line, two for a range.
    addresses: Vec<Address>,
    /// All lines but those.
    negated: bool,
    /// `s`, `d`, `w` …
    pub(super) name: char,
    /// The text, file, label or command behind it; for `s`, the pattern.
    pub(super) argument: String,
    /// For `s`, the pattern compiled.
    compiled: Compiled,
    /// For `s`, what it puts in.
    pub(super) replacement: String,
    /// For `s`.
    pub(super) flags: String,
    /// For `s`, the file that the flag `w` names.
    pub(super) file: String,
}

/// A line, or the lines that match a pattern.
#[derive(Debug, Clone)]
enum Address {
    First,
    Line,
    Last,
    Pattern(String, Compiled),
}

/// Which of the two forms of regular expressions a script uses, and whether lines are only printed when
/// it says so.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mode {
    /// `-E`
    pub(super) extended: bool,
    /// `-n`
    pub(super) quiet: bool,
}

/// The commands of a script. The address of a group is that of its commands.
pub(super) fn parse(script: &str) -> Vec<Command> {
    let mut cursor = Cursor { rest: script };
    let mut commands = Vec::new();
    let mut groups: Vec<(Vec<Address>, bool)> = Vec::new();
    loop {
        cursor.skip(|c| c.is_whitespace() || c == ';');
        let (mut addresses, mut negated) = cursor.addresses();
        let Some(name) = cursor.next() else { return commands };
        match name {
            '{' => groups.push((addresses, negated)),
            '}' => drop(groups.pop()),
            '#' => drop(cursor.line()),
            _ => {
                if let (true, Some(group)) = (addresses.is_empty(), groups.last()) {
                    (addresses, negated) = group.clone();
                }
                let command = Command { addresses, negated, name, ..Command::default() };
                commands.push(cursor.arguments(command));
            }
        }
    }
}

/// What a script leaves of a line; nothing when it deletes it.
pub(super) fn rest(commands: &[Command], mode: Mode, line: &str) -> Option<String> {
    let mut text = line.to_owned();
    let mut printed = !mode.quiet;
    for command in commands.iter().filter(|c| c.applies(mode, line)) {
        match command.name {
            'd' | 'D' => return None,
            'c' => text.clone_from(&command.argument),
            'z' => text.clear(),
            'p' => printed = true,
            's' => {
                let pattern = command.compiled.get_or_init(|| expression(&command.argument, mode));
                let Some(pattern) = pattern else { continue };
                printed |= command.flags.contains('p') && pattern.is_match(&text);
                text = pattern.replace_all(&text, template(&command.replacement).as_str()).into_owned();
            }
            _ => {}
        }
    }
    printed.then_some(text)
}

/// Lines of this form that a script may look for: `{name}` and `{number}` are those that its patterns hold.
pub(super) fn sought(commands: &[Command], form: &str) -> Vec<String> {
    if form.is_empty() {
        return Vec::new();
    }
    let addresses = commands.iter().flat_map(|command| &command.addresses);
    let addressed = addresses.filter_map(|address| match address {
        Address::Pattern(pattern, _) => Some(pattern),
        Address::First | Address::Line | Address::Last => None,
    });
    let replaced = commands.iter().filter(|command| command.name == 's').map(|command| &command.argument);
    let words: BTreeSet<String> = addressed.chain(replaced).flat_map(|pattern| words(pattern)).collect();
    let (numbers, names): (Vec<&str>, Vec<&str>) =
        words.iter().map(String::as_str).partition(|word| word.chars().all(|c| c.is_ascii_digit()));
    let mut lines = Vec::new();
    for name in names.into_iter().take(SOUGHT).chain(["someone"]) {
        for number in numbers.iter().copied().take(SOUGHT).chain(["1001"]) {
            lines.push(form.replace("{name}", name).replace("{number}", number));
        }
    }
    lines
}

/// The words that a pattern spells out.
fn words(pattern: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '[' => drop(chars.by_ref().skip(1).find(|c| *c == ']')),
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') => {
                plain.push(c);
                continue;
            }
            _ => {}
        }
        plain.push(' ');
    }
    plain.split(' ').filter(|word| word.len() > 1).map(str::to_owned).collect()
}

impl Command {
    /// Whether it applies to a line that is somewhere in the middle of a file.
    fn applies(&self, mode: Mode, line: &str) -> bool {
        let matches = |pattern: &str, compiled: &Compiled| {
            let pattern = compiled.get_or_init(|| expression(pattern, mode));
            pattern.as_ref().is_some_and(|p| p.is_match(line))
        };
        let meant = match self.addresses.as_slice() {
            [] | [Address::First | Address::Line, Address::Last] => true,
            [Address::Pattern(pattern, compiled), ..] => matches(pattern, compiled),
            [Address::First | Address::Line | Address::Last, ..] => false,
        };
        meant != self.negated
    }
}

/// What `s` puts in, with `\1` and `&` as our patterns write them.
fn template(replacement: &str) -> String {
    let mut out = String::new();
    let mut chars = replacement.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(digit) if digit.is_ascii_digit() => out.push_str(&format!("${{{digit}}}")),
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('$') => out.push_str("$$"),
                Some(other) => out.push(other),
                None => {}
            },
            '&' => out.push_str("${0}"),
            '$' => out.push_str("$$"),
            other => out.push(other),
        }
    }
    out
}

/// A pattern of `sed` as one of ours.
fn expression(pattern: &str, mode: Mode) -> Option<Regex> {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                c @ ('(' | ')' | '{' | '}' | '|' | '+' | '?') if !mode.extended => out.push(c),
                '<' | '>' => out.push_str("\\b"),
                c if c.is_ascii_punctuation() || c.is_alphabetic() => out.extend(['\\', c]),
                c => out.push(c),
            },
            '[' => {
                out.push(c);
                out.extend(chars.next_if(|c| *c == '^'));
                if chars.next_if(|c| *c == ']').is_some() {
                    out.push_str("\\]");
                }
                while let Some(c) = chars.next_if(|c| *c != ']') {
                    out.push_str(if c == '\\' { "\\\\" } else { "" });
                    out.extend((c != '\\').then_some(c));
                }
            }
            '(' | ')' | '{' | '}' | '|' | '+' | '?' if !mode.extended => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    Regex::new(&out).ok()
}

/// What is left to read of a script.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn skip(&mut self, which: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(which);
    }

    /// Whether the next character is `c`, which is taken then.
    fn take(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The rest of the line.
    fn line(&mut self) -> &'a str {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        line
    }

    /// Text up to a separator, which a backslash takes its meaning off.
    fn until(&mut self, separator: char) -> String {
        let mut text = String::new();
        while let Some(c) = self.next() {
            match c {
                _ if c == separator => break,
                '\\' => match self.next() {
                    Some(next) if next == separator => text.push(next),
                    Some(next) => text.extend(['\\', next]),
                    None => {}
                },
                _ => text.push(c),
            }
        }
        text
    }

    fn addresses(&mut self) -> (Vec<Address>, bool) {
        let mut addresses = Vec::new();
        while let Some(address) = self.address() {
            addresses.push(address);
            self.skip(|c| matches!(c, ' ' | '+' | '~' | 'I' | 'M'));
            if !self.take(',') {
                break;
            }
            self.skip(|c| matches!(c, ' ' | '+' | '~'));
        }
        let negated = self.take('!');
        self.skip(|c| matches!(c, ' ' | '!'));
        (addresses, negated)
    }

    fn address(&mut self) -> Option<Address> {
        if self.take('$') {
            return Some(Address::Last);
        }
        let separator = match self.rest.chars().next()? {
            '/' => '/',
            '\\' => {
                self.next();
                self.rest.chars().next()?
            }
            c if c.is_ascii_digit() => {
                let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
                let (number, rest) = self.rest.split_at(end);
                self.rest = rest;
                let first = matches!(number, "0" | "1");
                return Some(if first { Address::First } else { Address::Line });
            }
            _ => return None,
        };
        self.take(separator);
        Some(Address::Pattern(self.until(separator), Compiled::new()))
    }

    fn arguments(&mut self, mut command: Command) -> Command {
        match command.name {
            's' | 'y' => {
                let Some(separator) = self.next() else { return command };
                command.argument = self.until(separator);
                command.replacement = self.until(separator);
                let end = self.rest.find([';', '}', '\n', ' ', 'w']).unwrap_or(self.rest.len());
                let (flags, rest) = self.rest.split_at(end);
                command.flags = flags.to_owned();
                self.rest = rest;
                if self.take('w') {
                    command.file = self.line().trim().to_owned();
                }
            }
            'a' | 'i' | 'c' => {
                self.skip(|c| matches!(c, ' ' | '\\' | '\n'));
                command.argument = self.line().to_owned();
            }
            'w' | 'W' | 'r' | 'R' | 'e' => command.argument = self.line().trim().to_owned(),
            'b' | 't' | 'T' | ':' | 'q' | 'Q' | 'l' | 'L' => {
                let end = self.rest.find([';', '}', '\n']).unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
            }
            _ => {}
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_apart() {
        let check = |script: &str, expected: &[(char, &str, &str, &str)]| {
            let commands = parse(script);
            let found: Vec<(char, &str, &str, &str)> = commands
                .iter()
                .map(|c| (c.name, c.argument.as_str(), c.replacement.as_str(), c.file.as_str()))
                .collect();
            assert_eq!(found, expected, "{script}");
        };
        check("s/a/b/", &[('s', "a", "b", "")]);
        check("s,a,\\/b\\,c,g;d", &[('s', "a", "\\/b,c", ""), ('d', "", "", "")]);
        check("s/quiet/init=\\/bin\\/sh/", &[('s', "quiet", "init=/bin/sh", "")]);
        check("1!d;e rm -rf /x", &[('d', "", "", ""), ('e', "rm -rf /x", "", "")]);
        check("/a/,/b/{p;w /srv/x\n}", &[('p', "", "", ""), ('w', "/srv/x", "", "")]);
        check("s/x//w /etc/passwd", &[('s', "x", "", "/etc/passwd")]);
        check("$a PermitRootLogin yes", &[('a', "PermitRootLogin yes", "", "")]);
    }

    #[test]
    fn a_line_is_made_of_what_is_looked_for() {
        let lines = |script: &str| sought(&parse(script), "{name}:x:{number}").join(" ");
        assert_eq!(lines("s/a/b/"), "someone:x:1001");
        assert_eq!(lines("/^app:/s/:42:/:0:/"), "app:x:42 app:x:1001 someone:x:42 someone:x:1001");
        assert_eq!(lines("s/^\\(app:[^:x]*\\):[0-9]*:/\\1:0:/"), "app:x:1001 someone:x:1001");
        assert!(sought(&parse("s/aa/b/"), "").is_empty());
    }

    #[test]
    fn what_is_left_of_a_line_is_known() {
        let check = |script: &str, quiet: bool, expected: Option<&str>| {
            let mode = Mode { extended: false, quiet };
            let left = rest(&parse(script), mode, "UUID=1 / ext4 defaults 0 1");
            assert_eq!(left.as_deref(), expected, "{script}");
        };
        check("d", false, None);
        check("1,$d", false, None);
        check("3d", false, Some("UUID=1 / ext4 defaults 0 1"));
        check("/swap/d", false, Some("UUID=1 / ext4 defaults 0 1"));
        check("/ \\/ /d", false, None);
        check("/swap/!d", false, None);
        check("s/ext4/xfs/", false, Some("UUID=1 / xfs defaults 0 1"));
        check("s/\\(ext\\)4/<&>\\1/", false, Some("UUID=1 / <ext4>ext defaults 0 1"));
        check("s/^\\(.*swap\\)/#\\1/", false, Some("UUID=1 / ext4 defaults 0 1"));
        check("/swap/p", true, None);
        check("/swap/s/^/#/", false, Some("UUID=1 / ext4 defaults 0 1"));
        check("/^[^#].*swap/d", false, Some("UUID=1 / ext4 defaults 0 1"));
    }
}
