//! Hears at once when something touches a path that the catalog manages (inotify). What it means is `drift`'s to say.
//!
//! Folders are watched, not files: a file that is replaced is another file. One thread reads; between two readings it
//! rests, so that a busy folder costs a few wake-ups a second and no more.

use super::host::is_temporary;
use super::queue::Queue;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Between two readings.
const REST: Duration = Duration::from_millis(200);
/// How long a path is left alone after it was touched: whoever writes it may do so in several steps.
const SETTLE: Duration = Duration::from_millis(200);

/// What is of interest in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interest {
    /// These names.
    pub names: BTreeSet<String>,
    /// Whatever is in it.
    pub all: bool,
}

/// A watch over folders. What is touched goes into the queue.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    root: PathBuf,
}

#[derive(Debug)]
struct Shared {
    inotify: OwnedFd,
    queue: Arc<Queue>,
    folders: Mutex<Folders>,
}

/// The folders that are watched, by the number that the kernel gave each.
type Folders = BTreeMap<i32, (String, Interest)>;

impl Watch {
    /// Begins to watch below `root`; there is nothing of interest yet.
    ///
    /// # Errors
    /// When the kernel gives no watch.
    pub fn begin(root: &Path, queue: Arc<Queue>) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC)?;
        let shared = Arc::new(Shared { inotify, queue, folders: Mutex::default() });
        let reader = shared.clone();
        std::thread::Builder::new().name("watch".into()).spawn(move || reader.read())?;
        Ok(Self { shared, root: root.to_owned() })
    }

    /// Watches these folders and no others. A folder that cannot be watched is named with why; one that is not there is
    /// left out.
    pub fn arm(&self, wished: &BTreeMap<String, Interest>) -> Vec<(String, io::Error)> {
        let mut trouble = Vec::new();
        let mut folders = self.shared.lock();
        let kept: BTreeSet<String> = wished.keys().cloned().collect();
        let (stay, go): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut *folders).into_iter().partition(|(_, (path, _))| kept.contains(path));
        *folders = stay;
        for (path, interest) in wished {
            let flags = WatchFlags::CREATE
                | WatchFlags::DELETE
                | WatchFlags::MOVE
                | WatchFlags::CLOSE_WRITE
                | WatchFlags::ATTRIB
                | WatchFlags::ONLYDIR;
            let place = self.root.join(path.trim_start_matches('/'));
            match inotify::add_watch(&self.shared.inotify, &place, flags) {
                Ok(watch) => drop(folders.insert(watch, (path.clone(), interest.clone()))),
                Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => {}
                Err(error) => trouble.push((path.clone(), error.into())),
            }
        }
        for watch in go.into_keys().filter(|watch| !folders.contains_key(watch)) {
            // A folder that is gone has no watch any more.
            let _gone = inotify::remove_watch(&self.shared.inotify, watch);
        }
        trouble
    }
}

impl Shared {
    /// Reads until the process ends.
    fn read(&self) {
        let mut buffer = vec![MaybeUninit::uninit(); 64 << 10];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| name.to_string_lossy().into_owned());
                    self.hear(event.wd(), event.events(), name);
                }
                Err(rustix::io::Errno::INTR) => {}
                // The descriptor is ours alone and stays open: there is nothing to wait for.
                Err(_) => return,
            }
            if reader.is_buffer_empty() {
                std::thread::sleep(REST);
            }
        }
    }

    fn hear(&self, watch: i32, what: ReadFlags, name: Option<String>) {
        let mut folders = self.lock();
        let lost = what.contains(ReadFlags::QUEUE_OVERFLOW);
        let mut touched = Vec::new();
        for (path, interest) in folders.iter().filter(|(w, _)| lost || **w == watch).map(|(_, f)| f) {
            let below = |name: &String| format!("{}/{name}", path.trim_end_matches('/'));
            match &name {
                Some(name) if is_temporary(name) => {}
                Some(name) if interest.all || interest.names.contains(name) => touched.push(below(name)),
                Some(_) => {}
                // The folder is gone, or nobody knows what happened in it.
                None => {
                    touched.extend(interest.names.iter().map(below));
                    touched.extend(interest.all.then(|| path.clone()));
                }
            }
        }
        if what.contains(ReadFlags::IGNORED) {
            folders.remove(&watch);
        }
        drop(folders);
        self.queue.touch(touched, Instant::now() + SETTLE);
    }

    /// A panic elsewhere leaves this value in order.
    fn lock(&self) -> MutexGuard<'_, Folders> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::queue::Wake;
    use std::os::unix::fs::PermissionsExt as _;

    /// A watch over the file `f` in a folder, and over everything in another.
    fn begun(dir: &Path) -> (Watch, Arc<Queue>) {
        for folder in ["root/named", "root/all", "root/none"] {
            std::fs::create_dir_all(dir.join(folder)).unwrap();
        }
        let queue = Arc::new(Queue::default());
        let watch = Watch::begin(&dir.join("root"), queue.clone()).unwrap();
        let named = Interest { names: BTreeSet::from(["f".to_owned()]), all: false };
        let all = Interest { names: BTreeSet::new(), all: true };
        let wished = BTreeMap::from([
            ("/named".to_owned(), named),
            ("/all".to_owned(), all),
            ("/gone".to_owned(), Interest::default()),
        ]);
        assert!(watch.arm(&wished).is_empty());
        (watch, queue)
    }

    /// Waits until `path` is heard, and then for quiet: one deed may be told twice. Nothing else than what is of interest
    /// may be heard.
    fn hears(queue: &Queue, path: &str) {
        let mut heard = BTreeSet::new();
        let mut patience = Duration::from_secs(60);
        while let Wake::Touched(paths) = queue.wait(patience) {
            queue.finished(Duration::ZERO);
            heard.extend(paths);
            patience = REST * 3;
        }
        queue.finished(Duration::ZERO);
        assert!(heard.contains(path), "{path}: {heard:?}");
        let known = ["/named/f", "/all/any", "/none/last"];
        assert!(heard.iter().all(|path| known.contains(&path.as_str())), "{heard:?}");
    }

    #[test]
    fn what_is_of_interest_is_heard_however_it_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let (watch, queue) = begun(dir.path());
        let at = |name: &str| dir.path().join("root").join(name);
        let file = at("named/f");
        let deeds: [&dyn Fn(); 5] = [
            &|| std::fs::write(&file, "x").unwrap(),
            &|| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap(),
            &|| {
                std::fs::write(at("named/other"), "x").unwrap();
                std::fs::rename(at("named/other"), &file).unwrap();
            },
            &|| std::fs::rename(&file, at("none/f")).unwrap(),
            &|| std::fs::create_dir(&file).unwrap(),
        ];
        for deed in deeds {
            deed();
            hears(&queue, "/named/f");
        }
        std::fs::write(at("all/any"), "x").unwrap();
        std::fs::write(at("all/.countersign-0123456789abcdef"), "x").unwrap();
        std::fs::write(at("named/other"), "x").unwrap();
        std::fs::write(at("none/f2"), "x").unwrap();
        hears(&queue, "/all/any");
        std::fs::remove_dir_all(at("named")).unwrap();
        hears(&queue, "/named/f");
        // What is not of interest any more is not heard.
        let wished = BTreeMap::from([("/none".to_owned(), Interest { names: BTreeSet::new(), all: true })]);
        assert!(watch.arm(&wished).is_empty());
        std::fs::write(at("all/late"), "y").unwrap();
        std::fs::write(at("none/last"), "y").unwrap();
        hears(&queue, "/none/last");
    }
}
