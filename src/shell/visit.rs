//! Everything that is written in a syntax tree, for those who ask whether something is mentioned in it.

use super::ast::{AssignedValue, Assignment, Command, CommandKind, Condition, Name, Op, Piece, Script, Word};

/// Something that is written in a tree.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seen<'t> {
    /// Text, be it the text of a substitution.
    Text(&'t str),
    /// The name in a parameter expansion, or an index in it.
    Parameter(&'t str),
}

impl<'t> Seen<'t> {
    /// The characters.
    pub(super) const fn text(self) -> &'t str {
        match self {
            Self::Text(text) | Self::Parameter(text) => text,
        }
    }
}

/// Who is told.
type See<'s, 't> = &'s mut dyn FnMut(Seen<'t>);

/// Tells everything in a script.
pub(super) fn script<'t>(script: &'t Script, see: See<'_, 't>) {
    for (_, pipeline) in script.items.iter().flat_map(|item| &item.chain) {
        pipeline.commands.iter().for_each(|c| command(c, see));
    }
}

/// Tells everything in a command and its redirections.
fn command<'t>(command: &'t Command, see: See<'_, 't>) {
    command.redirects.iter().for_each(|r| word(&r.target, see));
    match &command.kind {
        CommandKind::Simple { assignments: before, words: given, declared } => {
            assignments(before, see);
            words(given, see);
            assignments(declared, see);
        }
        CommandKind::Group(inner) | CommandKind::Subshell(inner) => script(inner, see),
        CommandKind::Coprocess(name, inner) => {
            see(Seen::Text(name));
            self::command(inner, see);
        }
        CommandKind::If { branches, otherwise } => {
            for (condition, then) in branches {
                script(condition, see);
                script(then, see);
            }
            otherwise.iter().for_each(|o| script(o, see));
        }
        CommandKind::Loop { condition, body, .. } => {
            script(condition, see);
            script(body, see);
        }
        CommandKind::For { variable, values, body } => {
            see(Seen::Text(variable));
            values.iter().for_each(|v| words(v, see));
            script(body, see);
        }
        CommandKind::Case { value, arms } => {
            word(value, see);
            for arm in arms {
                words(&arm.patterns, see);
                script(&arm.body, see);
            }
        }
        CommandKind::Function { name, body } => {
            see(Seen::Text(name));
            self::command(body, see);
        }
        CommandKind::Condition(asked) => condition(asked, see),
        CommandKind::Arithmetic(expression) => word(expression, see),
        CommandKind::Count { heads, body } => {
            words(heads, see);
            script(body, see);
        }
    }
}

fn condition<'t>(asked: &'t Condition<Word>, see: See<'_, 't>) {
    match asked {
        Condition::Full(operand) => word(operand, see),
        Condition::Unary(operator, operand) => {
            see(Seen::Text(operator));
            word(operand, see);
        }
        Condition::Binary(operator, a, b) => {
            see(Seen::Text(operator));
            word(a, see);
            word(b, see);
        }
        Condition::Not(inner) => condition(inner, see),
        Condition::And(a, b) | Condition::Or(a, b) => {
            condition(a, see);
            condition(b, see);
        }
    }
}

/// Tells everything in words.
pub(super) fn words<'t>(words: &'t [Word], see: See<'_, 't>) {
    words.iter().for_each(|w| word(w, see));
}

/// Tells everything in assignments.
pub(super) fn assignments<'t>(assignments: &'t [Assignment], see: See<'_, 't>) {
    for assignment in assignments {
        see(Seen::Text(&assignment.name));
        assignment.index.iter().for_each(|i| see(Seen::Text(i)));
        match &assignment.value {
            AssignedValue::Scalar(value) => word(value, see),
            AssignedValue::Array(elements) => {
                for (index, value) in elements {
                    index.iter().for_each(|i| see(Seen::Text(i)));
                    word(value, see);
                }
            }
        }
    }
}

fn word<'t>(word: &'t Word, see: See<'_, 't>) {
    pieces(&word.pieces, see);
}

fn pieces<'t>(pieces: &'t [Piece], see: See<'_, 't>) {
    for piece in pieces {
        match piece {
            Piece::Text(text) | Piece::Quoted(text) | Piece::Tilde(text) => see(Seen::Text(text)),
            Piece::Command { text, .. } => see(Seen::Text(text)),
            Piece::Arithmetic { pieces } => self::pieces(pieces, see),
            Piece::Process(inner) => script(inner, see),
            Piece::Parameter(parameter) => {
                name(&parameter.name, see);
                operation(&parameter.op, see);
            }
        }
    }
}

fn name<'t>(name: &'t Name, see: See<'_, 't>) {
    match name {
        Name::Variable(name) | Name::Elements(name) | Name::JoinedElements(name) => {
            see(Seen::Parameter(name));
        }
        Name::Element(name, index) => {
            see(Seen::Parameter(name));
            see(Seen::Parameter(index));
        }
        Name::Positional(_)
        | Name::All
        | Name::Joined
        | Name::Count
        | Name::Number
        | Name::Zero
        | Name::Flags => see(Seen::Parameter("")),
    }
}

fn operation<'t>(operation: &'t Op, see: See<'_, 't>) {
    match operation {
        Op::Default(_, inner)
        | Op::Assign(_, inner)
        | Op::Error(inner)
        | Op::Alternative(_, inner)
        | Op::RemovePrefix(_, inner)
        | Op::RemoveSuffix(_, inner) => pieces(inner, see),
        Op::Replace(_, pattern, replacement) => {
            pieces(pattern, see);
            pieces(replacement, see);
        }
        Op::Substring(offset, length) => {
            pieces(offset, see);
            length.iter().for_each(|l| pieces(l, see));
        }
        Op::Value | Op::Length | Op::Case(..) | Op::Transform(_) | Op::Names => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::shell::{Dialect, parse};

    #[test]
    fn everything_that_is_written_is_told() {
        let text = "a=${b:-$c} d $(e $f) | { for g in $h[1]; do [[ -n $i ]] && (( j++ )); done; } > $k";
        let script = parse(text, 0, Dialect::Bash).unwrap();
        let mut seen = String::new();
        super::script(&script, &mut |s| seen.push_str(s.text()));
        for name in 'a'..='k' {
            assert!(seen.contains(name), "{name} in {seen}");
        }
    }
}
