//! Where the shell stands: `cd`, `pushd`, `popd`, `dirs`.

use super::shared::Shared;
use super::state::{Failed, State};
use super::{Call, Shell};
use crate::shell::{Part, Source, Value};
use std::borrow::Cow;

/// Directories that every machine has: a `cd` to them does not fail.
const ALWAYS: [&str; 34] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/dev/shm",
    "/etc",
    "/home",
    "/lib",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/local/lib",
    "/usr/sbin",
    "/usr/share",
    "/usr/src",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/spool",
    "/var/tmp",
];

impl Shell<'_> {
    /// `cd`
    pub(super) fn change_directory(&mut self, arguments: &[Value], state: &mut State) -> Value {
        let options = ["-P", "-L", "-e", "-@", "--"];
        let target = arguments.iter().find(|a| !a.literal().is_some_and(|t| options.contains(&t)));
        let new = match target {
            None => state.absolute(&state.variable("HOME").unwrap_or_default()),
            Some(t) if t.literal() == Some("-") => match state.variable("OLDPWD") {
                Some(place) => vec![place],
                None => vec![Value::dynamic(Source::Input, false)],
            },
            Some(t) => searched(&t.settled(), state),
        };
        go(new, state);
        Value::default()
    }

    /// `pushd`, `popd` and `dirs`
    pub(super) fn directory_stack(&mut self, name: &str, call: &Call<'_>, state: &mut State) -> Value {
        let arguments = &call.words[1..];
        let numbered = arguments.iter().find_map(|a| rotation(a.literal()?));
        let target = arguments.iter().find(|a| !a.prefix().starts_with(['-', '+']));
        match (name, target, numbered) {
            ("dirs", ..) => {
                if arguments.iter().any(|a| a.literal() == Some("-c")) {
                    state.stack.clear();
                    return Value::default();
                }
                let places = stack(state);
                let shown = numbered
                    .and_then(|n| entry(&places, n))
                    .map_or(places.as_slice(), |p| std::slice::from_ref(p));
                return shown.iter().filter_map(|p| p.first()).fold(Value::default(), |mut out, place| {
                    out.append(place);
                    out.push(Part::Text("\n".into()));
                    out
                });
            }
            ("popd", _, None) => {
                let new = state.stack.pop().unwrap_or_else(|| vec![Value::dynamic(Source::Input, false)]);
                return_to(new, state);
            }
            ("popd", _, Some(_)) => drop(state.stack.pop()),
            (_, Some(target), _) => {
                state.stack.push(state.cwd.clone());
                let new = searched(&target.settled(), state);
                go(new, state);
            }
            (_, None, number) => {
                // Without a directory the first two change places, with a number all move on.
                let mut places = stack(state);
                let Some(at) = position(&places, number.unwrap_or((true, 1))) else {
                    return Value::default();
                };
                places.rotate_left(at);
                if number.is_none() && places.len() > 2 {
                    let second = places.pop().unwrap_or_default();
                    places.insert(1, second);
                }
                let new = places.remove(0);
                places.reverse();
                state.stack = places;
                return_to(new, state);
            }
        }
        Value::default()
    }
}

/// The stack as `dirs` shows it: where the shell stands first.
fn stack(state: &State) -> Vec<Vec<Value>> {
    std::iter::once(&state.cwd).chain(state.stack.iter().rev()).cloned().collect()
}

/// `+n` and `-n`: from the left, or from the right.
fn rotation(text: &str) -> Option<(bool, usize)> {
    let number = |t: &str| t.parse::<usize>().ok();
    match text.strip_prefix('+') {
        Some(digits) => Some((true, number(digits)?)),
        None => Some((false, number(text.strip_prefix('-')?)?)),
    }
}

fn position(places: &[Vec<Value>], (left, number): (bool, usize)) -> Option<usize> {
    if left { Some(number) } else { (places.len() - 1).checked_sub(number) }.filter(|at| *at < places.len())
}

fn entry(places: &[Vec<Value>], number: (bool, usize)) -> Option<&Vec<Value>> {
    places.get(position(places, number)?)
}

/// What `~+n` and `~-n` mean.
pub(super) fn numbered(text: &str, state: &State) -> Option<Value> {
    let number = rotation(text).or_else(|| text.parse().ok().map(|n| (true, n)))?;
    entry(&stack(state), number)?.first().cloned()
}

/// The directories that `cd` may mean: `CDPATH` is searched for a relative one.
fn searched(target: &Value, state: &State) -> Vec<Value> {
    let mut found = state.absolute(target);
    let plain = !target.prefix().starts_with(['/', '.']) && !target.prefix().is_empty();
    let path = state.variable("CDPATH").and_then(|p| p.literal().map(str::to_owned));
    for directory in path.iter().filter(|_| plain).flat_map(|p| p.split(':')).filter(|d| !d.is_empty()) {
        let mut whole = Value::text(format!("{directory}/"));
        whole.append(target);
        found.extend(state.absolute(&whole));
    }
    found
}

/// Goes to `new`; the shell stays where it is if that does not work.
fn go(new: Vec<Value>, state: &mut State) {
    let stays = state.clone();
    return_to(new, state);
    let certain = state.cwd.iter().all(|p| p.literal().is_some_and(|p| ALWAYS.contains(&p)));
    if !certain {
        state.failed = Some(Box::new(Failed { state: stays, ends: true }));
    }
}

/// Goes to a place where the shell has been before.
fn return_to(new: Vec<Value>, state: &mut State) {
    if let Some(place) = state.cwd.first().cloned() {
        state.set("OLDPWD", place);
    }
    state.cwd = new.into_iter().map(|v| v.literal().map(|p| Value::text(normal(p))).unwrap_or(v)).collect();
    state.variables.remove("PWD");
}

/// Whether every machine has the directory that `path` lies in.
#[must_use]
pub fn is_there(path: &str) -> bool {
    let path = normal(path);
    let directory = path.rsplit_once('/').map_or("/", |(directory, _)| directory);
    directory.is_empty() || ALWAYS.contains(&directory) || ALWAYS.contains(&&*path)
}

/// A path without empty, `.` and `..` parts.
#[must_use]
pub fn normal(path: &str) -> Cow<'_, str> {
    if is_normal(path) {
        return Cow::Borrowed(path);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Cow::Owned(format!("/{}", parts.join("/")))
}

/// Whether a path has no empty, `.` or `..` part.
fn is_normal(path: &str) -> bool {
    let Some(("", parts)) = path.split_once('/') else { return false };
    parts.is_empty() || parts.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The path with links that the script made followed.
pub(super) fn followed(links: &Shared<String>, path: Value) -> Value {
    if links.is_empty() {
        return path;
    }
    let known = path.prefix();
    let link = known.match_indices('/').find_map(|(at, _)| Some((at, links.get(&known[..at])?)));
    let Some((at, target)) = link else { return path };
    let mut whole = Value::text(format!("{target}{}", &known[at..]));
    for part in path.parts().iter().skip(1) {
        whole.push(part.clone());
    }
    whole
}

/// What a file is known by: its path, in which a name that a program has made up stands for itself.
pub(super) fn key(path: &Value) -> Option<String> {
    let known = |p: &Part| match p {
        Part::Text(_) => true,
        Part::Glob(_) => false,
        Part::Dynamic(unknown) => unknown.source == Source::Name,
    };
    path.parts().iter().all(known).then(|| normal(&path.code()).into_owned())
}
