//! Each attribute of `file`, and what `exec` does with its own, against a temporary root.
//!
//! Every wish is applied twice: the second time must find nothing to do.

use super::*;
use crate::agent::disk::Disk;
use crate::agent::keyring;
use crate::model::resource::{Command, Content, Exec, File, FileEnsure, LogOutput, Part, Word};
use crate::model::{Sealed, Secret, Stamp};
use crate::sealing::{Purpose, seal};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

struct Blobs(Vec<u8>);

impl BlobSource for Blobs {
    fn blob(&self, _digest: &Digest, _size: u64) -> Result<Vec<u8>, BlobError> {
        Ok(self.0.clone())
    }
}

pub(super) struct Place {
    dir: tempfile::TempDir,
    host: Host,
    facts: Facts,
    blobs: Blobs,
    secrets: Keyring,
    state: tempfile::TempDir,
    bucket: Bucket,
    pub(super) managed: BTreeMap<String, bool>,
    pub(super) catalog: Vec<Resource>,
}

impl Place {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::open(dir.path()).unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        std::fs::write(dir.path().join("etc/passwd"), "root:x:0:0::/:/bin/sh\nweb:x:33:33::/:/bin/sh\n")
            .unwrap();
        std::fs::write(dir.path().join("etc/group"), "root:x:0:\nweb:x:33:\n").unwrap();
        let mut facts = Facts::default();
        facts.set(&"hostname".parse().unwrap(), "web1".into());
        let secrets = Keyring::empty("web1".parse().unwrap());
        let state = tempfile::tempdir().unwrap();
        let disk = Disk::create(&state.path().join("agent")).unwrap();
        let (bucket, blobs) = (Bucket::new(&disk, Stamp::from_unix(0)), Blobs(b"blob".to_vec()));
        Self {
            dir,
            host,
            facts,
            blobs,
            secrets,
            state,
            bucket,
            managed: BTreeMap::new(),
            catalog: Vec::new(),
        }
    }

    /// A place whose source of contents has these bytes.
    pub(super) fn with_blob(bytes: &[u8]) -> Self {
        Self { blobs: Blobs(bytes.to_vec()), ..Self::new() }
    }

    pub(super) fn node(&self) -> Node<'_> {
        Node {
            host: &self.host,
            facts: &self.facts,
            blobs: &self.blobs,
            secrets: &self.secrets,
            bucket: &self.bucket,
            noop: false,
            keep: false,
            noted: false,
            managed: self.managed.clone().into(),
            catalog: &self.catalog,
            services: Vec::new(),
            known: Known::default(),
            folder: Folder::default(),
        }
    }

    pub(super) fn at(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join(path.trim_start_matches('/'))
    }

    pub(super) fn put(&self, path: &str, text: &str, mode: u32) {
        std::fs::write(self.at(path), text).unwrap();
        std::fs::set_permissions(self.at(path), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(super) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).unwrap()
    }

    pub(super) fn mode(&self, path: &str) -> u32 {
        std::fs::symlink_metadata(self.at(path)).unwrap().permissions().mode() & 0o7777
    }

    /// Applies, gives the sentences, and demands that looking changes nothing and a second run has nothing to say.
    pub(super) fn apply(&self, resource: &impl Type) -> Result<Vec<String>, String> {
        let before = self.all();
        let mut noop = self.node();
        noop.noop = true;
        let looked = resource.check(&mut noop).map(drop).map_err(|e| chain(&e));
        assert_eq!(self.all(), before, "only looking changed something: {looked:?}");
        let messages = self.once(resource)?;
        assert_eq!(self.once(resource)?, Vec::<String>::new(), "the second run found something to do");
        Ok(messages)
    }

    /// Everything below the root: path, mode, owner and content or target.
    fn all(&self) -> Vec<(std::path::PathBuf, u32, u32, Vec<u8>)> {
        let mut found = Vec::new();
        let mut todo = vec![self.dir.path().to_owned()];
        while let Some(path) = todo.pop() {
            let meta = std::fs::symlink_metadata(&path).unwrap();
            let content = if meta.is_dir() {
                todo.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                Vec::new()
            } else if meta.is_symlink() {
                std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                std::fs::read(&path).unwrap()
            };
            found.push((path, meta.mode(), meta.uid(), content));
        }
        found.sort();
        found
    }

    fn once(&self, resource: &impl Type) -> Result<Vec<String>, String> {
        let mut node = self.node();
        let plan = resource.check(&mut node).map_err(|e| chain(&e))?;
        let mut messages = Vec::new();
        for change in plan.changes {
            messages.push(change.message);
            resource.apply(change.step, &mut node).map_err(|e| chain(&e))?;
        }
        Ok(messages)
    }

    /// Applies a file that is `base` with some attributes changed.
    fn file(
        &self,
        path: &str,
        ensure: FileEnsure,
        set: impl FnOnce(&mut File),
    ) -> Result<Vec<String>, String> {
        let mut file = plain(path, ensure);
        set(&mut file);
        self.apply(&Inode(&file))
    }
}

fn plain(path: &str, ensure: FileEnsure) -> File {
    File {
        path: path.into(),
        ensure,
        content: None,
        target: None,
        owner: None,
        group: None,
        mode: None,
        selinux: None,
        recurse: false,
        recurselimit: None,
        max_files: None,
        purge: false,
        ignore: Vec::new(),
        force: false,
        replace: true,
        backup: None,
        validate_cmd: Vec::new(),
        show_diff: true,
    }
}

fn text(content: &str) -> Option<Content> {
    Some(Content::Text(content.into()))
}

pub(super) fn said(messages: &[&str]) -> Result<Vec<String>, String> {
    Ok(messages.iter().map(|m| (*m).to_owned()).collect())
}

#[test]
fn content_is_made_and_replaced() {
    let place = Place::new();
    let [one, two] = ["one", "two"].map(|t| Digest::of(t.as_bytes()));
    let made = place.file("/a", FileEnsure::File, |f| f.content = text("one"));
    assert_eq!(made, said(&[&format!("defined content as '{one}'")]));
    assert_eq!((place.read("/a"), place.mode("/a")), ("one".into(), 0o644));
    let replaced = place.file("/a", FileEnsure::Present, |f| f.content = text("two"));
    assert_eq!(replaced, said(&[&format!("content changed '{one}' to '{two}'")]));
    let kept = place.file("/a", FileEnsure::File, |f| (f.content, f.replace) = (text("three"), false));
    assert_eq!((kept, place.read("/a")), (said(&[]), "two".into()));
    assert_eq!(place.file("/b", FileEnsure::Present, |_| ()), said(&["created"]));
    assert_eq!(place.read("/b"), "");
}

#[test]
fn content_with_facts_and_from_blobs() {
    let place = Place::new();
    let parts =
        vec![Part::Text("I am ".into()), Part::Fact("hostname".parse().unwrap()), Part::Text("\n".into())];
    place.file("/a", FileEnsure::File, |f| f.content = Some(Content::Parts(parts))).unwrap();
    assert_eq!(place.read("/a"), "I am web1\n");
    let missing = vec![Part::Fact("os.family".parse().unwrap())];
    let failed = place.file("/a", FileEnsure::File, |f| f.content = Some(Content::Parts(missing)));
    assert_eq!(failed, Err("this node has no fact `os.family`".into()));
    let blob = |bytes: &[u8]| Some(Content::Blob { digest: Digest::of(bytes), size: 4 });
    place.file("/b", FileEnsure::File, |f| f.content = blob(b"blob")).unwrap();
    assert_eq!(place.read("/b"), "blob");
    let wrong = place.file("/b", FileEnsure::File, |f| f.content = blob(b"evil")).unwrap_err();
    assert!(wrong.starts_with("the content that came for sha256:"), "{wrong}");
    assert_eq!(place.read("/b"), "blob");
}

#[test]
fn owner_group_and_mode_are_put_right_one_by_one() {
    let place = Place::new();
    place.put("/a", "x", 0o600);
    let messages = place.file("/a", FileEnsure::File, |f| {
        (f.owner, f.group, f.mode) = (Some("web".into()), Some("33".into()), Some("4755".into()));
    });
    let expected =
        ["owner changed 'root' to 'web'", "group changed 'root' to '33'", "mode changed '0600' to '4755'"];
    assert_eq!(messages, said(&expected));
    let meta = std::fs::metadata(place.at("/a")).unwrap();
    assert_eq!((meta.uid(), meta.gid(), place.mode("/a")), (33, 33, 0o4755));
    let symbolic = place.file("/a", FileEnsure::File, |f| f.mode = Some("u-s,g=u,o-x".into()));
    assert_eq!(symbolic, said(&["mode changed '4755' to '0774'"]));
    let nobody = place.file("/a", FileEnsure::File, |f| f.owner = Some("ghost".into()));
    assert_eq!(nobody, Err("there is no user `ghost` on this node".into()));
}

#[test]
fn new_content_is_never_more_open_than_it_should_be() {
    let place = Place::new();
    place.put("/a", "old", 0o644);
    let mut file = plain("/a", FileEnsure::File);
    (file.content, file.mode) = (text("secret"), Some("0600".into()));
    let mut node = place.node();
    let plan = Inode(&file).check(&mut node).unwrap();
    let first = plan.changes.into_iter().next().unwrap();
    assert_eq!(first.property, "content");
    Inode(&file).apply(first.step, &mut node).unwrap();
    assert_eq!((place.read("/a"), place.mode("/a")), ("secret".into(), 0o600));
}

#[test]
fn directories_and_links() {
    let place = Place::new();
    let made = place.file("/d", FileEnsure::Directory, |f| f.mode = Some("0640".into()));
    assert_eq!((made, place.mode("/d")), (said(&["created"]), 0o750));
    let link = |to: &str| place.file("/l", FileEnsure::Link, |f| f.target = Some(to.into()));
    assert_eq!(link("/d"), said(&["created"]));
    assert_eq!(link("d"), said(&["target changed '/d' to 'd'"]));
    let file = place.file("/l", FileEnsure::File, |f| f.content = text("x"));
    assert_eq!(file, said(&["ensure changed 'link' to 'file'"]));
    assert!(place.at("/d").is_dir());
    let refused = place.file("/d", FileEnsure::File, |f| f.content = text("x"));
    assert_eq!(refused, Err("`/d` is a directory: it is only replaced with `force`".into()));
    let forced = place.file("/d", FileEnsure::File, |f| (f.content, f.force) = (text("x"), true));
    assert_eq!(forced, said(&["ensure changed 'directory' to 'file'"]));
    assert_eq!(
        place.file("/d", FileEnsure::Directory, |_| ()),
        said(&["ensure changed 'file' to 'directory'"])
    );
}

#[test]
fn absent_removes_and_needs_force_for_directories() {
    let place = Place::new();
    place.put("/a", "x", 0o644);
    symlink("etc", place.at("/l")).unwrap();
    std::fs::create_dir_all(place.at("/d/e")).unwrap();
    place.put("/d/e/f", "x", 0o644);
    assert_eq!(place.file("/a", FileEnsure::Absent, |_| ()), said(&["removed"]));
    assert_eq!(place.file("/l", FileEnsure::Absent, |_| ()), said(&["removed"]));
    assert!(place.at("/etc/passwd").exists());
    let refused = place.file("/d", FileEnsure::Absent, |_| ());
    assert_eq!(refused, Err("`/d` is a directory: it is only removed with `force`".into()));
    assert_eq!(place.file("/d", FileEnsure::Absent, |f| f.force = true), said(&["removed"]));
    assert!(!place.at("/d").exists());
    assert_eq!(place.file("/none/a", FileEnsure::Absent, |_| ()), said(&[]));
}

#[test]
fn a_backup_in_the_bucket_is_the_old_file_and_leaves_nothing_beside_the_new_one() {
    let place = Place::new();
    place.put("/a", "old", 0o640);
    let in_bucket = |f: &mut File| f.backup = Some("bucket".into());
    place.file("/a", FileEnsure::File, |f| (in_bucket(f), f.content = text("new")).1).unwrap();
    place.file("/a", FileEnsure::Absent, in_bucket).unwrap();
    std::fs::create_dir(place.at("/dir")).unwrap();
    place.put("/dir/odd", "odd", 0o600);
    place
        .file("/dir", FileEnsure::Directory, |f| (in_bucket(f), (f.recurse, f.purge) = (true, true)).1)
        .unwrap();
    let disk = Disk::open(&place.state.path().join("agent")).unwrap();
    let kept = crate::agent::bucket::list(&disk).unwrap();
    let told: Vec<_> = kept.iter().map(|kept| (kept.path.as_str(), kept.mode)).collect();
    assert_eq!(told, [("/a", 0o640), ("/a", 0o640), ("/dir/odd", 0o600)]);
    let content = |at: usize| crate::agent::bucket::content(&disk, &kept[at].digest).unwrap();
    assert_eq!((content(0), content(1), content(2)), (b"old".to_vec(), b"new".to_vec(), b"odd".to_vec()));
    let names: Vec<_> = place.host.list("/").unwrap();
    assert_eq!(names, ["dir", "etc"]);
}

#[test]
fn a_backup_is_as_closed_as_the_file_was() {
    let place = Place::new();
    place.put("/a", "old", 0o600);
    place
        .file("/a", FileEnsure::File, |f| {
            (f.content, f.mode, f.backup) = (text("new"), Some("0644".into()), Some(".bak".into()));
        })
        .unwrap();
    assert_eq!((place.read("/a.bak"), place.mode("/a.bak")), ("old".into(), 0o600));
    let refused =
        place.file("/a", FileEnsure::File, |f| (f.content, f.backup) = (text("x"), Some("/../b".into())));
    assert_eq!(refused, Err("`/../b` is no suffix of a backup".into()));
    assert_eq!(place.read("/a"), "new");
}

#[test]
fn recurse_reaches_everything_below_and_stops_at_links() {
    let place = Place::new();
    std::fs::create_dir_all(place.at("/d/e")).unwrap();
    std::fs::create_dir(place.at("/out")).unwrap();
    for path in ["/d/a", "/d/e/b", "/out/c"] {
        place.put(path, "x", 0o644);
    }
    symlink("../out", place.at("/d/l")).unwrap();
    let recurse = |mode: &str| {
        place.file("/d", FileEnsure::Directory, |f| (f.recurse, f.mode) = (true, Some(mode.into()))).unwrap()
    };
    assert!(recurse("0600").contains(&"/d/e/b: mode changed '0644' to '0600'".to_owned()));
    assert_eq!((place.mode("/d/e"), place.mode("/d/e/b"), place.mode("/out/c")), (0o700, 0o600, 0o644));
}

#[test]
fn recursion_ends_at_its_limits() {
    let place = Place::new();
    std::fs::create_dir_all(place.at("/d/e/f")).unwrap();
    for path in ["/d/a", "/d/e/b", "/d/e/f/c"] {
        place.put(path, "x", 0o644);
    }
    let modes = || ["/d/a", "/d/e/b", "/d/e/f/c"].map(|path| place.mode(path));
    let recurse = |limit: Option<u32>, most: Option<u32>, mode: &str| {
        place.file("/d", FileEnsure::Directory, |f| {
            (f.recurse, f.recurselimit, f.max_files, f.mode) = (true, limit, most, Some(mode.into()));
        })
    };
    recurse(Some(0), None, "0600").unwrap();
    assert_eq!(modes(), [0o644, 0o644, 0o644]);
    recurse(Some(1), None, "0600").unwrap();
    assert_eq!(modes(), [0o600, 0o644, 0o644]);
    recurse(Some(2), None, "0640").unwrap();
    assert_eq!(modes(), [0o640, 0o640, 0o644]);
    // Too many: nothing is done to any.
    let refused = recurse(None, Some(4), "0604").unwrap_err().to_string();
    assert_eq!(refused, "`/d` has more than 4 entries below it");
    assert_eq!(modes(), [0o640, 0o640, 0o644]);
    recurse(None, Some(5), "0604").unwrap();
    assert_eq!(modes(), [0o604, 0o604, 0o604]);
}

#[test]
fn purge_takes_what_the_catalog_does_not_name() {
    let mut place = Place::new();
    std::fs::create_dir_all(place.at("/d/keep")).unwrap();
    std::fs::create_dir_all(place.at("/d/old/older")).unwrap();
    for path in ["/d/named", "/d/stray", "/d/keep/named", "/d/keep/stray", "/d/old/older/x"] {
        place.put(path, "x", 0o644);
    }
    symlink("/etc", place.at("/d/link")).unwrap();
    place.managed = ["/d/named", "/d/keep/named"].map(|p| (p.to_owned(), false)).into();
    let purge = |force| {
        place.file("/d", FileEnsure::Directory, |f| (f.recurse, f.purge, f.force) = (true, true, force))
    };
    let soft = purge(false).unwrap();
    assert_eq!(
        soft,
        ["/d/link: purged", "/d/stray: purged", "/d/old/older/x: purged", "/d/keep/stray: purged"]
    );
    assert!(place.at("/d/old/older").is_dir() && place.at("/etc/passwd").exists());
    assert_eq!(purge(true), said(&["/d/old: purged"]));
    assert_eq!((place.read("/d/named"), place.read("/d/keep/named")), ("x".into(), "x".into()));
}

#[test]
fn a_diff_is_shown_only_where_everybody_may_read_the_file() {
    let place = Place::new();
    let diff = |mode: u32, show: bool| {
        place.put("/a", "one\ntwo\n", mode);
        let mut file = plain("/a", FileEnsure::File);
        (file.content, file.show_diff) = (text("one\n2\n"), show);
        Inode(&file).check(&mut place.node()).unwrap().changes.remove(0).diff
    };
    assert!(diff(0o644, true).is_some_and(|d| d.contains("-two\n+2\n")));
    assert_eq!((diff(0o640, true), diff(0o644, false)), (None, None));
}

/// `exec` and `validate_cmd` run for real, so they need the machine's own root and a scratch directory on it.
fn machine() -> Place {
    Place { host: Host::open(Path::new("/")).unwrap(), ..Place::new() }
}

fn argv(words: &[&str]) -> Command {
    Command::Argv(words.iter().map(|w| Word::Text((*w).to_owned())).collect())
}

#[test]
fn validate_cmd_decides_about_new_content() {
    let place = machine();
    let path = place.at("/a").to_str().unwrap().to_owned();
    let write = |content: &str| {
        place.file(&path, FileEnsure::File, |f| {
            f.content = text(content);
            f.validate_cmd = ["grep", "-q", "good", "%"].map(str::to_owned).into();
        })
    };
    write("good").unwrap();
    let refused = write("bad").unwrap_err();
    assert!(refused.contains("was not accepted: `grep -q good /"), "{refused}");
    assert!(refused.ends_with("failed with exit code 1"), "{refused}");
    assert_eq!(place.read("/a"), "good");
    let left: Vec<_> = std::fs::read_dir(place.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_str().unwrap().starts_with(".countersign")), "{left:?}");
}

#[test]
fn guards_of_exec_are_asked_and_agree() {
    let place = machine();
    let flag = place.at("/flag").to_str().unwrap().to_owned();
    let check = |set: &dyn Fn(&mut Exec), expected: usize| {
        let mut exec = Exec::of(argv(&["true"]));
        set(&mut exec);
        let plan = Run::of(&exec).check(&mut place.node()).unwrap();
        assert_eq!(plan.changes.len(), expected, "{exec:?}");
    };
    let (yes, no) = (argv(&["true"]), argv(&["false"]));
    check(&|_| (), 1);
    check(&|e| e.creates = vec![flag.clone()], 1);
    check(&|e| e.onlyif = vec![yes.clone(), no.clone()], 0);
    check(&|e| e.onlyif = vec![yes.clone(), yes.clone()], 1);
    check(&|e| e.unless = vec![no.clone(), yes.clone()], 0);
    check(&|e| e.unless = vec![no.clone()], 1);
    check(&|e| e.refreshonly = true, 0);
    place.put("/flag", "", 0o644);
    check(&|e| e.creates = vec!["/none".into(), flag.clone()], 0);
}

#[test]
fn a_guard_runs_nothing_in_a_noop_run() {
    let place = machine();
    let witness = place.at("/ran").to_str().unwrap().to_owned();
    let mut exec = Exec::of(argv(&["true"]));
    exec.onlyif = vec![argv(&["touch", &witness])];
    let mut node = place.node();
    node.noop = true;
    let plan = Run::of(&exec).check(&mut node).unwrap();
    assert_eq!((plan.changes.len(), plan.unevaluated.as_deref()), (0, Some("onlyif")));
    assert!(!place.at("/ran").exists());
    exec.creates = vec!["/".into()];
    assert_eq!(Run::of(&exec).check(&mut node).unwrap().unevaluated, None);
}

#[test]
fn exec_runs_as_it_was_told() {
    let place = machine();
    let run = |set: &dyn Fn(&mut Exec), shell: &str| {
        let mut exec = Exec::of(Command::Shell(shell.into()));
        exec.logoutput = LogOutput::Yes;
        set(&mut exec);
        let done = Run::of(&exec).apply((), &mut place.node()).map_err(|e| chain(&e))?;
        Ok::<_, String>(done.log.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("|"))
    };
    let env = |e: &mut Exec| {
        (e.user, e.cwd, e.umask) = (Some("nobody".into()), Some("/usr".into()), Some("0077".into()));
        e.environment = [("A".to_owned(), "b c".to_owned())].into();
        e.path = vec!["/bin".into(), "/usr/bin".into()];
    };
    assert_eq!(
        run(&env, "id -un; pwd; umask; echo $A $PATH"),
        Ok("nobody|/usr|0077|b c /bin:/usr/bin".into())
    );
    assert_eq!(run(&|e| e.returns = vec![0, 3], "exit 3"), Ok(String::new()));
    let failed = run(&|_| (), "echo why; exit 3");
    assert_eq!(failed, Err("'echo why; exit 3' returned 3 instead of one of [0]: why".into()));
    let late = run(&|e| e.timeout = 1, "sleep 60");
    assert_eq!(late, Err("`sleep 60` exceeded its timeout of 1 seconds".into()));
    let count = place.at("/count").to_str().unwrap().to_owned();
    let tries = format!("echo x >> {count}; [ $(wc -l < {count}) = 3 ]");
    assert_eq!(run(&|e| e.tries = 3, &tries), Ok(String::new()));
    assert_eq!(place.read("/count").lines().count(), 3);
}

#[test]
fn d34_an_argument_is_never_read_by_a_shell() {
    let place = machine();
    let words = ["/bin/echo", "hello world; touch /tmp/x", "$(id)", "a\nb"];
    let mut exec = Exec::of(argv(&words));
    (exec.logoutput, exec.umask) = (LogOutput::Yes, Some("022".into()));
    let done = Run::of(&exec).apply((), &mut place.node()).unwrap();
    let lines: Vec<_> = done.log.into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines, ["hello world; touch /tmp/x $(id) a", "b"]);
}

/// Gives the place a sealing key, and seals `secret` to it.
fn sealed(place: &mut Place, secret: &str) -> Sealed {
    let disk = Disk::create(&place.dir.path().join("agent")).unwrap();
    let (key, node) = (keyring::ensure(&disk).unwrap(), "web1".parse().unwrap());
    place.secrets = Keyring::load(&disk, &node).unwrap();
    let name = "db/password".parse().unwrap();
    let purpose = Purpose { site: "s", secret: &name, node: &node };
    seal(&key, &purpose, &Secret::new(secret.as_bytes().to_vec()), &[3; 32]).unwrap()
}

fn with_secret(sealed: &Sealed) -> Option<Content> {
    let text = |text: &str| Part::Text(text.into());
    let hostname = Part::Fact("hostname".parse().unwrap());
    Some(Content::Parts(vec![hostname, text(": "), Part::Sealed(sealed.clone()), text("\n")]))
}

#[test]
fn d30_a_secret_is_in_the_file_and_in_nothing_that_is_said() {
    let mut place = Place::new();
    let first = sealed(&mut place, "hunter2");
    let one = place.file("/a", FileEnsure::File, |f| f.content = with_secret(&first)).unwrap();
    assert_eq!((place.read("/a"), place.mode("/a")), ("web1: hunter2\n".into(), 0o600));
    let second = sealed(&mut place, "hunter3");
    let mut file = plain("/a", FileEnsure::File);
    file.content = with_secret(&second);
    let plan = Inode(&file).check(&mut place.node()).unwrap();
    let change = &plan.changes[0];
    assert_eq!((change.from.as_str(), &change.diff), ("other content", &None));
    let all = format!("{one:?}{plan:?}");
    assert!(all.contains("defined content as 'sealed(db/password, sha256:"), "{all}");
    place.apply(&Inode(&file)).unwrap();
    assert_eq!(place.read("/a"), "web1: hunter3\n");
    for content in ["hunter", &Digest::of(b"web1: hunter2\n").hex(), &Digest::of(b"web1: hunter3\n").hex()] {
        assert!(!all.contains(content), "{content} is in {all}");
    }
    // Neither does the secret show when something else takes its place.
    place.put("/a", "web1: hunter3\n", 0o600);
    let plan = |content| {
        let mut file = plain("/a", FileEnsure::File);
        (file.content, file.mode) = (content, Some("0644".into()));
        format!("{:?}", Inode(&file).check(&mut place.node()).unwrap())
    };
    let plan = plan(text("no secret\n"));
    assert!(plan.contains("other content") && !plan.contains("hunter"), "{plan}");
    assert!(!plan.contains(&Digest::of(b"web1: hunter3\n").hex()), "{plan}");
}

#[test]
fn d30_what_does_not_open_changes_nothing() {
    let mut place = Place::new();
    let good = sealed(&mut place, "hunter2");
    place.put("/a", "before", 0o600);
    for bad in [
        Sealed { node: "web2".parse().unwrap(), ..good.clone() },
        Sealed { secret: "db/other".parse().unwrap(), ..good.clone() },
        Sealed { site: "t".into(), ..good.clone() },
        Sealed { key: Digest::of(b"old"), ..good.clone() },
        Sealed { text: good.text.replacen(['A', 'B', 'C', 'D'], "E", 1), ..good.clone() },
    ] {
        let said = place.file("/a", FileEnsure::File, |f| f.content = with_secret(&bad)).unwrap_err();
        assert!(said.contains("next: countersign ") && said.contains("--node web1"), "{said}");
        assert_eq!(place.read("/a"), "before");
    }
}

#[test]
fn d30_a_checker_that_repeats_a_secret_is_not_quoted() {
    let mut place = machine();
    let path = place.at("/a").to_str().unwrap().to_owned();
    let good = sealed(&mut place, "hunter2");
    let argv = ["/bin/grep", "-q", "hunter2", "%"].map(str::to_owned);
    let shouting = ["/bin/cat", "%", "/nonexistent"].map(str::to_owned);
    let said = |content: Option<Content>, argv: &[String]| {
        place.file(&path, FileEnsure::File, |f| (f.content, f.validate_cmd) = (content, argv.to_vec()))
    };
    // The same checker is quoted where there is no secret.
    assert!(said(text("plain\n"), &shouting).unwrap_err().contains("plain"));
    let secret = said(with_secret(&good), &shouting).unwrap_err();
    assert!(secret.contains("what it says is not shown") && !secret.contains("hunter2"), "{secret}");
    assert!(said(with_secret(&good), &argv).is_ok());
}
