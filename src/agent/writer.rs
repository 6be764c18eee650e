//! Who wrote to the files that are watched, as far as the kernel tells (fanotify): the process that closed a file which it
//! had open for writing. A process that only removes or changes a mode is not told of, nor one that has ended by the time
//! we look.

use nix::sys::fanotify::{EventFFlags, Fanotify, FanotifyEvent, InitFlags, MarkFlags, MaskFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files whose last writers are remembered, at most.
const MOST: usize = 4096;
/// What the kernel says of a process that nobody logged in for.
const NOBODY: u32 = u32::MAX;

/// Who wrote to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// The number of the process.
    pub process: i32,
    /// The name of its program.
    pub program: String,
    /// The user who logged in and started all this, or else the one that it ran as.
    pub user: Option<u32>,
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever starts a program may call it what they like.
        write!(f, "`{}` (process {}", self.program.escape_debug(), self.process)?;
        match self.user {
            Some(user) => write!(f, ", user {user})"),
            None => f.write_str(")"),
        }
    }
}

/// A file, whatever it is called: device and number.
type Inode = (u64, u64);

/// Listens to writers in the folders that it is told of.
#[derive(Debug)]
pub struct Writers {
    shared: Arc<Shared>,
    root: PathBuf,
    folders: BTreeSet<String>,
}

#[derive(Debug)]
struct Shared {
    kernel: Fanotify,
    last: Mutex<BTreeMap<Inode, Writer>>,
}

impl Writers {
    /// Begins to listen below `root`; there is no folder yet.
    ///
    /// # Errors
    /// When the kernel does not tell: fanotify(7) needs `CAP_SYS_ADMIN`, and a kernel that was built with it.
    pub fn begin(root: &Path) -> io::Result<Self> {
        let root = fs::canonicalize(root)?;
        let (init, opened) = (InitFlags::FAN_CLASS_NOTIF | InitFlags::FAN_CLOEXEC, EventFFlags::O_RDONLY);
        let kernel = Fanotify::init(init, opened | EventFFlags::O_CLOEXEC | EventFFlags::O_LARGEFILE)?;
        let shared = Arc::new(Shared { kernel, last: Mutex::default() });
        let reader = shared.clone();
        std::thread::Builder::new().name("writers".into()).spawn(move || reader.read())?;
        Ok(Self { shared, root, folders: BTreeSet::new() })
    }

    /// Listens to these folders and no others. Those that cannot be listened to are left out.
    pub fn arm<'a>(&mut self, folders: impl IntoIterator<Item = &'a String>) {
        let wished: BTreeSet<String> = folders.into_iter().cloned().collect();
        for folder in &wished {
            self.mark(MarkFlags::FAN_MARK_ADD, folder);
        }
        for folder in self.folders.difference(&wished) {
            self.mark(MarkFlags::FAN_MARK_REMOVE, folder);
        }
        self.folders = wished;
    }

    /// Who wrote last to the file that is at `path` now, whatever it was called then. It is told once.
    #[must_use]
    pub fn take(&self, path: &str) -> Option<Writer> {
        let file = fs::symlink_metadata(self.place(path)).ok()?;
        self.shared.lock().remove(&(file.dev(), file.ino()))
    }

    fn mark(&self, change: MarkFlags, folder: &str) {
        let mask = MaskFlags::FAN_CLOSE_WRITE | MaskFlags::FAN_EVENT_ON_CHILD;
        let flags = change | MarkFlags::FAN_MARK_ONLYDIR | MarkFlags::FAN_MARK_DONT_FOLLOW;
        // A folder that is gone, or never was: whoever writes there is not known.
        let _unheard = self.shared.kernel.mark(flags, mask, rustix::fs::CWD, Some(&self.place(folder)));
    }

    fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

impl Shared {
    /// Reads until the process ends.
    fn read(&self) {
        loop {
            match self.kernel.read_events() {
                Ok(events) => {
                    events.iter().filter_map(heard).for_each(|(file, writer)| self.note(file, writer))
                }
                Err(nix::errno::Errno::EINTR) => {}
                // The descriptor is ours alone and stays open: there is nothing to wait for.
                Err(_) => return,
            }
        }
    }

    fn note(&self, file: Inode, writer: Writer) {
        let mut last = self.lock();
        if last.len() >= MOST {
            last.clear();
        }
        last.insert(file, writer);
    }

    /// A panic elsewhere leaves this value in order.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Inode, Writer>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file of an event and who wrote to it; `None` for what the agent writes itself.
fn heard(event: &FanotifyEvent) -> Option<(Inode, Writer)> {
    let file = rustix::fs::fstat(event.fd()?).ok()?;
    let process = event.pid();
    let of = |what: &str| format!("/proc/{process}/{what}");
    let program = fs::read_link(of("exe")).ok()?;
    if fs::read_link("/proc/self/exe").is_ok_and(|own| own == program) {
        return None;
    }
    let program = program.file_name()?.to_string_lossy().into_owned();
    let login = fs::read_to_string(of("loginuid")).ok().and_then(|text| text.trim().parse().ok());
    let login = login.filter(|user| *user != NOBODY);
    let user = login.or_else(|| runs_as(&fs::read_to_string(of("status")).ok()?));
    Some(((file.st_dev, file.st_ino), Writer { process, program, user }))
}

/// The first number of the line `Uid:` of a process's status (proc(5)).
fn runs_as(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    #[test]
    fn whoever_writes_to_a_watched_file_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir(root.join("d")).unwrap();
        let mut writers = match Writers::begin(&root) {
            Ok(writers) => writers,
            Err(error) => {
                return eprintln!("SKIPPED: the kernel tells nobody here who writes: {error}");
            }
        };
        writers.arm([&"/d".to_owned()]);
        // In place, and under another name that becomes this one; the shell stays until it was looked at.
        for script in ["echo 1 > d/f; read x", "echo 1 > d/g; mv d/g d/f; read x"] {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", script]).current_dir(&root).stdin(Stdio::piped());
            let mut shell = shell.spawn().unwrap();
            let until = Instant::now() + Duration::from_secs(30);
            let writer = loop {
                if let Some(writer) = writers.take("/d/f") {
                    break writer;
                }
                assert!(Instant::now() < until, "nobody wrote: {script}");
                std::thread::sleep(Duration::from_millis(10));
            };
            assert_eq!(writer.process, i32::try_from(shell.id()).unwrap());
            assert!(writer.user.is_some());
            drop(shell.stdin.take());
            shell.wait().unwrap();
        }
        // Ourselves, and a folder that is not listened to any more.
        fs::write(root.join("d/own"), "").unwrap();
        writers.arm([]);
        let mut shell = Command::new("/bin/sh");
        assert!(shell.args(["-c", "echo 1 > d/f"]).current_dir(&root).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!((writers.take("/d/own"), writers.take("/d/f")), (None, None));
    }

    #[test]
    fn writers_are_told_in_words() {
        let writer = Writer { process: 7, program: "v\u{1b}im".into(), user: Some(1000) };
        assert_eq!(writer.to_string(), "`v\\u{1b}im` (process 7, user 1000)");
        assert_eq!(runs_as("Name:\tvim\nUid:\t1000\t0\t0\t0\n"), Some(1000));
    }
}
