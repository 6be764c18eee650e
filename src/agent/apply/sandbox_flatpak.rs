//! Flatpaks, for real: flatpak as `scripts/unpack flatpak flatpak` leaves it, with a repository that the test makes, in the
//! sandbox. Tests only.

use super::sandbox::{ENTER, INSIDE, changed, run, sandboxed_by, skipped, twice};
use super::tests::{Place, resource};
use crate::model::report::RunStatus;
use crate::model::resource::{Mark, Package, PackageEnsure, PackageManager};
use crate::model::{Resource, Spec};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Where it is unpacked.
const UNPACKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/flatpak/usr");

const NAME: &str = "org.example.Demo";

/// Finds the libraries that came with it.
const PROGRAM: &str = r#"#!/bin/sh
LD_LIBRARY_PATH=$(echo /opt/flatpak/lib/*-linux-gnu) PATH=/opt/flatpak/bin:$PATH exec /opt/flatpak/bin/flatpak "$@"
"#;

fn flatpak(arguments: &[&str]) -> String {
    run("flatpak", arguments).trim().to_owned()
}

/// Puts an application with this content, and what it runs on, into the repository.
fn publish(content: &str) {
    let kinds = [("Runtime", "Platform", "1"), ("Application", "Demo", "stable")];
    for (kind, name, branch) in kinds {
        let folder = format!("/build/{name}");
        for inner in ["files/bin", "usr", "export"] {
            std::fs::create_dir_all(format!("{folder}/{inner}")).unwrap();
        }
        let arch = flatpak(&["--default-arch"]);
        let base = format!("org.example.Platform/{arch}/1");
        let metadata =
            format!("[{kind}]\nname=org.example.{name}\nruntime={base}\nsdk={base}\ncommand=demo\n");
        std::fs::write(format!("{folder}/metadata"), metadata).unwrap();
        std::fs::write(format!("{folder}/files/bin/demo"), content).unwrap();
        let mut words = vec!["build-export", "--disable-sandbox", "/repo", &folder, branch];
        words.extend((kind == "Runtime").then_some("--runtime"));
        flatpak(&words);
    }
    flatpak(&["build-update-repo", "/repo"]);
}

fn commit() -> String {
    flatpak(&["info", "--system", "--show-commit", NAME])
}

fn demo(ensure: PackageEnsure) -> Package {
    Package { provider: Some(PackageManager::Flatpak), ..Package::of(NAME.into(), ensure) }
}

fn wish(package: Package) -> [Resource; 1] {
    [resource(NAME, Spec::Package(package))]
}

#[test]
fn packages_by_flatpak() {
    let test = concat!(module_path!(), "::packages_by_flatpak");
    if std::env::var_os(INSIDE).is_none() && !Path::new(UNPACKED).exists() {
        return skipped(test, "flatpak is not unpacked: scripts/unpack flatpak flatpak");
    }
    let bind = format!(
        "mkdir -p \"$0/root/opt/flatpak\"\nmount --bind '{UNPACKED}' \"$0/root/opt/flatpak\"\nchroot "
    );
    sandboxed_by(&ENTER.replace("chroot ", &bind), test, || {
        std::fs::write("/usr/local/bin/flatpak", PROGRAM).unwrap();
        std::fs::set_permissions("/usr/local/bin/flatpak", std::fs::Permissions::from_mode(0o755)).unwrap();
        publish("one");
        flatpak(&["remote-add", "--system", "--no-gpg-verify", "demo", "/repo"]);
        let mut place = Place::new();
        let created = changed(&mut place, &wish(demo(PackageEnsure::Latest)));
        assert_eq!(created, [format!("notice package[{NAME}]/ensure: created")]);
        let one = commit();
        assert_eq!(one.len(), 64, "{one}");
        publish("two");
        // What is there is enough, until the newest is wished for.
        assert_eq!(
            twice(&mut place, &wish(demo(PackageEnsure::Present)), RunStatus::Unchanged).lines,
            [""; 0]
        );
        changed(&mut place, &wish(demo(PackageEnsure::Latest)));
        let two = commit();
        assert_ne!(one, two);
        changed(&mut place, &wish(demo(PackageEnsure::Version(one.clone()))));
        assert_eq!(commit(), one);
        // A hold stays, and what the catalog says of the version goes before it.
        let held = |ensure| wish(Package { mark: Some(Mark::Hold), ..demo(ensure) });
        let lines = changed(&mut place, &held(PackageEnsure::Present));
        assert_eq!(lines, [format!("notice package[{NAME}]/mark: mark changed 'none' to 'hold'")]);
        changed(&mut place, &held(PackageEnsure::Version(two.clone())));
        assert_eq!((commit(), flatpak(&["mask", "--system"]).as_str()), (two, NAME));
        changed(&mut place, &wish(Package { mark: Some(Mark::None), ..demo(PackageEnsure::Present) }));
        changed(&mut place, &wish(demo(PackageEnsure::Absent)));
        assert!(!flatpak(&["list", "--system", "--columns=application"]).contains(NAME));
        // One that was another one's before.
        changed(&mut place, &wish(demo(PackageEnsure::Version(one.clone()))));
        assert_eq!(commit(), one);
        let none = wish(Package { name: "org.example.None".into(), ..demo(PackageEnsure::Latest) });
        let lines = place.run(&none).lines;
        assert!(lines[0].contains("no package list of this node offers `org.example.None`"), "{lines:?}");
    });
}
