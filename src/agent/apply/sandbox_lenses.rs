//! Files that are changed through lenses, by the real `augtool`, in the sandbox. Tests only.

use super::sandbox::{changed, sandboxed, twice};
use super::tests::{Place, resource};
use crate::model::report::RunStatus;
use crate::model::resource::Augeas;
use crate::model::{Resource, Spec};

fn augeas(path: &str, lens: &str, changes: &[&str], onlyif: Option<&str>) -> Resource {
    let changes = changes.iter().map(|change| (*change).to_owned()).collect();
    let (path, lens) = (path.to_owned(), lens.to_owned());
    let onlyif = onlyif.map(str::to_owned);
    resource("a", Spec::Augeas(Augeas { path, lens, changes, onlyif, show_diff: true }))
}

#[test]
fn files_through_lenses() {
    sandboxed(concat!(module_path!(), "::files_through_lenses"), || {
        let (table, before) =
            ("/etc/fstab.test", "# \"a\" \\ b\nproc\t/proc proc defaults 0 0\n/dev/x / ext4 rw 0 0\n");
        let read = || std::fs::read_to_string(table).unwrap();
        std::fs::write(table, before).unwrap();
        let mut place = Place::new();
        // As many nodes as there are, in quotes and brackets, and a value with a blank.
        let wanted = [augeas(
            table,
            "Fstab",
            &["set *[file = '/']/passno 1", "rm *[file = '/proc']", "set #comment[1] \"c 'd'\""],
            None,
        )];
        let lines = changed(&mut place, &wanted);
        assert!(lines.iter().any(|line| line == "notice augeas[a]/changes: changed"), "{lines:#?}");
        assert_eq!(read(), "# c 'd'\n/dev/x / ext4 rw 0 1\n");
        std::fs::write(table, "# c 'd'\n/dev/x / ext4 rw 0 2\n").unwrap();
        assert!(twice(&mut place, &wanted, RunStatus::Changed).applied.corrective_change);
        // A condition that does not hold any more once it was seen to.
        let new = ["set 01/spec tmpfs", "set 01/file /t", "set 01/vfstype tmpfs", "set 01/opt defaults"];
        let once = [augeas(table, "Fstab", &new, Some("match *[file = '/t'] size == 0"))];
        changed(&mut place, &once);
        assert!(read().ends_with("tmpfs\t/t\ttmpfs\tdefaults\n"), "{}", read());
        let never = [augeas(table, "Fstab", &["rm *"], Some("get *[file = '/t']/vfstype != tmpfs"))];
        twice(&mut place, &never, RunStatus::Unchanged);
        // What a lens cannot read or write, or nobody knows, fails and changes nothing.
        let kept = read();
        for (path, lens, change) in [
            (table, "Fstab", "set nothing/of/it x"),
            (table, "Nolens", "rm x"),
            ("/etc/passwd", "Fstab", "rm x"),
        ] {
            let outcome = place.run(&[augeas(path, lens, &[change], None)]);
            assert_eq!(outcome.applied.counts.failed, 1, "{change}: {:#?}", outcome.lines);
        }
        assert_eq!(read(), kept);
        // What the policy refuses: in one change, and in what three harmless ones come to. Nothing of it is written.
        let unit = [
            "set Service/ExecStart/command /bin/rm",
            "set Service/ExecStart/arguments/1 -rf",
            "set Service/ExecStart/arguments/2 /",
        ];
        for (path, lens, changes) in [
            ("/etc/cron.d/x", "Cron", &["set entry[1] 'rm -rf /'"][..]),
            ("/etc/systemd/system/x.service", "Systemd", &unit[..]),
        ] {
            let outcome = place.run(&[augeas(path, lens, changes, None)]);
            assert_eq!(outcome.applied.counts.failed, 1, "{path}: {:#?}", outcome.lines);
            assert!(!std::path::Path::new(path).exists(), "{path}");
        }
        let lines = place.run(&[augeas("/etc/systemd/system/x.service", "Systemd", &unit, None)]).lines;
        assert!(lines.iter().any(|line| line.contains("this removes `/`")), "{lines:#?}");
        changed(&mut place, &[augeas("/etc/systemd/system/x.service", "Systemd", &unit[..1], None)]);
        // A file that is new.
        changed(
            &mut place,
            &[augeas("/etc/hosts.new", "Hosts", &["set 1/ipaddr 10.0.0.1", "set 1/canonical a"], None)],
        );
        assert_eq!(std::fs::read_to_string("/etc/hosts.new").unwrap(), "10.0.0.1\ta\n");
    });
}
