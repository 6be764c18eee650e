//! Who may do what with a file: owner, group, mode, and its SELinux context where the node has such.

use super::file::{Inode, Step};
use super::mode::{octal, resolve};
use super::{Change, Failure, Node, Plan};
use crate::agent::host::{EntryKind, Stat};

impl<'a> Inode<'a> {
    /// What differs of the resource itself or of something below it.
    pub(super) fn check_access(
        &self,
        path: &str,
        stat: &Stat,
        node: &mut Node<'_>,
        plan: &mut Plan<Step<'a>>,
    ) -> Result<(), Failure> {
        let file = self.0;
        let own = path == file.path;
        let mut changes = Vec::new();
        if let Some(user) = &file.owner
            && node.uid(user)? != Some(stat.uid)
        {
            let step = Step::Owner { path: path.into(), user: user.clone() };
            changes.push(Change::new("owner", &node.user_name(stat.uid)?, user, step));
        }
        if let Some(group) = &file.group
            && node.gid(group)? != Some(stat.gid)
        {
            let step = Step::Group { path: path.into(), group: group.clone() };
            changes.push(Change::new("group", &node.group_name(stat.gid)?, group, step));
        }
        if let Some(text) = file.mode.as_ref().filter(|_| stat.kind != EntryKind::Link) {
            let mode = resolve(text, stat.mode, stat.kind == EntryKind::Directory);
            if mode != stat.mode {
                let step = Step::Mode { path: path.into(), mode };
                changes.push(Change::new("mode", &octal(stat.mode), &octal(mode), step));
            }
        }
        if let Some(context) = &file.selinux
            // A file system may have no labels on a node that has.
            && let Some(have) = node.host.label(path)?
        {
            let differs = context.parts().filter(|(part, wanted)| part.of(&have) != *wanted);
            changes.extend(differs.map(|(part, wanted)| {
                let step = Step::Label { path: path.into(), part, value: wanted.to_owned() };
                Change::new(part.attr(), part.of(&have), wanted, step)
            }));
        }
        if !own {
            for change in &mut changes {
                change.message = format!("{path}: {}", change.message);
            }
        }
        plan.changes.extend(changes);
        Ok(())
    }
}
