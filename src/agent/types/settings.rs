//! `hostname`, `timezone` and `locale`: what a node is called, what time it is there, and its language.

use super::edited::{Edit, Edited, Lines};
use super::{Change, Done, Failure, Node, Plan, Type};
use crate::agent::host::{EntryKind, Invocation};
use crate::model::resource::{Hostname, Locale, Timezone};

/// The name of the node.
pub(in crate::agent) struct Name<'a>(pub(in crate::agent) &'a Hostname);

/// The time zone of the node.
pub(in crate::agent) struct Zone<'a>(pub(in crate::agent) &'a Timezone);

/// The language of the node.
pub(in crate::agent) struct Language<'a>(pub(in crate::agent) &'a Locale);

/// What puts the node right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::agent) enum Step {
    /// Change what is read at boot.
    Persist,
    /// Change it now.
    Apply,
}

impl Type for Name<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let mut plan = Plan::new();
        let file = Edited::read(node, "/etc/hostname")?;
        plan.property("persisted", file.text().trim(), &self.0.name, || Step::Persist);
        if self.0.apply {
            let now = node.host.read_text("/proc/sys/kernel/hostname", 4096)?.unwrap_or_default();
            plan.property("name", now.trim(), &self.0.name, || Step::Apply);
        }
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        match step {
            Step::Persist => {
                let file = Edited::read(node, "/etc/hostname")?;
                file.write(node, &format!("{}\n", self.0.name), 0o644)?;
            }
            Step::Apply => {
                node.tool(&Invocation::of(&["hostname", "--", &self.0.name]).within(60))?;
            }
        }
        Ok(Done::quietly())
    }
}

/// Where the zones are.
const ZONES: &str = "/usr/share/zoneinfo";
const LOCALTIME: &str = "/etc/localtime";
/// Debian's own note of the zone.
const TIMEZONE: &str = "/etc/timezone";

impl Type for Zone<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let zone = &self.0.name;
        let known = node.host.stat(&format!("{ZONES}/{zone}"))?;
        if known.is_none_or(|stat| stat.kind == EntryKind::Directory) && !node.noop {
            return Err(Failure::NotReached(format!(
                "this node knows no time zone `{zone}` (is tzdata installed?)"
            )));
        }
        let mut plan = Plan::new();
        let have = match node.host.stat(LOCALTIME)? {
            Some(stat) if stat.kind == EntryKind::Link => {
                let target = node.host.read_link(LOCALTIME)?;
                target.split_once("zoneinfo/").map_or(target.clone(), |(_, zone)| zone.to_owned())
            }
            Some(_) => "a copy of a zone".to_owned(),
            None => "absent".to_owned(),
        };
        plan.property("name", &have, zone, || Step::Apply);
        if node.host.stat(TIMEZONE)?.is_some() {
            let file = Edited::read(node, TIMEZONE)?;
            plan.property("persisted", file.text().trim(), zone, || Step::Persist);
        }
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        let zone = &self.0.name;
        match step {
            Step::Apply => node.host.link(LOCALTIME, &format!("{ZONES}/{zone}"))?,
            Step::Persist => {
                let file = Edited::read(node, TIMEZONE)?;
                file.write(node, &format!("{zone}\n"), 0o644)?;
            }
        }
        Ok(Done::quietly())
    }
}

/// The locales that glibc of Debian and its kin makes.
const GENERATED: &str = "/etc/locale.gen";

impl Type for Language<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let mut plan = Plan::new();
        if let Some(edit) = self.generated(node)? {
            let file = Edited::read(node, GENERATED)?;
            file.plan(&mut plan, edit, true, Step::Apply);
        }
        let file = Edited::read(node, self.file(node)?)?;
        for (name, wanted) in self.wishes() {
            let have = value(file.text(), name).unwrap_or_default();
            plan.wanted.push(("variables", wanted.to_owned()));
            if have != wanted {
                let change = Change::new("variables", &have, wanted, Step::Persist);
                plan.changes.push(change.saying(format!("{name} changed '{have}' to '{wanted}'")));
            }
        }
        Ok(plan)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        match step {
            Step::Apply => {
                if let Some(edit) = self.generated(node)? {
                    Edited::read(node, GENERATED)?.write(node, &edit.text, 0o644)?;
                    node.tool(&Invocation::of(&["locale-gen"]).within(900))?;
                }
            }
            Step::Persist => {
                let file = Edited::read(node, self.file(node)?)?;
                let mut text = Lines::of(file.text());
                for (name, wanted) in self.wishes() {
                    let line = format!("{name}={wanted}");
                    match text.lines.iter().rposition(|line| value(line, name).is_some()) {
                        Some(at) => text.lines[at] = line.into(),
                        None => text.lines.push(line.into()),
                    }
                }
                let text = text.join();
                file.write(node, &text, 0o644)?;
            }
        }
        Ok(Done::quietly())
    }
}

impl Language<'_> {
    fn wishes(&self) -> impl Iterator<Item = (&str, &str)> {
        let others = self.0.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        std::iter::once(("LANG", self.0.name.as_str())).chain(others)
    }

    /// systemd's file where it is, Debian's otherwise.
    fn file(&self, node: &Node<'_>) -> Result<&'static str, Failure> {
        let modern = node.host.stat("/etc/locale.conf")?.is_some_and(|stat| stat.kind == EntryKind::File);
        let debian = node.host.stat("/etc/default")?.is_some();
        Ok(if modern || !debian { "/etc/locale.conf" } else { "/etc/default/locale" })
    }

    /// The list of locales to make with those in it that are wanted; `None` where they are there, or come with the
    /// C library.
    fn generated(&self, node: &Node<'_>) -> Result<Option<Edit>, Failure> {
        let file = Edited::read(node, GENERATED)?;
        let mut text = Lines::of(file.text());
        let mut missing = Vec::new();
        for (_, name) in self.wishes().filter(|(variable, _)| *variable != "LANGUAGE") {
            let built_in = matches!(name.split('.').next(), Some("C" | "POSIX"));
            let entry = |line: &str| line.split_whitespace().next() == Some(name);
            if built_in || !file.exists() || text.lines.iter().any(|line| entry(line)) {
                continue;
            }
            missing.push(name.to_owned());
            let bare = |line: &str| line.trim_start_matches(['#', ' ']).trim_end().to_owned();
            match text.lines.iter().position(|line| entry(&bare(line))) {
                Some(at) => text.lines[at] = bare(&text.lines[at]).into(),
                None => {
                    let set = name
                        .split_once('.')
                        .map_or("ISO-8859-1", |(_, set)| set.split('@').next().unwrap_or(set));
                    text.lines.push(format!("{name} {set}").into());
                }
            }
        }
        let wanted = missing.join(" ");
        Ok((!missing.is_empty()).then(|| Edit::value(text.join(), "generated", "", &wanted)))
    }
}

/// The value of a variable, in quotes or not.
fn value(text: &str, name: &str) -> Option<String> {
    let of = |line: &str| {
        line.trim().strip_prefix(name)?.strip_prefix('=').map(|v| v.trim_matches('"').to_owned())
    };
    text.lines().rev().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;

    #[test]
    fn the_name_is_written_and_compared_with_the_running_one() {
        let place = Place::new();
        std::fs::create_dir_all(place.at("/proc/sys/kernel")).unwrap();
        place.put("/proc/sys/kernel/hostname", "web1\n", 0o644);
        place.put("/etc/hostname", "old\n", 0o644);
        let wish = Hostname { name: "web1".into(), apply: true };
        assert_eq!(place.apply(&Name(&wish)), said(&["persisted changed 'old' to 'web1'"]));
        assert_eq!(place.read("/etc/hostname"), "web1\n");
        let plan = Name(&Hostname { name: "web2".into(), apply: true }).check(&mut place.node()).unwrap();
        assert_eq!(plan.changes[1].message, "name changed 'web1' to 'web2'");
    }

    #[test]
    fn a_zone_is_a_link_to_one_that_is_there() {
        let place = Place::new();
        std::fs::create_dir_all(place.at("/usr/share/zoneinfo/Europe")).unwrap();
        place.put("/usr/share/zoneinfo/Europe/Berlin", "TZif", 0o644);
        place.put("/etc/timezone", "Etc/UTC\n", 0o644);
        std::os::unix::fs::symlink("../usr/share/zoneinfo/Etc/UTC", place.at("/etc/localtime")).unwrap();
        let berlin = Timezone { name: "Europe/Berlin".into() };
        let changes =
            ["name changed 'Etc/UTC' to 'Europe/Berlin'", "persisted changed 'Etc/UTC' to 'Europe/Berlin'"];
        assert_eq!(place.apply(&Zone(&berlin)), said(&changes));
        let link = std::fs::read_link(place.at("/etc/localtime")).unwrap();
        assert_eq!(link.to_str(), Some("/usr/share/zoneinfo/Europe/Berlin"));
        for unknown in ["Europe", "Mars/Base"] {
            let failed = place.apply(&Zone(&Timezone { name: unknown.into() })).unwrap_err();
            assert!(failed.starts_with(&format!("this node knows no time zone `{unknown}`")), "{failed}");
        }
    }

    #[test]
    fn a_language_is_set_and_other_variables_are_left_alone() {
        let place = Place::new();
        std::fs::create_dir(place.at("/etc/default")).unwrap();
        place.put("/etc/default/locale", "# x\nLANG=\"C\"\nLC_TIME=en\n", 0o644);
        place.put("/etc/locale.gen", "# de_DE ISO-8859-1\nde_DE.UTF-8 UTF-8\n# en_GB.UTF-8 UTF-8\n", 0o644);
        let variables = [("LC_MESSAGES".to_owned(), "C.UTF-8".to_owned())].into();
        let german = Locale { name: "de_DE.UTF-8".into(), variables };
        let changes = ["LANG changed 'C' to 'de_DE.UTF-8'", "LC_MESSAGES changed '' to 'C.UTF-8'"];
        assert_eq!(place.apply(&Language(&german)), said(&changes));
        assert_eq!(
            place.read("/etc/default/locale"),
            "# x\nLANG=de_DE.UTF-8\nLC_TIME=en\nLC_MESSAGES=C.UTF-8\n"
        );
        let british = Locale { name: "en_GB.UTF-8".into(), variables: Default::default() };
        let edit = Language(&british).generated(&place.node()).unwrap().unwrap();
        assert_eq!(edit.text, "# de_DE ISO-8859-1\nde_DE.UTF-8 UTF-8\nen_GB.UTF-8 UTF-8\n");
    }
}
