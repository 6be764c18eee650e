//! `file`: a file, directory or symbolic link, and what is below a directory.

use super::content::Wanted;
use super::mode::resolve;
use super::{Change, Done, Failure, Known, Node, Plan, Type, judge, recurse};
use crate::agent::host::{EntryKind, Invocation, NewFile, Owner, Prepared, Seen, Stat, place};
use crate::agent::undo::Undo;
use crate::model::resource::{BUCKET, ContextPart, File, FileEnsure};
use crate::policy::guard::{GuardCommand, Setting};

/// A file, directory or link.
#[derive(Clone, Copy)]
pub(in crate::agent) struct Inode<'a>(pub(in crate::agent) &'a File);

/// What puts one property of a file right.
#[derive(Debug)]
pub(in crate::agent) enum Step<'a> {
    /// Make what should be there, after removing what is in its way.
    Make { kind: EntryKind, content: Wanted<'a>, clear: Option<EntryKind> },
    /// Remove what is there.
    Remove(EntryKind),
    /// Write a file, in one step.
    Write(Writing<'a>),
    /// Give it to this user.
    Owner { path: String, user: String },
    /// Give it to this group.
    Group { path: String, group: String },
    /// Set the mode.
    Mode { path: String, mode: u32 },
    /// Set one part of the SELinux context.
    Label { path: String, part: ContextPart, value: String },
    /// Remove something below a directory that the catalog does not name.
    Purge { path: String },
}

/// A file that is to have this content.
#[derive(Debug, Clone)]
pub(in crate::agent) struct Writing<'a> {
    pub(in crate::agent) content: Wanted<'a>,
    over: Over,
}

/// What a file is written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// A file, whose owner and mode stay where others are not wished for.
    File,
    /// Nothing that lends it anything.
    Nothing,
}

impl<'a> Type for Inode<'a> {
    type Step = Step<'a>;

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<Step<'a>>, Failure> {
        let content = self.0.content.as_ref().map(|content| Wanted::of(content, node)).transpose()?;
        let mut plan = self.compare(content.as_ref(), node)?;
        if !node.noted || !plan.changes.is_empty() {
            plan.wanted = self.wanted(content.as_ref());
        }
        Ok(plan)
    }

    fn undo(&self, step: &Step<'a>, node: &mut Node<'_>) -> Result<Vec<Undo>, Failure> {
        let path = &self.0.path;
        let undo = match step {
            Step::Make { clear: Some(EntryKind::Directory), .. } | Step::Remove(EntryKind::Directory) => None,
            Step::Make { .. } | Step::Remove(_) | Step::Write(_) => Undo::of_path(path, node)?,
            Step::Owner { path, .. }
            | Step::Group { path, .. }
            | Step::Mode { path, .. }
            | Step::Label { path, .. } => Undo::of_access(path, node)?,
            Step::Purge { .. } => None,
        };
        Ok(undo.into_iter().collect())
    }

    fn apply(&self, step: Step<'a>, node: &mut Node<'_>) -> Result<Done, Failure> {
        match step {
            Step::Make { kind, content, clear } => self.make(kind, content, clear, node)?,
            Step::Remove(kind) => self.remove(kind, node)?,
            Step::Write(writing) => self.write(&writing, node)?,
            Step::Owner { path, user } => {
                let owner = Owner { uid: Some(node.existing_uid(&user)?), gid: None };
                self.give(&path, owner, node)?;
            }
            Step::Group { path, group } => {
                let owner = Owner { uid: None, gid: Some(node.existing_gid(&group)?) };
                self.give(&path, owner, node)?;
            }
            Step::Mode { path, mode } => {
                let owner = self.owner(node)?;
                node.host.set_mode(&path, mode, owner.uid)?;
            }
            Step::Label { path, part, value } => {
                let owner = self.owner(node)?;
                let have = node.host.label(&path)?.unwrap_or_default();
                node.host.set_label(&path, &part.set(&have, &value), owner.uid)?;
            }
            Step::Purge { path } => match node.host.stat(&path)? {
                Some(stat) if stat.kind == EntryKind::Directory => node.host.remove_tree(&path)?,
                Some(_) => {
                    // A copy beside it would be the next thing to purge.
                    if self.0.backup.as_deref() == Some(BUCKET) {
                        self.back_up(&path, node)?;
                    }
                    node.host.remove(&path)?;
                }
                None => {}
            },
        }
        Ok(Done::quietly())
    }

    fn forget(&self, known: &mut Known) {
        known.forget_file(&self.0.path);
    }
}

impl<'a> Inode<'a> {
    /// Whether it may be written together with others: nothing runs for it, and nothing that is looked at for another file
    /// is in it.
    pub(in crate::agent) fn may_wait(&self) -> bool {
        let file = self.0;
        matches!(file.ensure, FileEnsure::Present | FileEnsure::File)
            && file.validate_cmd.is_empty()
            && !Known::is_told_by(&file.path)
    }

    /// What differs.
    fn compare(&self, content: Option<&Wanted<'a>>, node: &mut Node<'_>) -> Result<Plan<Step<'a>>, Failure> {
        let (file, mut plan) = (self.0, Plan::new());
        let seen = node.host.look(&file.path, &mut node.folder)?;
        self.check_ensure(seen.as_ref().map(|seen| &seen.stat), content, node, &mut plan)?;
        let Some(seen) = seen.filter(|_| plan.changes.is_empty() && file.ensure != FileEnsure::Absent) else {
            return Ok(plan);
        };
        let stat = seen.stat;
        if let Some(content) = content.filter(|_| stat.kind == EntryKind::File && file.replace) {
            self.check_content(&seen, content, node, &mut plan)?;
        }
        self.check_access(&file.path, &stat, node, &mut plan)?;
        if file.recurse && stat.kind == EntryKind::Directory {
            recurse::check(self, node, &mut plan)?;
        }
        Ok(plan)
    }

    /// Every property that is managed, as it is wished for.
    fn wanted(&self, content: Option<&Wanted<'_>>) -> Vec<(&'static str, String)> {
        let file = self.0;
        let ensure = match file.ensure {
            FileEnsure::Present => "present",
            FileEnsure::File => "file",
            FileEnsure::Directory => "directory",
            FileEnsure::Link => "link",
            FileEnsure::Absent => "absent",
        };
        let wishes = [
            ("target", file.target.clone()),
            ("content", content.map(Wanted::shown)),
            ("owner", file.owner.clone()),
            ("group", file.group.clone()),
            ("mode", file.mode.clone()),
        ];
        let labels = file.selinux.iter().flat_map(|context| context.parts());
        let labels = labels.map(|(part, wish)| (part.attr(), Some(wish.to_owned())));
        let set = wishes.into_iter().chain(labels).filter_map(|(property, wish)| Some((property, wish?)));
        std::iter::once(("ensure", ensure.to_owned())).chain(set).collect()
    }

    fn check_ensure(
        &self,
        stat: Option<&Stat>,
        content: Option<&Wanted<'a>>,
        node: &Node<'_>,
        plan: &mut Plan<Step<'a>>,
    ) -> Result<(), Failure> {
        let file = self.0;
        let kind = match (file.ensure, stat) {
            (FileEnsure::Absent, None) => return Ok(()),
            (FileEnsure::Absent, Some(stat)) => {
                let change = Change::new("ensure", stat.kind.name(), "absent", Step::Remove(stat.kind));
                plan.changes.push(change.saying("removed"));
                return Ok(());
            }
            (FileEnsure::Present, Some(stat)) if file.content.is_none() || stat.kind == EntryKind::File => {
                return Ok(());
            }
            (FileEnsure::Present | FileEnsure::File, _) => EntryKind::File,
            (FileEnsure::Directory, _) => EntryKind::Directory,
            (FileEnsure::Link, _) => EntryKind::Link,
        };
        let have = stat.map(|s| s.kind);
        if have == Some(kind) {
            return if kind == EntryKind::Link { self.check_target(node, plan) } else { Ok(()) };
        }
        let message = match (have, kind, content) {
            (None, EntryKind::File, Some(content)) => format!("defined content as '{}'", content.shown()),
            (None, ..) => "created".to_owned(),
            (Some(have), ..) => format!("ensure changed '{}' to '{}'", have.name(), kind.name()),
        };
        let from = have.map_or("absent", EntryKind::name);
        let content = content.cloned().unwrap_or_else(Wanted::empty);
        let step = match (kind, have) {
            (EntryKind::File, Some(EntryKind::Directory)) => Step::Make { kind, content, clear: have },
            (EntryKind::File, _) => Step::Write(Writing { content, over: Over::Nothing }),
            _ => Step::Make { kind, content, clear: have },
        };
        plan.changes.push(Change::new("ensure", from, kind.name(), step).saying(message));
        Ok(())
    }

    fn check_target(&self, node: &Node<'_>, plan: &mut Plan<Step<'a>>) -> Result<(), Failure> {
        let wanted = self.0.target.as_deref().unwrap_or_default();
        let have = node.host.read_link(&self.0.path)?;
        if have != wanted {
            let (kind, content) = (EntryKind::Link, Wanted::empty());
            let step = Step::Make { kind, content, clear: Some(kind) };
            plan.changes.push(Change::new("target", &have, wanted, step));
        }
        Ok(())
    }

    fn check_content(
        &self,
        seen: &Seen<'_>,
        wanted: &Wanted<'a>,
        node: &mut Node<'_>,
        plan: &mut Plan<Step<'a>>,
    ) -> Result<(), Failure> {
        let file = self.0;
        let owner = file.owner.as_ref().map_or(Ok(None), |user| node.uid(user))?;
        if wanted.is_in(seen, owner)? {
            return Ok(());
        }
        let (have, stat) = (seen.digest(owner)?, &seen.stat);
        // What is there may be a secret, which can be guessed from its digest if it is short.
        let private = wanted.is_secret() || stat.mode & 0o004 == 0;
        let from = if private { "other content".to_owned() } else { have.to_string() };
        let to = wanted.shown();
        let diff = if file.show_diff { wanted.diff(&file.path, stat, node) } else { None };
        let step = Step::Write(Writing { content: wanted.clone(), over: Over::File });
        plan.changes.push(Change { diff, ..Change::new("content", &from, &to, step) });
        Ok(())
    }

    fn make(
        &self,
        kind: EntryKind,
        content: Wanted<'a>,
        clear: Option<EntryKind>,
        node: &mut Node<'_>,
    ) -> Result<(), Failure> {
        let file = self.0;
        let owner = self.owner(node)?;
        let mode = |base| file.mode.as_ref().map_or(base, |m| resolve(m, base, kind == EntryKind::Directory));
        if clear == Some(EntryKind::Directory) && !file.force {
            return Err(Failure::NeedsForce { path: file.path.clone(), deed: "replaced" });
        }
        self.back_up(&self.0.path, node)?;
        let in_the_way = match clear {
            Some(EntryKind::Directory) => true,
            // A rename puts a file or link in the place of either, in one step.
            Some(_) => kind == EntryKind::Directory,
            None => false,
        };
        if in_the_way {
            node.host.remove_tree(&file.path)?;
        }
        match kind {
            EntryKind::Directory => {
                node.host.make_directory(&file.path, 0o700)?;
                node.host.set_owner(&file.path, owner)?;
                node.host.set_mode(&file.path, mode(0o755), owner.uid)?;
            }
            EntryKind::Link => {
                node.host.link(&file.path, file.target.as_deref().unwrap_or_default())?;
                node.host.set_owner(&file.path, owner)?;
            }
            EntryKind::File | EntryKind::Other => {
                self.write(&Writing { content, over: Over::Nothing }, node)?;
            }
        }
        if let Some(context) = file.selinux.as_deref().filter(|_| kind != EntryKind::File) {
            node.host.relabel(&file.path, Some(context))?;
        }
        Ok(())
    }

    fn remove(&self, kind: EntryKind, node: &Node<'_>) -> Result<(), Failure> {
        let path = &self.0.path;
        if kind != EntryKind::Directory {
            self.back_up(&self.0.path, node)?;
            return Ok(node.host.remove(path)?);
        }
        if !self.0.force {
            return Err(Failure::NeedsForce { path: path.clone(), deed: "removed" });
        }
        Ok(node.host.remove_tree(path)?)
    }

    fn write(&self, writing: &Writing<'_>, node: &mut Node<'_>) -> Result<(), Failure> {
        let prepared = self.prepare(writing, node)?;
        Ok(place(vec![prepared]).into_iter().collect::<Result<(), _>>()?)
    }

    /// Writes the file beside its place. Owner and mode come with it, so that the content is never open to more people than
    /// it should be.
    pub(in crate::agent) fn prepare(
        &self,
        writing: &Writing<'_>,
        node: &mut Node<'_>,
    ) -> Result<Prepared<'a>, Failure> {
        let file = self.0;
        let bytes = writing.content.fetch(node)?;
        let owner = self.owner(node)?;
        self.back_up(&file.path, node)?;
        let lent = match writing.over {
            Over::File => node.host.stat(&file.path)?.map(|stat| stat.mode),
            Over::Nothing => None,
        };
        let fresh = if writing.content.is_secret() { 0o600 } else { 0o644 };
        let mode = match &file.mode {
            Some(text) => Some(resolve(text, lent.unwrap_or(fresh), false)),
            None if writing.over == Over::File => None,
            None => Some(fresh),
        };
        let validate = |temporary: &str| self.validate(temporary, node);
        let validate = (!file.validate_cmd.is_empty()).then_some(&validate as &dyn Fn(&str) -> _);
        let context = file.selinux.as_deref();
        Ok(node.host.prepare(&file.path, &NewFile { content: &bytes, mode, owner, context, validate })?)
    }

    fn validate(&self, temporary: &str, node: &Node<'_>) -> Result<(), String> {
        let argv: Vec<String> = self.0.validate_cmd.iter().map(|word| word.replace('%', temporary)).collect();
        judge(&GuardCommand::Argv(argv.clone()), &Setting::default()).map_err(|denied| denied.to_string())?;
        let invocation = Invocation { argv, ..Invocation::of(&[]) };
        let checked = node.tool(&invocation).map(drop);
        checked.map_err(|failure| {
            // Checkers repeat what they do not like.
            if self.0.is_secret() {
                format!(
                    "`{}` refuses it; what it says is not shown, since there is a secret in it",
                    self.0.validate_cmd.join(" ")
                )
            } else {
                super::chain(&failure)
            }
        })
    }

    fn owner(&self, node: &mut Node<'_>) -> Result<Owner, Failure> {
        let uid = self.0.owner.as_ref().map(|user| node.existing_uid(user)).transpose()?;
        let gid = self.0.group.as_ref().map(|group| node.existing_gid(group)).transpose()?;
        Ok(Owner { uid, gid })
    }

    /// A change of owner takes the set-id bits away; they are put back where the mode is managed.
    fn give(&self, path: &str, owner: Owner, node: &Node<'_>) -> Result<(), Failure> {
        node.host.set_owner(path, owner)?;
        let (Some(text), Some(stat)) = (&self.0.mode, node.host.stat(path)?) else { return Ok(()) };
        let mode = resolve(text, stat.mode, stat.kind == EntryKind::Directory);
        if stat.kind != EntryKind::Link && mode != stat.mode {
            node.host.set_mode(path, mode, owner.uid.or(Some(stat.uid)))?;
        }
        Ok(())
    }
}
