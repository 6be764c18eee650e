//! Files that some program will execute: what is in them counts like a command.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::patterns::{Expression, OfPaths};
use super::rules::Rules;
use super::{firewall, interpreter, is_mark, sudoers};
use crate::shell::run::{State, matches};
use crate::shell::{Dynamic, Part, Source, Span, Value};
use serde::Deserialize;

/// One row of `policies/content.toml`: paths and how what is in them is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// How the content is read.
    reads: Reads,
    /// Patterns of paths.
    paths: Vec<String>,
}

/// Lines of files that do harm wherever the file is read: `[[line]]` of `policies/content.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// Patterns of paths.
    paths: Vec<String>,
    /// What a line looks like. A group named `command` is text for a shell.
    pattern: Expression,
    /// What a match is not to look like.
    except: Option<Expression>,
    /// What the whole text is not to hold.
    unless: Option<Expression>,
    /// Only where the text is all that the file holds.
    #[serde(default)]
    whole: bool,
    /// A command that does the same, with the groups of the pattern in it.
    #[serde(default)]
    run: Option<String>,
    /// The effect, where the line has one by itself.
    #[serde(default)]
    effect: Option<Kind>,
    /// Its class.
    #[serde(default)]
    class: String,
}

/// What files usually hold: `[[usual]]` of `policies/content.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Usual {
    /// Patterns of paths.
    paths: Vec<String>,
    /// The text.
    pub(super) text: String,
    /// The form of a line, with `{name}` and `{number}` for what is different in each.
    #[serde(default)]
    pub(super) each: String,
}

impl OfPaths for Row {
    fn paths(&self) -> &[String] {
        &self.paths
    }
}

impl OfPaths for Line {
    fn paths(&self) -> &[String] {
        &self.paths
    }
}

impl OfPaths for Usual {
    fn paths(&self) -> &[String] {
        &self.paths
    }
}

/// Where what is written takes no room.
const NOWHERE: [&str; 6] = ["/dev/null", "/dev/full", "/dev/stdout", "/dev/stderr", "/dev/tty*", "/dev/fd/*"];

/// How the content of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reads {
    /// As a shell script.
    Shell,
    /// As a crontab with a user in each line.
    SystemCrontab,
    /// As a user's crontab.
    UserCrontab,
    /// As rules of sudo.
    Sudoers,
    /// As keys that may log in.
    AuthorizedKeys,
    /// As libraries that every program loads.
    Preload,
    /// As accounts.
    Accounts,
    /// As rules of a packet filter.
    PacketFilter,
    /// As a unit of systemd.
    Unit,
    /// As lines of which some run a command after one of these words: logrotate, udev, apt, dpkg.
    Hooks,
}

/// How much of a file a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All that it holds from now on.
    Whole,
    /// Something that it holds from now on.
    Part,
}

/// Judges what `path` holds from now on.
pub(super) fn written(
    analysis: &mut Analysis<'_>,
    path: &Value,
    content: &Value,
    span: Span,
    state: &mut State,
) {
    placed(analysis, path, (content, Extent::Whole), span, state);
}

/// Judges what is added to `path`.
pub(super) fn added(
    analysis: &mut Analysis<'_>,
    path: &Value,
    content: &Value,
    span: Span,
    state: &mut State,
) {
    placed(analysis, path, (content, Extent::Part), span, state);
}

/// Judges a file that gets another name, or whose content is not known: by where it is.
pub(super) fn named(
    analysis: &mut Analysis<'_>,
    path: &Value,
    (how, source): (&str, &Value),
    span: Span,
    state: &mut State,
) {
    for (to, from) in state.absolute(&path.settled()).iter().zip(state.absolute(&source.settled())) {
        let path = to.code();
        let path = crate::shell::run::normal(&path);
        let name = path.rsplit('/').next().unwrap_or("");
        let text = format!("{how} {} as {name}", crate::shell::run::normal(&from.code()));
        lines(analysis, &path, (&text, Extent::Part), span, state);
    }
}

fn placed(
    analysis: &mut Analysis<'_>,
    path: &Value,
    (content, extent): (&Value, Extent),
    span: Span,
    state: &mut State,
) {
    let shown = path.settled();
    let whole = state.absolute(&shown);
    let Some(text) = whole.first().map(Value::code) else { return };
    let text = crate::shell::run::normal(&text);
    if content.has(Source::Endless) && !NOWHERE.iter().any(|p| matches(p, &text)) {
        analysis.add(Effect::new(Kind::Exhaustion, "disk", text, span));
        return;
    }
    let rules = analysis.rules;
    if let Some(name) = text.strip_prefix("/proc/sys/") {
        let value = content.code().trim().replace('\'', "'\\''");
        let setting = format!("sysctl -w '{}={value}'", name.replace('/', "."));
        analysis.shell_text(&Value::text(setting), span, state, &Value::default());
    }
    let known = if content.has_dynamic() { Extent::Part } else { extent };
    lines(analysis, &text, (&content.code(), known), span, state);
    let Some(row) = rules.content.of(&text).next() else { return };
    judge(analysis, row.reads, &text, content, span, state);
}

/// Judges what is left at the end: programs that came over the network, and that nothing has checked.
pub(super) fn left(analysis: &mut Analysis<'_>, state: &State) {
    let rules = analysis.rules;
    if !state.has_downloads() {
        return;
    }
    let remote = state.files.iter().filter(|(_, content)| content.has(Source::Remote));
    for path in remote.map(|(path, _)| path).collect::<std::collections::BTreeSet<_>>() {
        if rules.program_paths.of(path).next().is_some() {
            analysis.add(Effect::new(Kind::UnverifiedCode, "program", path, Span::default()));
        }
    }
}

/// Looks for lines that do harm in the file at `path`.
pub(super) fn lines(
    analysis: &mut Analysis<'_>,
    path: &str,
    (content, extent): (&str, Extent),
    span: Span,
    state: &mut State,
) {
    let rules = analysis.rules;
    let here = |row: &&Line| {
        (!row.whole || extent == Extent::Whole)
            && !row.unless.as_ref().is_some_and(|unless| unless.is_match(content))
    };
    for row in rules.lines.of(path).filter(here) {
        for found in row.pattern.captures_iter(content) {
            if row.except.as_ref().is_some_and(|except| except.is_match(&found[0])) {
                continue;
            }
            if let Some(kind) = row.effect {
                analysis.add(Effect::new(kind, row.class.as_str(), found[0].trim(), span));
            }
            let mut command = found.name("command").map_or_else(String::new, |c| c.as_str().to_owned());
            if let Some(run) = &row.run {
                found.expand(run, &mut command);
            }
            if !command.is_empty() {
                resident(analysis, &Value::text(command), span, state);
            }
        }
    }
}

/// Runs text that the machine will run by itself from now on: what it starts must not be anybody's to
/// change.
fn resident(analysis: &mut Analysis<'_>, code: &Value, span: Span, state: &mut State) {
    analysis.resident += 1;
    analysis.shell_text(code, span, state, &Value::default());
    analysis.resident -= 1;
}

/// Whether some program executes the file at `path`: by its path, or by its first line.
pub(super) fn is_code(rules: &Rules, path: &str, content: &Value, executable: bool) -> bool {
    let listed = rules.content.of(path).next().is_some();
    listed || executable || path.ends_with(".sh") || content.prefix().starts_with("#!")
}

/// Judges the content of the file at `path`: by its path, or by its first line.
pub(super) fn file(
    analysis: &mut Analysis<'_>,
    path: &str,
    content: &Value,
    executable: bool,
    state: &mut State,
) {
    let rules = analysis.rules;
    let span = Span::default();
    lines(analysis, path, (&content.code(), Extent::Whole), span, state);
    if let Some(row) = rules.content.of(path).next() {
        return judge(analysis, row.reads, path, content, span, state);
    }
    let first = content.prefix().lines().next().unwrap_or("");
    match first.strip_prefix("#!").map(interpreter::of_shebang).as_deref() {
        Some("sh") => judge(analysis, Reads::Shell, path, content, span, state),
        Some(language) => drop(interpreter::script(
            analysis,
            language,
            content,
            &interpreter::Input::default(),
            span,
            state,
        )),
        None if executable || path.ends_with(".sh") => {
            judge(analysis, Reads::Shell, path, content, span, state)
        }
        None => {}
    }
}

fn judge(
    analysis: &mut Analysis<'_>,
    reads: Reads,
    path: &str,
    content: &Value,
    span: Span,
    state: &mut State,
) {
    let backdoor = |class: &str, target: &str| Effect::new(Kind::Backdoor, class, target, span);
    if content.has(Source::Remote) {
        analysis.add(backdoor("remote", path));
        return;
    }
    let local = matches!(content.parts(), [Part::Dynamic(Dynamic { source: Source::File, .. })]);
    match reads {
        // A file of the machine is reviewed where it comes from.
        Reads::Shell if local => {}
        Reads::Shell => resident(analysis, content, span, state),
        Reads::SystemCrontab => crontab(analysis, content, 1, span, state),
        Reads::UserCrontab => crontab(analysis, content, 0, span, state),
        Reads::Sudoers => {
            for line in content.code().lines().map(str::trim).filter(|l| sudoers::for_everything(l)) {
                analysis.add(backdoor("sudo", line));
            }
        }
        Reads::AuthorizedKeys => {
            if !content.is_empty() {
                analysis.add(backdoor("key", path));
            }
        }
        Reads::Preload => {
            if !content.code().trim().is_empty() {
                analysis.add(backdoor("preload", path));
            }
        }
        Reads::Accounts => {
            let root = |l: &&str| l.split(':').nth(2) == Some("0") && !l.starts_with("root:");
            for line in content.code().lines().filter(root) {
                analysis.add(backdoor("account", line));
            }
        }
        Reads::PacketFilter => firewall::file(analysis, &content.code(), path, span),
        Reads::Unit => unit(analysis, content, span, state),
        Reads::Hooks => hooks(analysis, content, span, state),
    }
}

/// Runs the command of every line; `users` words stand between the time and the command.
fn crontab(analysis: &mut Analysis<'_>, content: &Value, users: usize, span: Span, state: &mut State) {
    for line in content.code().lines() {
        // What another program prints before it ends with a line feed.
        let line = line.trim_start_matches(is_mark).trim_start();
        let setting = line
            .split_once('=')
            .is_some_and(|(n, _)| n.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        if line.is_empty() || line.starts_with('#') || setting {
            continue;
        }
        let skip = users + if line.starts_with('@') { 1 } else { 5 };
        let mut rest = line;
        for _ in 0..skip {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            rest = rest[end..].trim_start();
        }
        let command = rest.replace("\\%", "%");
        resident(analysis, &Value::text(command), span, state);
    }
}

/// Runs the `Exec…=` lines of a unit.
fn unit(analysis: &mut Analysis<'_>, content: &Value, span: Span, state: &mut State) {
    let text = content.code().replace("\\\n", " ");
    for line in text.lines().map(str::trim) {
        let Some((name, command)) = line.split_once('=') else { continue };
        if name.trim_end().starts_with("Exec") {
            let command = command
                .trim_start_matches(['-', '@', '+', '!', ':', ' '])
                .replace("$$", "$")
                .replace("%%", "%");
            resident(analysis, &Value::text(command), span, state);
        }
    }
}

/// Runs what follows the words with which logrotate, udev, apt and dpkg start programs.
fn hooks(analysis: &mut Analysis<'_>, content: &Value, span: Span, state: &mut State) {
    let text = content.code();
    let mut block: Option<String> = None;
    for line in text.lines().map(str::trim) {
        match (&mut block, line) {
            (_, "postrotate" | "prerotate" | "firstaction" | "lastaction" | "preremove") => {
                block = Some(String::new())
            }
            (Some(_), "endscript") => {
                let script = block.take().unwrap_or_default();
                resident(analysis, &Value::text(script), span, state);
            }
            (Some(script), line) => {
                script.push_str(line);
                script.push('\n');
            }
            (None, line) => {
                let runs = [
                    "RUN+=",
                    "RUN=",
                    "PROGRAM=",
                    "Pre-Invoke",
                    "Post-Invoke",
                    "Pre-Install-Pkgs",
                    "pre-invoke",
                    "post-invoke",
                ];
                if let Some(at) = runs.iter().find_map(|r| line.find(r)) {
                    for quoted in line[at..].split('"').skip(1).step_by(2) {
                        resident(analysis, &Value::text(quoted), span, state);
                    }
                }
            }
        }
    }
}
