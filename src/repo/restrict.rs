//! Limits of the processes behind a push: memory, processor time and time by the wall clock (D19).
//!
//! What a limit ends is a push that is refused: git takes nothing when its receiver or a hook dies.

use super::{RepoError, SITE_DIR};
use rustix::process::{Resource, Rlimit, Signal};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What a process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of address space.
    pub memory: u64,
    /// Seconds of processor time.
    pub processor: u64,
    /// Bytes of one file that it writes.
    pub file: u64,
}

impl Bounds {
    /// For a hook and for git's receiver.
    pub const PUSH: Self = Self { memory: 2 << 30, processor: 120, file: 1 << 30 };
}

/// How long one hook may take by the wall clock, also while it only waits.
pub const HOOK_TIME: Duration = Duration::from_secs(300);

/// Git refuses to allocate more than this at once (`GIT_ALLOC_LIMIT`): an object that claims to be huge costs nothing.
pub const ALLOCATION: &str = "256m";

/// Puts this process and what it starts within `bounds`. Limits that are tighter already stay.
///
/// # Errors
/// When the system refuses.
pub fn within(bounds: Bounds) -> std::io::Result<()> {
    for (resource, wanted) in [
        (Resource::As, bounds.memory),
        (Resource::Cpu, bounds.processor),
        (Resource::Fsize, bounds.file),
        (Resource::Core, 0),
    ] {
        let have = rustix::process::getrlimit(resource);
        let limit = have.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        let current = have.current.map_or(limit, |current| current.min(limit));
        rustix::process::setrlimit(resource, Rlimit { current: Some(current), maximum: Some(limit) })?;
    }
    Ok(())
}

/// Kills this process when it still runs after `time`. `told` is called just before, for a last word.
pub fn watch(time: Duration, told: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        std::thread::sleep(time);
        told();
        // Nothing in this process can hold that up.
        let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
    });
}

/// Becomes the git program that `asked` wants for the repository in `directory`, a push within [`Bounds::PUSH`]: what sshd runs
/// for people who push and fetch. Returns only when that cannot be.
///
/// # Errors
/// When it is no request for this repository, or git cannot be run.
pub fn serve(directory: &Path, asked: &str) -> RepoError {
    let repository = directory.join(SITE_DIR);
    let Some(program) = program(&repository, asked) else {
        return RepoError::Request(asked.to_owned());
    };
    let failed = |cause| RepoError::File { what: "serve", path: repository.clone(), cause };
    let repository = match repository.canonicalize() {
        Ok(repository) => repository,
        Err(cause) => return failed(cause),
    };
    // What is sent was judged when it came; a large history may need more than a push.
    if program == RECEIVE
        && let Err(cause) = within(Bounds::PUSH)
    {
        return failed(cause);
    }
    let mut command = Command::new("git");
    command.arg(program).arg(&repository).env_clear();
    for name in ["PATH", "HOME", "GIT_PROTOCOL", "LC_ALL", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("GIT_ALLOC_LIMIT", ALLOCATION).env("GIT_NO_REPLACE_OBJECTS", "1");
    RepoError::Start(command.exec())
}

/// Git's program that takes what is pushed.
const RECEIVE: &str = "receive-pack";

/// `receive-pack` or `upload-pack`, when the request is one of the two for this repository, as git's clients spell it.
fn program(repository: &Path, asked: &str) -> Option<&'static str> {
    let (program, rest) = [RECEIVE, "upload-pack"].into_iter().find_map(|program| {
        let rest =
            asked.strip_prefix("git-").or_else(|| asked.strip_prefix("git "))?.strip_prefix(program)?;
        Some((program, rest.strip_prefix(' ')?))
    })?;
    let path = rest.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(rest);
    let same = Path::new(path).canonicalize().ok()? == repository.canonicalize().ok()?;
    same.then_some(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d21_only_gits_two_programs_are_served_and_only_here() {
        let dir = tempfile::tempdir().unwrap();
        let repository = dir.path().join(SITE_DIR);
        std::fs::create_dir(&repository).unwrap();
        let here = repository.display().to_string();
        let check = |asked: String, expected: Option<&str>| {
            assert_eq!(program(&repository, &asked), expected, "{asked}");
        };
        check(format!("git-receive-pack '{here}'"), Some("receive-pack"));
        check(format!("git upload-pack {here}/../site.git"), Some("upload-pack"));
        for bad in ["git-upload-archive", "git-receive-pack --x", "git-receive-packer", "sh -c"] {
            check(format!("{bad} '{here}'"), None);
        }
        check(format!("git-receive-pack '{}'", dir.path().display()), None);
        check(format!("git-receive-pack '{here}'; id"), None);
        check("git-receive-pack".into(), None);
    }
}
