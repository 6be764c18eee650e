//! Signing through the real `ssh-keygen`, and without it.

use super::*;

const PURPOSE: &str = "release.v1@countersign.dev";

fn keygen(directory: &Path, arguments: &[&str]) -> PathBuf {
    let path = directory.join("key");
    let made =
        Command::new("ssh-keygen").args(["-q", "-C", "test", "-f"]).arg(&path).args(arguments).status();
    assert!(made.unwrap().success());
    path
}

#[test]
fn a_plain_file_signs_without_help() {
    let directory = tempfile::tempdir().unwrap();
    let path = keygen(directory.path(), &["-t", "ed25519", "-N", ""]);
    let armored = sign(&path, PURPOSE, b"statement\n").unwrap();
    let public = read_public(&path).unwrap();
    assert_eq!(read_public(&beside(&path)).unwrap(), public);
    std::fs::remove_file(beside(&path)).unwrap();
    assert_eq!(read_public(&path).unwrap(), public, "the public half is inside too");
    assert!(sshsig::verify(&public, PURPOSE, b"statement\n", &armored).is_ok());
}

#[test]
fn openssh_signs_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let path = keygen(directory.path(), &["-t", "ed25519", "-N", ""]);
    let ours = sign(&path, PURPOSE, b"statement\n").unwrap();
    assert_eq!(sign_with_openssh(&path, PURPOSE, b"statement\n").unwrap(), ours);
}

#[test]
fn keys_of_other_types_are_refused_with_the_next_command() {
    let directory = tempfile::tempdir().unwrap();
    let path = keygen(directory.path(), &["-t", "rsa", "-b", "2048", "-N", ""]);
    let text = read_public(&path).unwrap_err().to_string();
    assert!(text.contains("ssh-rsa") && text.contains("ssh-keygen -t ed25519"), "{text}");
    let text = sign(&path, PURPOSE, b"x").unwrap_err().to_string();
    assert!(text.contains("not acceptable"), "{text}");
}

#[test]
fn a_missing_key_names_its_path() {
    let text = sign(Path::new("/nonexistent/key"), PURPOSE, b"x").unwrap_err().to_string();
    assert!(text.contains("/nonexistent/key"), "{text}");
}
