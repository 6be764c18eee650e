//! `find`: where it looks, what it picks, and what it does with it.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::paths::Reach;
use super::special::replaced;
use crate::shell::run::{Call, State, matches};
use crate::shell::{Dynamic, Part, Source, Value};

/// What `find` picks.
struct Picks {
    roots: Vec<Value>,
    /// Patterns of names.
    names: Vec<String>,
    /// Whether something besides names narrows the choice to what is old, empty, small …
    narrowed: bool,
}

/// Runs `find`.
pub(super) fn find(analysis: &mut Analysis<'_>, call: &Call<'_>, state: &mut State) -> Value {
    let picks = picks(call.words);
    let found: Vec<Value> = picks.roots.iter().map(|root| picks.value(root, analysis)).collect();
    let mut at = 1;
    while let Some(word) = call.words.get(at) {
        match word.literal() {
            Some("-delete") => {
                for value in &found {
                    let mut effect = Effect::new(Kind::Delete, "", "", call.span);
                    effect.recursive = true;
                    effect.forced = true;
                    analysis.add_path(effect, value, state);
                }
            }
            Some("-exec" | "-execdir" | "-ok" | "-okdir") => {
                let rest = &call.words[at + 1..];
                let ends = |w: &Value| matches!(w.literal(), Some(";" | "+"));
                let length = rest.iter().position(ends).unwrap_or(rest.len());
                for value in &found {
                    let words: Vec<Value> = rest[..length].iter().map(|w| replaced(w, "{}", value)).collect();
                    let spans = vec![call.span; words.len()];
                    analysis.argv(&words, &spans, call, state);
                }
                at += length;
            }
            Some("-fprint" | "-fprintf" | "-fls" | "-fprint0") => {
                if let Some(path) = call.words.get(at + 1) {
                    analysis.add_path(Effect::new(Kind::Overwrite, "", "", call.span), path, state);
                }
            }
            _ => {}
        }
        at += 1;
    }
    found.into_iter().fold(Value::default(), |mut out, value| {
        out.append(&value);
        out.append(&Value::text("\n"));
        out
    })
}

fn picks(words: &[Value]) -> Picks {
    let mut picks = Picks { roots: Vec::new(), names: Vec::new(), narrowed: false };
    let mut at = 1;
    let mut negated = false;
    let mut expression = false;
    while let Some(word) = words.get(at) {
        let settled = word.settled();
        let text = settled.code();
        let next = || words.get(at + 1).map(Value::code).unwrap_or_default();
        match text.as_str() {
            "-H" | "-L" | "-P" if !expression => {}
            "-D" if !expression => at += 1,
            "!" | "-not" => negated = true,
            "-name" | "-iname" | "-path" | "-ipath" | "-wholename" | "-regex" | "-iregex" => {
                expression = true;
                let pattern = next();
                let plain = matches!(text.as_str(), "-name" | "-iname");
                match (negated, plain) {
                    (false, true) => picks.names.push(pattern),
                    (false, false) => picks.names.push(last_part(&pattern)),
                    (true, _) => {}
                }
                at += 1;
                negated = false;
            }
            "-mtime" | "-atime" | "-ctime" | "-mmin" | "-amin" | "-cmin" | "-newer" | "-size" | "-user"
            | "-group" | "-perm" | "-uid" | "-gid" | "-inum" | "-links" | "-used" => {
                expression = true;
                picks.narrowed |= !negated;
                negated = false;
                at += 1;
            }
            "-empty" | "-nouser" | "-nogroup" => {
                expression = true;
                picks.narrowed |= !negated;
                negated = false;
            }
            _ if text.starts_with('-') || text == "(" => {
                expression = true;
                if !matches!(text.as_str(), "-o" | "-or" | "-a" | "-and") {
                    negated = false;
                }
            }
            _ if !expression && !settled.is_empty() => picks.roots.push(settled.clone()),
            _ => {}
        }
        at += 1;
    }
    if picks.roots.is_empty() {
        picks.roots.push(Value::text("."));
    }
    picks
}

fn last_part(pattern: &str) -> String {
    pattern.rsplit('/').find(|p| !p.is_empty() && *p != "*").unwrap_or("*").to_owned()
}

impl Picks {
    /// The path of what is found below `root`. Names that may go wherever they are, and what is picked by
    /// age below a directory that is not itself protected, are a name; everything else may be anything.
    fn value(&self, root: &Value, analysis: &Analysis<'_>) -> Value {
        let mut value = root.clone();
        value.append(&Value::text("/"));
        let junk = |name: &String| analysis.rules.paths.junk.iter().any(|j| j == name || matches(j, name));
        let narrow = |name: &String| !(name.contains('*') && matches(name, "abc") && matches(name, "x-y.z"));
        let named = !self.names.is_empty() && self.names.iter().all(narrow);
        let harmless = match analysis.rules.paths.class(root, Reach::Node) {
            None | Some("unknown") => false,
            Some("log") => named || self.narrowed,
            Some("shared" | "home" | "data") => named,
            Some(_) => !self.names.is_empty() && self.names.iter().all(junk),
        };
        if harmless {
            value.push(Part::Dynamic(Dynamic { source: Source::Name, empty: false }));
            value.append(&Value::text("/"));
            value.push(Part::Dynamic(Dynamic { source: Source::Name, empty: false }));
        } else {
            value.push(Part::Glob("*".into()));
        }
        value
    }
}
