//! Files and commands below a temporary root, and the races of row D29.

use super::*;
use crate::model::text::within;
use crate::model::{Text, canonical};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn host() -> (tempfile::TempDir, Host) {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::open(dir.path()).unwrap();
    (dir, host)
}

/// The names in a directory, for "and nothing else happened".
fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_written_whole_with_its_mode_and_leaves_nothing_beside_it() {
    let (dir, host) = host();
    host.write("/a", &NewFile::new(b"one", 0o640)).unwrap();
    host.write("/a", &NewFile { mode: None, ..NewFile::new(b"two", 0) }).unwrap();
    let meta = std::fs::metadata(dir.path().join("a")).unwrap();
    assert_eq!((meta.len(), meta.permissions().mode() & 0o7777), (3, 0o640));
    assert_eq!(host.read("/a", 3).unwrap(), b"two");
    assert!(matches!(host.read("/a", 2), Err(HostError::TooLarge { limit: 2, .. })));
    assert_eq!(names(dir.path()), ["a"]);
}

#[test]
fn a_file_is_compared_in_whatever_pieces_its_content_comes() {
    let (dir, host) = host();
    // Longer than what is read at once, with a character across the end of that.
    let long = format!("{}a\u{1f600}\n", "é\u{1f600}\t".repeat(20_000));
    for text in ["", "a", "two\nlines\n", &long] {
        let document = Arc::new(canonical::encode(&[text]));
        let within: Vec<Text> = within(&document, |bytes| serde_json::from_slice(bytes).unwrap());
        let holds = |text: &Text| {
            let seen = host.look("/a", &mut Folder::default()).unwrap().unwrap();
            seen.holds((text.size() as u64, text.pieces()), None).unwrap()
        };
        std::fs::write(dir.path().join("a"), text).unwrap();
        assert!(holds(&within[0]) && holds(&Text::from(text)), "{} bytes", text.len());
        for at in [0, text.len() / 2, text.len().saturating_sub(1)] {
            let mut other = text.as_bytes().to_vec();
            let Some(byte) = other.get_mut(at) else { continue };
            *byte ^= 1;
            std::fs::write(dir.path().join("a"), &other).unwrap();
            assert!(!holds(&within[0]) && !holds(&Text::from(text)), "byte {at} of {}", text.len());
        }
    }
}

#[test]
fn refused_content_leaves_the_old_file() {
    let (dir, host) = host();
    host.write("/a", &NewFile::new(b"one", 0o644)).unwrap();
    let refuse = |path: &str| Err(format!("no {}", path.starts_with("/.countersign-")));
    let file = NewFile { validate: Some(&refuse), ..NewFile::new(b"two", 0o644) };
    let error = host.write("/a", &file).unwrap_err();
    assert!(matches!(&error, HostError::Rejected { reason, .. } if reason == "no true"), "{error}");
    assert_eq!((host.read("/a", 9).unwrap(), names(dir.path())), (b"one".to_vec(), vec!["a".to_owned()]));
}

#[test]
fn no_path_leaves_the_root() {
    let (dir, host) = host();
    for path in ["a", "", "/../a", "/a/..", "/./a", "//a", "/a//b", "/a/", "/a\0b"] {
        assert!(matches!(host.write(path, &NewFile::new(b"x", 0o600)), Err(HostError::Path(_))), "{path:?}");
    }
    // A link of the administrator's is followed as the node would follow it: from its own root.
    symlink("/../../../../etc", dir.path().join("etc-link")).unwrap();
    std::fs::create_dir(dir.path().join("etc")).unwrap();
    host.write("/etc-link/a", &NewFile::new(b"x", 0o600)).unwrap();
    assert_eq!(names(&dir.path().join("etc")), ["a"]);
}

#[test]
fn links_of_the_administrator_are_followed_and_end() {
    let (dir, host) = host();
    std::fs::create_dir_all(dir.path().join("usr/lib")).unwrap();
    symlink("usr/lib", dir.path().join("lib")).unwrap();
    symlink("../lib/release", dir.path().join("usr/release")).unwrap();
    host.write("/lib/release", &NewFile::new(b"12", 0o644)).unwrap();
    assert_eq!(host.read("/usr/release", 9).unwrap(), b"12");
    symlink("loop", dir.path().join("loop")).unwrap();
    assert!(matches!(host.read("/loop", 9), Err(HostError::PlantedLink { .. })));
    assert!(matches!(host.write("/loop/a", &NewFile::new(b"", 0o644)), Err(HostError::PlantedLink { .. })));
}

#[test]
fn a_link_at_the_end_is_replaced_not_followed() {
    let (dir, host) = host();
    std::fs::write(dir.path().join("canary"), "alive").unwrap();
    symlink("canary", dir.path().join("a")).unwrap();
    host.write("/a", &NewFile::new(b"new", 0o644)).unwrap();
    assert_eq!(host.stat("/a").unwrap().unwrap().kind, EntryKind::File);
    assert_eq!(host.read("/canary", 9).unwrap(), b"alive");
    assert!(host.stat("/nowhere/a").unwrap().is_none());
}

#[test]
fn a_tree_goes_without_following_links() {
    let (dir, host) = host();
    std::fs::create_dir_all(dir.path().join("tree/deep")).unwrap();
    std::fs::create_dir(dir.path().join("keep")).unwrap();
    std::fs::write(dir.path().join("keep/canary"), "alive").unwrap();
    symlink("../../keep", dir.path().join("tree/deep/out")).unwrap();
    std::fs::write(dir.path().join("tree/deep/file"), "x").unwrap();
    host.remove_tree("/tree").unwrap();
    assert_eq!(
        (names(dir.path()), host.read("/keep/canary", 9).unwrap()),
        (vec!["keep".to_owned()], b"alive".to_vec())
    );
}

/// A directory that everybody may write to, as `/tmp` is.
fn shared(dir: &Path) -> PathBuf {
    let shared = dir.join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o1777)).unwrap();
    shared
}

#[test]
fn d29_a_second_name_of_a_file_is_refused_where_others_may_write() {
    let (dir, host) = host();
    let shared = shared(dir.path());
    std::fs::write(dir.path().join("canary"), "alive").unwrap();
    std::fs::hard_link(dir.path().join("canary"), shared.join("a")).unwrap();
    let before = std::fs::metadata(dir.path().join("canary")).unwrap();
    for result in [
        host.write("/shared/a", &NewFile::new(b"new", 0o644)),
        host.set_mode("/shared/a", 0o777, None),
        host.set_owner("/shared/a", Owner { uid: Some(1), gid: None }),
        host.read_managed("/shared/a", 99, None).map(|_| ()),
    ] {
        assert!(matches!(result, Err(HostError::HardLink { links: 2, .. })), "{result:?}");
    }
    let after = std::fs::metadata(dir.path().join("canary")).unwrap();
    assert_eq!(
        (before.mode(), before.uid(), before.ctime_nsec()),
        (after.mode(), after.uid(), after.ctime_nsec())
    );
    assert_eq!(names(&shared), ["a"]);
}

#[test]
fn d29_somebody_elses_file_is_refused_where_others_may_write() {
    let (dir, host) = host();
    assert!(host.is_root_user(), "this test gives files away and needs root");
    let shared = shared(dir.path());
    std::fs::write(shared.join("a"), "theirs").unwrap();
    std::os::unix::fs::chown(shared.join("a"), Some(12_345), None).unwrap();
    let refused = host.write("/shared/a", &NewFile::new(b"new", 0o644));
    assert!(matches!(refused, Err(HostError::ForeignOwner { uid: 12_345, .. })), "{refused:?}");
    assert_eq!(std::fs::read(shared.join("a")).unwrap(), b"theirs");
    let owner = Owner { uid: Some(12_345), gid: None };
    host.write("/shared/a", &NewFile { owner, ..NewFile::new(b"new", 0o644) }).unwrap();
    assert_eq!(std::fs::metadata(shared.join("a")).unwrap().uid(), 12_345);
}

#[test]
fn d29_a_link_that_others_could_have_made_is_not_followed() {
    let (dir, host) = host();
    let shared = shared(dir.path());
    std::fs::create_dir(dir.path().join("etc")).unwrap();
    symlink("../etc", shared.join("out")).unwrap();
    let refused = host.write("/shared/out/a", &NewFile::new(b"new", 0o644));
    assert!(matches!(refused, Err(HostError::PlantedLink { .. })), "{refused:?}");
    assert_eq!(names(&dir.path().join("etc")), Vec::<String>::new());
}

#[test]
fn d29_an_attacker_who_swaps_directories_and_links_reaches_nothing() {
    let (dir, host) = host();
    let shared = shared(dir.path());
    let secret = dir.path().join("secret");
    std::fs::create_dir(&secret).unwrap();
    std::fs::write(secret.join("file"), "alive").unwrap();
    std::fs::set_permissions(secret.join("file"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let fingerprint = || {
        let meta = std::fs::metadata(secret.join("file")).unwrap();
        (meta.ino(), meta.mode(), meta.uid(), meta.ctime(), meta.ctime_nsec(), names(&secret))
    };
    let before = fingerprint();
    let stop = AtomicBool::new(false);
    let (mut wrote, mut refused) = (0, 0);
    let is_run = |wrote, refused| wrote > 0 && refused > 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (real, path) = (shared.join("real"), shared.join("dir"));
            std::fs::create_dir(&real).unwrap();
            while !stop.load(Ordering::Relaxed) {
                let _link = symlink("../secret", &path);
                let _gone = std::fs::remove_file(&path);
                let _there = std::fs::rename(&real, &path);
                let _link = symlink("../../secret/file", path.join("file"));
                let _away = std::fs::rename(&path, &real);
                let _gone = std::fs::remove_file(real.join("file"));
            }
        });
        // All of it may be over before the attacker is given a processor.
        let (begun, mut rounds) = (Instant::now(), 0);
        while rounds < 3000 || (!is_run(wrote, refused) && begun.elapsed() < Duration::from_secs(60)) {
            rounds += 1;
            let results = [
                host.write("/shared/dir/file", &NewFile::new(b"attacked", 0o777)),
                host.set_mode("/shared/dir/file", 0o777, None),
                host.set_owner("/shared/dir/file", Owner { uid: Some(0), gid: Some(0) }),
                host.remove_tree("/shared/dir/file"),
            ];
            wrote += results.iter().filter(|r| r.is_ok()).count();
            refused += results.iter().filter(|r| r.is_err()).count();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(before, fingerprint());
    assert_eq!(std::fs::read(secret.join("file")).unwrap(), b"alive");
    assert!(is_run(wrote, refused), "the race was not run: {wrote} done, {refused} refused");
}

fn machine() -> Host {
    Host::open(Path::new("/")).unwrap()
}

fn shell(text: &str) -> Invocation {
    Invocation::of(&["/bin/sh", "-c", text])
}

#[test]
fn a_command_gets_what_it_was_given_and_nothing_else() {
    let outcome =
        machine().run(&shell("echo out; echo err >&2; cat; env | sort | head -3; pwd; exit 3")).unwrap();
    assert_eq!(outcome.ending, Ending::Code(3));
    assert_eq!(outcome.output.lines().take(3).collect::<Vec<_>>(), ["out", "err", "LC_ALL=C"]);
    assert!(outcome.output.ends_with("\n/\n") && !outcome.output.contains("CARGO"), "{}", outcome.output);
    let missing = machine().run(&Invocation::of(&["/no/such/program"]));
    assert!(matches!(missing, Err(RunError::NotFound(_))), "{missing:?}");
    let cwd = Invocation { cwd: Some("/no/such/place".into()), ..shell("true") };
    assert!(matches!(machine().run(&cwd), Err(RunError::NoDirectory(_))));
    let killed = machine().run(&shell("kill -9 $$")).unwrap();
    assert_eq!(killed.ending, Ending::Signal(9));
}

#[test]
fn user_group_umask_and_directory_are_those_that_were_asked_for() {
    let invocation = Invocation {
        user: Some("nobody".into()),
        umask: Some("0027".into()),
        cwd: Some("/usr".into()),
        ..shell("id -un; id -gn; umask; pwd")
    };
    assert_eq!(machine().run(&invocation).unwrap().output, "nobody\nnogroup\n0027\n/usr\n");
    let group = Invocation { user: None, group: Some("daemon".into()), umask: None, ..invocation };
    assert_eq!(machine().run(&group).unwrap().output, "root\ndaemon\n0022\n/usr\n");
}

#[test]
fn a_time_out_ends_everything_that_the_command_started() {
    let marker = format!("{}.{}", 987_654, std::process::id());
    let hang = Invocation {
        timeout: Some(Duration::from_millis(300)),
        ..shell("trap '' TERM; sleep $0 & sleep $0")
    };
    let mut hang = hang;
    hang.argv.push(marker.clone());
    let started = Instant::now();
    let outcome = machine().run(&hang).unwrap();
    assert_eq!(outcome.ending, Ending::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(10));
    let alive = || {
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        processes
            .filter_map(|p| std::fs::read_to_string(p.path().join("cmdline")).ok())
            .any(|c| c.contains(&marker))
    };
    let patience = Instant::now() + Duration::from_secs(5);
    while alive() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!alive(), "something of the command lives on");
}

#[test]
fn what_a_command_leaves_in_the_background_does_not_hold_us() {
    let started = Instant::now();
    let outcome = machine().run(&shell("sleep 20 & echo done")).unwrap();
    assert_eq!((outcome.ending, outcome.output.as_str()), (Ending::Code(0), "done\n"));
    let noisy = machine().run(&shell("(timeout 5 yes) & echo done")).unwrap();
    assert_eq!(noisy.ending, Ending::Code(0));
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[test]
fn output_has_a_limit_and_does_not_stop_the_command() {
    let outcome = machine().run(&shell("head -c 3000000 /dev/zero; exit 4")).unwrap();
    assert_eq!((outcome.ending, outcome.output.len(), outcome.truncated), (Ending::Code(4), 1 << 20, true));
}

#[test]
fn files_that_are_placed_together_fail_each_by_itself() {
    let (dir, host) = host();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    let paths: Vec<String> =
        (0..40).map(|n| format!("{}/f{n:02}", if n % 2 == 0 { "" } else { "/sub" })).collect();
    let prepare = |path: &'static str| host.prepare(path, &NewFile::new(b"x", 0o644)).unwrap();
    let mut files: Vec<_> =
        paths.iter().map(|path| host.prepare(path, &NewFile::new(path.as_bytes(), 0o640)).unwrap()).collect();
    assert_eq!(
        (names(dir.path()).len(), host.stat(&paths[0]).unwrap()),
        (21, None),
        "nothing is in its place yet"
    );
    drop(prepare("/dropped"));
    files.insert(7, prepare("/taken"));
    // What nobody expected stands there when the files are put in their places.
    std::fs::create_dir(dir.path().join("taken")).unwrap();
    let mut results = place(files);
    let error = results.remove(7).unwrap_err();
    assert!(matches!(&error, HostError::Io { doing: "write", path, .. } if path == "/taken"), "{error}");
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    for path in &paths {
        assert_eq!(host.read(path, 99).unwrap(), path.as_bytes());
    }
    assert_eq!((names(dir.path()).len(), names(&dir.path().join("sub")).len()), (22, 20));
    assert!(names(dir.path()).iter().all(|name| !name.starts_with('.')));
}
