//! What is on disk after publishing, again, in part, and with something else.

use super::*;

fn release(seq: u64, text: &str, signers: &[&str]) -> PublishedRelease {
    let signatures = signers.iter().map(|s| (s.parse().unwrap(), format!("signature of {s}\n"))).collect();
    PublishedRelease {
        env: "production".parse().unwrap(),
        seq,
        statement: SignedFile { bytes: text.into(), signatures },
        leaves: vec![("web1.example".parse().unwrap(), b"leaf".to_vec())],
        catalogs: vec![b"catalog".to_vec()],
        waivers: Vec::new(),
        blobs: vec![b"blob".to_vec()],
    }
}

fn files(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn names(directory: &Path) -> Vec<String> {
    files(directory).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_release_is_there_with_all_that_it_names() {
    let scratch = tempfile::tempdir().unwrap();
    let publication = Publication::open(scratch.path()).unwrap();
    publication.add_release(&release(1, "statement", &["alice", "bob"])).unwrap();
    let expected = [
        format!("blob/{}", Digest::of(b"blob").hex()),
        format!("catalog/{}", Digest::of(b"catalog").hex()),
        "release/production/1/leaf/web1.example.json".to_owned(),
        "release/production/1/sig.d/alice.sig".to_owned(),
        "release/production/1/sig.d/bob.sig".to_owned(),
        "release/production/1/signatures.json".to_owned(),
        "release/production/1/statement.json".to_owned(),
    ];
    assert_eq!(names(scratch.path()), expected);
}

#[test]
fn again_changes_nothing_and_a_late_signature_is_added() {
    let scratch = tempfile::tempdir().unwrap();
    let publication = Publication::open(scratch.path()).unwrap();
    publication.add_release(&release(1, "statement", &["alice"])).unwrap();
    let before = files(scratch.path());
    publication.add_release(&release(1, "statement", &["alice"])).unwrap();
    assert_eq!(files(scratch.path()), before);
    publication.add_release(&release(1, "statement", &["bob"])).unwrap();
    let container = fs::read_to_string(scratch.path().join("release/production/1/signatures.json")).unwrap();
    assert_eq!(container, "[\"signature of alice\\n\",\"signature of bob\\n\"]\n");
}

#[test]
fn another_statement_under_the_same_serial_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let publication = Publication::open(scratch.path()).unwrap();
    publication.add_release(&release(1, "statement", &["alice"])).unwrap();
    let before = files(scratch.path());
    let refused = publication.add_release(&release(1, "other", &["mallory"]));
    assert!(matches!(refused, Err(PublishError::Conflict(_))));
    assert_eq!(files(scratch.path()), before);
}

#[test]
fn what_a_crash_left_behind_is_completed() {
    let scratch = tempfile::tempdir().unwrap();
    let publication = Publication::open(scratch.path()).unwrap();
    let place = scratch.path().join("release/production/.new-crash");
    fs::create_dir_all(place.join("leaf")).unwrap();
    let torn = scratch.path().join("catalog").join(Digest::of(b"catalog").hex());
    fs::write(&torn, b"cat").unwrap();
    publication.add_release(&release(1, "statement", &["alice"])).unwrap();
    assert_eq!(fs::read(torn).unwrap(), b"catalog");
    assert!(scratch.path().join("release/production/1/statement.json").exists());
}

#[test]
fn a_root_version_never_changes_and_a_timestamp_does() {
    let scratch = tempfile::tempdir().unwrap();
    let publication = Publication::open(scratch.path()).unwrap();
    let file = |text: &str| SignedFile {
        bytes: text.into(),
        signatures: vec![("alice".parse().unwrap(), "s".into())],
    };
    publication.add_root(1, &file("one")).unwrap();
    publication.add_root(1, &file("one")).unwrap();
    assert!(matches!(publication.add_root(1, &file("two")), Err(PublishError::Conflict(_))));
    let production = "production".parse().unwrap();
    publication.set_timestamp(&production, &file("first")).unwrap();
    publication.set_timestamp(&production, &file("second")).unwrap();
    assert_eq!(fs::read(scratch.path().join("timestamp/production.json")).unwrap(), b"second");
    assert_eq!(fs::read(scratch.path().join("root/1.json")).unwrap(), b"one");
}
