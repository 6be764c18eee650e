//! Mounts, settings of the kernel, the node's name and its locales, for real, in namespaces of their own. Tests only.
//!
//! Swap space and modules belong to the whole machine and have no namespace: they are not touched here.

use super::sandbox::{changed, run, sandboxed};
use super::tests::{Place, resource};
use crate::model::Resource;
use crate::model::resource::{File, Hostname, Kind, Locale, Mount, MountEnsure, Presence, Spec, Sysctl};

fn data(ensure: MountEnsure, options: &str) -> Resource {
    let mount = Mount {
        name: "/srv/data".into(),
        ensure,
        device: "tmpfs".into(),
        fstype: "tmpfs".into(),
        options: options.into(),
        dump: 0,
        pass: 0,
        remounts: true,
        target: "/etc/fstab".into(),
    };
    resource("/srv/data", Spec::Mount(mount))
}

fn file(path: &str) -> Resource {
    let attributes = serde_json::json!({ "path": path, "ensure": "file", "content": { "text": "x" } });
    let Spec::File(file) = Spec::read(Kind::File, attributes).unwrap() else { unreachable!() };
    resource(path, Spec::File(File { show_diff: false, ..file }))
}

#[test]
fn mounts_by_mount_and_fstab() {
    sandboxed(concat!(module_path!(), "::mounts_by_mount_and_fstab"), || {
        std::fs::create_dir_all("/srv/data").unwrap();
        let mut place = Place::new();
        // The file is listed first, and is below the mount.
        let both = [file("/srv/data/x"), data(MountEnsure::Mounted, "size=1m")];
        let lines = changed(&mut place, &both);
        assert_eq!(
            lines[..2],
            [
                "notice mount[/srv/data]/ensure: created",
                "notice mount[/srv/data]/mounted: mounted changed 'unmounted' to 'mounted'",
            ]
        );
        assert_eq!(run("findmnt", &["-n", "-o", "FSTYPE,SIZE", "/srv/data"]), "tmpfs    1M\n");
        let lines = changed(&mut place, &[data(MountEnsure::Mounted, "size=2m")]);
        assert_eq!(
            lines,
            [
                "notice mount[/srv/data]/options: options changed 'size=1m' to 'size=2m'",
                "notice mount[/srv/data]/options: remounted",
            ]
        );
        assert_eq!(run("findmnt", &["-n", "-o", "SIZE", "/srv/data"]), "  2M\n");
        assert!(run("cat", &["/srv/data/x"]) == "x");
        changed(&mut place, &[data(MountEnsure::Unmounted, "size=2m")]);
        assert_eq!(run("ls", &["/srv/data"]), "");
        run("umount", &["/srv/data"]);
        let lines = changed(&mut place, &[data(MountEnsure::Absent, "size=2m")]);
        assert_eq!(lines, ["notice mount[/srv/data]/ensure: removed"]);
        assert!(!std::fs::read_to_string("/etc/fstab").unwrap().contains("/srv/data"));
    });
}

#[test]
fn no_type_may_do_what_must_never_be_done() {
    sandboxed(concat!(module_path!(), "::no_type_may_do_what_must_never_be_done"), || {
        let mut place = Place::new();
        // Only looked at: the judgement comes before anything would be done.
        place.wishes.noop = true;
        let mut root = Resource { title: "/".into(), ..data(MountEnsure::Mounted, "size=1m") };
        if let Spec::Mount(mount) = &mut root.spec {
            mount.name = "/".into();
        }
        let refused = place.run(&[root, data(MountEnsure::Mounted, "size=1m")]);
        assert_eq!((refused.applied.counts.failed, refused.applied.noop_pending), (1, true));
        assert!(refused.lines[0].contains("this must never run"), "{:?}", refused.lines);
    });
}

#[test]
fn settings_of_the_kernel_names_and_locales() {
    sandboxed(concat!(module_path!(), "::settings_of_the_kernel_names_and_locales"), || {
        let mut place = Place::new();
        let forward = Sysctl {
            name: "net.ipv4.ip_forward".into(),
            ensure: Presence::Present,
            value: "1".into(),
            target: "/etc/sysctl.d/99-countersign.conf".into(),
            apply: true,
            persist: true,
        };
        run("sysctl", &["-w", "net.ipv4.ip_forward=0"]);
        std::fs::create_dir_all("/etc/sysctl.d").unwrap();
        let lines = changed(&mut place, &[resource("f", Spec::Sysctl(forward))]);
        assert_eq!(
            lines,
            [
                "notice sysctl[f]/ensure: written for the next boot",
                "notice sysctl[f]/value: value changed '0' to '1'",
            ]
        );
        assert_eq!(std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap(), "1\n");
        let name = Hostname { name: "web7".into(), apply: true };
        changed(&mut place, &[resource("web7", Spec::Hostname(name))]);
        assert_eq!(
            (run("hostname", &[]), std::fs::read_to_string("/etc/hostname").unwrap()),
            ("web7\n".into(), "web7\n".into())
        );
        let british = Locale { name: "en_GB.UTF-8".into(), variables: Default::default() };
        changed(&mut place, &[resource("en_GB.UTF-8", Spec::Locale(british))]);
        assert!(run("locale", &["-a"]).contains("en_GB.utf8"));
        assert_eq!(run("sh", &["-c", ". /etc/default/locale; echo $LANG"]), "en_GB.UTF-8\n");
    });
}
