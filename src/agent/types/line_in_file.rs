//! `line_in_file`: one line of a file that others write too.

use super::edited::{Edit, Edited, Lines};
use super::{Done, Failure, Node, Plan, Type};
use crate::model::resource::{LineInFile, Presence};
use regex::Regex;

/// A line of a file.
pub(in crate::agent) struct Line<'a>(pub(in crate::agent) &'a LineInFile);

impl Type for Line<'_> {
    type Step = ();

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<()>, Failure> {
        let line = self.0;
        let file = Edited::read(node, &line.path)?;
        let mut plan = Plan::new();
        plan.wanted.push(("ensure", line.ensure.name().into()));
        // In a noop run, another resource of the same catalog may bring the file.
        if !file.exists() && line.ensure.is_present() && !node.noop {
            return Err(Failure::NotReached(format!("there is no file `{}` to put a line into", line.path)));
        }
        if let Some(edit) = edit(file.text(), line)? {
            file.plan(&mut plan, edit, true, ());
        }
        Ok(plan)
    }

    fn apply(&self, (): (), node: &mut Node<'_>) -> Result<Done, Failure> {
        let file = Edited::read(node, &self.0.path)?;
        if let Some(edit) = edit(file.text(), self.0)? {
            file.write(node, &edit.text, 0o644)?;
        }
        Ok(Done::quietly())
    }
}

/// What is to become of the text; `None` when it is as it should be.
fn edit(text: &str, wish: &LineInFile) -> Result<Option<Edit>, Failure> {
    let pattern = wish.pattern.as_deref().map(regex).transpose()?;
    let lines = Lines::of(text);
    match wish.ensure {
        Presence::Present => present(lines, wish, pattern.as_ref()),
        Presence::Absent => absent(lines, wish, pattern.as_ref()),
    }
}

fn present<'t>(
    mut text: Lines<'t>,
    wish: &'t LineInFile,
    pattern: Option<&Regex>,
) -> Result<Option<Edit>, Failure> {
    let there = text.lines.iter().any(|line| *line == wish.line);
    let matching: Vec<usize> = matches(&text, pattern);
    if matching.is_empty() {
        if there || (pattern.is_some() && !wish.append_on_no_match) {
            return Ok(None);
        }
        add(&mut text, wish)?;
        return Ok(Some(Edit::ensure(text.join(), "absent", "present", "line added")));
    }
    if wish.replace_all_matches_not_matching_line {
        if matching.iter().all(|at| text.lines[*at] == wish.line) {
            return Ok(None);
        }
    } else if there || !wish.replace {
        return Ok(None);
    } else {
        only_one(&matching, "match", wish)?;
    }
    for at in matching {
        text.lines[at] = wish.line.as_str().into();
    }
    Ok(Some(Edit::ensure(text.join(), "another line", "present", "line replaced")))
}

fn absent(mut text: Lines<'_>, wish: &LineInFile, pattern: Option<&Regex>) -> Result<Option<Edit>, Failure> {
    let before = text.lines.len();
    if wish.match_for_absence {
        let matching = matches(&text, pattern);
        only_one(&matching, "match", wish)?;
        let mut at = 0..;
        text.lines.retain(|_| at.next().is_none_or(|at| !matching.contains(&at)));
    } else {
        text.lines.retain(|line| *line != wish.line);
    }
    let gone = text.lines.len() < before;
    Ok(gone.then(|| Edit::ensure(text.join(), "present", "absent", "line removed")))
}

/// Adds the line: behind what `after` matches, or at the end.
fn add(text: &mut Lines<'_>, wish: &LineInFile) -> Result<(), Failure> {
    let after = wish.after.as_deref().map(regex).transpose()?;
    let places = matches(text, after.as_ref());
    only_one(&places, "after", wish)?;
    if places.is_empty() {
        text.lines.push(wish.line.clone().into());
    }
    for at in places.into_iter().rev() {
        text.lines.insert(at + 1, wish.line.clone().into());
    }
    Ok(())
}

fn matches(text: &Lines<'_>, pattern: Option<&Regex>) -> Vec<usize> {
    let Some(pattern) = pattern else { return Vec::new() };
    text.lines.iter().enumerate().filter(|(_, line)| pattern.is_match(line)).map(|(at, _)| at).collect()
}

fn only_one(places: &[usize], attr: &str, wish: &LineInFile) -> Result<(), Failure> {
    if places.len() <= 1 || wish.multiple {
        return Ok(());
    }
    let message =
        format!("`{attr}` matches {} lines of `{}`, and `multiple` is not set", places.len(), wish.path);
    Err(Failure::NotReached(message))
}

fn regex(pattern: &str) -> Result<Regex, Failure> {
    Regex::new(pattern).map_err(|_| Failure::Value { value: pattern.to_owned(), what: "regular expression" })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;

    fn line(line: &str) -> LineInFile {
        LineInFile {
            path: "/etc/conf".into(),
            line: line.into(),
            ensure: Presence::Present,
            pattern: None,
            match_for_absence: false,
            multiple: false,
            after: None,
            replace: true,
            append_on_no_match: true,
            replace_all_matches_not_matching_line: false,
        }
    }

    /// Applies the wish to `before`, twice, and compares what is there and what was said.
    fn check(before: &str, set: impl FnOnce(&mut LineInFile), after: &str, message: &[&str]) {
        let place = Place::new();
        place.put("/etc/conf", before, 0o640);
        let mut wish = line("a = 1");
        set(&mut wish);
        assert_eq!(place.apply(&Line(&wish)), said(message), "{before}");
        assert_eq!((place.read("/etc/conf").as_str(), place.mode("/etc/conf")), (after, 0o640));
    }

    #[test]
    fn a_line_is_added_once_and_compared_whole() {
        check("b\n", |_| (), "b\na = 1\n", &["line added"]);
        check("b", |_| (), "b\na = 1\n", &["line added"]);
        check("", |_| (), "a = 1\n", &["line added"]);
        check("a = 1\n", |_| (), "a = 1\n", &[]);
        check("x a = 1\na = 12\n", |_| (), "x a = 1\na = 12\na = 1\n", &["line added"]);
        check("b\r\n", |_| (), "b\r\na = 1\r\n", &["line added"]);
        check("a = 1\r\nb\r\n", |_| (), "a = 1\r\nb\r\n", &[]);
    }

    #[test]
    fn match_replaces_and_after_places() {
        let pattern = |w: &mut LineInFile| w.pattern = Some("^a *=".into());
        check("a=2\nb\n", pattern, "a = 1\nb\n", &["line replaced"]);
        check("b\n", pattern, "b\na = 1\n", &["line added"]);
        // The line is there: another match is no reason to change anything.
        check("a=2\na = 1\n", pattern, "a=2\na = 1\n", &[]);
        let keep = |w: &mut LineInFile| (w.pattern, w.replace) = (Some("^a *=".into()), false);
        check("a=2\n", keep, "a=2\n", &[]);
        check("b\n", keep, "b\na = 1\n", &["line added"]);
        let no_append =
            |w: &mut LineInFile| (w.pattern, w.append_on_no_match) = (Some("^a *=".into()), false);
        check("b\n", no_append, "b\n", &[]);
        check("a=2\n", no_append, "a = 1\n", &["line replaced"]);
        let after = |w: &mut LineInFile| w.after = Some(r"^\[x\]".into());
        check("[x]\nb\n", after, "[x]\na = 1\nb\n", &["line added"]);
        check("b\n", after, "b\na = 1\n", &["line added"]);
        let both = |w: &mut LineInFile| (w.pattern, w.after) = (Some("^a *=".into()), Some("^b".into()));
        check("a=2\nb\n", both, "a = 1\nb\n", &["line replaced"]);
        check("b\nc\n", both, "b\na = 1\nc\n", &["line added"]);
    }

    #[test]
    fn more_than_one_match_needs_leave() {
        let place = Place::new();
        place.put("/etc/conf", "a=2\na=3\n", 0o644);
        let mut wish = line("a = 1");
        wish.pattern = Some("^a *=".into());
        let refused = "`match` matches 2 lines of `/etc/conf`, and `multiple` is not set";
        assert_eq!(place.apply(&Line(&wish)), Err(refused.into()));
        assert_eq!(place.read("/etc/conf"), "a=2\na=3\n");
        let many = |w: &mut LineInFile| (w.pattern, w.multiple) = (Some("^a *=".into()), true);
        check("a=2\na=3\n", many, "a = 1\na = 1\n", &["line replaced"]);
        let after = |w: &mut LineInFile| (w.after, w.multiple) = (Some("^b".into()), true);
        check("b\nb\n", after, "b\na = 1\nb\na = 1\n", &["line added"]);
        let all = |w: &mut LineInFile| {
            (w.pattern, w.replace_all_matches_not_matching_line) = (Some("^a *=".into()), true);
        };
        check("a = 1\na=3\n", all, "a = 1\na = 1\n", &["line replaced"]);
    }

    #[test]
    fn lines_are_removed_whole_or_by_match() {
        let gone = |w: &mut LineInFile| w.ensure = Presence::Absent;
        check("a = 1\nb\na = 1\n", gone, "b\n", &["line removed"]);
        check("a = 12\n", gone, "a = 12\n", &[]);
        let matched = |w: &mut LineInFile| {
            (w.ensure, w.pattern, w.match_for_absence) = (Presence::Absent, Some("^a *=".into()), true);
        };
        check("a=2\nb\n", matched, "b\n", &["line removed"]);
        check("b\n", matched, "b\n", &[]);
        let place = Place::new();
        let none = place.apply(&Line(&LineInFile { ensure: Presence::Absent, ..line("x") }));
        assert_eq!(none, said(&[]));
    }

    #[test]
    fn the_file_must_be_there_and_be_a_file() {
        let place = Place::new();
        assert_eq!(
            place.apply(&Line(&line("x"))),
            Err("there is no file `/etc/conf` to put a line into".into())
        );
        std::os::unix::fs::symlink("/etc/passwd", place.at("/etc/conf")).unwrap();
        assert_eq!(place.apply(&Line(&line("x"))), Err("`/etc/conf` is not a regular file".into()));
    }
}
