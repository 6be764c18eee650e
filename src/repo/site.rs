//! The server's bare repository: how it is made, hardened and given its hooks.

use super::program::Git;
use super::{Repo, RepoError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The name of the bare repository inside the server's directory.
pub const SITE_DIR: &str = "site.git";
/// The file, inside the repository, of keys that may sign pushes; written whenever the trust root changes.
pub const ALLOWED_SIGNERS: &str = "allowed_signers";

const PRE_RECEIVE: &str = include_str!("../../hooks/pre-receive.sh");
const PROC_RECEIVE: &str = include_str!("../../hooks/proc-receive.sh");
const COMMIT_MSG: &str = include_str!("../../hooks/commit-msg.sh");
const PRE_COMMIT: &str = include_str!("../../hooks/pre-commit.sh");

/// What the bare repository of a site needs to know.
#[derive(Debug, Clone, Copy)]
pub struct SiteSetup<'a> {
    /// The `countersign` program that the hooks run, as an absolute path.
    pub program: &'a Path,
    /// 32 random bytes: the secret behind the nonces of push certificates.
    pub nonce_seed: [u8; 32],
    /// The branch that clones check out, for example `production`.
    pub branch: &'a str,
}

/// Makes `dir/site.git`, or brings an existing one to the settings of today. The nonce seed is kept.
///
/// # Errors
/// When it cannot be made.
pub fn init_site(dir: &Path, setup: &SiteSetup<'_>) -> Result<Repo, RepoError> {
    let path = dir.join(SITE_DIR);
    if !path.join("HEAD").exists() {
        let branch = format!("--initial-branch={}", setup.branch);
        Git::inside(Path::new("/"), "init")
            .args(["--quiet", "--bare", "--template=", &branch])
            .args([absolute(&path)?])
            .output()?;
    }
    let repo = Repo::open(&path)?;
    for (key, value) in HARDENING {
        repo.set_config(key, value)?;
    }
    if repo.config("receive.certNonceSeed")?.is_none() {
        repo.set_config("receive.certNonceSeed", &crate::model::digest::hex(&setup.nonce_seed))?;
    }
    let signers = path.join(ALLOWED_SIGNERS);
    if !signers.exists() {
        write(&signers, b"", 0o644)?;
    }
    let private = repo.private();
    let failed = |cause| RepoError::File { what: "make", path: private.clone(), cause };
    std::fs::create_dir_all(&private).map_err(failed)?;
    install_hook(&repo, "pre-receive", setup.program)?;
    install_hook(&repo, "proc-receive", setup.program)?;
    Ok(repo)
}

/// Git's own switches, all of them stricter than its defaults (C.13 of the design).
const HARDENING: [(&str, &str); 20] = [
    ("transfer.fsckObjects", "true"),
    ("receive.fsckObjects", "true"),
    ("fetch.fsckObjects", "true"),
    ("receive.maxInputSize", "67108864"),
    ("receive.denyDeletes", "true"),
    ("receive.denyNonFastForwards", "true"),
    ("receive.shallowUpdate", "false"),
    ("receive.procReceiveRefs", "refs/for"),
    ("receive.advertisePushOptions", "true"),
    ("receive.advertiseAtomic", "true"),
    ("receive.autogc", "false"),
    ("gc.auto", "0"),
    // Objects above this size are streamed, so that a bomb costs no memory.
    ("core.bigFileThreshold", "16m"),
    ("core.hooksPath", "hooks"),
    ("core.logAllRefUpdates", "true"),
    ("core.fsync", "all"),
    ("core.fsyncMethod", "batch"),
    ("core.useReplaceRefs", "false"),
    ("gpg.format", "ssh"),
    ("gpg.ssh.allowedSignersFile", ALLOWED_SIGNERS),
];

/// Writes one of our hooks, which runs `program`, into a repository.
///
/// # Errors
/// When it cannot be written, or no such hook is known.
pub fn install_hook(repo: &Repo, name: &'static str, program: &Path) -> Result<(), RepoError> {
    let source = match name {
        "pre-receive" => PRE_RECEIVE,
        "proc-receive" => PROC_RECEIVE,
        "commit-msg" => COMMIT_MSG,
        "pre-commit" => PRE_COMMIT,
        _ => return Err(RepoError::Git { command: "hook".into(), said: format!("no hook `{name}`") }),
    };
    let program = program.to_string_lossy().replace('\'', r"'\''");
    let hooks = repo.path().join("hooks");
    let failed = |cause| RepoError::File { what: "make", path: hooks.clone(), cause };
    std::fs::create_dir_all(&hooks).map_err(failed)?;
    write(&hooks.join(name), source.replace("@COUNTERSIGN@", &program).as_bytes(), 0o755)
}

impl Repo {
    /// Replaces the keys that may sign pushes (one `allowed_signers` line each).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_allowed_signers(&self, lines: &str) -> Result<(), RepoError> {
        write(&self.path().join(ALLOWED_SIGNERS), lines.as_bytes(), 0o644)
    }
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), RepoError> {
    let failed = |cause| RepoError::File { what: "write", path: path.to_owned(), cause };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    std::io::Write::write_all(&mut file, bytes).map_err(failed)?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error)).map(drop)
}

fn absolute(path: &Path) -> Result<std::path::PathBuf, RepoError> {
    std::path::absolute(path).map_err(|cause| RepoError::File { what: "find", path: path.to_owned(), cause })
}
