//! Git object ids. They are hints for finding objects; what is signed binds SHA-256 digests (D18).

use super::RepoError;
use std::fmt;

/// The id of a git object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(super) git2::Oid);

impl Id {
    /// The id of no object, which git uses for "there is none".
    pub const ZERO: Self = Self(git2::Oid::ZERO_SHA1);

    /// Whether this is [`Id::ZERO`].
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }
}

impl std::str::FromStr for Id {
    type Err = RepoError;

    fn from_str(text: &str) -> Result<Self, RepoError> {
        let lower_hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let id = if text.len() == 40 && lower_hex { git2::Oid::from_str(text).ok() } else { None };
        id.map(Self).ok_or_else(|| RepoError::IdForm(text.to_owned()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
