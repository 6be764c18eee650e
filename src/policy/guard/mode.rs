//! `chmod`, and what modes mean.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::options::Arguments;
use crate::shell::run::State;

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
    for operand in arguments.operands.iter().skip(usize::from(named)) {
        let span = operand.span;
        let mut effect = Effect::new(Kind::Mode, "", "", span);
        effect.recursive = recursive;
        effect.forced = opens_or_closes(&mode);
        if recursive || effect.forced {
            analysis.add_path(effect, &operand.value, state);
        }
        if sets_user_id(&mode) {
            analysis.add(Effect::new(Kind::Setuid, "mode", operand.value.to_string(), span));
        }
    }
}

/// Whether a mode gives a file's user ID to whoever runs it.
pub(in crate::policy) fn sets_user_id(mode: &str) -> bool {
    match mode.trim_start_matches('0').parse::<u32>() {
        Ok(_) if mode.chars().all(|c| c.is_digit(8)) => {
            u32::from_str_radix(mode, 8).is_ok_and(|bits| bits & 0o4000 != 0)
        }
        _ => mode.split(',').any(|clause| {
            let who = clause.split(['+', '=', '-']).next().unwrap_or("");
            let sets = clause.split_once(['+', '=']).is_some_and(|(_, bits)| bits.contains('s'));
            sets && (who.contains('u') || who.contains('a') || who.is_empty())
        }),
    }
}

/// Whether a mode lets everybody write, or nobody in.
fn opens_or_closes(mode: &str) -> bool {
    if mode.chars().all(|c| c.is_digit(8)) && !mode.is_empty() {
        let bits = u32::from_str_radix(mode, 8).unwrap_or(0);
        return (bits & 0o002 != 0 && bits & 0o1000 == 0)
            || bits & 0o500 == 0
            || bits & 0o111 == 0 && bits & 0o444 == 0;
    }
    mode.split(',').any(|clause| {
        let at = clause.find(['+', '=', '-']).unwrap_or(0);
        let (who, change) = clause.split_at(at);
        let everybody = who.is_empty() || who.contains(['a', 'o']);
        let adds = change.starts_with(['+', '=']) && change.contains('w');
        let owner = who.is_empty() || who.contains(['a', 'u']);
        let removes = change.starts_with('-') && change.contains(['r', 'x', 'w']) && change != "-w";
        (everybody && adds && !change.contains('t')) || (owner && removes) || (owner && change == "=")
    })
}
