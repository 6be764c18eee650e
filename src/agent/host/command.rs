//! Running a command on the node: argument vector, time limit, user, and what it printed.
//!
//! A command gets a process group of its own, so that a time-out ends everything that it started. It sees an
//! environment that we made, `/dev/null` as its input, and one pipe for all that it prints. In a root other
//! than the machine's it runs below `chroot`, so that it can never touch the machine instead. Dropping to
//! another user goes through `chroot --userspec` also at `/`: that sets the supplementary groups, which the
//! standard library cannot. The umask and, below another root, the working directory are set by a three-word
//! shell prelude with the command as its arguments: nothing of the command is ever read as shell text.

use super::Host;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where programs are looked up unless the command says otherwise.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Where the machine's own `chroot` may lie: it must not be looked up in the command's PATH.
const CHROOT: [&str; 4] = ["/usr/sbin/chroot", "/usr/bin/chroot", "/sbin/chroot", "/bin/chroot"];
/// How long a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// A command to run.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The user to run as, by name or number; the agent's own when unset.
    pub user: Option<String>,
    /// The group to run as; the user's own when unset.
    pub group: Option<String>,
    /// Octal umask; the agent's own when unset.
    pub umask: Option<String>,
    /// Working directory; `/` when unset.
    pub cwd: Option<String>,
    /// Environment variables besides `PATH`, `LC_ALL` may be among them.
    pub environment: Vec<(String, String)>,
    /// Time limit; none when unset.
    pub timeout: Option<Duration>,
    /// Bytes of output that are kept.
    pub limit: OutputLimit,
}

/// How much of the output of a command is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OutputLimit {
    /// 1 MiB: output for people.
    #[default]
    Log,
    /// 64 MiB: the database of a tool.
    Database,
    /// 512 MiB: what was packed.
    Archive,
}

impl OutputLimit {
    const fn bytes(self) -> usize {
        match self {
            Self::Log => 1 << 20,
            Self::Database => 64 << 20,
            Self::Archive => 512 << 20,
        }
    }
}

impl Invocation {
    /// A program of the system's own with its arguments, in the C locale and with five minutes of time.
    #[must_use]
    pub fn of(argv: &[&str]) -> Self {
        Self {
            argv: argv.iter().map(|a| (*a).to_owned()).collect(),
            environment: vec![("LC_ALL".into(), "C".into())],
            timeout: Some(Duration::from_secs(300)),
            ..Self::default()
        }
    }

    /// The same with another time limit.
    #[must_use]
    pub const fn within(mut self, seconds: u64) -> Self {
        self.timeout = Some(Duration::from_secs(seconds));
        self
    }
}

/// How a command ended and what it printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// Standard output and error in the order in which they came, as much as is kept.
    pub output: String,
    /// There was more than that.
    pub truncated: bool,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It was ended, with everything it started, because its time was over.
    TimedOut,
}

/// How a filter ended and what it gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filtered {
    /// How it ended.
    pub ending: Ending,
    /// Its standard output, as much as is kept.
    pub bytes: Vec<u8>,
    /// There was more than that.
    pub truncated: bool,
}

impl Outcome {
    /// Whether it ended with exit code 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.ending == Ending::Code(0)
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::TimedOut => f.write_str("time-out"),
        }
    }
}

/// Why a command could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such program.
    #[error("there is no program `{0}` on this node")]
    NotFound(String),
    /// The working directory is missing.
    #[error("working directory `{0}` does not exist")]
    NoDirectory(String),
    /// Another user, group or root is asked for, and the agent is not root.
    #[error("only root can run `{program}` {why}")]
    NotRoot {
        /// The program.
        program: String,
        /// What root is needed for.
        why: &'static str,
    },
    /// No command at all.
    #[error("the command is empty")]
    Empty,
    /// The operating system said no.
    #[error("cannot run `{program}`")]
    Io {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

impl Host {
    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it cannot be started or watched. A command that fails is no error here.
    pub fn run(&self, invocation: &Invocation) -> Result<Outcome, RunError> {
        let Filtered { ending, bytes, truncated } = self.work(invocation, None)?;
        Ok(Outcome { ending, output: String::from_utf8_lossy(&bytes).into_owned(), truncated })
    }

    /// Runs a command to its end with `input` as its standard input, and gives its standard output alone, up to 512 MiB.
    ///
    /// # Errors
    /// As [`Host::run`].
    pub fn filter(&self, invocation: &Invocation, input: &[u8]) -> Result<Filtered, RunError> {
        let program = invocation.argv.first().ok_or(RunError::Empty)?.clone();
        let invocation = Invocation { limit: OutputLimit::Archive, ..invocation.clone() };
        let file = in_memory(input).map_err(|cause| RunError::Io { program, cause })?;
        self.work(&invocation, Some(file))
    }

    fn work(&self, invocation: &Invocation, input: Option<std::fs::File>) -> Result<Filtered, RunError> {
        let program = invocation.argv.first().ok_or(RunError::Empty)?.clone();
        let failed = |cause: io::Error| RunError::Io { program: program.clone(), cause };
        self.check(invocation, &program)?;
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| failed(e.into()))?;
        let second = write.try_clone().map_err(failed)?;
        let argv = self.full_argv(invocation);
        let (first, rest) = argv.split_first().ok_or(RunError::Empty)?;
        let mut command = Command::new(first);
        command.args(rest).env_clear().env("PATH", PATH);
        command.envs(invocation.environment.iter().map(|(k, v)| (k, v)));
        command.current_dir(if self.is_machine() { invocation.cwd.as_deref().unwrap_or("/") } else { "/" });
        let (stdin, stderr) = match input {
            None => (Stdio::null(), Stdio::from(second)),
            Some(file) => (Stdio::from(file), Stdio::null()),
        };
        command.stdin(stdin).stdout(Stdio::from(write)).stderr(stderr).process_group(0);
        let child = command.spawn().map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => RunError::NotFound(first.clone()),
            _ => failed(cause),
        })?;
        // Our copies of the pipe's far end go with `command`, so that its end can be seen.
        drop(command);
        watch(child, read, (invocation, self.until)).map_err(failed)
    }

    fn check(&self, invocation: &Invocation, program: &str) -> Result<(), RunError> {
        let why = if !self.is_machine() {
            Some("in another root")
        } else if invocation.user.is_some() || invocation.group.is_some() {
            Some("as somebody else")
        } else {
            None
        };
        if let (Some(why), false) = (why, self.is_root_user()) {
            return Err(RunError::NotRoot { program: program.to_owned(), why });
        }
        if let Some(cwd) = &invocation.cwd
            && self.stat(cwd).ok().flatten().is_none()
        {
            return Err(RunError::NoDirectory(cwd.clone()));
        }
        let programs =
            if program.starts_with('/') { vec![program.to_owned()] } else { self.candidates(invocation) };
        // Only whether there is one: a program may well be a link in a directory like `/usr/local/bin`.
        let found = |path: &String| self.stat(path).ok().flatten().is_some();
        if programs.iter().any(found) { Ok(()) } else { Err(RunError::NotFound(program.to_owned())) }
    }

    /// Where a program without a path may lie.
    fn candidates(&self, invocation: &Invocation) -> Vec<String> {
        let own = invocation.environment.iter().find(|(name, _)| name == "PATH");
        let path = own.map_or(PATH, |(_, value)| value.as_str());
        let program = invocation.argv.first().map_or("", String::as_str);
        path.split(':').filter(|d| d.starts_with('/')).map(|d| format!("{d}/{program}")).collect()
    }

    fn full_argv(&self, invocation: &Invocation) -> Vec<String> {
        let mut argv: Vec<String> = Vec::new();
        let someone = invocation.user.is_some() || invocation.group.is_some();
        if !self.is_machine() || someone {
            let chroot = CHROOT.iter().find(|path| Path::new(path).exists());
            argv.push(chroot.unwrap_or(&CHROOT[0]).to_string());
            if someone {
                let (user, group) = (invocation.user.as_deref(), invocation.group.as_deref());
                let group = group.map(|g| format!(":{g}")).unwrap_or_default();
                argv.push(format!("--userspec={}{group}", user.unwrap_or_default()));
            }
            if self.is_machine() {
                argv.push("--skip-chdir".into());
            }
            argv.push(self.root().display().to_string());
        }
        let elsewhere = invocation.cwd.as_deref().filter(|_| !self.is_machine());
        if invocation.umask.is_some() || elsewhere.is_some() {
            let prelude = "cd -- \"$0\" && umask \"$1\" && shift && exec \"$@\"";
            let stay = if self.is_machine() { "." } else { "/" };
            argv.extend(["/bin/sh", "-c", prelude, elsewhere.unwrap_or(stay)].map(str::to_owned));
            argv.push(invocation.umask.clone().unwrap_or_else(|| "0022".into()));
        }
        argv.extend(invocation.argv.iter().cloned());
        argv
    }
}

/// Collects the output until the command ends or its time is over. What the command leaves running in the
/// background keeps neither us nor the pipe.
fn watch(
    mut child: Child,
    read: OwnedFd,
    (invocation, until): (&Invocation, Option<Instant>),
) -> io::Result<Filtered> {
    let group = Pid::from_child(&child);
    let ended = pidfd_open(group, PidfdFlags::empty())?;
    let mut pipe = Pipe {
        file: Some(std::fs::File::from(read)),
        kept: Vec::new(),
        limit: invocation.limit.bytes(),
        truncated: false,
    };
    let own = invocation.timeout.and_then(|time| Instant::now().checked_add(time));
    let deadline = own.into_iter().chain(until).min();
    let in_time = pipe.until_end(&ended, deadline)?;
    if !in_time {
        end(group, Signal::TERM);
        if !pipe.until_end(&ended, Some(Instant::now() + GRACE))? {
            end(group, Signal::KILL);
        }
    }
    let status = child.wait()?;
    if !in_time {
        // The leader may be gone while others of its group live on.
        end(group, Signal::KILL);
    }
    let ending = match (in_time, status.code()) {
        (false, _) => Ending::TimedOut,
        (true, Some(code)) => Ending::Code(code),
        (true, None) => Ending::Signal(status.signal().unwrap_or(0)),
    };
    Ok(Filtered { ending, bytes: pipe.kept, truncated: pipe.truncated })
}

/// A file that only has a descriptor, to be read from its beginning.
fn in_memory(bytes: &[u8]) -> io::Result<std::fs::File> {
    let mut file = std::fs::File::from(memfd_create("input", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

fn end(group: Pid, signal: Signal) {
    // It may have ended by itself in the meantime, and that is what was wanted.
    let _gone = kill_process_group(group, signal);
}

struct Pipe {
    file: Option<std::fs::File>,
    kept: Vec<u8>,
    limit: usize,
    truncated: bool,
}

impl Pipe {
    /// Reads until the command has ended (true) or the time is over (false).
    fn until_end(&mut self, ended: &OwnedFd, deadline: Option<Instant>) -> io::Result<bool> {
        // What is in the pipe when the command ends is read; what its background children add later is not.
        let mut last_reads = 64;
        loop {
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(false);
            }
            let left = left.and_then(|l| Timespec::try_from(l).ok());
            let mut fds = vec![PollFd::from_borrowed_fd(ended.as_fd(), PollFlags::IN)];
            if let Some(file) = &self.file {
                fds.push(PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN));
            }
            match poll(&mut fds, left.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let over = !fds[0].revents().is_empty();
            let readable = fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
            drop(fds);
            if readable {
                self.read_some()?;
            }
            if over {
                last_reads -= 1;
            }
            if over && (!readable || last_reads == 0) {
                return Ok(true);
            }
        }
    }

    /// One read of what is there. Output beyond the limit is read and dropped, so that the command is not stuck.
    fn read_some(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        let Some(file) = &mut self.file else { return Ok(()) };
        let count = file.read(&mut buffer)?;
        if count == 0 {
            self.file = None;
        }
        let room = self.limit.saturating_sub(self.kept.len());
        self.truncated |= count > room;
        self.kept.extend_from_slice(&buffer[..count.min(room)]);
        Ok(())
    }
}
