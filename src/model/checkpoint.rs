//! A checkpoint of the log: how many entries it has, and the root of the tree over them.

use super::digest::{Digest, DigestError};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Size and root of a log at some moment, written `993 sha256:<64 hex>`. Two checkpoints of one size that differ are two
/// histories.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Checkpoint {
    /// Number of entries, at least 1.
    pub size: u64,
    /// Root of the RFC 6962 tree over them.
    pub root: Digest,
}

/// Text that is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a number, a space and a digest.
    #[error("`{}` is not a checkpoint: a size, a space, and `sha256:` with 64 hexadecimal digits", .0.escape_default())]
    Form(String),
    /// The digest is none.
    #[error(transparent)]
    Root(#[from] DigestError),
}

impl std::str::FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let form = || CheckpointError::Form(text.to_owned());
        let (number, root) = text.split_once(' ').ok_or_else(form)?;
        let size: u64 = number.parse().map_err(|_| form())?;
        if size == 0 || size.to_string() != number {
            return Err(form());
        }
        Ok(Self { size, root: root.parse()? })
    }
}

impl TryFrom<String> for Checkpoint {
    type Error = CheckpointError;

    fn try_from(text: String) -> Result<Self, CheckpointError> {
        text.parse()
    }
}

impl From<Checkpoint> for String {
    fn from(checkpoint: Checkpoint) -> Self {
        checkpoint.to_string()
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.size, self.root)
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_has_one_spelling() {
        let checkpoint = Checkpoint { size: 993, root: Digest::of(b"") };
        let text = checkpoint.to_string();
        assert_eq!(text.parse::<Checkpoint>(), Ok(checkpoint));
        for bad in [
            "",
            "993",
            "0993 x",
            &text.replace("993", "0"),
            &text.replace("993", "+993"),
            &format!("{text} "),
        ] {
            assert!(bad.parse::<Checkpoint>().is_err(), "{bad}");
        }
    }
}
