//! Text → syntax tree, through brush-parser's grammar. What it cannot parse is an error with its place.

use super::ast::{Arm, AssignedValue, Assignment, Command, CommandKind, Condition, Item, Link, Pipeline};
use super::ast::{Piece, Redirect, RedirectKind, Script, Word};
use super::weight::weigh;
use super::word::{self, Mode};
use super::{Dialect, Span};
use brush_parser::ast as brush;
use brush_parser::{ParseError as BrushError, Parser, ParserOptions, SourceSpan, TokenizerOptions};
use brush_parser::{parse_tokens, uncached_tokenize_str};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Text that is no shell script, or that is too much of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The grammar does not have it.
    #[error("the shell cannot parse this: {message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where.
        span: Span,
    },
    /// It is longer than the analysis reads.
    #[error("the text has more than {MAX_TEXT} bytes")]
    TooLong,
    /// It nests deeper than the analysis follows.
    #[error("the text nests more than {MAX_NESTING} levels deep")]
    TooDeep,
}

/// Bytes of a text, at most.
pub const MAX_TEXT: usize = 1 << 20;
/// Levels of brackets and quotes inside one another, at most.
pub const MAX_NESTING: usize = 48;
/// How often the grammar may look at tokens: half a second's work, at most.
const MAX_LOOKS: u64 = 1 << 20;

/// Parses `text`, whose first byte has the offset `base` in what the user wrote.
///
/// # Errors
/// When the grammar of `dialect` does not have it, or it is too long or nests too deep.
pub fn parse(text: &str, base: usize, dialect: Dialect) -> Result<Script, ParseError> {
    if text.len() > MAX_TEXT {
        return Err(ParseError::TooLong);
    }
    if nesting(text) > MAX_NESTING {
        return Err(ParseError::TooDeep);
    }
    // The grammar is not ours: a panic in it is text that it cannot parse, not the end of the program.
    let parsed = catch_unwind(AssertUnwindSafe(|| grammar(text, dialect)));
    let whole = Span::new(base, base + text.len());
    let program = match parsed {
        Ok(Some(Ok(program))) => program,
        Ok(Some(Err(error))) => return Err(syntax(&error, text, base)),
        Ok(None) => return Err(ParseError::TooDeep),
        Err(_) => return Err(ParseError::Syntax { message: "the grammar gave up".into(), span: whole }),
    };
    let converter = Converter { offsets: offsets(text), base, dialect, whole };
    let mut items = Vec::new();
    for list in &program.complete_commands {
        items.extend(converter.list(list)?.items);
    }
    Ok(Script { items })
}

/// What the grammar makes of `text`; nothing where that would take too long.
fn grammar(text: &str, dialect: Dialect) -> Option<Result<brush::Program, BrushError>> {
    let sh_mode = dialect == Dialect::Dash;
    let options = ParserOptions { sh_mode, ..ParserOptions::default() };
    let token_options = TokenizerOptions { sh_mode, ..TokenizerOptions::default() };
    let Ok(tokens) = uncached_tokenize_str(text, &token_options) else {
        // The parser says where the token is that is none.
        return Some(Parser::new(std::io::Cursor::new(text.as_bytes()), &options).parse_program());
    };
    let weight = weigh(&tokens);
    let bearable = weight.depth <= MAX_NESTING && weight.looks <= MAX_LOOKS;
    bearable.then(|| parse_tokens(&tokens, &options))
}

/// How deep expansions nest, at most.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'(' | b'{' if at > 0 && matches!(bytes[at - 1], b'$' | b'<' | b'>' | b'(') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn syntax(error: &BrushError, text: &str, base: usize) -> ParseError {
    let offsets = offsets(text);
    let at =
        |index: usize| base + offsets.as_ref().map_or(index, |o| o.get(index).copied().unwrap_or(text.len()));
    let end = base + text.len();
    let start = match error {
        BrushError::ParsingNear(position) => at(position.index),
        BrushError::Tokenizing { position: Some(position), .. } => at(position.index),
        BrushError::ParsingAtEndOfInput | BrushError::Tokenizing { position: None, .. } => end,
    };
    let start = start.min(end);
    let character = text.get(start - base..).and_then(|rest| rest.chars().next());
    let length = character.map_or(0, char::len_utf8);
    ParseError::Syntax { message: error.to_string(), span: Span::new(start, start + length) }
}

/// Byte offsets by character index; `None` where they are the same.
fn offsets(text: &str) -> Option<Vec<usize>> {
    if text.is_ascii() {
        return None;
    }
    Some(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect())
}

struct Converter {
    offsets: Option<Vec<usize>>,
    base: usize,
    dialect: Dialect,
    whole: Span,
}

type Parsed<T> = Result<T, ParseError>;

impl Converter {
    fn span(&self, span: &SourceSpan) -> Span {
        let at = |index: usize| {
            let byte = self.offsets.as_ref().map_or(index, |o| o.get(index).copied().unwrap_or(index));
            (self.base + byte).min(self.whole.end)
        };
        Span::new(at(span.start.index), at(span.end.index))
    }

    fn list(&self, list: &brush::CompoundList) -> Parsed<Script> {
        let items = list.0.iter().map(|brush::CompoundListItem(chain, separator)| {
            let mut pipelines = vec![(Link::First, self.pipeline(&chain.first)?)];
            for next in &chain.additional {
                pipelines.push(match next {
                    brush::AndOr::And(p) => (Link::And, self.pipeline(p)?),
                    brush::AndOr::Or(p) => (Link::Or, self.pipeline(p)?),
                });
            }
            let background = matches!(separator, brush::SeparatorOperator::Async);
            Ok(Item { chain: pipelines, background })
        });
        Ok(Script { items: items.collect::<Parsed<_>>()? })
    }

    fn pipeline(&self, pipeline: &brush::Pipeline) -> Parsed<Pipeline> {
        let commands = pipeline.seq.iter().map(|c| self.command(c)).collect::<Parsed<_>>()?;
        Ok(Pipeline { commands, negated: pipeline.bang })
    }

    fn command(&self, command: &brush::Command) -> Parsed<Command> {
        use brush_parser::ast::SourceLocation as _;
        let span = command.location().map_or(self.whole, |l| self.span(&l));
        let (kind, redirects) = match command {
            brush::Command::Simple(simple) => return self.simple(simple, span),
            brush::Command::Compound(compound, redirects) => (self.compound(compound)?, redirects.as_ref()),
            brush::Command::Function(function) => {
                let brush::FunctionBody(body, redirects) = &function.body;
                let body = Command {
                    kind: self.compound(body)?,
                    redirects: self.redirects(redirects.as_ref())?,
                    span,
                };
                let name = function.fname.value.clone();
                (CommandKind::Function { name, body: Arc::new(body) }, None)
            }
            brush::Command::ExtendedTest(test, redirects) => {
                (CommandKind::Condition(self.condition(&test.expr)?), redirects.as_ref())
            }
        };
        Ok(Command { kind, redirects: self.redirects(redirects)?, span })
    }

    fn simple(&self, simple: &brush::SimpleCommand, span: Span) -> Parsed<Command> {
        let (mut assignments, mut declared) = (Vec::new(), Vec::new());
        let (mut words, mut redirects) = (Vec::new(), Vec::new());
        for item in simple.prefix.iter().flat_map(|p| &p.0) {
            self.part(item, &mut assignments, &mut words, &mut redirects)?;
        }
        if let Some(word) = &simple.word_or_name {
            words.insert(0, self.word(word)?);
        }
        let declares = words.first().is_some_and(declares);
        for item in simple.suffix.iter().flat_map(|s| &s.0) {
            match item {
                brush::CommandPrefixOrSuffixItem::AssignmentWord(_, word) if !declares => {
                    words.push(self.word(word)?);
                }
                item => self.part(item, &mut declared, &mut words, &mut redirects)?,
            }
        }
        Ok(Command { kind: CommandKind::Simple { assignments, words, declared }, redirects, span })
    }

    fn part(
        &self,
        item: &brush::CommandPrefixOrSuffixItem,
        assignments: &mut Vec<Assignment>,
        words: &mut Vec<Word>,
        redirects: &mut Vec<Redirect>,
    ) -> Parsed<()> {
        match item {
            brush::CommandPrefixOrSuffixItem::IoRedirect(redirect) => {
                redirects.push(self.redirect(redirect)?);
            }
            brush::CommandPrefixOrSuffixItem::Word(word) => words.push(self.word(word)?),
            brush::CommandPrefixOrSuffixItem::AssignmentWord(assignment, word) => {
                assignments.push(self.assignment(assignment, word)?);
            }
            brush::CommandPrefixOrSuffixItem::ProcessSubstitution(_, subshell) => {
                let script = Arc::new(self.list(&subshell.list)?);
                words.push(Word { pieces: vec![Piece::Process(script)], span: self.span(&subshell.loc) });
            }
        }
        Ok(())
    }

    fn assignment(&self, assignment: &brush::Assignment, whole: &brush::Word) -> Parsed<Assignment> {
        let (name, index) = match &assignment.name {
            brush::AssignmentName::VariableName(name) => (name.clone(), None),
            brush::AssignmentName::ArrayElementName(name, index) => (name.clone(), Some(index.clone())),
        };
        let outer = whole.loc.as_ref().map_or(self.whole, |l| self.span(l));
        let value = match &assignment.value {
            brush::AssignmentValue::Scalar(word) => {
                let start = outer.start + whole.value.len().saturating_sub(word.value.len());
                AssignedValue::Scalar(self.text(&word.value, Span::new(start, outer.end))?)
            }
            brush::AssignmentValue::Array(elements) => {
                let keyed = elements.iter().map(|(key, word)| {
                    let key = key.as_ref().map(|k| k.value.clone());
                    Ok((key, self.text(&word.value, outer)?))
                });
                AssignedValue::Array(keyed.collect::<Parsed<_>>()?)
            }
        };
        Ok(Assignment { name, index, append: assignment.append, value })
    }

    fn word(&self, word: &brush::Word) -> Parsed<Word> {
        self.text(&word.value, word.loc.as_ref().map_or(self.whole, |l| self.span(l)))
    }

    fn text(&self, text: &str, span: Span) -> Parsed<Word> {
        word::parse(text, span, self.dialect, Mode::Plain)
    }

    fn redirects(&self, list: Option<&brush::RedirectList>) -> Parsed<Vec<Redirect>> {
        list.iter().flat_map(|l| &l.0).map(|r| self.redirect(r)).collect()
    }

    fn redirect(&self, redirect: &brush::IoRedirect) -> Parsed<Redirect> {
        use brush::{IoFileRedirectKind as K, IoFileRedirectTarget as T};
        Ok(match redirect {
            brush::IoRedirect::File(fd, kind, target) => {
                let kind = match kind {
                    K::Read => RedirectKind::Read,
                    K::Write | K::Clobber | K::ReadAndWrite => RedirectKind::Write,
                    K::Append => RedirectKind::Append,
                    K::DuplicateInput | K::DuplicateOutput => RedirectKind::Duplicate,
                };
                let target = match target {
                    T::Filename(word) | T::Duplicate(word) => self.word(word)?,
                    T::Fd(n) => Word { pieces: vec![Piece::Quoted(n.to_string())], span: self.whole },
                    T::ProcessSubstitution(_, subshell) => Word {
                        pieces: vec![Piece::Process(Arc::new(self.list(&subshell.list)?))],
                        span: self.span(&subshell.loc),
                    },
                };
                Redirect { fd: *fd, kind, target }
            }
            brush::IoRedirect::HereDocument(fd, doc) => {
                let span = doc.doc.loc.as_ref().map_or(self.whole, |l| self.span(l));
                let target = if doc.requires_expansion {
                    word::parse(&doc.doc.value, span, self.dialect, Mode::HereDocument)?
                } else {
                    Word { pieces: vec![Piece::Quoted(doc.doc.value.clone())], span }
                };
                Redirect { fd: *fd, kind: RedirectKind::Text, target }
            }
            brush::IoRedirect::HereString(fd, word) => {
                let mut target = self.word(word)?;
                target.pieces.push(Piece::Quoted("\n".into()));
                Redirect { fd: *fd, kind: RedirectKind::Text, target }
            }
            brush::IoRedirect::OutputAndError(word, append) => {
                let kind = if *append { RedirectKind::AppendBoth } else { RedirectKind::WriteBoth };
                Redirect { fd: None, kind, target: self.word(word)? }
            }
        })
    }

    fn compound(&self, compound: &brush::CompoundCommand) -> Parsed<CommandKind> {
        Ok(match compound {
            brush::CompoundCommand::Arithmetic(a) => CommandKind::Arithmetic(self.expression(Some(&a.expr))?),
            brush::CompoundCommand::ArithmeticForClause(f) => CommandKind::Count {
                heads: [
                    self.expression(f.initializer.as_ref())?,
                    self.expression(f.condition.as_ref())?,
                    self.expression(f.updater.as_ref())?,
                ],
                body: self.list(&f.body.list)?,
            },
            brush::CompoundCommand::BraceGroup(group) => CommandKind::Group(self.list(&group.list)?),
            brush::CompoundCommand::Subshell(subshell) => CommandKind::Subshell(self.list(&subshell.list)?),
            brush::CompoundCommand::ForClause(f) => CommandKind::For {
                variable: f.variable_name.clone(),
                values: match &f.values {
                    Some(words) => Some(words.iter().map(|w| self.word(w)).collect::<Parsed<_>>()?),
                    None => None,
                },
                body: self.list(&f.body.list)?,
            },
            brush::CompoundCommand::CaseClause(case) => self.case(case)?,
            brush::CompoundCommand::IfClause(clause) => self.if_clause(clause)?,
            brush::CompoundCommand::WhileClause(l) => self.conditional_loop(l, false)?,
            brush::CompoundCommand::UntilClause(l) => self.conditional_loop(l, true)?,
            brush::CompoundCommand::Coprocess(process) => {
                let name = process.name.as_ref().map_or("COPROC", |n| n.value.as_str());
                CommandKind::Coprocess(name.to_owned(), Box::new(self.command(&process.body)?))
            }
        })
    }

    fn conditional_loop(&self, l: &brush::WhileOrUntilClauseCommand, until: bool) -> Parsed<CommandKind> {
        Ok(CommandKind::Loop { condition: self.list(&l.0)?, until, body: self.list(&l.1.list)? })
    }

    fn expression(&self, expression: Option<&brush::UnexpandedArithmeticExpr>) -> Parsed<Word> {
        let text = expression.map_or("", |e| e.value.as_str());
        word::parse(text, self.whole, self.dialect, Mode::HereDocument)
    }

    fn case(&self, case: &brush::CaseClauseCommand) -> Parsed<CommandKind> {
        let arms = case.cases.iter().map(|arm| {
            let patterns = arm.patterns.iter().map(|p| self.word(p)).collect::<Parsed<_>>()?;
            let body = arm.cmd.as_ref().map_or_else(|| Ok(Script::default()), |c| self.list(c))?;
            let goes_on = !matches!(arm.post_action, brush::CaseItemPostAction::ExitCase);
            Ok(Arm { patterns, body, goes_on })
        });
        Ok(CommandKind::Case { value: self.word(&case.value)?, arms: arms.collect::<Parsed<_>>()? })
    }

    fn if_clause(&self, clause: &brush::IfClauseCommand) -> Parsed<CommandKind> {
        let mut branches = vec![(self.list(&clause.condition)?, self.list(&clause.then)?)];
        let mut otherwise = None;
        for other in clause.elses.iter().flatten() {
            match &other.condition {
                Some(condition) => branches.push((self.list(condition)?, self.list(&other.body)?)),
                None => otherwise = Some(self.list(&other.body)?),
            }
        }
        Ok(CommandKind::If { branches, otherwise })
    }

    fn condition(&self, expr: &brush::ExtendedTestExpr) -> Parsed<Condition<Word>> {
        let inner = |e: &brush::ExtendedTestExpr| Ok(Box::new(self.condition(e)?));
        Ok(match expr {
            brush::ExtendedTestExpr::And(a, b) => Condition::And(inner(a)?, inner(b)?),
            brush::ExtendedTestExpr::Or(a, b) => Condition::Or(inner(a)?, inner(b)?),
            brush::ExtendedTestExpr::Not(a) => Condition::Not(inner(a)?),
            brush::ExtendedTestExpr::Parenthesized(a) => self.condition(a)?,
            brush::ExtendedTestExpr::UnaryTest(operator, word) => {
                Condition::Unary(operator.to_string(), self.word(word)?)
            }
            brush::ExtendedTestExpr::BinaryTest(operator, a, b) => {
                Condition::Binary(operator.to_string(), self.word(a)?, self.word(b)?)
            }
        })
    }
}

/// Whether a command takes assignments as its arguments.
fn declares(word: &Word) -> bool {
    let names = ["declare", "typeset", "local", "readonly", "export"];
    matches!(word.pieces.as_slice(), [Piece::Text(name)] if names.contains(&name.as_str()))
}

#[cfg(test)]
mod tests;
