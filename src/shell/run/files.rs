//! The files that a script writes and reads: what is in them, and whether it came over the network.

use super::place;
use super::simple::{is_socket, is_stdin};
use super::state::{Failed, State};
use crate::shell::{Source, Value};

impl State {
    /// What the script has written to `path`, if it has.
    #[must_use]
    pub fn written(&self, path: &Value) -> Option<&Value> {
        if self.files.is_empty() {
            return None;
        }
        match path.literal().filter(|path| path.starts_with('/') && self.links.is_empty()) {
            Some(path) => self.files.get(&place::normal(path)),
            None => self.files.get(&place::key(self.absolute(path).first()?)?),
        }
    }

    /// What a file contains when it is read.
    #[must_use]
    pub fn content(&self, path: &Value) -> Value {
        if let Some(written) = self.written(path) {
            return written.clone();
        }
        let opened = path.literal().and_then(|p| {
            if is_stdin(p) {
                return self.inputs.get(&0);
            }
            let number = p.strip_prefix("/dev/fd/").or_else(|| p.strip_prefix("/proc/self/fd/"))?;
            self.inputs.get(&number.parse().ok()?)
        });
        match (path.literal(), opened) {
            (_, Some(opened)) => opened.clone(),
            (Some("/dev/null"), _) => Value::default(),
            (Some(path), _) if is_endless(path) => Value::dynamic(Source::Endless, false),
            _ if is_socket(path) => Value::dynamic(Source::Remote, true),
            _ => Value::dynamic(Source::File, true),
        }
    }

    /// Whether something that came over the network may be in a file.
    #[must_use]
    pub const fn has_downloads(&self) -> bool {
        self.downloads
    }

    /// Whether `path`, or a directory that it lies in, came over the network.
    #[must_use]
    pub fn is_downloaded(&self, path: &Value) -> bool {
        let remote = |known: &str| self.files.get(known).is_some_and(|content| content.has(Source::Remote));
        self.downloads
            && self.absolute(&path.settled()).iter().any(|whole| {
                let text = place::normal(whole.prefix());
                text.match_indices('/').any(|(at, _)| remote(&text[..at]))
            })
    }

    /// Notes what a file contains from now on.
    pub fn write(&mut self, path: &Value, content: Value, append: bool) {
        self.downloads |= content.has(Source::Remote);
        for whole in self.absolute(path) {
            let Some(path) = place::key(&whole) else { continue };
            let old = self.files.entry(&path);
            if !append {
                *old = Value::default();
            }
            old.append(&content);
        }
    }

    /// Notes that what was downloaded so far has been checked.
    pub fn trust_downloads(&mut self) {
        if !std::mem::take(&mut self.downloads) {
            return;
        }
        let downloads = self.files.iter().filter(|(_, content)| content.has(Source::Remote));
        let paths: Vec<String> = downloads.map(|(path, _)| path.to_owned()).collect();
        for path in paths {
            self.files.insert(path, Value::dynamic(Source::File, true));
        }
    }

    /// The same for a check that may fail: what was downloaded is not trusted then.
    pub fn trust_downloads_if_it_works(&mut self) {
        if self.downloads {
            let failed = self.clone();
            self.trust_downloads();
            self.failed = Some(Box::new(Failed { state: failed, ends: true }));
        }
    }

    /// Notes that values are compared: with a digest among them, that is a check of what was downloaded.
    pub(super) fn compared<'v>(&mut self, mut values: impl Iterator<Item = &'v Value>) {
        if values.any(|value| value.has(Source::Digest)) {
            self.trust_downloads();
        }
    }
}

/// Devices that never stop giving more.
fn is_endless(path: &str) -> bool {
    matches!(path, "/dev/zero" | "/dev/full" | "/dev/urandom" | "/dev/random" | "/dev/hwrng")
}
