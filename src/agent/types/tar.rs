//! Tar archives (POSIX.1-2001 and the long names of GNU tar), read in memory. No I/O.

use super::members::{ArchiveError, Member};
use std::ops::Range;

/// Bytes in a block.
const BLOCK: usize = 512;

/// Everything in a tar archive.
pub(super) fn members(bytes: &[u8]) -> Result<Vec<Member>, ArchiveError> {
    let mut found = Vec::new();
    let (mut at, mut long) = (0, Long::default());
    while let Some(block) = bytes.get(at..at + BLOCK) {
        if block.iter().all(|byte| *byte == 0) {
            return Ok(found);
        }
        let header = Header(block);
        header.check()?;
        let size = header.number(124..136)?;
        let start = at + BLOCK;
        let size = usize::try_from(size).ok().filter(|size| *size <= bytes.len() - start);
        let size = size.ok_or(ArchiveError::Form("it ends in the middle"))?;
        let content = start..start + size;
        at = start + size.div_ceil(BLOCK) * BLOCK;
        match header.kind() {
            'L' => long.path = Some(text(&bytes[content])?),
            'K' => long.link = Some(text(&bytes[content])?),
            'x' => long.read(&bytes[content])?,
            // A note about all that follows, such as the commit of `git archive`.
            'g' => {
                let mut global = Long::default();
                global.read(&bytes[content])?;
                if global.path.is_some() || global.link.is_some() {
                    return Err(ArchiveError::Form("a header for all entries gives names"));
                }
            }
            kind => {
                let names = std::mem::take(&mut long);
                let path = names.path.map_or_else(|| header.path(), Ok)?;
                let link = names.link.map_or_else(|| text(&block[157..257]), Ok)?;
                let content = if kind == '0' { content } else { start..start };
                found.push(Member { path, link, mode: header.number(100..108)?, kind, content });
            }
        }
    }
    Err(ArchiveError::Form("it has no end"))
}

/// Names that do not fit into a header.
#[derive(Default)]
struct Long {
    path: Option<String>,
    link: Option<String>,
}

impl Long {
    /// Lines of `length name=value`.
    fn read(&mut self, mut rest: &[u8]) -> Result<(), ArchiveError> {
        const ODD: ArchiveError = ArchiveError::Form("an extended header cannot be read");
        while !rest.is_empty() {
            let blank = rest.iter().position(|byte| *byte == b' ').ok_or(ODD)?;
            let length: usize =
                std::str::from_utf8(&rest[..blank]).ok().and_then(|n| n.parse().ok()).ok_or(ODD)?;
            let line = rest.get(blank + 1..length).and_then(|line| line.strip_suffix(b"\n")).ok_or(ODD)?;
            let line = std::str::from_utf8(line).map_err(|_| ODD)?;
            match line.split_once('=').ok_or(ODD)? {
                ("path", value) => self.path = Some(value.to_owned()),
                ("linkpath", value) => self.link = Some(value.to_owned()),
                ("size", _) => return Err(ArchiveError::Form("an extended header gives a size")),
                (name, _) if name.starts_with("GNU.sparse") => {
                    return Err(ArchiveError::Form("it has files with holes"));
                }
                _ => {}
            }
            rest = &rest[length..];
        }
        Ok(())
    }
}

struct Header<'a>(&'a [u8]);

impl Header<'_> {
    fn check(&self) -> Result<(), ArchiveError> {
        let own = |at: usize, byte: u8| if (148..156).contains(&at) { b' ' } else { byte };
        let sum: u64 = self.0.iter().enumerate().map(|(at, byte)| u64::from(own(at, *byte))).sum();
        if self.number(148..156)? == sum { Ok(()) } else { Err(ArchiveError::Form("a checksum is wrong")) }
    }

    fn number(&self, at: Range<usize>) -> Result<u64, ArchiveError> {
        let field = text(&self.0[at])?;
        let digits = field.trim_matches([' ', '\0']);
        if digits.is_empty() {
            return Ok(0);
        }
        u64::from_str_radix(digits, 8).map_err(|_| ArchiveError::Form("a number cannot be read"))
    }

    fn kind(&self) -> char {
        match self.0[156] {
            0 | b'0' | b'7' => '0',
            other => char::from(other),
        }
    }

    fn path(&self) -> Result<String, ArchiveError> {
        let name = text(&self.0[..100])?;
        let posix = self.0[257..263] == *b"ustar\0";
        let prefix = if posix { text(&self.0[345..500])? } else { String::new() };
        Ok(if prefix.is_empty() { name } else { format!("{prefix}/{name}") })
    }
}

/// Text up to the first zero.
fn text(field: &[u8]) -> Result<String, ArchiveError> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8(field[..end].to_vec()).map_err(|_| ArchiveError::Form("a name is not in UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::super::members::{Entry, What, judged};
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::process::Command;

    fn entries(bytes: &[u8], strip: usize) -> Result<Vec<Entry>, ArchiveError> {
        members(bytes).and_then(|members| judged(members, strip))
    }

    /// A header and its content.
    fn entry(name: &str, kind: char, link: &str, content: &[u8]) -> Vec<u8> {
        let mut header = vec![0; BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000755");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = kind as u8;
        header[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header[257..263].copy_from_slice(b"ustar\0");
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        header.extend(content);
        header.resize(header.len().div_ceil(BLOCK) * BLOCK, 0);
        header
    }

    fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
        entries.concat().into_iter().chain([0; 2 * BLOCK]).collect()
    }

    #[test]
    fn what_could_leave_its_folder_is_refused_with_everything() {
        let good = || entry("a", '0', "", b"x");
        let refused = |bad: Vec<u8>| entries(&archive(&[good(), bad]), 0).unwrap_err();
        for name in ["/etc/passwd", "../x", "b/../../x", "b/..", "a\\b", "b\x1bc"] {
            assert_eq!(refused(entry(name, '0', "", b"x")), ArchiveError::Outside(name.into()), "{name}");
            assert_eq!(refused(entry(name, '2', "a", b"")), ArchiveError::Outside(name.into()), "{name}");
        }
        for (name, target) in
            [("l", "/etc"), ("l", ".."), ("l", "b/../../x"), ("d/l", "../../x"), ("d/l", "x/../y"), ("l", "")]
        {
            assert_eq!(
                refused(entry(name, '2', target, b"")),
                ArchiveError::Leads(name.into(), target.into())
            );
        }
        assert!(matches!(refused(entry("h", '1', "../x", b"")), ArchiveError::Outside(_)));
        assert!(matches!(refused(entry("h", '1', "/etc/shadow", b"")), ArchiveError::Outside(_)));
        assert!(matches!(refused(entry("h", '1', "none", b"")), ArchiveError::Leads(..)));
        for kind in ['3', '4', '6', 'S', 'M', 'D', 'V'] {
            assert_eq!(refused(entry("d", kind, "", b"")), ArchiveError::Kind("d".into(), kind));
        }
        let link = entry("l", '2', "d", b"");
        let behind = archive(&[entry("d", '5', "", b""), link.clone(), entry("l/x", '0', "", b"x")]);
        assert_eq!(entries(&behind, 0), Err(ArchiveError::Behind("l/x".into(), "l".into())));
        let twice = archive(&[link, entry("l", '5', "", b"")]);
        assert_eq!(entries(&twice, 0), Err(ArchiveError::Twice("l".into())));
        let below_a_file = archive(&[good(), entry("a/b", '0', "", b"x")]);
        assert_eq!(entries(&below_a_file, 0), Err(ArchiveError::Twice("a".into())));
        // A long name is judged as a short one.
        let long = archive(&[entry("@", 'L', "", b"../x\0"), entry("y", '0', "", b"x")]);
        assert_eq!(entries(&long, 0), Err(ArchiveError::Outside("../x".into())));
        let pax = archive(&[entry("@", 'x', "", b"13 path=../x\n"), entry("y", '0', "", b"x")]);
        assert_eq!(entries(&pax, 0), Err(ArchiveError::Outside("../x".into())));
        let global = archive(&[entry("@", 'g', "", b"13 path=../x\n"), entry("y", '0', "", b"x")]);
        assert!(matches!(entries(&global, 0), Err(ArchiveError::Form(_))));
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let good = archive(&[entry("a", '0', "", b"x")]);
        assert_eq!(entries(&good, 0).map(|all| all.len()), Ok(1));
        assert!(matches!(entries(&good[..BLOCK], 0), Err(ArchiveError::Form(_))));
        assert!(
            matches!(entries(&good[..3 * BLOCK - 1], 0), Err(ArchiveError::Form(_)))
                || good.len() < 3 * BLOCK
        );
        assert!(matches!(entries(b"PK\x03\x04", 0), Err(ArchiveError::Form(_))));
        let mut wrong = good.clone();
        wrong[0] = b'b';
        assert_eq!(entries(&wrong, 0), Err(ArchiveError::Form("a checksum is wrong")));
    }

    #[test]
    fn what_tar_packs_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let long = "n".repeat(120);
        let deep = dir.path().join("top").join("d".repeat(90)).join("e".repeat(90));
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join(&long), "deep").unwrap();
        std::fs::write(dir.path().join("top/run"), "run").unwrap();
        std::os::unix::fs::symlink("run", dir.path().join("top/link")).unwrap();
        std::fs::hard_link(dir.path().join("top/run"), dir.path().join("top/twin")).unwrap();
        for format in ["gnu", "pax", "posix", "ustar"] {
            if format == "ustar" {
                std::fs::remove_file(deep.join(&long)).unwrap();
            }
            let mut tar = Command::new("tar");
            tar.args(["--sort=name", "--format", format, "-cf", "x.tar", "top"]).current_dir(dir.path());
            assert!(tar.status().expect("this test needs tar").success());
            let bytes = std::fs::read(dir.path().join("x.tar")).unwrap();
            let all: BTreeMap<String, What> =
                entries(&bytes, 1).unwrap().into_iter().map(|entry| (entry.path, entry.what)).collect();
            let content = |name: &str| match &all[name] {
                What::File(range, _) => bytes[range.clone()].to_vec(),
                _ => unreachable!(),
            };
            assert_eq!((content("run"), content("twin")), (b"run".to_vec(), b"run".to_vec()), "{format}");
            assert_eq!(all["link"], What::Link("run".into()));
            if format != "ustar" {
                assert_eq!(content(&format!("{}/{}/{long}", "d".repeat(90), "e".repeat(90))), b"deep");
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_stop_otherwise_than_by_an_error(
            name in "[a-c./]{0,12}", kind in proptest::char::any(), link in "[a-c./]{0,12}",
            content in proptest::collection::vec(any::<u8>(), 0..40), cut in 0_usize..3000, strip in 0_usize..3,
        ) {
            let kind = if kind.is_ascii() { kind } else { '0' };
            let mut bytes = archive(&[entry(&name, kind, &link, &content)]);
            bytes.truncate(cut.max(1));
            for entry in entries(&bytes, strip).unwrap_or_default() {
                prop_assert!(!entry.path.starts_with('/') && !entry.path.split('/').any(|part| part == ".."));
            }
        }
    }
}
