//! Which paths a machine cannot lose: `policies/paths.toml`, and how a path that is only partly known
//! is held against it.

use super::effect::{Effect, Kind};
use super::entries::{Entries, Segments};
use super::parts::{is, is_above, is_broad, leads, may_be, same_path, segments};
use super::patterns::Glob;
use crate::shell::run::is_pattern;
use crate::shell::{Dynamic, Part, Value};
use serde::Deserialize;
use std::borrow::Cow;

/// The table of protected paths.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Table")]
pub(super) struct Paths {
    table: Table,
    /// The paths of all classes.
    entries: Entries<Entry>,
}

/// The table as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// Directories that are other names of directories.
    #[serde(default)]
    aliases: Vec<(Segments, Segments)>,
    /// Classes, the most important first.
    #[serde(rename = "class", default)]
    classes: Vec<Class>,
    /// Names of files that may go wherever they are.
    #[serde(default)]
    junk: Vec<String>,
    /// Names of copies: what a pattern of this table does not mean.
    #[serde(default)]
    copies: Vec<Glob>,
    /// Programs that run with their owner's rights on every machine.
    #[serde(default)]
    set_user_id: Vec<String>,
}

/// A class of protected paths.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    /// Its name, as rules use it.
    name: String,
    /// Directories: lost with anything above them, or when all that is in them is.
    #[serde(default)]
    directories: Vec<Segments>,
    /// Files.
    #[serde(default)]
    files: Vec<Segments>,
    /// Files that count when it is they that are meant, and not something above them.
    #[serde(default)]
    named: Vec<Segments>,
    /// Directories in which every single thing counts.
    #[serde(default)]
    within: Vec<Segments>,
    /// Directories of which no selection may be lost at once.
    #[serde(default)]
    many: Vec<Segments>,
    /// What does not count although it matches.
    #[serde(default)]
    except: Vec<Segments>,
}

/// What a path of the table stands for.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Position of its class.
    class: usize,
    role: Role,
}

/// The lists of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Directory,
    File,
    Named,
    Within,
    Many,
    Except,
}

impl From<Table> for Paths {
    fn from(table: Table) -> Self {
        let mut entries = Entries::default();
        for (at, class) in table.classes.iter().enumerate() {
            let lists = [
                (&class.directories, Role::Directory),
                (&class.files, Role::File),
                (&class.named, Role::Named),
                (&class.within, Role::Within),
                (&class.many, Role::Many),
                (&class.except, Role::Except),
            ];
            for (list, role) in lists {
                list.iter().for_each(|path| entries.add(path.clone(), Entry { class: at, role }));
            }
        }
        Self { table, entries }
    }
}

/// How much of a path an action reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The thing itself: a file that is removed or written.
    Itself,
    /// The thing itself, be it a directory.
    Node,
    /// Everything below it too.
    Below,
    /// The same, where a selection of what is there is as bad as all of it.
    Many,
}

impl Reach {
    /// What an effect reaches.
    pub(super) fn of(effect: &Effect) -> Self {
        let node = matches!(
            effect.kind,
            Kind::Mode
                | Kind::Open
                | Kind::Expose
                | Kind::Close
                | Kind::Owner
                | Kind::Attribute
                | Kind::Mount
                | Kind::Unmount
                | Kind::Unpack
        );
        match effect.recursive {
            _ if effect.kind == Kind::Encrypt => Self::Many,
            true => Self::Below,
            false if node => Self::Node,
            false => Self::Itself,
        }
    }
}

impl Paths {
    /// Adds the classes of a site in front.
    pub(super) fn extend(&mut self, other: Self) {
        let (mut table, other) = (std::mem::take(&mut self.table), other.table);
        table.classes.splice(0..0, other.classes);
        table.aliases.extend(other.aliases);
        table.junk.extend(other.junk);
        table.copies.extend(other.copies);
        table.set_user_id.extend(other.set_user_id);
        *self = Self::from(table);
    }

    /// Names of files that may go wherever they are.
    pub(super) fn junk(&self) -> &[String] {
        &self.table.junk
    }

    /// Programs that run with their owner's rights on every machine.
    pub(super) fn set_user_id(&self) -> &[String] {
        &self.table.set_user_id
    }

    /// The classes of what an action on `path` reaches, the most important first: those of all paths that
    /// it may turn out to be. `unknown` where nothing is known of it.
    pub(super) fn classes(&self, path: &Value, reach: Reach) -> Vec<&str> {
        let mut found = Vec::new();
        if path.has_dynamic() {
            let settled = path.settled();
            self.reached_by(&settled, reach, &mut found);
            self.reached_by(&settled.emptied(), reach, &mut found);
            if found.is_empty() && is_undetermined(&settled) {
                return vec!["unknown"];
            }
        } else {
            self.reached_by(path, reach, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        found
            .into_iter()
            .filter_map(|at| self.table.classes.get(at))
            .map(|class| class.name.as_str())
            .collect()
    }

    /// Whether what has this name is a copy of something.
    pub(super) fn is_copy(&self, name: &str) -> bool {
        is_copy(name, &self.table.copies)
    }

    /// The most important class of what an action on `path` reaches.
    pub(super) fn class(&self, path: &Value, reach: Reach) -> Option<&str> {
        self.classes(path, reach).into_iter().next()
    }

    /// Adds the positions of the classes that an action on `path` reaches.
    fn reached_by(&self, path: &Value, reach: Reach, found: &mut Vec<usize>) {
        let text = written(path);
        for target in self.targets(&text) {
            let (from, mut excepted) = (found.len(), Vec::new());
            self.entries.related(&target.segments, &mut |path, entry| match entry.role {
                Role::Except if is_above(path, &target.segments, is) => excepted.push(entry.class),
                role if role.is_reached(path, &target, reach) => found.push(entry.class),
                _ => {}
            });
            let reached = found.split_off(from);
            found.extend(reached.into_iter().filter(|class| !excepted.contains(class)));
        }
    }

    /// The normal forms of a path with patterns; none for one that starts unknown or relative.
    fn targets<'t>(&'t self, text: &'t str) -> Vec<Target<'t>> {
        if !text.starts_with('/') {
            return Vec::new();
        }
        let mut forms = vec![segments(text)];
        for (from, to) in &self.table.aliases {
            let (from, to) = (&from.0, &to.0);
            let Some(segments) = forms.last_mut() else { break };
            let apart = |first: &str, alias: &str| first != alias && !is_pattern(first) && !is_pattern(alias);
            if segments.first().zip(from.first()).is_some_and(|(first, alias)| apart(first, alias)) {
                continue;
            }
            let starts = |holds: fn(&str, &str) -> bool| {
                segments.len() >= from.len() && from.iter().zip(segments.iter()).all(|(f, s)| holds(f, s))
            };
            if starts(is) {
                segments.splice(..from.len(), to.iter().map(String::as_str));
            } else if starts(may_be) {
                let mut other = segments.clone();
                other.splice(..from.len(), to.iter().map(String::as_str));
                forms.insert(0, other);
            }
        }
        forms.into_iter().map(|segments| Target::new(segments, &self.table.copies)).collect()
    }
}

/// A path as a pattern: what means something in patterns is escaped where it is text.
fn written(path: &Value) -> Cow<'_, str> {
    if let Some(text) = path.literal().filter(|text| !is_pattern(text)) {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for part in path.parts() {
        match part {
            Part::Text(t) if !is_pattern(t) => text.push_str(t),
            Part::Text(t) => text.extend(t.chars().flat_map(|c| {
                let special = matches!(c, '*' | '?' | '[' | '\\');
                special.then_some('\\').into_iter().chain([c])
            })),
            Part::Glob(t) => text.push_str(t),
            Part::Dynamic(d) if text.ends_with("/dev/") && d.source.is_open() => text.push_str(ANY_DISK),
            Part::Dynamic(_) => text.push('\u{1}'),
        }
    }
    Cow::Owned(text)
}

/// A path in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target<'t> {
    /// Its parts; patterns where a part is not one name.
    segments: Vec<&'t str>,
    /// Whether everything in it is meant, and not it itself.
    contents: bool,
    /// Whether it is called like a copy of something.
    copy: bool,
}

impl<'t> Target<'t> {
    fn new(mut segments: Vec<&'t str>, copies: &[Glob]) -> Self {
        let whole = segments.len();
        while segments.last().is_some_and(|s| is_broad(s)) {
            segments.pop();
        }
        let contents = segments.len() < whole;
        let copy = segments.last().is_some_and(|name| is_copy(name, copies));
        Self { segments, contents, copy: copy && !contents }
    }

    /// What comes before the first pattern, if there is one.
    fn before_pattern(&self) -> Option<&[&'t str]> {
        let at = self.segments.iter().position(|s| is_pattern(s));
        match at {
            Some(at) => self.segments.get(..at),
            None => self.contents.then_some(&self.segments),
        }
    }
}

impl Role {
    /// Whether an action on `target` reaches `entry`, which has this role.
    fn is_reached(self, entry: &[String], target: &Target<'_>, reach: Reach) -> bool {
        let below = matches!(reach, Reach::Below | Reach::Many);
        let path = &target.segments;
        if target.copy {
            return matches!(self, Self::Directory | Self::File) && entry == path;
        }
        match self {
            Self::Directory if below => leads(path, entry),
            Self::Directory => (target.contents || reach == Reach::Node) && same_path(path, entry),
            Self::File => match (below, target.contents) {
                (true, contents) => leads(path, entry) && !(contents && path.len() == entry.len()),
                (false, true) => entry.len() == path.len() + 1 && leads(path, entry),
                (false, false) => same_path(path, entry),
            },
            Self::Named => !target.contents && same_path(path, entry),
            Self::Within => {
                // A hidden file that is looked for in many places is not one of theirs.
                let hidden =
                    path.iter().any(|p| is_pattern(p)) && path.last().is_some_and(|p| p.starts_with('.'));
                let deeper = path.len() > entry.len();
                let under = deeper || (path.len() == entry.len() && (below || target.contents));
                !hidden && ((under && is_above(entry, path, may_be)) || (below && leads(path, entry)))
            }
            Self::Many => {
                reach == Reach::Many && target.before_pattern().is_some_and(|p| is_above(entry, p, may_be))
            }
            Self::Except => false,
        }
    }
}

/// The name of a device that cannot be known beforehand.
const ANY_DISK: &str = "[s-x]d*";

fn is_copy(name: &str, copies: &[Glob]) -> bool {
    copies.iter().any(|copy| copy.matches(name))
}

/// Whether a path may be anything.
fn is_undetermined(path: &Value) -> bool {
    match path.parts().first() {
        Some(Part::Dynamic(Dynamic { source, .. })) => source.is_open(),
        _ => false,
    }
}
