//! From typed attributes to the typed form of a file, directory or link.

use super::shape::{RawCommand, path_fault};
use super::spec::Attrs;
use crate::model::Spec;
use crate::model::resource::{Content, Context, ContextPart, File, FileEnsure, Word};

/// The typed form of a file whose content is `content`; `None` after telling what is wrong.
pub(super) fn build(attrs: &mut Attrs<'_>, content: Option<Content>) -> Option<Spec> {
    let before = attrs.findings.len();
    let path = attrs.text("path").unwrap_or_else(|| {
        let title = attrs.title.to_owned();
        if let Some((why, instead)) = path_fault(&title) {
            let message = format!("`{}` is no path: {why}", title.escape_default());
            attrs.fail("bad-path", "path", message, &instead);
        }
        title
    });
    let target = attrs.text("target");
    let ensure = ensure(attrs, content.is_some(), target.is_some());
    together(attrs, ensure, target.as_deref());
    let secret = content.as_ref().is_some_and(|content| content.secrets().next().is_some());
    if secret {
        private(attrs);
    }
    let absent = ensure == FileEnsure::Absent;
    // With `recurse`, what is below gets the mode, too: there the agent makes each folder one that can be entered.
    let recurse = attrs.bool("recurse").unwrap_or(false);
    let enter = ensure == FileEnsure::Directory && !recurse;
    let file = File {
        path,
        ensure,
        content: content.filter(|_| !absent),
        target,
        owner: attrs.account("owner"),
        group: attrs.account("group"),
        mode: attrs
            .text("mode")
            .map(|mode| if enter { searchable(&mode) } else { mode })
            .or_else(|| secret.then(|| "0600".to_owned())),
        selinux: context(attrs).filter(|_| !absent),
        recurse,
        recurselimit: below(attrs, "recurselimit"),
        max_files: below(attrs, "max_files"),
        purge: attrs.bool("purge").unwrap_or(false),
        ignore: ignore(attrs),
        force: attrs.bool("force").unwrap_or(false),
        replace: attrs.bool("replace").unwrap_or(true),
        backup: backup(attrs),
        validate_cmd: validate_cmd(attrs),
        show_diff: attrs.bool("show_diff").unwrap_or(true),
    };
    (attrs.findings.len() == before).then_some(Spec::File(file))
}

fn ensure(attrs: &Attrs<'_>, content: bool, target: bool) -> FileEnsure {
    match attrs.text("ensure").as_deref() {
        Some("directory") => FileEnsure::Directory,
        Some("link") => FileEnsure::Link,
        Some("absent") => FileEnsure::Absent,
        Some("file") => FileEnsure::File,
        _ if content => FileEnsure::File,
        _ if target => FileEnsure::Link,
        _ if attrs.bool("recurse") == Some(true) => FileEnsure::Directory,
        _ => FileEnsure::Present,
    }
}

/// What attributes demand of each other.
fn together(attrs: &mut Attrs<'_>, ensure: FileEnsure, target: Option<&str>) {
    let regular = matches!(ensure, FileEnsure::File | FileEnsure::Present | FileEnsure::Absent);
    if !regular {
        for name in ["content", "template", "validate_cmd"] {
            if attrs.values.contains_key(name) {
                let message = format!("`{name}` needs a regular file");
                attrs.fail("exclusive-attributes", name, message, "set `ensure = \"file\"`");
            }
        }
    }
    match (ensure, target) {
        (FileEnsure::Link, None) => {
            attrs.fail("missing-attribute", "ensure", "a link needs a `target`", "");
        }
        (FileEnsure::Link, Some("")) => attrs.fail("bad-value", "target", "this target is empty", ""),
        (FileEnsure::Link, Some(_)) | (_, None) => {}
        (FileEnsure::Absent, Some(_)) => {}
        (_, Some(_)) => {
            attrs.fail("exclusive-attributes", "target", "`target` needs `ensure = \"link\"`", "");
        }
    }
    let set = |attrs: &Attrs<'_>, name| attrs.bool(name) == Some(true);
    if set(attrs, "recurse") && !matches!(ensure, FileEnsure::Directory | FileEnsure::Absent) {
        attrs.fail(
            "exclusive-attributes",
            "recurse",
            "`recurse` needs a directory",
            "set `ensure = \"directory\"`",
        );
    }
    if set(attrs, "purge") && !set(attrs, "recurse") {
        attrs.fail("missing-attribute", "purge", "`purge` needs `recurse = true`", "");
    }
}

/// What a file with a secret must not be (D30): open to everybody, a program, or copied before it changes.
fn private(attrs: &mut Attrs<'_>) {
    if let Some(mode) = attrs.text("mode") {
        let bits = u32::from_str_radix(&mode, 8);
        if !bits.is_ok_and(|bits| bits & 0o117 == 0) {
            let message = format!("this file holds a secret, and `{mode}` is no mode for that");
            let instead =
                "in octal, nothing for others and no execution: `0600`, `0640`; without `mode` it is `0600`";
            attrs.fail("secret-mode", "mode", message, instead);
        }
    }
    if attrs.values.contains_key("backup") {
        let message = "this file holds a secret, and a backup would keep the old one";
        attrs.fail("secret-backup", "backup", message, "remove `backup`");
    }
}

/// The parts of the SELinux context that are stated.
fn context(attrs: &mut Attrs<'_>) -> Option<Box<Context>> {
    let mut part = |part: ContextPart| {
        let text = attrs.text(part.attr())?;
        if !part.is(&text) {
            let message = format!("`{}` is no part of a context", text.escape_default());
            attrs.fail(
                "bad-value",
                part.attr(),
                message,
                "one word, like `httpd_sys_content_t` or `s0:c1,c2`",
            );
        }
        Some(text)
    };
    let context = Context {
        seluser: part(ContextPart::User),
        selrole: part(ContextPart::Role),
        seltype: part(ContextPart::Type),
        selrange: part(ContextPart::Range),
    };
    (context != Context::default()).then(|| Box::new(context))
}

/// A number that says something of what is below a directory.
fn below(attrs: &mut Attrs<'_>, name: &'static str) -> Option<u32> {
    let number = attrs.number(name)?;
    if attrs.bool("recurse") != Some(true) {
        attrs.fail("missing-attribute", name, format!("`{name}` needs `recurse = true`"), "");
    }
    Some(number)
}

fn ignore(attrs: &mut Attrs<'_>) -> Vec<String> {
    let patterns = attrs.texts("ignore").unwrap_or_default();
    if !patterns.is_empty() && attrs.bool("recurse") != Some(true) {
        attrs.fail("missing-attribute", "ignore", "`ignore` needs `recurse = true`", "");
    }
    if patterns.iter().any(|pattern| pattern.is_empty() || pattern.contains('/')) {
        attrs.fail("bad-value", "ignore", "a pattern is held against each name of a path alone", "");
    }
    patterns
}

fn backup(attrs: &mut Attrs<'_>) -> Option<String> {
    let suffix = attrs.text("backup")?;
    if suffix.is_empty() || suffix.len() > 32 || suffix.contains('/') {
        let message = format!("`{}` is no suffix", suffix.escape_default());
        attrs.fail("bad-value", "backup", message, "`\"bucket\"`, or a suffix like `\".bak\"`");
    }
    Some(suffix)
}

fn validate_cmd(attrs: &mut Attrs<'_>) -> Vec<String> {
    let Some(command) = attrs.commands("validate_cmd").into_iter().next() else { return Vec::new() };
    let words: Vec<String> = match command {
        RawCommand::Argv(words) => words
            .into_iter()
            .filter_map(|word| match word {
                Word::Text(text) => Some(text),
                Word::Fact(_) => None,
            })
            .collect(),
        RawCommand::Text(_) => {
            let message = "text out of data is not split into words";
            attrs.fail("bad-value", "validate_cmd", message, "give a list, one element for each argument");
            return Vec::new();
        }
    };
    if !words.iter().any(|word| word == "%") {
        let message = "this does not say where the path of the new content goes";
        attrs.fail("bad-value", "validate_cmd", message, "give `%` as an element of its own");
    }
    words
}

/// An octal mode of a folder: whoever may read it may enter it, as Puppet has it.
fn searchable(mode: &str) -> String {
    let searchable = |c: char| match c.to_digit(8) {
        Some(digit) if digit & 4 != 0 => char::from_digit(digit | 1, 8).unwrap_or(c),
        _ => c,
    };
    if mode.chars().all(|c| c.is_ascii_digit()) {
        let (special, rest) = mode.split_at(mode.len().saturating_sub(3));
        special.chars().chain(rest.chars().map(searchable)).collect()
    } else {
        mode.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_can_be_entered_by_whoever_reads_them() {
        for (mode, expected) in [("0644", "0755"), ("640", "750"), ("4600", "4700"), ("u=rw", "u=rw")] {
            assert_eq!(searchable(mode), expected);
        }
    }
}
