//! Blanks, operators and reserved words. Which of them count depends on where they stand, so the grammar asks for what
//! it can use there.

use super::Dialect;
use super::reader::{Reader, Stops, step};

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|`
    Pipe,
    /// `|&`
    PipeBoth,
    /// `&`
    Background,
    /// `;`
    Semicolon,
    /// `;;`
    Break,
    /// `;&`
    Through,
    /// `;;&`
    Next,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `<`
    Read,
    /// `>`
    Write,
    /// `>>`
    Append,
    /// `>|`
    Clobber,
    /// `<>`
    ReadWrite,
    /// `<&`
    DuplicateInput,
    /// `>&`
    DuplicateOutput,
    /// `<<`
    Document,
    /// `<<-`
    DocumentTabs,
    /// `<<<`
    Text,
    /// `&>`
    WriteBoth,
    /// `&>>`
    AppendBoth,
}

/// The operators, and whether dash has them.
const OPERATORS: [(&[u8], Operator, bool); 23] = [
    (b"&", Operator::Background, true),
    (b"&&", Operator::And, true),
    (b"&>", Operator::WriteBoth, false),
    (b"&>>", Operator::AppendBoth, false),
    (b"(", Operator::Open, true),
    (b")", Operator::Close, true),
    (b";", Operator::Semicolon, true),
    (b";;", Operator::Break, true),
    (b";&", Operator::Through, false),
    (b";;&", Operator::Next, false),
    (b"|", Operator::Pipe, true),
    (b"||", Operator::Or, true),
    (b"|&", Operator::PipeBoth, false),
    (b"<", Operator::Read, true),
    (b"<<", Operator::Document, true),
    (b"<<-", Operator::DocumentTabs, true),
    (b"<<<", Operator::Text, false),
    (b"<>", Operator::ReadWrite, true),
    (b"<&", Operator::DuplicateInput, true),
    (b">", Operator::Write, true),
    (b">>", Operator::Append, true),
    (b">|", Operator::Clobber, true),
    (b">&", Operator::DuplicateOutput, true),
];

impl Operator {
    /// Whether it starts a redirection.
    pub(super) fn redirects(self) -> bool {
        use Operator as O;
        matches!(
            self,
            O::Read
                | O::Write
                | O::Append
                | O::Clobber
                | O::ReadWrite
                | O::DuplicateInput
                | O::DuplicateOutput
                | O::Document
                | O::DocumentTabs
                | O::Text
                | O::WriteBoth
                | O::AppendBoth
        )
    }
}

/// A word that means something of its own where a command may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    If,
    Then,
    Elif,
    Else,
    Fi,
    While,
    Until,
    For,
    Select,
    In,
    Do,
    Done,
    Case,
    Esac,
    Function,
    Coproc,
    Time,
    /// `!`
    Not,
    /// `{`
    Open,
    /// `}`
    Close,
    /// `[[`
    Test,
    /// `]]`
    TestEnd,
}

impl Keyword {
    fn of(word: &[u8], dialect: Dialect) -> Option<Self> {
        Some(match word {
            b"if" => Self::If,
            b"then" => Self::Then,
            b"elif" => Self::Elif,
            b"else" => Self::Else,
            b"fi" => Self::Fi,
            b"while" => Self::While,
            b"until" => Self::Until,
            b"for" => Self::For,
            b"in" => Self::In,
            b"do" => Self::Do,
            b"done" => Self::Done,
            b"case" => Self::Case,
            b"esac" => Self::Esac,
            b"!" => Self::Not,
            b"{" => Self::Open,
            b"}" => Self::Close,
            _ if dialect == Dialect::Dash => return None,
            b"select" => Self::Select,
            b"function" => Self::Function,
            b"coproc" => Self::Coproc,
            b"time" => Self::Time,
            b"[[" => Self::Test,
            b"]]" => Self::TestEnd,
            _ => return None,
        })
    }

    /// Whether it ends the list of commands before it.
    pub(super) const fn ends_list(self) -> bool {
        matches!(
            self,
            Self::Then
                | Self::Elif
                | Self::Else
                | Self::Fi
                | Self::Do
                | Self::Done
                | Self::Esac
                | Self::Close
        )
    }
}

/// Letters of the longest reserved word, `function`.
const LONGEST: usize = 8;

impl Reader<'_> {
    /// Whether the line goes on here behind a backslash at its end.
    fn joint(&self, at: usize) -> bool {
        self.text.as_bytes().get(at..).is_some_and(|rest| rest.starts_with(b"\\\n"))
    }

    /// Goes behind blanks, lines that go on, and a comment.
    pub(super) fn blanks(&mut self) {
        loop {
            step(1);
            match self.peek() {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\\') if self.joint(self.at) => self.at += 2,
                Some(b'#') => {
                    let rest = &self.text.as_bytes()[self.at..];
                    let comment = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                    step(comment);
                    self.at += comment;
                }
                _ => return,
            }
        }
    }

    /// The operator here, and where it ends.
    pub(super) fn operator(&self) -> Option<(Operator, usize)> {
        if !matches!(self.peek()?, b'&' | b'(' | b')' | b';' | b'|' | b'<' | b'>') {
            return None;
        }
        let bytes = self.text.as_bytes();
        let (mut found, mut at) = (None, self.at);
        let mut read: ([u8; 3], usize) = ([0; 3], 0);
        while read.1 < 3 {
            while self.joint(at) {
                at += 2;
            }
            let Some(byte) = bytes.get(at) else { break };
            read.0[read.1] = *byte;
            read.1 += 1;
            at += 1;
            step(1);
            let text = &read.0[..read.1];
            let known =
                OPERATORS.iter().find(|(operator, _, dash)| *operator == text && (*dash || self.bash()));
            match known {
                Some((_, operator, _)) => found = Some((*operator, at)),
                None => break,
            }
        }
        found
    }

    /// Consumes `wanted`, if it is here.
    pub(super) fn eat_operator(&mut self, wanted: Operator) -> bool {
        match self.operator() {
            Some((operator, end)) if operator == wanted => {
                self.at = end;
                true
            }
            _ => false,
        }
    }

    /// The reserved word here, and where it ends.
    pub(super) fn keyword(&self) -> Option<(Keyword, usize)> {
        let bytes = self.text.as_bytes();
        let (mut word, mut length, mut at) = ([0; LONGEST], 0, self.at);
        loop {
            step(1);
            match bytes.get(at) {
                Some(b'\\') if self.joint(at) => at += 2,
                Some(byte) if byte.is_ascii_lowercase() || b"!{}[]".contains(byte) => {
                    *word.get_mut(length)? = *byte;
                    length += 1;
                    at += 1;
                }
                Some(byte) if !Stops::WORD.has(*byte) => return None,
                _ => break,
            }
        }
        Keyword::of(word.get(..length)?, self.dialect).map(|keyword| (keyword, at))
    }

    /// Consumes `wanted`, if it is here.
    pub(super) fn eat_keyword(&mut self, wanted: Keyword) -> bool {
        match self.keyword() {
            Some((keyword, end)) if keyword == wanted => {
                self.at = end;
                true
            }
            _ => false,
        }
    }

    /// Whether a word starts here.
    pub(super) fn at_word(&self) -> bool {
        match self.peek() {
            Some(b'<' | b'>') => self.bash() && self.byte(1) == Some(b'('),
            Some(byte) => !Stops::WORD.has(byte),
            None => false,
        }
    }
}
