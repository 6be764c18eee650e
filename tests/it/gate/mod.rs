//! From `git push` to release, with the real program, git and ssh-keygen.

mod admission;
mod emergency;
mod hooks;
mod hostile;
mod log;
mod resign;
mod review;
mod revoke;
mod ssh;
mod stage;
mod withdraw;

pub(crate) use stage::{MOTD, Person, SITE, Stage};
