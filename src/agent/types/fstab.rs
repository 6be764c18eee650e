//! The text of `/etc/fstab`: one entry, everything else left as it is. No I/O.

use super::edited::Lines;

/// An entry as it stands, or should stand, in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) device: String,
    pub(super) point: String,
    pub(super) fstype: String,
    pub(super) options: String,
    pub(super) dump: String,
    pub(super) pass: String,
}

impl Entry {
    fn of(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let word =
            |at: usize, missing: &str| words.get(at).map_or_else(|| missing.to_owned(), |word| decoded(word));
        (words.len() >= 2).then(|| Self {
            device: word(0, ""),
            point: word(1, ""),
            fstype: word(2, "auto"),
            options: word(3, "defaults"),
            dump: word(4, "0"),
            pass: word(5, "0"),
        })
    }

    fn line(&self) -> String {
        let words = [&self.device, &self.point, &self.fstype, &self.options, &self.dump, &self.pass];
        words.map(|word| encoded(word)).join("\t")
    }
}

/// All entries, in order.
pub(super) fn entries(text: &str) -> Vec<Entry> {
    text.lines().filter_map(Entry::of).collect()
}

/// The entry that `is` recognises; the last one, as mount(8) takes it.
pub(super) fn find(text: &str, is: impl Fn(&Entry) -> bool) -> Option<Entry> {
    text.lines().filter_map(Entry::of).filter(|entry| is(entry)).last()
}

/// The text with the entry, where it was or at the end.
pub(super) fn set(text: &str, is: impl Fn(&Entry) -> bool, entry: &Entry) -> String {
    let mut lines = Lines::of(text);
    match lines.lines.iter().rposition(|line| Entry::of(line).is_some_and(|entry| is(&entry))) {
        Some(at) => lines.lines[at] = entry.line().into(),
        None => lines.lines.push(entry.line().into()),
    }
    lines.join()
}

/// The text without such entries.
pub(super) fn remove(text: &str, is: impl Fn(&Entry) -> bool) -> String {
    let mut lines = Lines::of(text);
    lines.lines.retain(|line| !Entry::of(line).is_some_and(|entry| is(&entry)));
    lines.join()
}

/// Blanks and the like as octal numbers (fstab(5), getmntent(3)).
fn encoded(word: &str) -> String {
    word.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011").replace('#', "\\043")
}

/// The other way round, also for what the kernel tells of mounts.
pub(super) fn decoded(word: &str) -> String {
    let mut text = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let code = after.get(..3).and_then(|code| u8::from_str_radix(code, 8).ok()).filter(u8::is_ascii);
        match code {
            Some(code) => {
                text.push(char::from(code));
                rest = &after[3..];
            }
            None => {
                text.push('\\');
                rest = after;
            }
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_blanks_go_both_ways() {
        for word in ["/a b", "/a\\b", "/a#b\tc", "/plain"] {
            assert_eq!(decoded(&encoded(word)), word);
        }
        assert_eq!(decoded("/a\\04"), "/a\\04");
    }
}
