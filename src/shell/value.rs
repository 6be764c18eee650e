//! What is known of a word after expansion: text, patterns, and explicit gaps.

use compact_str::CompactString;
use smallvec::{SmallVec, smallvec};
use std::fmt;

/// A word or a stream of text as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Value(SmallVec<[Part; 1]>);

/// A piece of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// This text.
    Text(CompactString),
    /// A pattern that the shell replaces with the names that match: `*`, `?`, `[…]`.
    Glob(CompactString),
    /// Text that is not known.
    Dynamic(Dynamic),
}

/// Text that is not known, with what is known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dynamic {
    /// Where it comes from.
    pub source: Source,
    /// Whether it may be empty.
    pub empty: bool,
}

/// Where unknown text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// A variable that nothing sets.
    Unset,
    /// A variable that the script has checked (`${x:?}`, `set -u`).
    Checked,
    /// Standard input, arguments, the environment.
    Input,
    /// A file of the machine.
    File,
    /// The network.
    Remote,
    /// The output of a program.
    Output,
    /// One name in a directory, as `ls` prints it: no slash, not empty.
    Name,
    /// A live fact, checked to be a plain word.
    Fact,
    /// A number.
    Number,
    /// Numbers of the processes that a machine lives on.
    Processes,
    /// More than the analysis follows.
    Limit,
    /// A device or program that never stops giving more: `/dev/zero`, `yes`.
    Endless,
    /// The digest of a file.
    Digest,
}

impl Source {
    /// Whether it may be anything: nothing has checked it, and its kind says nothing.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Checked | Self::Name | Self::Fact | Self::Number | Self::Unset)
    }

    const ALL: [Self; 13] = [
        Self::Unset,
        Self::Checked,
        Self::Input,
        Self::File,
        Self::Remote,
        Self::Output,
        Self::Name,
        Self::Fact,
        Self::Number,
        Self::Processes,
        Self::Limit,
        Self::Endless,
        Self::Digest,
    ];
}

/// First of the private-use characters that stand for unknown text where a value becomes code.
/// Text that brings such characters along is refused before it gets here.
const FIRST_MARK: u32 = 0xF_FF00;

/// What stands for `*` and `?` in the names that a program puts into code: names are patterns in quotes too.
const NAME_MARKS: [(char, char); 2] = [('*', '\u{ffe00}'), ('?', '\u{ffe01}')];

impl Dynamic {
    fn mark(self) -> char {
        let index = Source::ALL.iter().position(|s| *s == self.source).unwrap_or(0);
        let offset = u32::try_from(index * 2 + usize::from(self.empty)).unwrap_or(0);
        char::from_u32(FIRST_MARK + offset).unwrap_or('\u{fffd}')
    }

    fn of_mark(c: char) -> Option<Self> {
        let offset = usize::try_from((c as u32).checked_sub(FIRST_MARK)?).ok()?;
        let source = *Source::ALL.get(offset / 2)?;
        Some(Self { source, empty: offset % 2 == 1 })
    }
}

impl Value {
    /// Exactly this text, in which marks of [`Value::code`] become unknown again.
    #[must_use]
    pub fn text(text: impl Into<CompactString>) -> Self {
        let text = text.into();
        if text.is_empty() {
            return Self::default();
        }
        if text.is_ascii() || !text.chars().any(|c| marked(c).is_some()) {
            return Self(smallvec![Part::Text(text)]);
        }
        let mut value = Self::default();
        for c in text.chars() {
            value.push(marked(c).unwrap_or_else(|| Part::Text(CompactString::from_iter([c]))));
        }
        value
    }

    /// Text of which only the source is known.
    #[must_use]
    pub fn dynamic(source: Source, empty: bool) -> Self {
        Self(smallvec![Part::Dynamic(Dynamic { source, empty })])
    }

    /// The parts.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Adds a part at the end.
    pub fn push(&mut self, part: Part) {
        match (self.0.last_mut(), part) {
            (_, Part::Text(text)) if text.is_empty() => {}
            (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
            (_, part) => self.0.push(part),
        }
    }

    /// Adds another value at the end.
    pub fn append(&mut self, other: &Self) {
        for part in &other.0 {
            self.push(part.clone());
        }
    }

    /// The text, if all of it is known and no pattern is left.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text at the start that is known.
    #[must_use]
    pub fn prefix(&self) -> &str {
        match self.0.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// The text at the end that is known.
    #[must_use]
    pub fn suffix(&self) -> &str {
        match self.0.last() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// Whether it is certainly empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something in it is not known. Patterns are known.
    #[must_use]
    pub fn has_dynamic(&self) -> bool {
        self.0.iter().any(|p| matches!(p, Part::Dynamic(_)))
    }

    /// Whether text of `source` is in it.
    #[must_use]
    pub fn has(&self, source: Source) -> bool {
        self.0.iter().any(|p| matches!(p, Part::Dynamic(u) if u.source == source))
    }

    /// Whether it has a pattern.
    #[must_use]
    pub fn has_glob(&self) -> bool {
        self.0.iter().any(|p| matches!(p, Part::Glob(_)))
    }

    /// The value if every variable that nothing sets is empty.
    #[must_use]
    pub fn settled(&self) -> Self {
        let unset = |p: &&Part| !matches!(p, Part::Dynamic(u) if u.source == Source::Unset);
        self.0.iter().filter(unset).fold(Self::default(), |mut value, part| {
            value.push(part.clone());
            value
        })
    }

    /// The value if everything that may be empty is.
    #[must_use]
    pub fn emptied(&self) -> Self {
        let full = |p: &&Part| !matches!(p, Part::Dynamic(u) if u.empty);
        self.0.iter().filter(full).fold(Self::default(), |mut value, part| {
            value.push(part.clone());
            value
        })
    }

    /// The value as program text: unset variables are empty, what is unknown becomes a mark that
    /// [`Value::text`] turns into unknown again.
    #[must_use]
    pub fn code(&self) -> String {
        let mut out = String::new();
        for part in &self.settled().0 {
            match part {
                Part::Text(text) | Part::Glob(text) => out.push_str(text),
                Part::Dynamic(unknown) => out.push(unknown.mark()),
            }
        }
        out
    }

    /// The same, with marks for patterns, which are names of files that become part of the text.
    #[must_use]
    pub fn script(&self) -> String {
        let settled = self.settled();
        let mut out = String::new();
        for part in &settled.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Glob(pattern) => out.extend(pattern.chars().map(named)),
                Part::Dynamic(unknown) => out.push(unknown.mark()),
            }
        }
        out
    }

    /// The lines of the value. What is not known stays in the line that it stands in.
    #[must_use]
    pub fn lines(&self) -> Vec<Self> {
        self.split_at_each('\n')
    }

    /// The records of the value, each of which ends with `end`.
    #[must_use]
    pub fn split_at_each(&self, end: char) -> Vec<Self> {
        let mut records = vec![Self::default()];
        for part in &self.0 {
            let Part::Text(text) = part else {
                if let Some(record) = records.last_mut() {
                    record.push(part.clone());
                }
                continue;
            };
            for (at, piece) in text.split(end).enumerate() {
                if at > 0 {
                    records.push(Self::default());
                }
                if let Some(record) = records.last_mut() {
                    record.push(Part::Text(piece.into()));
                }
            }
        }
        if records.last().is_some_and(Self::is_empty) {
            records.pop();
        }
        records
    }

    /// The value without line feeds at its end, as a command substitution gives it.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        while let Some(Part::Text(text)) = self.0.last_mut() {
            let kept = text.trim_end_matches('\n').len();
            text.truncate(kept);
            if kept > 0 {
                break;
            }
            self.0.pop();
        }
        self
    }

    /// Applies `change` to every text.
    #[must_use]
    pub fn map_text(&self, change: impl Fn(&str) -> String) -> Self {
        let mut value = Self::default();
        for part in &self.0 {
            value.push(match part {
                Part::Text(text) => Part::Text(change(text).into()),
                other => other.clone(),
            });
        }
        value
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(text) | Part::Glob(text) => f.write_str(text)?,
                Part::Dynamic(unknown) => f.write_str(match unknown.source {
                    Source::Unset => "<unset>",
                    Source::Remote => "<from the network>",
                    Source::Input => "<input>",
                    Source::File => "<file content>",
                    Source::Number => "<number>",
                    Source::Processes => "<processes>",
                    Source::Name => "<name>",
                    Source::Fact => "<fact>",
                    Source::Endless => "<without end>",
                    Source::Checked | Source::Output | Source::Limit | Source::Digest => "<unknown>",
                })?,
            }
        }
        Ok(())
    }
}

/// Whether something in program text is not known.
pub(super) fn is_partly_known(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(|c| Dynamic::of_mark(c).is_some())
}

/// What a mark in code stands for.
fn marked(c: char) -> Option<Part> {
    let name = NAME_MARKS.iter().find(|(_, mark)| *mark == c);
    match name {
        Some((sign, _)) => Some(Part::Glob(CompactString::from_iter([*sign]))),
        None => Dynamic::of_mark(c).map(Part::Dynamic),
    }
}

/// A character of a pattern, or its mark.
fn named(c: char) -> char {
    NAME_MARKS.iter().find(|(sign, _)| *sign == c).map_or(c, |(_, mark)| *mark)
}
