//! Labels of SELinux, in the sandbox: attributes of real files, on a node that looks as if its kernel labelled them, with a
//! script in the place of `matchpathcon`. What a kernel with a policy makes of them is not shown. Tests only.

use super::sandbox::{changed, sandboxed, twice};
use super::sandbox_providers::{calls, program};
use super::tests::{Place, resource};
use crate::model::report::RunStatus;
use crate::model::resource::{Content, Context, File, FileEnsure};
use crate::model::{Resource, Spec};
use rustix::fs::XattrFlags;

const POLICY: &str = r#"shift
for path; do
    case "$path" in
    /srv/web*) echo system_u:object_r:web_t:s0 ;;
    /srv/none*) echo '<<none>>' ;;
    *) echo system_u:object_r:etc_t:s0 ;;
    esac
done"#;

fn label(path: &str) -> String {
    let mut bytes = Vec::with_capacity(256);
    let read = rustix::fs::lgetxattr(path, "security.selinux", rustix::buffer::spare_capacity(&mut bytes));
    read.map_or_else(
        |_| String::new(),
        |_| String::from_utf8(bytes).unwrap().trim_end_matches('\0').to_owned(),
    )
}

fn set(path: &str, label: &str) {
    rustix::fs::lsetxattr(path, "security.selinux", format!("{label}\0").as_bytes(), XattrFlags::empty())
        .unwrap();
}

fn file(path: &str, change: impl FnOnce(&mut File)) -> [Resource; 1] {
    let Spec::File(mut file) = crate::agent::testing::file(path, FileEnsure::File, None).spec else {
        unreachable!()
    };
    change(&mut file);
    [resource(path, Spec::File(file))]
}

fn text(content: &str) -> Option<Content> {
    Some(Content::Text(content.into()))
}

fn seltype(name: &str) -> Option<Box<Context>> {
    Some(Box::new(Context { seltype: Some(name.into()), ..Context::default() }))
}

#[test]
fn labels_are_kept_taken_from_the_policy_and_managed() {
    sandboxed(concat!(module_path!(), "::labels_are_kept_taken_from_the_policy_and_managed"), || {
        std::fs::create_dir_all("/sys/fs/selinux").unwrap();
        std::fs::create_dir_all("/srv").unwrap();
        std::fs::write("/sys/fs/selinux/enforce", "1").unwrap();
        program("matchpathcon", POLICY);
        let mut place = Place::new();
        let one = |content: &'static str| file("/srv/web.conf", |f| f.content = text(content));
        changed(&mut place, &one("one"));
        assert_eq!(label("/srv/web.conf"), "system_u:object_r:web_t:s0");
        // Whatever label somebody gave it stays with it.
        set("/srv/web.conf", "u:r:other_t:s0:c1");
        changed(&mut place, &one("two"));
        assert_eq!(label("/srv/web.conf"), "u:r:other_t:s0:c1");
        let typed = |content: &'static str, name: &'static str| {
            file("/srv/web.conf", |f| (f.content, f.selinux) = (text(content), seltype(name)))
        };
        let lines = changed(&mut place, &typed("two", "mine_t"));
        assert_eq!(lines, ["notice file[/srv/web.conf]/seltype: seltype changed 'other_t' to 'mine_t'"]);
        assert_eq!(label("/srv/web.conf"), "u:r:mine_t:s0:c1");
        // In one change with the content, and back again.
        let (outcome, returned) = place.run_and_go_back(&typed("three", "new_t"));
        assert_eq!((outcome.applied.counts.changed, returned.failed.len()), (1, 0), "{:?}", outcome.lines);
        assert_eq!(label("/srv/web.conf"), "u:r:mine_t:s0:c1");
        assert_eq!(std::fs::read_to_string("/srv/web.conf").unwrap(), "two");
        // What is new has it at once, and so have folders and links.
        let all = [
            file("/srv/new", |f| (f.content, f.selinux) = (text("x"), seltype("new_t"))),
            file("/srv/web", |f| (f.ensure, f.selinux) = (FileEnsure::Directory, seltype("dir_t"))),
            file("/srv/web.link", |f| (f.ensure, f.target) = (FileEnsure::Link, Some("/srv/web".into()))),
        ];
        twice(&mut place, &all.concat(), RunStatus::Changed);
        let labels = ["/srv/new", "/srv/web", "/srv/web.link"].map(label);
        let [new, web, link] = ["etc_t", "dir_t", "web_t"].map(|name| format!("system_u:object_r:{name}:s0"));
        assert_eq!(labels, [new.replace("etc_t", "new_t"), web, link]);
        // Where nobody has a label for it, nothing is made up, and that is no failure.
        changed(&mut place, &file("/srv/none", |f| (f.content, f.selinux) = (text("x"), seltype("new_t"))));
        assert_eq!(label("/srv/none"), "");
        // Those that are written together are asked for together.
        calls(|_| true);
        let many = ["/srv/web.a", "/srv/none.b", "/srv/c"].map(|path| file(path, |f| f.content = text("x")));
        changed(&mut place, &many.concat());
        let labels = ["/srv/web.a", "/srv/none.b", "/srv/c"].map(label);
        assert_eq!(labels, ["system_u:object_r:web_t:s0", "", "system_u:object_r:etc_t:s0"]);
        assert_eq!(calls(|_| true), ["matchpathcon -n /srv/web.a /srv/none.b /srv/c"]);
        std::fs::remove_file("/sys/fs/selinux/enforce").unwrap();
        let unlabelled = Place::new();
        assert!(!unlabelled.host.labels());
    });
}
