//! `apt_repository`: where apt gets packages from, as a file of its own, with the key that the catalog names. What a
//! repository is of another package manager is the same with other files.

use super::content::Wanted;
use super::edited::{Edit, Edited};
use super::{Change, Done, Failure, Known, Lists, Node, Plan, Type};
use crate::agent::host::NewFile;
use crate::model::resource::{AptRepository, Content, Presence};

/// A repository.
pub(in crate::agent) struct Source<'a>(pub(in crate::agent) &'a AptRepository);

/// What puts a repository right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum Step {
    /// Write the key.
    Key,
    /// Write the description.
    Describe,
    /// Remove the description and the key.
    Remove,
}

impl Type for Source<'_> {
    type Step = Step;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        self.described().check(node)
    }

    fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        self.described().apply(step, node)
    }

    fn forget(&self, known: &mut Known) {
        known.lists = Lists::Old;
    }
}

impl Source<'_> {
    fn described(&self) -> Described<'_> {
        let repository = self.0;
        Described {
            ensure: repository.ensure,
            file: repository.file(),
            text: repository.text(),
            key_file: repository.key_file(),
            key: repository.key.as_ref(),
            folders: vec!["/etc/apt/keyrings", "/etc/apt/sources.list.d"],
        }
    }
}

/// A repository as two files.
pub(super) struct Described<'a> {
    pub(super) ensure: Presence,
    pub(super) file: String,
    pub(super) text: String,
    pub(super) key_file: String,
    /// The key, where the catalog brings it.
    pub(super) key: Option<&'a Content>,
    /// The folders that must be there, the outer before the inner.
    pub(super) folders: Vec<&'a str>,
}

impl Described<'_> {
    pub(super) fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step>, Failure> {
        let mut plan = Plan::new();
        plan.wanted.push(("ensure", self.ensure.name().into()));
        let file = Edited::read(node, &self.file)?;
        let key_is_there = node.host.stat(&self.key_file)?.is_some();
        if self.ensure == Presence::Absent {
            if file.exists() || key_is_there {
                plan.changes.push(Change::new("ensure", "present", "absent", Step::Remove).saying("removed"));
            }
            return Ok(plan);
        }
        // The key first: a description that names a key which is not there is refused.
        if let Some(key) = self.key {
            let wanted = Wanted::of(key, node)?;
            let have = match key_is_there {
                true => node.host.digest(&self.key_file, None)?.to_string(),
                false => "absent".to_owned(),
            };
            plan.property("key", &have, &wanted.shown(), || Step::Key);
        }
        let text = self.text.clone();
        if !file.exists() {
            file.plan(&mut plan, Edit::ensure(text, "absent", "present", "created"), true, Step::Describe);
        } else if file.text() != text {
            let edit =
                Edit { property: "content", ..Edit::ensure(text, "other", "as wanted", "content changed") };
            file.plan(&mut plan, edit, true, Step::Describe);
        }
        Ok(plan)
    }

    pub(super) fn apply(&self, step: Step, node: &mut Node<'_>) -> Result<Done, Failure> {
        if step != Step::Remove {
            for folder in &self.folders {
                if node.host.stat(folder)?.is_none() {
                    node.host.make_directory(folder, 0o755)?;
                }
            }
        }
        match (step, self.key) {
            (Step::Key, Some(key)) => {
                let bytes = Wanted::of(key, node)?.fetch(node)?.into_owned();
                node.host.write(&self.key_file, &NewFile::new(&bytes, 0o644))?;
            }
            (Step::Key, None) => {}
            (Step::Describe, _) => {
                Edited::read(node, &self.file)?.write(node, &self.text, 0o644)?;
            }
            (Step::Remove, _) => {
                for path in [&self.file, &self.key_file] {
                    if node.host.stat(path)?.is_some() {
                        node.host.remove(path)?;
                    }
                }
            }
        }
        Ok(Done::quietly())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;
    use crate::model::Digest;
    use crate::model::resource::Content;

    fn demo() -> AptRepository {
        AptRepository {
            name: "demo".into(),
            ensure: Presence::Present,
            uris: vec!["https://deb.example".into()],
            suites: vec!["bookworm".into(), "bookworm-updates".into()],
            components: vec!["main".into()],
            types: vec!["deb".into()],
            architectures: Vec::new(),
            key: Some(Content::Blob { digest: Digest::of(b"blob"), size: 4 }),
            key_format: "asc".into(),
            signed_by: None,
        }
    }

    #[test]
    fn the_key_comes_by_its_digest_and_before_the_description() {
        let place = Place::new();
        std::fs::create_dir(place.at("/etc/apt")).unwrap();
        let key = format!("key changed 'absent' to '{}'", Digest::of(b"blob"));
        assert_eq!(place.apply(&Source(&demo())), said(&[&key, "created"]));
        assert_eq!(place.read("/etc/apt/keyrings/demo.asc"), "blob");
        let text = "Types: deb\nURIs: https://deb.example\nSuites: bookworm bookworm-updates\nComponents: main\n\
                    Signed-By: /etc/apt/keyrings/demo.asc\n";
        assert_eq!(place.read("/etc/apt/sources.list.d/demo.sources"), text);
        place.put("/etc/apt/keyrings/demo.asc", "other", 0o644);
        let back = format!("key changed '{}' to '{}'", Digest::of(b"other"), Digest::of(b"blob"));
        assert_eq!(place.apply(&Source(&demo())), said(&[&back]));
        let swapped =
            AptRepository { key: Some(Content::Blob { digest: Digest::of(b"evil"), size: 4 }), ..demo() };
        let refused = place.apply(&Source(&swapped)).unwrap_err();
        assert!(refused.starts_with("the content that came for sha256:"), "{refused}");
        assert_eq!(place.read("/etc/apt/keyrings/demo.asc"), "blob");
        let gone = AptRepository { ensure: Presence::Absent, ..demo() };
        assert_eq!(place.apply(&Source(&gone)), said(&["removed"]));
        assert!(!place.at("/etc/apt/keyrings/demo.asc").exists());
    }
}
