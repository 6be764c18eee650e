//! What a command does, in the words that rules are written in. An effect is a fact about a command,
//! never a judgement: that is what rules are for.

use crate::shell::Span;
use serde::{Deserialize, Serialize};

/// One thing that a command does to the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What is done.
    pub kind: Kind,
    /// What kind of thing it is done to: a class of `policies/paths.toml`, or a word of the tool's table.
    pub class: String,
    /// The thing itself, as far as it is known.
    pub target: String,
    /// Whether everything below it is concerned too.
    pub recursive: bool,
    /// Whether the command was told not to ask or not to fail.
    pub forced: bool,
    /// The command that does it, resolved, when that is not what was written.
    pub resolved: Option<String>,
    /// Where in the text.
    pub span: Span,
}

/// What an effect does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Removes files or directories.
    Delete,
    /// Replaces the content of files.
    Overwrite,
    /// Puts something else in the place of a file.
    Replace,
    /// Spreads many files over a directory.
    Unpack,
    /// Empties files.
    Truncate,
    /// Adds to files.
    Append,
    /// Changes files in place.
    Edit,
    /// Moves something away from where it is.
    Move,
    /// Encrypts files in place.
    Encrypt,
    /// Sends files to another machine.
    Send,
    /// Writes to a block device or makes a file system on it.
    Format,
    /// Changes partitions, volumes, arrays or encryption headers.
    Volume,
    /// Changes permissions.
    Mode,
    /// Lets everybody write.
    Open,
    /// Lets everybody read.
    Expose,
    /// Keeps out who needs it.
    Close,
    /// Sets the set-user-ID or set-group-ID bit, or a capability.
    Setuid,
    /// Changes owners.
    Owner,
    /// Changes attributes such as immutability.
    Attribute,
    /// Mounts over a directory.
    Mount,
    /// Unmounts a file system.
    Unmount,
    /// Ends processes.
    Kill,
    /// Switches the machine off, restarts it or changes its runlevel.
    Power,
    /// Loads kernel code or changes how the kernel works.
    Kernel,
    /// Cuts the machine off the network, or opens it.
    Network,
    /// Changes accounts and passwords.
    Account,
    /// Adds a way in.
    Backdoor,
    /// Removes packages.
    PackageRemoval,
    /// Installs code whose origin is not verified.
    UnverifiedCode,
    /// Switches a protection off.
    Security,
    /// Stops or disables a service.
    Service,
    /// Removes or hides logs.
    Log,
    /// Runs code that comes over the network.
    RemoteCode,
    /// Runs code that cannot be known beforehand.
    Undetermined,
    /// Opens a shell to somewhere else.
    ReverseShell,
    /// Uses up processes, memory or disk.
    Exhaustion,
    /// Destroys what a data service or an orchestrator holds.
    Data,
    /// Sends secrets or data elsewhere.
    Leak,
    /// A program that no table knows is told to destroy something.
    Told,
    /// The text does not parse.
    Unparsed,
    /// The analysis reached one of its limits.
    Limit,
    /// The text has characters that do not show.
    Hidden,
}

impl Kind {
    /// Whether doing it to every file below a directory is as good as doing it to the directory with all
    /// that is in it.
    pub(super) const fn adds_up(self) -> bool {
        matches!(
            self,
            Self::Delete
                | Self::Overwrite
                | Self::Truncate
                | Self::Replace
                | Self::Mode
                | Self::Open
                | Self::Expose
                | Self::Close
                | Self::Owner
                | Self::Attribute
        )
    }
}

impl Effect {
    /// An effect on `target` of `class`, with nothing else said.
    #[must_use]
    pub fn new(kind: Kind, class: impl Into<String>, target: impl Into<String>, span: Span) -> Self {
        Self {
            kind,
            class: class.into(),
            target: target.into(),
            recursive: false,
            forced: false,
            resolved: None,
            span,
        }
    }

    /// Whether it is the same fact, however the command behind it is written.
    pub(super) fn same(&self, other: &Self) -> bool {
        let key = |e: &Self| (e.kind, e.recursive, e.forced, e.span);
        key(self) == key(other) && self.class == other.class && self.target == other.target
    }
}
