//! What was, as far as it can be put back: written into the journal before a change where the release has health checks.
//!
//! Files come back whole, with mode and owner; services run or not, as before; accounts get their lines back and nothing
//! else in the databases is touched. What a command or a package did cannot be undone.

use super::host::{EntryKind, NewFile, Owner, Stat};
use super::types::{Daemon, Failure, Node, Type as _, load_rules};
use crate::agent::bucket::MAX_FILE;
use crate::model::Digest;
use crate::model::resource::{Enable, Service, ServiceEnsure};
use serde::{Deserialize, Serialize};

mod accounts;

pub use accounts::Lines;

/// How to put something back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Undo {
    /// There was nothing.
    Absent {
        /// Where.
        path: String,
    },
    /// A regular file.
    File {
        /// Where.
        path: String,
        /// Its content, which is set aside in the agent's directory.
        content: Digest,
        /// Its owner, group and mode.
        access: Access,
    },
    /// A symbolic link.
    Link {
        /// Where.
        path: String,
        /// Where it pointed.
        target: String,
        /// Its owner and group.
        access: Access,
    },
    /// Owner, group and mode of something that stays.
    Access {
        /// Where.
        path: String,
        /// What they were.
        access: Access,
    },
    /// Whether a service ran, and whether it started at boot.
    Service {
        /// Its name.
        name: String,
        /// The init system that the catalog names.
        provider: Option<String>,
        /// Whether it ran.
        running: bool,
        /// Whether it started at boot, where that is for it to say.
        enabled: Option<Enable>,
    },
    /// A service that was restarted, and has to be once more when its files are back.
    Restart {
        /// Its name.
        name: String,
        /// The init system that the catalog names.
        provider: Option<String>,
    },
    /// The lines of an account.
    Account(Lines),
    /// The packet filter as the kernel had it.
    Rules {
        /// It as a ruleset, which is set aside in the agent's directory.
        content: Digest,
    },
}

/// Owner, group, mode and label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Number of the owner.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
    /// The twelve permission bits.
    pub mode: u32,
    /// The SELinux label, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Access {
    fn of(path: &str, stat: &Stat, node: &Node<'_>) -> Result<Self, Failure> {
        Ok(Self { uid: stat.uid, gid: stat.gid, mode: stat.mode, label: node.host.label(path)? })
    }

    /// Gives what is back its label.
    fn label(&self, path: &str, node: &Node<'_>) -> Result<(), Failure> {
        match &self.label {
            Some(label) => Ok(node.host.set_label(path, label, Some(self.uid))?),
            None => Ok(()),
        }
    }

    const fn owner(&self) -> Owner {
        Owner { uid: Some(self.uid), gid: Some(self.gid) }
    }
}

impl Undo {
    /// What is at `path`, with its content; `None` for what cannot be put back.
    pub(super) fn of_path(path: &str, node: &Node<'_>) -> Result<Option<Self>, Failure> {
        let path = path.to_owned();
        let Some(stat) = node.host.stat(&path)? else { return Ok(Some(Self::Absent { path })) };
        let access = Access::of(&path, &stat, node)?;
        Ok(match stat.kind {
            EntryKind::File => {
                let bytes = node.host.read_managed(&path, MAX_FILE, Some(stat.uid))?;
                Some(Self::File { path, content: node.bucket.set_aside(&bytes)?, access })
            }
            EntryKind::Link => Some(Self::Link { target: node.host.read_link(&path)?, path, access }),
            EntryKind::Directory => Some(Self::Access { path, access }),
            EntryKind::Other => None,
        })
    }

    /// Owner, group and mode of what is at `path`.
    pub(super) fn of_access(path: &str, node: &Node<'_>) -> Result<Option<Self>, Failure> {
        let stat = node.host.stat(path)?.filter(|stat| stat.kind != EntryKind::Link);
        let Some(stat) = stat else { return Ok(None) };
        Ok(Some(Self::Access { path: path.to_owned(), access: Access::of(path, &stat, node)? }))
    }

    /// When it is put back: files and accounts first, in the reverse order of their changes, then services, then restarts.
    pub(super) const fn turn(&self) -> u8 {
        match self {
            Self::Absent { .. } | Self::File { .. } | Self::Link { .. } | Self::Access { .. } => 0,
            Self::Account(_) | Self::Rules { .. } => 0,
            Self::Service { .. } => 1,
            Self::Restart { .. } => 2,
        }
    }

    /// Puts it back. Doing it twice does no more than doing it once.
    pub(super) fn put_back(&self, node: &mut Node<'_>) -> Result<(), Failure> {
        match self {
            Self::Absent { path } => {
                if node.host.stat(path)?.is_some() {
                    node.host.remove(path)?;
                }
            }
            Self::File { path, content, access } => {
                let bytes = node.bucket.aside(content)?;
                clear(path, node)?;
                let (mode, owner) = (Some(access.mode), access.owner());
                node.host
                    .write(path, &NewFile { content: &bytes, mode, owner, context: None, validate: None })?;
                access.label(path, node)?;
            }
            Self::Link { path, target, access } => {
                clear(path, node)?;
                node.host.link(path, target)?;
                node.host.set_owner(path, access.owner())?;
                access.label(path, node)?;
            }
            Self::Access { path, access } => {
                if node.host.stat(path)?.is_none() {
                    node.host.make_directory(path, 0o700)?;
                }
                node.host.set_owner(path, access.owner())?;
                node.host.set_mode(path, access.mode, Some(access.uid))?;
                access.label(path, node)?;
            }
            Self::Service { name, provider, running, enabled } => {
                let ensure = if *running { ServiceEnsure::Running } else { ServiceEnsure::Stopped };
                let service = service(name, provider, (Some(ensure), *enabled));
                let daemon = Daemon(&service);
                for change in daemon.check(node)?.changes {
                    daemon.apply(change.step, node)?;
                }
            }
            Self::Restart { name, provider } => {
                Daemon(&service(name, provider, (None, None))).refresh(node)?;
            }
            Self::Account(lines) => lines.put_back(node)?,
            Self::Rules { content } => load_rules(&node.bucket.aside(content)?, node)?,
        }
        node.known = super::types::Known::default();
        Ok(())
    }
}

/// An empty directory in the way of a file goes.
fn clear(path: &str, node: &Node<'_>) -> Result<(), Failure> {
    match node.host.stat(path)? {
        Some(stat) if stat.kind == EntryKind::Directory => Ok(node.host.remove(path)?),
        Some(_) | None => Ok(()),
    }
}

fn service(
    name: &str,
    provider: &Option<String>,
    (ensure, enable): (Option<ServiceEnsure>, Option<Enable>),
) -> Service {
    Service { name: name.to_owned(), ensure, enable, provider: provider.clone() }
}
