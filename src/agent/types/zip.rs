//! Zip archives (APPNOTE.TXT 6.3), as far as programs for Unix make them: stored or deflated, without encryption and without the
//! 64-bit form. No I/O: what is packed becomes a stream for gzip (RFC 1952), which checks each checksum as it unpacks.
//!
//! Two readers of one zip archive may see two things in it. Here the list at its end and the headers before the contents must say
//! the same, no two contents may share a byte, and nothing may stand behind the end.

use super::members::{ArchiveError, Member};
use std::ops::Range;

/// What a zip archive with anything in it begins with: the header before a content.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";
/// What an entry of the list begins with.
const LISTED: &[u8] = b"PK\x01\x02";
/// What the end begins with.
const END: &[u8] = b"PK\x05\x06";
/// Bytes of the end without a comment.
const END_SIZE: usize = 22;
/// Bytes of an entry of the list without its texts.
const LISTED_SIZE: usize = 46;
/// Bytes of a header without its texts.
const LOCAL_SIZE: usize = 30;
/// The system of whoever packed it (version made by, upper byte) whose modes are those of Unix.
const UNIX: u8 = 3;
/// A member of a gzip stream: its signature, deflate, no name, no time.
const GZIP: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// Bytes of a stored block of deflate, at most (RFC 1951, 3.2.4).
const BLOCK: usize = 0xffff;

/// A zip archive that was read and not unpacked yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Zip {
    /// The contents, for gzip to unpack one behind the other.
    pub(super) stream: Vec<u8>,
    members: Vec<Member>,
    size: usize,
}

/// Reads an archive.
pub(super) fn read(bytes: &[u8]) -> Result<Zip, ArchiveError> {
    let end = Field(bytes).end()?;
    let (count, size, at) = (end.half(10)?, end.word(12)?, end.word(16)?);
    let same_disk = end.half(4)? == 0 && end.half(6)? == 0 && end.half(8)? == count;
    if !same_disk || count == 0xffff || at == 0xffff_ffff {
        return Err(ArchiveError::Form("it is in several parts or in the 64-bit form"));
    }
    let list = bytes.get(at..).and_then(|rest| rest.get(..size)).ok_or(CUT)?;
    if at + size + end.0.len() != bytes.len() {
        return Err(ArchiveError::Form("something stands between its list and its end"));
    }
    let (mut zip, mut used) = (Zip { stream: Vec::new(), members: Vec::new(), size: 0 }, Vec::new());
    let mut list = Field(list);
    for _ in 0..count {
        let (listed, rest) = Listed::read(list)?;
        used.push(zip.add(bytes, &listed)?);
        list = rest;
    }
    if !list.0.is_empty() {
        return Err(ArchiveError::Form("its list is longer than it says"));
    }
    used.sort_unstable_by_key(|range| range.start);
    let shared = used.windows(2).any(|pair| pair[0].end > pair[1].start);
    if shared || used.last().is_some_and(|last| last.end > at) {
        return Err(ArchiveError::Form("two things in it share their bytes"));
    }
    Ok(zip)
}

impl Zip {
    /// Adds an entry of the list, and gives where it is in the archive, with its header.
    fn add(&mut self, bytes: &[u8], listed: &Listed<'_>) -> Result<Range<usize>, ArchiveError> {
        let local = Field(bytes.get(listed.at..).ok_or(CUT)?);
        if local.some(0, 4)? != MAGIC {
            return Err(ArchiveError::Form("a header is not where its list says"));
        }
        let (name, extra) = (local.half(26)?, local.half(28)?);
        let start = listed.at + LOCAL_SIZE + name + extra;
        let content = bytes.get(start..).and_then(|rest| rest.get(..listed.packed)).ok_or(CUT)?;
        if local.some(LOCAL_SIZE, name)? != listed.name.as_bytes()
            || local.half(8)? != listed.method
            || local.half(6)? & !DESCRIPTOR != listed.flags & !DESCRIPTOR
        {
            return Err(ArchiveError::Form("a header says something else than its list"));
        }
        let kind = listed.kind()?;
        let from = self.size;
        if kind != '5' {
            self.pack(listed, content)?;
        } else if listed.size > 0 {
            return Err(ArchiveError::Form("a folder has a content"));
        }
        let content = from..self.size;
        let (path, mode) = (listed.name.to_owned(), u64::from(listed.mode & 0o7777));
        self.members.push(Member { path, link: String::new(), mode, kind, content });
        Ok(listed.at..start + listed.packed)
    }

    /// Adds a content to the stream.
    fn pack(&mut self, listed: &Listed<'_>, content: &[u8]) -> Result<(), ArchiveError> {
        self.stream.extend(GZIP);
        match listed.method {
            8 => self.stream.extend(content),
            0 if listed.size == content.len() => {
                let mut blocks = content.chunks(BLOCK).peekable();
                if blocks.peek().is_none() {
                    self.stream.extend([1, 0, 0, 0xff, 0xff]);
                }
                while let Some(block) = blocks.next() {
                    let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
                    self.stream.push(u8::from(blocks.peek().is_none()));
                    self.stream.extend(length.to_le_bytes());
                    self.stream.extend((!length).to_le_bytes());
                    self.stream.extend(block);
                }
            }
            _ => return Err(ArchiveError::Form("it is packed in another way than by deflate")),
        }
        self.stream.extend(listed.checksum);
        self.stream.extend(u32::try_from(listed.size).map_err(|_| CUT)?.to_le_bytes());
        self.size = self.size.checked_add(listed.size).ok_or(CUT)?;
        Ok(())
    }

    /// Everything in it, once the stream was unpacked to these bytes.
    pub(super) fn members(mut self, unpacked: &[u8]) -> Result<Vec<Member>, ArchiveError> {
        if unpacked.len() != self.size {
            return Err(ArchiveError::Form("a content is of another length than its list says"));
        }
        for member in self.members.iter_mut().filter(|member| member.kind == '2') {
            let target = std::str::from_utf8(&unpacked[member.content.clone()]);
            member.link = target.map_err(|_| ArchiveError::Form("a name is not in UTF-8"))?.to_owned();
        }
        Ok(self.members)
    }
}

/// The flag that says that sizes and checksum stand behind the content; the list has them in any case.
const DESCRIPTOR: usize = 1 << 3;
const CUT: ArchiveError = ArchiveError::Form("it ends in the middle");

/// An entry of the list.
struct Listed<'a> {
    name: &'a str,
    flags: usize,
    method: usize,
    checksum: [u8; 4],
    packed: usize,
    size: usize,
    /// Mode and kind as `stat` gives them; 0 where whoever packed it knew none.
    mode: u32,
    /// Where its header is.
    at: usize,
}

impl<'a> Listed<'a> {
    fn read(list: Field<'a>) -> Result<(Self, Field<'a>), ArchiveError> {
        if list.some(0, 4)? != LISTED {
            return Err(ArchiveError::Form("its list cannot be read"));
        }
        let (name, extra, comment) = (list.half(28)?, list.half(30)?, list.half(32)?);
        let (flags, packed, size, at) = (list.half(8)?, list.word(20)?, list.word(24)?, list.word(42)?);
        if flags & 1 != 0 || [packed, size, at].contains(&0xffff_ffff) {
            return Err(ArchiveError::Form("it is encrypted or in the 64-bit form"));
        }
        let unix = list.some(5, 1)? == [UNIX];
        let attributes = u32::try_from(list.word(38)?).unwrap_or(0);
        let odd = |_| ArchiveError::Form("a name is not in UTF-8");
        let listed = Self {
            name: std::str::from_utf8(list.some(LISTED_SIZE, name)?).map_err(odd)?,
            flags,
            method: list.half(10)?,
            checksum: list.some(16, 4)?.try_into().map_err(|_| CUT)?,
            packed,
            size,
            mode: if unix { attributes >> 16 } else { 0 },
            at,
        };
        let rest = list.0.get(LISTED_SIZE + name + extra + comment..).ok_or(CUT)?;
        Ok((listed, Field(rest)))
    }

    /// In the letters of tar.
    fn kind(&self) -> Result<char, ArchiveError> {
        match (self.mode & 0o170_000, self.name.ends_with('/')) {
            (0 | 0o040_000, true) => Ok('5'),
            (0 | 0o100_000, false) => Ok('0'),
            (0o120_000, false) => Ok('2'),
            _ => Err(ArchiveError::Kind(self.name.to_owned(), '?')),
        }
    }
}

/// Numbers at places of some bytes, the smaller half first.
#[derive(Clone, Copy)]
struct Field<'a>(&'a [u8]);

impl<'a> Field<'a> {
    /// The end of an archive: it and its comment are the last bytes, and there is one way to read them.
    fn end(self) -> Result<Self, ArchiveError> {
        let from = self.0.len().saturating_sub(END_SIZE + BLOCK);
        let starts = from..=self.0.len().checked_sub(END_SIZE).ok_or(CUT)?;
        let ends = starts.filter(|at| self.0[*at..].starts_with(END)).map(|at| Self(&self.0[at..]));
        let mut fitting =
            ends.filter(|end| end.half(20).is_ok_and(|comment| END_SIZE + comment == end.0.len()));
        match (fitting.next(), fitting.next()) {
            (Some(end), None) => Ok(end),
            (Some(_), Some(_)) => Err(ArchiveError::Form("it has two ends")),
            (None, _) => Err(ArchiveError::Form("it has no end")),
        }
    }

    fn some(self, at: usize, count: usize) -> Result<&'a [u8], ArchiveError> {
        self.0.get(at..).and_then(|rest| rest.get(..count)).ok_or(CUT)
    }

    fn half(self, at: usize) -> Result<usize, ArchiveError> {
        Ok(self.some(at, 2)?.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn word(self, at: usize) -> Result<usize, ArchiveError> {
        Ok(self.half(at + 2)? << 16 | self.half(at)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::members::{What, judged};
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    fn gzip(option: &str, bytes: &[u8]) -> Vec<u8> {
        let mut child = Command::new("gzip");
        let mut child = child.arg(option).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        child.wait_with_output().unwrap().stdout
    }

    /// An archive as `zip` makes it: name, mode, content, and whether it is deflated.
    fn archive(entries: &[(&str, u32, &[u8], bool)]) -> Vec<u8> {
        let (mut bytes, mut list) = (Vec::new(), Vec::new());
        for (name, mode, content, deflated) in entries {
            let packed = gzip("-nc", content);
            let (deflate, tail) = packed[10..].split_at(packed.len() - 18);
            let data = if *deflated { deflate } else { content };
            let half = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
            let word = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
            let method = half(if *deflated { 8 } else { 0 });
            let sizes = [&tail[..4], &word(data.len()), &word(content.len()), &half(name.len())].concat();
            let at = word(bytes.len());
            bytes.extend(
                [MAGIC, &[20, 0, 0, 0], &method, &[0; 4], &sizes, &[0, 0], name.as_bytes(), data].concat(),
            );
            list.extend([LISTED, &[30, UNIX, 20, 0, 0, 0], &method, &[0; 4], &sizes, &[0; 8]].concat());
            list.extend([&(mode << 16).to_le_bytes()[..], &at, name.as_bytes()].concat());
        }
        let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
        let place = [list.len(), bytes.len()].map(|number| u32::try_from(number).unwrap().to_le_bytes());
        let end = [END, &[0; 4], &count, &count, &place[0], &place[1], &[0, 0]].concat();
        [bytes, list, end].concat()
    }

    fn sample() -> Vec<u8> {
        let long = vec![b'x'; 3 * BLOCK];
        archive(&[
            ("top/", 0o040_755, b"", false),
            ("top/run", 0o100_755, b"run", true),
            ("top/long", 0o100_644, &long, false),
            ("top/none", 0o100_644, b"", false),
            ("top/link", 0o120_777, b"run", false),
        ])
    }

    #[test]
    fn what_zip_packs_is_read() {
        let zip = read(&sample()).unwrap();
        let bytes = gzip("-dc", &zip.stream);
        let entries = judged(zip.members(&bytes).unwrap(), 1).unwrap();
        let content = |path: &str| match &entries.iter().find(|entry| entry.path == path).unwrap().what {
            What::File(range, executable) => (bytes[range.clone()].len(), *executable),
            _ => unreachable!(),
        };
        assert_eq!(
            (content("run"), content("long"), content("none")),
            ((3, true), (3 * BLOCK, false), (0, false))
        );
        assert_eq!(entries.last().unwrap().what, What::Link("run".into()));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let good = sample();
        let refused = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = good.clone();
            change(&mut bytes);
            let read = read(&bytes).and_then(|zip| {
                let unpacked = gzip("-dc", &zip.stream);
                zip.members(&unpacked)
            });
            assert!(matches!(read, Err(ArchiveError::Form(_) | ArchiveError::Kind(..))), "{read:?}");
        };
        let listed = good.windows(4).position(|four| four == LISTED).unwrap();
        // Something behind the end, a second end, another name before the content, a flag, another method, another length.
        refused(&|bytes| bytes.push(0));
        refused(&|bytes| bytes.extend([END, &[0; 18]].concat()));
        refused(&|bytes| bytes[LOCAL_SIZE] = b'T');
        refused(&|bytes| bytes[listed + 8] |= 1);
        refused(&|bytes| bytes[listed + LISTED_SIZE + 4 + 10] = 12);
        refused(&|bytes| bytes[listed + LISTED_SIZE + 4 + 24] += 1);
        // A device, and two entries with one content.
        refused(&|bytes| bytes[listed + 41] = 0o060);
        let second = listed + LISTED_SIZE + 4;
        refused(&|bytes| bytes.copy_within(second + 42..second + 46, listed + 42));
        assert!(matches!(read(b"PK\x03\x04"), Err(ArchiveError::Form(_))));
    }

    #[test]
    fn what_could_leave_its_folder_is_refused() {
        let refused = |name: &str, mode: u32, content: &[u8]| {
            let zip = read(&archive(&[(name, mode, content, false)])).unwrap();
            let bytes = gzip("-dc", &zip.stream);
            judged(zip.members(&bytes).unwrap(), 0).unwrap_err()
        };
        for name in ["../x", "/etc/passwd", "a\\b", "a/../../b"] {
            assert_eq!(refused(name, 0o100_644, b"x"), ArchiveError::Outside(name.into()));
        }
        assert_eq!(refused("l", 0o120_777, b"../x"), ArchiveError::Leads("l".into(), "../x".into()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_stop_otherwise_than_by_an_error(
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6), cut in any::<proptest::sample::Index>(),
        ) {
            static SAMPLE: std::sync::LazyLock<Vec<u8>> =
                std::sync::LazyLock::new(|| archive(&[("a/", 0o040_755, b"", false), ("a/b", 0o100_644, b"bb", true)]));
            let mut bytes = SAMPLE.clone();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(bytes.len() - cut.index(4));
            drop(read(&bytes).map(|zip| zip.members(&[])));
        }
    }
}
