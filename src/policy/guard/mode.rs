//! `chmod`, and what modes mean.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::options::Arguments;
use super::special;
use crate::shell::Source;
use crate::shell::run::{State, matches};

/// `chmod`: which bits, and on what.
pub(super) fn chmod(analysis: &mut Analysis<'_>, arguments: &Arguments, state: &State) {
    let minus: String = arguments
        .options
        .iter()
        .filter(|(name, _)| name.len() == 2 && "rwxXst".contains(&name[1..]))
        .map(|(name, _)| &name[1..])
        .collect();
    let reference = arguments.has(&["--reference".to_owned()]);
    let named = minus.is_empty() && !reference;
    let mode = match arguments.operands.first() {
        Some(operand) if named => operand.value.code(),
        _ => format!("-{minus}"),
    };
    let recursive = arguments.has(&["-R".to_owned(), "--recursive".to_owned()]);
    let change = if reference { Change::LIKE_ANOTHER } else { Change::of(&mode) };
    for operand in arguments.operands.iter().skip(usize::from(named)) {
        for mut effect in change.effects(recursive) {
            effect.span = operand.span;
            effect.recursive = recursive;
            analysis.add_path(effect, &operand.value, state);
        }
        if change.sets & 0o111 != 0 && special::file_content(&operand.value, state).has(Source::Remote) {
            let target = operand.value.to_string();
            analysis.add(Effect::new(Kind::UnverifiedCode, "program", target, operand.span));
        }
        let target = operand.value.to_string();
        let usual = analysis.rules.paths.set_user_id().iter().any(|program| matches(program, &target));
        if change.sets & SET_USER_ID != 0 && !usual {
            analysis.add(Effect::new(Kind::Setuid, "mode", target, operand.span));
        }
    }
}

/// Whether a mode gives a file's user ID to whoever runs it.
pub(in crate::policy) fn sets_user_id(mode: &str) -> bool {
    Change::of(mode).sets & SET_USER_ID != 0
}

const SET_USER_ID: u32 = 0o4000;

/// What a mode does to the bits of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Change {
    sets: u32,
    clears: u32,
    /// Whether it says what all bits are, and not which ones change.
    whole: bool,
}

impl Change {
    /// The mode of another file: some change, that nothing is known of.
    const LIKE_ANOTHER: Self = Self { sets: 0o040, clears: 0o100, whole: true };

    fn of(mode: &str) -> Self {
        let digits = mode.trim_start_matches(['=', '+', '-']);
        if let Ok(bits) = u32::from_str_radix(digits, 8) {
            return match mode.chars().next() {
                Some('+') => Self { sets: bits, ..Self::default() },
                Some('-') => Self { clears: bits, ..Self::default() },
                _ => Self { sets: bits, clears: !bits & 0o777, whole: true },
            };
        }
        mode.split(',').fold(Self::default(), Self::and)
    }

    /// The change, and then that of one clause: `u+x`, `go-w`, `a=rX`.
    fn and(mut self, clause: &str) -> Self {
        let at = clause.find(['+', '=', '-']).unwrap_or(clause.len());
        let (who, mut actions) = clause.split_at(at);
        let everybody = who.is_empty() || who.contains('a');
        while let Some(operator) = actions.chars().next() {
            let rest = &actions[1..];
            let end = rest.find(['+', '=', '-']).unwrap_or(rest.len());
            let (letters, next) = rest.split_at(end);
            let mut bits = 0;
            for (class, shift, set_id) in [('u', 6, 0o4000), ('g', 3, 0o2000), ('o', 0, 0)] {
                if everybody || who.contains(class) {
                    bits |= permissions(letters) << shift;
                    bits |= if letters.contains('s') { set_id } else { 0 };
                    self.clears |= if operator == '=' { (!permissions(letters) & 7) << shift } else { 0 };
                }
            }
            match operator {
                '-' => (self.clears, self.sets) = (self.clears | bits, self.sets & !bits),
                _ => (self.clears, self.sets) = (self.clears & !bits, self.sets | bits),
            }
            actions = next;
        }
        self
    }

    /// What it does to whatever it is applied to.
    fn effects(self, recursive: bool) -> Vec<Effect> {
        let effect = |kind, forced| {
            let mut effect = Effect::new(kind, "", "", crate::shell::Span::default());
            effect.forced = forced;
            effect
        };
        let mut effects = Vec::new();
        let tightens = self.sets == 0 && self.clears & !0o022 == 0;
        let disarms = !self.whole && self.clears & SET_USER_ID != 0;
        if (recursive && !tightens) || self.clears & 0o100 != 0 || disarms {
            effects.push(effect(Kind::Mode, self.clears & 0o100 != 0 || disarms));
        }
        if self.sets & 0o002 != 0 {
            effects.push(effect(Kind::Open, false));
        }
        if self.sets & 0o004 != 0 {
            effects.push(effect(Kind::Expose, false));
        }
        if self.clears & 0o404 != 0 {
            effects.push(effect(Kind::Close, self.clears & 0o400 != 0));
        }
        effects
    }
}

fn permissions(letters: &str) -> u32 {
    let bit = |letter: char, bit: u32| if letters.contains(letter) { bit } else { 0 };
    bit('r', 4) | bit('w', 2) | bit('x', 1) | bit('X', 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_as_chmod_reads_them() {
        let check = |mode: &str, sets: u32, clears: u32| {
            let change = Change::of(mode);
            assert_eq!((change.sets, change.clears), (sets, clears), "{mode}");
        };
        check("0755", 0o755, 0o022);
        check("=4755", 0o4755, 0o022);
        check("u+s", 0o4000, 0);
        check("go-w", 0, 0o022);
        check("-x", 0, 0o111);
        check("a=r", 0o444, 0o333);
        check("u=rwX,go=rX", 0o755, 0o022);
        check("o=", 0, 0o007);
        check("u-s,g+s", 0o2000, 0o4000);
    }
}
