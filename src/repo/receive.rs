//! What git tells its hooks: the commands of a push, its certificate, its options, and the conversation of
//! the `proc-receive` hook (gitprotocol-pack(5), githooks(5)).

use super::{Id, Repo, RepoError};
use std::io::{BufRead, Read, Write};
use std::path::PathBuf;

/// One ref that a push wants to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushCommand {
    /// What it is now, as the pusher knows it.
    pub old: Id,
    /// What it is to be; zero to delete it.
    pub new: Id,
    /// Its full name.
    pub name: String,
}

/// What git found out about the certificate of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateCheck {
    /// The certificate, a blob.
    pub blob: Id,
    /// `G` for a good signature by a known key.
    pub status: String,
    /// `OK` for the nonce of this very connection.
    pub nonce: String,
}

/// What the hook answers for one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Taken in. The pusher's git has nothing to remember of it: what was made of it is no object of theirs.
    Taken,
    /// Done, under another name than the one that was pushed to.
    Done {
        /// The ref that was really made or moved.
        name: String,
        /// What it was.
        old: Id,
        /// What it is.
        new: Id,
    },
    /// Refused, in one line.
    Refused(String),
}

/// Why the conversation with git broke down.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The pipe broke.
    #[error("cannot talk to git")]
    Io(#[from] std::io::Error),
    /// Git said something else than its documentation says.
    #[error("git said something unexpected: `{}`", .0.escape_default())]
    Protocol(String),
    /// An object id that is none.
    #[error(transparent)]
    Id(#[from] RepoError),
}

/// Commands in a push that are read at all.
const MAX_COMMANDS: usize = 1000;

/// The commands of a push, as the `pre-receive` hook reads them from standard input.
///
/// # Errors
/// When a line is not `<old> <new> <ref>`.
pub fn commands(input: impl BufRead) -> Result<Vec<PushCommand>, ReceiveError> {
    input.lines().take(MAX_COMMANDS).map(|line| command(&line?)).collect()
}

fn command(line: &str) -> Result<PushCommand, ReceiveError> {
    let mut parts = line.splitn(3, ' ');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(old), Some(new), Some(name)) => {
            Ok(PushCommand { old: old.parse()?, new: new.parse()?, name: name.to_owned() })
        }
        _ => Err(ReceiveError::Protocol(line.to_owned())),
    }
}

/// The options of a push, from the environment of the `pre-receive` hook.
#[must_use]
pub fn push_options() -> Vec<String> {
    let variable = |name: &str| std::env::var(name).ok();
    let count = variable("GIT_PUSH_OPTION_COUNT").and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
    (0..count.min(64)).filter_map(|n| variable(&format!("GIT_PUSH_OPTION_{n}"))).collect()
}

/// What git found out about the push certificate; `None` when the push was not signed.
///
/// # Errors
/// When git names no proper object.
pub fn certificate_check() -> Result<Option<CertificateCheck>, RepoError> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let blob = variable("GIT_PUSH_CERT");
    if blob.is_empty() {
        return Ok(None);
    }
    let (status, nonce) = (variable("GIT_PUSH_CERT_STATUS"), variable("GIT_PUSH_CERT_NONCE_STATUS"));
    Ok(Some(CertificateCheck { blob: blob.parse()?, status, nonce }))
}

/// Reads git's side of the `proc-receive` conversation up to where it waits for verdicts.
///
/// # Errors
/// When git says anything else than it should.
pub fn converse(mut input: impl Read, mut output: impl Write) -> Result<Vec<PushCommand>, ReceiveError> {
    let greeting = section(&mut input)?;
    let capabilities = greeting.first().map(String::as_str).unwrap_or_default();
    if !capabilities.starts_with("version=1") {
        return Err(ReceiveError::Protocol(capabilities.to_owned()));
    }
    let options = capabilities.split(['\0', ' ']).any(|word| word == "push-options");
    packet(&mut output, if options { "version=1\0push-options\n" } else { "version=1\n" })?;
    flush(&mut output)?;
    let commands = section(&mut input)?.iter().map(|line| command(line)).collect::<Result<Vec<_>, _>>()?;
    if options {
        section(&mut input)?;
    }
    Ok(commands)
}

/// Tells git what became of each command.
///
/// # Errors
/// When git does not listen any more.
pub fn answer(mut output: impl Write, verdicts: &[(PushCommand, Verdict)]) -> Result<(), ReceiveError> {
    for (command, verdict) in verdicts {
        match verdict {
            Verdict::Refused(why) => packet(&mut output, &format!("ng {} {why}\n", command.name))?,
            Verdict::Taken => packet(&mut output, &format!("ok {}\n", command.name))?,
            Verdict::Done { name, old, new } => {
                packet(&mut output, &format!("ok {}\n", command.name))?;
                packet(&mut output, &format!("option refname {name}\n"))?;
                packet(&mut output, &format!("option old-oid {old}\n"))?;
                packet(&mut output, &format!("option new-oid {new}\n"))?;
            }
        }
    }
    flush(&mut output)
}

fn section(input: &mut impl Read) -> Result<Vec<String>, ReceiveError> {
    let mut lines = Vec::new();
    loop {
        let mut digits = [0; 4];
        input.read_exact(&mut digits)?;
        let text = String::from_utf8_lossy(&digits).into_owned();
        let length = usize::from_str_radix(&text, 16).map_err(|_| ReceiveError::Protocol(text.clone()))?;
        if length == 0 {
            return Ok(lines);
        }
        if length < 4 || lines.len() > MAX_COMMANDS {
            return Err(ReceiveError::Protocol(text));
        }
        let mut bytes = vec![0; length - 4];
        input.read_exact(&mut bytes)?;
        lines.push(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned());
    }
}

fn packet(output: &mut impl Write, text: &str) -> Result<(), ReceiveError> {
    Ok(write!(output, "{:04x}{text}", text.len() + 4)?)
}

fn flush(output: &mut impl Write) -> Result<(), ReceiveError> {
    output.write_all(b"0000")?;
    Ok(output.flush()?)
}

impl Repo {
    /// The file through which the hooks of one push tell each other what they know. Both are children of
    /// the same git process, whose number names it.
    fn handover(&self) -> PathBuf {
        self.private().join(format!("push-{}", std::os::unix::process::parent_id()))
    }

    /// A directory of the repository that git neither reads nor serves.
    #[must_use]
    pub fn private(&self) -> PathBuf {
        self.path().join("countersign")
    }

    /// Leaves `bytes` for the hook that git runs after this one.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn hand_over(&self, bytes: &[u8]) -> Result<(), RepoError> {
        let path = self.handover();
        std::fs::write(&path, bytes).map_err(|cause| RepoError::File { what: "write", path, cause })
    }

    /// Takes what the hook before this one left.
    ///
    /// # Errors
    /// When there is nothing.
    pub fn take_over(&self) -> Result<Vec<u8>, RepoError> {
        let path = self.handover();
        let bytes = std::fs::read(&path);
        drop(std::fs::remove_file(&path));
        bytes.map_err(|cause| RepoError::File { what: "read", path, cause })
    }

    /// Waits for the lock under which changes and releases are made; it is held until the file is dropped.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn lock(&self) -> Result<std::fs::File, RepoError> {
        let path = self.private().join("lock");
        let opened = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let locked = opened.and_then(|file| {
            rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)?;
            Ok(file)
        });
        locked.map_err(|cause| RepoError::File { what: "lock", path, cause })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";

    fn packets(lines: &[&str]) -> String {
        let packet = |line: &&str| {
            if line.is_empty() { "0000".into() } else { format!("{:04x}{line}", line.len() + 4) }
        };
        lines.iter().map(packet).collect()
    }

    #[test]
    fn commands_have_three_parts() {
        let read = commands(format!("{A} {B} refs/heads/a b\n").as_bytes()).unwrap();
        assert_eq!(
            read,
            [PushCommand { old: A.parse().unwrap(), new: B.parse().unwrap(), name: "refs/heads/a b".into() }]
        );
        for bad in ["x", &format!("{A} {B}"), &format!("{A} zz refs/x")] {
            assert!(commands(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_conversation_follows_gits_documentation() {
        let line = format!("{A} {B} refs/for/production");
        let input = packets(&["version=1\0push-options atomic\n", "", &line, "", "change=3", ""]);
        let mut output = Vec::new();
        let commands = converse(input.as_bytes(), &mut output).unwrap();
        assert_eq!(commands.len(), 1);
        assert_eq!(output, packets(&["version=1\0push-options\n", ""]).as_bytes());
        let mut output = Vec::new();
        let done = Verdict::Done { name: "refs/changes/1/1".into(), old: Id::ZERO, new: B.parse().unwrap() };
        answer(&mut output, &[(commands[0].clone(), done)]).unwrap();
        assert!(String::from_utf8(output).unwrap().contains("option refname refs/changes/1/1\n"));
    }

    #[test]
    fn nonsense_from_git_is_an_error() {
        for bad in ["", "0003", "zzzz", &packets(&["version=2\n", ""])] {
            assert!(converse(bad.as_bytes(), Vec::new()).is_err(), "{bad}");
        }
    }
}
