//! `archive`: what is in a tar or zip archive of the module, in a folder of the node. The archive is judged as a whole before
//! anything of it is written, and a file in the folder says which one it was.

use super::content::Wanted;
use super::edited::Edited;
use super::members::{ArchiveError, Entry, Member, What, judged};
use super::{Change, Done, Failure, Node, Plan, Type, judge, tar, zip};
use crate::agent::host::{Ending, EntryKind, HostError, Invocation, NewFile, Outcome, Owner};
use crate::model::resource::Archive;
use crate::policy::guard::{GuardCommand, Setting};
use std::borrow::Cow;

/// An archive.
pub(in crate::agent) struct Unpacked<'a>(pub(in crate::agent) &'a Archive);

impl Type for Unpacked<'_> {
    type Step = ();

    fn check(&self, node: &mut Node<'_>) -> Result<Plan<()>, Failure> {
        let archive = self.0;
        if !Archive::is_place(&archive.path) {
            let value = archive.path.escape_default().to_string();
            return Err(Failure::Value { value, what: "folder that an archive may be unpacked into" });
        }
        let folder = node.host.stat(&archive.path)?;
        if folder.is_some_and(|stat| stat.kind != EntryKind::Directory) {
            return Err(HostError::Kind { path: archive.path.clone(), expected: "folder" }.into());
        }
        let wanted = Wanted::of(&archive.source, node)?;
        let owner = self.owner(node)?;
        let have = Edited::read_of(node, &archive.marker(), owner)?;
        let mut plan = Plan::new();
        plan.wanted.push(("source", wanted.shown()));
        if have.text() != self.marker(&wanted) {
            let from = have.text().lines().next().unwrap_or("absent").to_owned();
            let change = Change::new("source", &from, &wanted.shown(), ());
            plan.changes.push(change.saying(format!("unpacked '{}'", wanted.shown())));
        }
        Ok(plan)
    }

    fn apply(&self, (): (), node: &mut Node<'_>) -> Result<Done, Failure> {
        let archive = self.0;
        let wanted = Wanted::of(&archive.source, node)?;
        let owner = self.owner(node)?;
        let packed = wanted.fetch(node)?;
        let (bytes, members) = unpacked(&packed, node)?;
        let entries = judged(members, archive.strip as usize).map_err(refused)?;
        if entries.iter().any(|entry| format!("{}/{}", archive.path, entry.path) == archive.marker()) {
            let path = archive.marker();
            return Err(Failure::NotReached(format!(
                "the archive is not unpacked: it brings `{path}` itself"
            )));
        }
        for entry in &entries {
            self.judged(entry, &bytes)?;
        }
        // Links come last: nothing is ever written through one.
        let (links, others): (Vec<&Entry>, Vec<&Entry>) =
            entries.iter().partition(|entry| matches!(entry.what, What::Link(_)));
        let put = Put { archive, owner, bytes: &bytes };
        put.folder(&archive.path, node)?;
        for entry in others.into_iter().chain(links) {
            put.entry(entry, node)?;
        }
        // The marker comes last: a run that was cut off begins again.
        let marker = self.marker(&wanted);
        let file =
            NewFile { content: marker.as_bytes(), mode: Some(0o644), owner, context: None, validate: None };
        node.host.write(&archive.marker(), &file)?;
        Ok(Done::quietly())
    }
}

impl Unpacked<'_> {
    fn owner(&self, node: &mut Node<'_>) -> Result<Owner, Failure> {
        let archive = self.0;
        // In noop the account may still have to come; what is there cannot be its own then.
        let uid = archive.owner.as_deref().map(|user| node.uid(user)).transpose()?.flatten();
        let gid = archive.group.as_deref().map(|group| node.gid(group)).transpose()?.flatten();
        if !node.noop {
            archive.owner.as_deref().map(|user| node.existing_uid(user)).transpose()?;
            archive.group.as_deref().map(|group| node.existing_gid(group)).transpose()?;
        }
        Ok(Owner { uid: uid.or(Some(0)), gid: gid.or(Some(0)) })
    }

    /// The last look at a text in it, as at the same text in a `file`.
    fn judged(&self, entry: &Entry, bytes: &[u8]) -> Result<(), Failure> {
        let What::File(range, _) = &entry.what else { return Ok(()) };
        let Ok(text) = std::str::from_utf8(&bytes[range.clone()]) else { return Ok(()) };
        let path = format!("{}/{}", self.0.path, entry.path);
        judge(&GuardCommand::File(path, text.to_owned()), &Setting::default())
    }

    /// What the file in the folder says: the digest first, then how it was unpacked.
    fn marker(&self, wanted: &Wanted) -> String {
        let Archive { strip, owner, group, executable, .. } = self.0;
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let (digest, owner, group) = (wanted.shown(), name(owner), name(group));
        format!("{digest}\nstrip={strip}\nowner={owner}\ngroup={group}\nexecutable={executable}\n")
    }
}

/// Writing what is in an archive.
struct Put<'a> {
    archive: &'a Archive,
    owner: Owner,
    bytes: &'a [u8],
}

impl Put<'_> {
    fn entry(&self, entry: &Entry, node: &Node<'_>) -> Result<(), Failure> {
        let path = format!("{}/{}", self.archive.path, entry.path);
        self.parents(&path, node)?;
        let there = node.host.stat(&path)?.map(|stat| stat.kind);
        match &entry.what {
            What::Folder => self.folder(&path, node),
            What::File(range, executable) => {
                if there == Some(EntryKind::Directory) {
                    return Err(HostError::Kind { path, expected: "file" }.into());
                }
                let mode = if *executable && self.archive.executable { 0o755 } else { 0o644 };
                let content = &self.bytes[range.clone()];
                let file =
                    NewFile { content, mode: Some(mode), owner: self.owner, context: None, validate: None };
                Ok(node.host.write(&path, &file)?)
            }
            What::Link(target) => {
                node.host.link(&path, target)?;
                Ok(node.host.set_owner(&path, self.owner)?)
            }
        }
    }

    /// Makes the folders above `path` that are not there. One that is a link is refused: it could lead anywhere.
    fn parents(&self, path: &str, node: &Node<'_>) -> Result<(), Failure> {
        let inside = self.archive.path.len() + 1;
        let parents = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > inside);
        for at in parents {
            self.folder(&path[..at], node)?;
        }
        Ok(())
    }

    fn folder(&self, path: &str, node: &Node<'_>) -> Result<(), Failure> {
        match node.host.stat(path)? {
            Some(stat) if stat.kind == EntryKind::Directory => Ok(()),
            Some(_) => Err(HostError::Kind { path: path.to_owned(), expected: "folder" }.into()),
            None => {
                node.host.make_directory(path, 0o755)?;
                Ok(node.host.set_owner(path, self.owner)?)
            }
        }
    }
}

/// The contents of an archive, unpacked by the node's own program for it, and what is in it.
fn unpacked<'b>(packed: &'b [u8], node: &Node<'_>) -> Result<(Cow<'b, [u8]>, Vec<Member>), Failure> {
    if packed.starts_with(zip::MAGIC) {
        let zip = zip::read(packed).map_err(refused)?;
        let bytes = if zip.stream.is_empty() { Vec::new() } else { through("gzip", &zip.stream, node)? };
        let members = zip.members(&bytes).map_err(refused)?;
        return Ok((Cow::Owned(bytes), members));
    }
    let programs: [(&[u8], &str); 4] =
        [(b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bzip2")];
    let bytes = match programs.into_iter().find(|(magic, _)| packed.starts_with(magic)) {
        Some((_, program)) => Cow::Owned(through(program, packed, node)?),
        None => Cow::Borrowed(packed),
    };
    let members = tar::members(&bytes).map_err(refused)?;
    Ok((bytes, members))
}

fn through(program: &str, packed: &[u8], node: &Node<'_>) -> Result<Vec<u8>, Failure> {
    let invocation = Invocation::of(&[program, "-dc"]).within(600);
    let filtered = node.host.filter(&invocation, packed)?;
    if filtered.truncated {
        return Err(Failure::NotReached("the archive is larger than it may be unpacked: 512 MiB".into()));
    }
    if filtered.ending != Ending::Code(0) {
        let outcome = Outcome { ending: filtered.ending, output: String::new(), truncated: false };
        return Err(super::command_failed(&invocation, &outcome));
    }
    Ok(filtered.bytes)
}

fn refused(error: ArchiveError) -> Failure {
    Failure::NotReached(format!("the archive is not unpacked: {error}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Place, said};
    use super::*;
    use crate::agent::host::Host;
    use crate::model::Digest;
    use crate::model::resource::Content;
    use std::os::unix::fs::MetadataExt as _;
    use std::process::Command;

    /// The archive of a folder that `fill` made something in.
    fn packed(option: &str, fill: impl FnOnce(&std::path::Path)) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("app-1.0")).unwrap();
        fill(&dir.path().join("app-1.0"));
        let output = Command::new("tar").args([option, "-c", "app-1.0"]).current_dir(dir.path()).output();
        output.expect("this test needs tar").stdout
    }

    fn wish(bytes: &[u8]) -> Archive {
        Archive {
            path: "/opt/app".into(),
            source: Content::Blob { digest: Digest::of(bytes), size: bytes.len() as u64 },
            strip: 1,
            owner: None,
            group: None,
            executable: false,
        }
    }

    fn place(bytes: &[u8]) -> Place {
        let place = Place::with_blob(bytes);
        std::fs::create_dir(place.at("/opt")).unwrap();
        place
    }

    fn app(folder: &std::path::Path) {
        std::fs::create_dir(folder.join("bin")).unwrap();
        std::fs::write(folder.join("bin/app"), "run").unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o4755);
        std::fs::set_permissions(folder.join("bin/app"), executable).unwrap();
        std::os::unix::fs::symlink("bin/app", folder.join("start")).unwrap();
    }

    #[test]
    fn an_archive_is_unpacked_once_and_again_when_it_is_another() {
        let bytes = packed("--owner=7", app);
        let place = place(&bytes);
        let unpacked = format!("unpacked '{}'", Digest::of(&bytes));
        assert_eq!(place.apply(&Unpacked(&wish(&bytes))), said(&[&unpacked]));
        assert_eq!((place.read("/opt/app/bin/app"), place.mode("/opt/app/bin/app")), ("run".into(), 0o644));
        assert_eq!(std::fs::read_link(place.at("/opt/app/start")).unwrap(), std::path::Path::new("bin/app"));
        assert_eq!(std::fs::metadata(place.at("/opt/app/bin/app")).unwrap().uid(), 0);
        let executable = Archive { executable: true, owner: Some("web".into()), ..wish(&bytes) };
        assert_eq!(place.apply(&Unpacked(&executable)), said(&[&unpacked]));
        assert_eq!(place.mode("/opt/app/bin/app"), 0o755);
        assert_eq!(std::fs::metadata(place.at("/opt/app/bin/app")).unwrap().uid(), 33);
        for path in ["/etc/cron.d", "/opt", "/usr/lib/x", "/home/web", "/var/lib/dpkg", "/var/lib/dpkg/info"]
        {
            let elsewhere = Archive { path: path.into(), ..wish(&bytes) };
            let refused = place.apply(&Unpacked(&elsewhere)).unwrap_err();
            assert!(refused.contains("is no folder that an archive may be"), "{path}: {refused}");
        }
    }

    #[test]
    fn what_would_leave_the_folder_leaves_everything_as_it_was() {
        let evil = packed("--owner=0", |folder| {
            std::fs::write(folder.join("a"), "a").unwrap();
            std::os::unix::fs::symlink("../../etc", folder.join("out")).unwrap();
        });
        let one = place(&evil);
        let refused = one.apply(&Unpacked(&wish(&evil))).unwrap_err();
        assert!(refused.contains("the link `out` in it leads to `../../etc`"), "{refused}");
        assert!(!one.at("/opt/app").exists());
        // A folder of the node that is a link is not followed.
        let good = packed("--owner=0", app);
        let other = place(&good);
        std::fs::create_dir(other.at("/opt/app")).unwrap();
        std::os::unix::fs::symlink("/etc", other.at("/opt/app/bin")).unwrap();
        let refused = other.apply(&Unpacked(&wish(&good))).unwrap_err();
        assert!(refused.contains("`/opt/app/bin` is not a folder"), "{refused}");
        assert!(!other.at("/etc/app").exists());
        let swapped = place(&evil);
        let refused = swapped.apply(&Unpacked(&wish(&good))).unwrap_err();
        assert!(refused.starts_with("the content that came for sha256:"), "{refused}");
        assert!(!swapped.at("/opt/app").exists());
    }

    #[test]
    fn what_is_packed_is_what_was_packed() {
        let plain = packed("--owner=0", app);
        let machine = Host::open(std::path::Path::new("/")).unwrap();
        let place = Place::new();
        let mut node = place.node();
        node.host = &machine;
        for (program, option) in [("gzip", "-z"), ("xz", "-J"), ("zstd", "--zstd"), ("bzip2", "-j")] {
            let packed = packed(option, app);
            assert_ne!(packed, plain, "this test needs {program}");
            let (bytes, members) = unpacked(&packed, &node).unwrap();
            assert_eq!((members, &*bytes), (tar::members(&plain).unwrap(), &*plain), "{program}");
            let cut = unpacked(&packed[..packed.len() / 2], &node).unwrap_err();
            assert!(super::super::chain(&cut).contains(program), "{cut}");
        }
    }
}
