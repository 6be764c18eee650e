//! `find` and `fd`: where they look, what they pick, and what they do with it.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::parts::ANY_DEPTH;
use super::paths::{Paths, Reach};
use super::picks::{Expression, Picks};
use super::special::replaced;
use crate::shell::run::{Call, State, is_pattern, matches};
use crate::shell::{Dynamic, Part, Source, Value};

/// Runs `find`: every action on what the tests before it leave.
pub(super) fn find(analysis: &mut Analysis<'_>, call: &Call<'_>, state: &mut State) -> Value {
    if call.program().starts_with("fd") {
        return fd(analysis, call, state);
    }
    let (roots, from) = roots(call.words);
    let mut expression = Expression::default();
    let mut at = from;
    while let Some(word) = call.words.get(at) {
        let text = word.settled().code();
        let next = call.words.get(at + 1).map(|w| w.settled().code()).unwrap_or_default();
        match text.as_str() {
            "-delete" => {
                for value in found(&roots, expression.now(), analysis) {
                    let mut effect = Effect::new(Kind::Delete, "", "", call.span);
                    (effect.recursive, effect.forced) = (true, true);
                    analysis.add_path(effect, &value, state);
                }
                at += 1;
            }
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let rest = &call.words[at + 1..];
                let length = rest.iter().position(ends).unwrap_or(rest.len());
                for value in found(&roots, expression.now(), analysis) {
                    execute(analysis, &rest[..length], &value, call, state);
                }
                at += length + 2;
            }
            "-fprint" | "-fprintf" | "-fls" | "-fprint0" => {
                if let Some(path) = call.words.get(at + 1) {
                    analysis.add_path(Effect::new(Kind::Truncate, "", "", call.span), path, state);
                }
                at += 2;
            }
            _ => at += expression.read(&text, &next),
        }
    }
    printed(found(&roots, &expression.whole(), analysis))
}

/// `fd pattern directories -x command`
fn fd(analysis: &mut Analysis<'_>, call: &Call<'_>, state: &mut State) -> Value {
    let takes = |w: &str| {
        matches!(
            w,
            "-e" | "-t" | "-d" | "-E" | "-S" | "-o" | "-c" | "-j" | "--extension" | "--type" | "--max-depth"
        ) || matches!(w, "--exclude" | "--size" | "--owner" | "--changed-within" | "--changed-before")
    };
    let mut picks = Picks::default();
    let mut operands: Vec<Value> = Vec::new();
    let mut at = 1;
    let mut command: &[Value] = &[];
    while let Some(word) = call.words.get(at) {
        let text = word.settled().code();
        let next = call.words.get(at + 1).map(Value::code).unwrap_or_default();
        at += 1;
        match text.as_str() {
            "-x" | "-X" | "--exec" | "--exec-batch" => {
                command = &call.words[at..];
                break;
            }
            "-e" | "--extension" => picks.names = Some(vec![format!("*.{next}")]),
            "--changed-before" => picks.old = true,
            "--search-path" | "--base-directory" => operands.extend(call.words.get(at).cloned()),
            _ if text.starts_with('-') => {}
            _ => operands.push(word.settled()),
        }
        at += usize::from(takes(&text));
    }
    let pattern = if operands.is_empty() { String::new() } else { operands.remove(0).code() };
    if picks.names.is_none() && !matches!(pattern.as_str(), "" | "." | ".*" | "^" | "*") {
        picks.names = Some(vec![format!("*{}*", pattern.trim_matches(['^', '$']))]);
    }
    let roots = if operands.is_empty() { vec![Value::text(".")] } else { operands };
    let found = found(&roots, &picks, analysis);
    let length = command.iter().position(ends).unwrap_or(command.len());
    for value in found.iter().filter(|_| length > 0) {
        execute(analysis, &command[..length], value, call, state);
    }
    printed(found)
}

fn ends(word: &Value) -> bool {
    matches!(word.literal(), Some(";" | "+"))
}

/// Runs a command on what was found; without `{}` it comes last, as `fd` does it.
fn execute(
    analysis: &mut Analysis<'_>,
    command: &[Value],
    value: &Value,
    call: &Call<'_>,
    state: &mut State,
) {
    let mut words: Vec<Value> = command.iter().map(|w| replaced(w, "{}", value)).collect();
    if words.as_slice() == command {
        words.push(value.clone());
    }
    let spans = vec![call.span; words.len()];
    analysis.argv(&words, &spans, call, state);
}

fn printed(found: Vec<Value>) -> Value {
    found.into_iter().fold(Value::default(), |mut out, value| {
        out.append(&value);
        out.append(&Value::text("\n"));
        out
    })
}

/// Where `find` looks, and where its expression starts.
fn roots(words: &[Value]) -> (Vec<Value>, usize) {
    let mut roots = Vec::new();
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let settled = word.settled();
        match settled.prefix() {
            "-H" | "-L" | "-P" => {}
            "-D" => at += 1,
            text if text.starts_with(['-', '(', '!']) => break,
            _ if settled.is_empty() => {}
            _ => roots.push(settled),
        }
        at += 1;
    }
    if roots.is_empty() {
        roots.push(Value::text("."));
    }
    (roots, at)
}

/// The paths of what is picked below the roots.
fn found(roots: &[Value], picks: &Picks, analysis: &Analysis<'_>) -> Vec<Value> {
    roots.iter().flat_map(|root| below(root, picks, analysis)).collect()
}

/// The paths of what is picked below `root`. What may go there is a name that nothing is known of; names
/// are looked for at any depth; everything else is all that is there.
fn below(root: &Value, picks: &Picks, analysis: &Analysis<'_>) -> Vec<Value> {
    let paths = &analysis.rules.paths;
    let names = picks.names.as_deref().unwrap_or_default();
    let junk = |name: &String| paths.junk().iter().any(|j| j == name || matches(j, name));
    let broad = |name: &String| name.contains('*') && matches(name, "abc") && matches(name, "x-y.z");
    let named = !names.is_empty() && !names.iter().any(broad);
    let exact = named && !names.iter().any(|name| is_pattern(name));
    let (retained, listed) = match paths.class(root, Reach::Node) {
        None => (false, named),
        Some("unknown") => (false, exact),
        Some("root" | "base") => (false, exact),
        Some("log") => (picks.old || picks.narrowed || picks.dangling, named),
        Some("backup" | "private") => (picks.old || picks.dangling, exact),
        Some("data" | "database") => (picks.old && named || picks.dangling, exact),
        Some("shared" | "home") => (picks.dangling, named),
        Some(_) => (picks.dangling, exact),
    };
    let name = Part::Dynamic(Dynamic { source: Source::Name, empty: false });
    let below_root = |parts: [Part; 2]| {
        let mut value = root.clone();
        for part in parts {
            value.push(Part::Text("/".into()));
            value.push(part);
        }
        value
    };
    if retained || (!names.is_empty() && names.iter().all(junk)) {
        return vec![below_root([name.clone(), name])];
    }
    if !names.is_empty() && names.iter().all(|name| paths.is_copy(name)) {
        return names
            .iter()
            .map(|copy| below_root([name.clone(), Part::Glob(copy.as_str().into())]))
            .collect();
    }
    if picks.owned && !listed {
        let mut somewhere = below_root([Part::Glob(ANY_DEPTH.into()), name.clone()]);
        somewhere.push(Part::Text("/".into()));
        somewhere.push(name);
        return vec![somewhere];
    }
    let at_depth = |name: Option<&String>| {
        let shallow = picks.shallow && listed;
        let mut value = root.clone();
        value.push(Part::Text("/".into()));
        if !shallow || name.is_none() {
            value.push(Part::Glob(ANY_DEPTH.into()));
        }
        if let Some(name) = name {
            if !shallow {
                value.push(Part::Text("/".into()));
            }
            value.push(Part::Glob(name.as_str().into()));
        }
        value
    };
    if named { names.iter().map(|name| at_depth(Some(name))).collect() } else { vec![at_depth(None)] }
}

/// The directory with all that is in it, where an effect on a selection of what was found below it is as
/// bad as one on everything: what a pattern of names leaves there is not known. Modes that are set, and
/// what is given to root, harm less than what they were there for.
pub(super) fn widened(path: &Value, effect: &Effect, paths: &Paths) -> Option<Value> {
    let parts = path.parts();
    let at = parts.iter().position(|p| matches!(p, Part::Glob(pattern) if pattern == ANY_DEPTH))?;
    let rest = parts.get(at + 1..)?;
    let named = rest.iter().any(|p| matches!(p, Part::Glob(name) if is_pattern(name)));
    let somebodys = rest.iter().any(|p| matches!(p, Part::Dynamic(_)));
    let harmless = match effect.kind {
        Kind::Mode | Kind::Close | Kind::Expose | Kind::Format => true,
        Kind::Owner => somebodys || !effect.forced,
        _ => false,
    };
    if harmless || !(named || somebodys) {
        return None;
    }
    let value = |parts: &[Part]| {
        parts.iter().cloned().fold(Value::default(), |mut value, part| {
            value.push(part);
            value
        })
    };
    match paths.class(&value(&parts[..at]), Reach::Node) {
        None | Some("log" | "shared" | "home") => None,
        Some(_) => Some(value(&parts[..=at])),
    }
}
