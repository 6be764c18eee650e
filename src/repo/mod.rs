//! Git: the only user of git2 and of the git program.
//!
//! Layer 2.
