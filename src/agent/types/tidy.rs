//! `tidy`: old or large files that are removed from a folder. The list of what goes is made before anything goes.

use super::{Change, Done, Failure, Node, Plan, Type};
use crate::agent::clock;
use crate::agent::host::{EntryKind, Stat};
use crate::model::Stamp;
use crate::model::resource::{Tidy, TidyTime};

/// Entries below one folder, at most.
const LIMIT: usize = 1_000_000;

/// A folder to tidy.
pub(in crate::agent) struct Tidied<'a>(pub(in crate::agent) &'a Tidy);

/// Something to remove, and what it was when the list was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::agent) struct Step {
    path: String,
    kind: EntryKind,
    inode: u64,
}

impl Type for Tidied<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let tidy = self.0;
        let mut plan = Plan::new();
        let Some(stat) = node.host.stat(&tidy.path)? else { return Ok(plan) };
        if stat.kind != EntryKind::Directory {
            return Ok(plan);
        }
        let mut search =
            Search { tidy, now: clock::system(), device: stat.device, seen: 0, found: Vec::new() };
        search.folder(node, &tidy.path, tidy.recurselimit.unwrap_or(u32::MAX))?;
        if tidy.max_files > 0 && search.found.len() > tidy.max_files as usize {
            let message = format!(
                "{} files below `{}` would be removed, and `max_files` is {}",
                search.found.len(),
                tidy.path,
                tidy.max_files
            );
            return Err(Failure::NotReached(message));
        }
        for (step, kind) in search.found {
            let message = format!("{}: removed", step.path);
            plan.changes.push(Change::new("ensure", kind.name(), "absent", step).saying(message));
        }
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        // Something else may have taken its name since.
        if let Some(stat) = node.host.stat(&step.path)?
            && stat.kind == step.kind
            && stat.inode == step.inode
        {
            node.host.remove(&step.path)?;
        }
        Ok(Done::quietly())
    }
}

struct Search<'a> {
    tidy: &'a Tidy,
    now: Stamp,
    device: u64,
    seen: usize,
    found: Vec<(Step, EntryKind)>,
}

impl Search<'_> {
    /// Looks into a folder; whether nothing will be left in it.
    fn folder(&mut self, node: &Node<'_>, folder: &str, depth: u32) -> Result<bool, Failure> {
        let mut empty = true;
        for name in node.host.list(folder)? {
            self.seen += 1;
            if self.seen > LIMIT {
                return Err(Failure::TooMany { path: self.tidy.path.clone(), limit: LIMIT });
            }
            // A name that is no text matches no pattern, and cannot be told.
            let Some(name) = name.to_str() else {
                empty = false;
                continue;
            };
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            let Some(stat) = node.host.stat(&path)? else { continue };
            let goes = match stat.kind {
                EntryKind::Directory => {
                    let inside = self.tidy.recurse && depth > 1 && stat.device == self.device;
                    inside && self.folder(node, &path, depth - 1)? && self.tidy.rmdirs
                }
                EntryKind::File | EntryKind::Link => self.is_wanted(name, &stat),
                EntryKind::Other => false,
            };
            // What the catalog names stays.
            if goes && !node.managed().contains_key(&path) {
                self.found.push((Step { path, kind: stat.kind, inode: stat.inode }, stat.kind));
            } else {
                empty = false;
            }
        }
        Ok(empty)
    }

    /// Whether a file is old or large enough to go, and has such a name.
    fn is_wanted(&self, name: &str, stat: &Stat) -> bool {
        let tidy = self.tidy;
        let time = match tidy.time {
            TidyTime::Atime => stat.accessed,
            TidyTime::Mtime => stat.modified,
            TidyTime::Ctime => stat.changed,
        };
        let age = u64::try_from(self.now.unix().saturating_sub(time)).unwrap_or(0);
        let old = tidy.seconds().is_some_and(|seconds| age > seconds);
        let large = tidy.bytes().is_some_and(|bytes| stat.size >= bytes);
        let any = tidy.age.is_none() && tidy.size.is_none();
        let named = tidy.matches.is_empty()
            || tidy.matches.iter().any(|pattern| crate::shell::run::matches(pattern, name));
        named && (any || old || large)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

    fn tidy(set: impl FnOnce(&mut Tidy)) -> Tidy {
        let mut tidy = Tidy {
            path: "/cache".into(),
            age: None,
            size: None,
            matches: Vec::new(),
            recurse: false,
            recurselimit: None,
            rmdirs: false,
            time: TidyTime::Mtime,
            max_files: 1000,
        };
        set(&mut tidy);
        tidy
    }

    /// A folder with a file of each age in days.
    fn place(files: &[(&str, i64)]) -> Place {
        let place = Place::new();
        std::fs::create_dir_all(place.at("/cache/sub/deep")).unwrap();
        for (path, days) in files {
            place.put(path, "x", 0o644);
            let time = Timespec { tv_sec: clock::system().unix() - days * 86_400 - 60, tv_nsec: 0 };
            let times = Timestamps { last_access: time, last_modification: time };
            utimensat(CWD, place.at(path), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
        }
        place
    }

    #[test]
    fn what_is_old_or_large_goes_and_nothing_else() {
        let place = place(&[("/cache/old", 10), ("/cache/new", 1), ("/cache/sub/old", 10)]);
        assert_eq!(
            place.apply(&Tidied(&tidy(|t| t.age = Some("1w".into())))),
            said(&["/cache/old: removed"])
        );
        assert!(place.at("/cache/new").exists() && place.at("/cache/sub/old").exists());
        place.put("/cache/large", &"x".repeat(2048), 0o644);
        let both = tidy(|t| (t.age, t.size) = (Some("1w".into()), Some("2k".into())));
        assert_eq!(place.apply(&Tidied(&both)), said(&["/cache/large: removed"]));
    }

    #[test]
    fn folders_are_entered_and_removed_only_where_that_is_said() {
        let files = [("/cache/sub/a.tmp", 10), ("/cache/sub/deep/b.tmp", 10), ("/cache/sub/deep/c", 10)];
        let week = |t: &mut Tidy| (t.age, t.recurse) = (Some("1w".into()), true);
        let named = tidy(|t| {
            week(t);
            t.matches = vec!["*.tmp".into()];
        });
        let two = ["/cache/sub/a.tmp: removed", "/cache/sub/deep/b.tmp: removed"];
        assert_eq!(place(&files).apply(&Tidied(&named)), said(&two));
        let shallow = tidy(|t| {
            week(t);
            t.recurselimit = Some(2);
        });
        assert_eq!(place(&files).apply(&Tidied(&shallow)), said(&["/cache/sub/a.tmp: removed"]));
        let all = tidy(|t| {
            week(t);
            t.rmdirs = true;
        });
        let five = [
            "/cache/sub/a.tmp: removed",
            "/cache/sub/deep/b.tmp: removed",
            "/cache/sub/deep/c: removed",
            "/cache/sub/deep: removed",
            "/cache/sub: removed",
        ];
        let place = place(&files);
        assert_eq!(place.apply(&Tidied(&all)), said(&five));
        assert!(place.at("/cache").is_dir());
    }

    #[test]
    fn links_go_themselves_and_what_the_catalog_names_stays() {
        let mut place = place(&[("/cache/kept", 10)]);
        std::os::unix::fs::symlink("../etc/passwd", place.at("/cache/link")).unwrap();
        place.managed.insert("/cache/kept".into(), false);
        let all = tidy(|t| t.matches = vec!["*".into()]);
        assert_eq!(place.apply(&Tidied(&all)), said(&["/cache/link: removed"]));
        assert!(place.at("/cache/kept").exists() && place.at("/etc/passwd").exists());
        assert_eq!(place.apply(&Tidied(&tidy(|t| t.path = "/none".into()))), said(&[]));
    }

    #[test]
    fn more_files_than_agreed_are_a_failure_and_nothing_goes() {
        let place = place(&[("/cache/a", 10), ("/cache/b", 10)]);
        let one = tidy(|t| (t.age, t.max_files) = (Some("1w".into()), 1));
        let refused = "2 files below `/cache` would be removed, and `max_files` is 1";
        assert_eq!(place.apply(&Tidied(&one)), Err(refused.into()));
        assert!(place.at("/cache/a").exists());
    }
}
