//! Here-documents. Their text stands behind the line that asks for them, so the rest of that line is looked through for
//! its end first, and skipped over with the documents when the grammar gets there.

use super::ast::{Piece, Word};
use super::lexer::Operator;
use super::parse::Parsed;
use super::reader::{Reader, Stops, step};
use super::substitution::Seen;
use super::word::Mode;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

/// The here-documents of one line.
#[derive(Default)]
pub(super) struct Documents {
    /// Those that the grammar has not come to yet.
    found: VecDeque<Document>,
    /// Where the line ends, and where the documents behind it do.
    behind: Option<(usize, usize)>,
}

struct Document {
    delimiter: Delimiter,
    body: Range<usize>,
}

/// What asks for a here-document.
pub(super) struct Delimiter {
    /// Where its operator stands.
    at: usize,
    /// The line that ends the document.
    line: String,
    /// Whether the document is text without expansions.
    quoted: bool,
    /// Whether tabs at the start of its lines come off.
    tabs: bool,
}

/// A line of a here-document, with those that are joined to it.
struct Line<'a> {
    text: Cow<'a, str>,
    /// Where the next one starts.
    end: usize,
    /// Whether it may be the delimiter.
    whole: bool,
}

impl Reader<'_> {
    /// Goes behind the end of the line here and the here-documents behind it.
    pub(super) fn newline(&mut self) {
        self.at = match self.documents.behind.take() {
            Some((line, end)) if line == self.at => end,
            other => {
                self.documents.behind = other;
                self.at + 1
            }
        };
    }

    /// Goes behind blanks, comments and ends of lines.
    pub(super) fn newlines(&mut self) {
        self.blanks();
        while self.peek() == Some(b'\n') {
            self.newline();
            self.blanks();
        }
    }

    /// The here-document that the operator here asks for. Goes behind the delimiter.
    pub(super) fn document(&mut self) -> Parsed<Word> {
        if self.documents.found.is_empty() {
            self.look_for_documents()?;
        }
        let at = self.at;
        self.delimiter()?;
        match self.documents.found.pop_front() {
            Some(document) if document.delimiter.at == at => self.text_of(&document),
            _ => Err(self.error_at(at, "the text of this here-document is not where it should be")),
        }
    }

    /// Finds the text of the here-documents of this line.
    fn look_for_documents(&mut self) -> Parsed<()> {
        let start = self.at;
        let (mut awaited, mut open) = (Vec::new(), 0usize);
        loop {
            match self.seen(&mut awaited)? {
                Seen::End | Seen::Newline => break,
                Seen::Operator(Operator::Open) => open += 1,
                Seen::Operator(Operator::Close) => open = open.saturating_sub(1),
                Seen::Operator(_) | Seen::Word(_) => {}
            }
            self.limit(open)?;
        }
        let line = self.at;
        self.at += 1;
        self.documents.found = self.read_documents(awaited, false);
        self.documents.behind = Some((line, self.at));
        self.at = start;
        Ok(())
    }

    /// Goes behind the here-documents that start here, inside a command substitution.
    pub(super) fn skip_documents(&mut self, awaited: &mut Vec<Delimiter>) {
        if !awaited.is_empty() {
            self.read_documents(std::mem::take(awaited), true);
        }
    }

    fn read_documents(&mut self, awaited: Vec<Delimiter>, substituted: bool) -> VecDeque<Document> {
        let read = |delimiter| {
            let body = self.read_document(&delimiter, substituted);
            Document { delimiter, body }
        };
        awaited.into_iter().map(read).collect()
    }

    /// Goes behind the document here and the line that ends it. One without such a line goes on to the end of the text.
    fn read_document(&mut self, delimiter: &Delimiter, substituted: bool) -> Range<usize> {
        let start = self.at.min(self.text.len());
        let mut at = start;
        while at < self.text.len() {
            let line = self.line(at, delimiter);
            let shown = if delimiter.tabs { line.text.trim_start_matches('\t') } else { &line.text };
            let rest = shown.strip_prefix(delimiter.line.as_str()).filter(|_| line.whole);
            match rest {
                Some("") => {
                    self.at = line.end;
                    return start..at;
                }
                // The bracket of a substitution may stand right behind the delimiter.
                Some(rest) if substituted && self.bash() && rest.starts_with(')') => {
                    self.at = at + line.text.len() - rest.len();
                    return start..at;
                }
                _ => at = line.end,
            }
        }
        self.at = self.text.len();
        start..self.text.len()
    }

    /// The line of a document at `at`. In one with expansions a backslash at its end joins the next line to it: for
    /// bash before it asks whether the line is the delimiter, for dash only where nothing stands in front.
    fn line(&self, at: usize, delimiter: &Delimiter) -> Line<'_> {
        let (mut text, mut end, mut whole) = (Cow::Borrowed(""), at, true);
        loop {
            let line = self.text.get(end..).and_then(|rest| rest.split('\n').next()).unwrap_or("");
            step(line.len());
            end += line.len() + 1;
            let backslashes = line.bytes().rev().take_while(|b| *b == b'\\').count();
            if delimiter.quoted || backslashes % 2 == 0 || end > self.text.len() {
                text += line;
                return Line { text, end: end.min(self.text.len()), whole };
            }
            text += &line[..line.len() - 1];
            whole &= self.bash() || line.len() == 1;
        }
    }

    /// The operator here and the delimiter behind it.
    pub(super) fn delimiter(&mut self) -> Parsed<Delimiter> {
        let at = self.at;
        let Some((operator, end)) = self.operator() else { return Err(self.error("`<<` expected")) };
        self.at = end;
        self.blanks();
        if !self.at_word() {
            return Err(self.error("a here-document needs a delimiter"));
        }
        let start = self.at;
        self.skip_word()?;
        let written = self.text.get(start..self.at).unwrap_or("").replace("\\\n", "");
        let quoted = written.contains(['\'', '"', '\\']);
        let line = if quoted { unquoted(&written) } else { written };
        Ok(Delimiter { at, line, quoted, tabs: operator == Operator::DocumentTabs })
    }

    fn text_of(&self, document: &Document) -> Parsed<Word> {
        let (start, end) = (document.body.start, document.body.end);
        let mut inside = self.inside(start, end);
        let mut pieces = if document.delimiter.quoted {
            vec![Piece::Quoted(inside.rest().to_owned())]
        } else {
            inside.pieces(Mode::HereDocument, &Stops::NONE)?
        };
        inside.at = end;
        if document.delimiter.tabs {
            without_tabs(&mut pieces);
        }
        Ok(Word { pieces, span: inside.span(start) })
    }
}

/// Takes off the tabs at the start of lines.
fn without_tabs(pieces: &mut [Piece]) {
    let mut line_starts = true;
    for piece in pieces {
        let Piece::Quoted(text) = piece else {
            line_starts = false;
            continue;
        };
        let lines: Vec<&str> = text.split('\n').collect();
        let ends = text.ends_with('\n') || (text.is_empty() && line_starts);
        let lines = lines.iter().enumerate();
        let shown = lines.map(|(n, l)| if n > 0 || line_starts { l.trim_start_matches('\t') } else { *l });
        *text = shown.collect::<Vec<_>>().join("\n");
        line_starts = ends;
    }
}

/// What quotes enclose and backslashes protect, without them.
fn unquoted(written: &str) -> String {
    let (mut out, mut quote) = (String::new(), None);
    let mut chars = written.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('\\', None) => out.extend(chars.next()),
            ('\\', Some('"')) if chars.peek().is_some_and(|c| "\\\"$`".contains(*c)) => {
                out.extend(chars.next())
            }
            (c, _) => out.push(c),
        }
    }
    out
}
