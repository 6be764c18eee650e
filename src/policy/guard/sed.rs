//! `sed`: scripts that write files, run what they make, or change files in place.

use super::analysis::Analysis;
use super::content::{self, Extent};
use super::effect::{Effect, Kind};
use super::options::Arguments;
use super::patterns::OfPaths;
use super::sed_script::{self, Command, Mode};
use super::special::file_content;
use crate::shell::run::{Call, State};
use crate::shell::{Span, Value};
use serde::Deserialize;

/// Lines of a file that an edit must leave: `[[keep]]` of `policies/content.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keep {
    /// Patterns of paths.
    paths: Vec<String>,
    /// Lines as they usually are.
    lines: Vec<String>,
    /// How many of their first words matter.
    fields: usize,
}

impl OfPaths for Keep {
    fn paths(&self) -> &[String] {
        &self.paths
    }
}

/// A line that no script looks for: what loses it loses everything.
const ANY_LINE: &str = "qzx0 qzx1";

/// `sed`: what a script writes, runs, or does to files that it edits in place.
pub(super) fn stream_editor(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) {
    let given = |names: &[&str]| arguments.has(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
    let option = ["-e".to_owned(), "--expression".to_owned()];
    let mut scripts: Vec<String> = arguments.values(&option).map(Value::code).collect();
    let mut files: Vec<&Value> = arguments.operands.iter().map(|o| &o.value).collect();
    for file in arguments.values_of(["-f", "--file"].into_iter()) {
        let script = if matches!(file.literal(), Some("-" | "/dev/stdin")) {
            call.stdin.clone()
        } else {
            file_content(file, state)
        };
        scripts.extend(script.literal().map(str::to_owned));
    }
    if scripts.is_empty() && !files.is_empty() && !given(&["-f", "--file"]) {
        scripts.push(files.remove(0).code());
    }
    let commands: Vec<Command> = scripts.iter().flat_map(|script| sed_script::parse(script)).collect();
    for command in &commands {
        executes(analysis, command, call, state);
    }
    if !given(&["-i", "--in-place"]) {
        return;
    }
    let mode = Mode {
        extended: given(&["-E", "-r", "--regexp-extended"]),
        quiet: given(&["-n", "--quiet", "--silent"]),
    };
    in_place(analysis, (&commands, mode), &files, call.span, state);
}

/// `perl -pi -e`: the substitutions in a script that goes through files line by line and changes them.
pub(super) fn substitutions(
    analysis: &mut Analysis<'_>,
    script: &str,
    files: &[Value],
    span: Span,
    state: &mut State,
) {
    let starts =
        |s: &&str| s.strip_prefix('s').is_some_and(|r| r.starts_with(|c: char| "/|#,!@".contains(c)));
    let statements = script.split([';', '\n']).map(str::trim).filter(starts);
    let commands: Vec<Command> = statements
        .filter_map(|s| {
            sed_script::parse(&s.replace("\\$", "$").replace("${", "$").replace('$', "\\")).into_iter().next()
        })
        .collect();
    let mode = Mode { extended: true, quiet: false };
    in_place(analysis, (&commands, mode), &files.iter().collect::<Vec<_>>(), span, state);
}

/// What commands do to files that are edited in place.
fn in_place(
    analysis: &mut Analysis<'_>,
    (commands, mode): (&[Command], Mode),
    files: &[&Value],
    span: Span,
    state: &mut State,
) {
    for file in files.iter().filter(|_| mode.quiet || !commands.is_empty()) {
        for (path, line) in changed(analysis, commands, mode, file, state) {
            content::lines(analysis, &path, (&line, Extent::Part), span, state);
        }
        if loses(analysis, commands, mode, file, state) {
            analysis.add_path(Effect::new(Kind::Truncate, "", "", span), file, state);
        }
        let path = file.code();
        for text in commands.iter().filter_map(inserted) {
            content::lines(analysis, &path, (&text, Extent::Part), span, state);
        }
        let made = Value::text(made(analysis, commands, mode, file, state));
        content::added(analysis, file, &made, span, state);
    }
}

/// What a command writes elsewhere, and what it runs.
fn executes(analysis: &mut Analysis<'_>, command: &Command, call: &Call<'_>, state: &mut State) {
    let path = match command.name {
        'w' | 'W' => Value::text(command.argument.as_str()),
        _ => Value::text(command.file.as_str()),
    };
    if !path.is_empty() {
        analysis.add_path(Effect::new(Kind::Overwrite, "", "", call.span), &path, state);
        content::written(analysis, &path, &Value::default(), call.span, state);
    }
    match command.name {
        'e' if !command.argument.is_empty() => {
            let code = Value::text(command.argument.as_str());
            analysis.shell_text(&code, call.span, state, &Value::default());
        }
        's' if command.flags.contains('e') => {
            let shown = command.replacement.as_str();
            analysis.add(Effect::new(Kind::Undetermined, "script", shown, call.span));
            let code = Value::text(shown);
            analysis.shell_text(&code, call.span, state, &Value::default());
        }
        _ => {}
    }
}

/// Lines that usually are in a file, as an edit leaves them, and the path of the file.
fn changed(
    analysis: &Analysis<'_>,
    commands: &[Command],
    mode: Mode,
    file: &Value,
    state: &State,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in state.absolute(file).iter().filter_map(|p| p.literal().map(str::to_owned)) {
        for line in analysis.rules.keeps.of(&path).flat_map(|keep| &keep.lines) {
            if let Some(left) = sed_script::rest(commands, mode, line).filter(|left| left != line) {
                found.push((path.clone(), left));
            }
        }
    }
    found
}

/// Whether an edit loses what must stay in a file, or all that is in it.
fn loses(analysis: &Analysis<'_>, commands: &[Command], mode: Mode, file: &Value, state: &State) -> bool {
    let lost = |line: &str, fields: usize| {
        let left = sed_script::rest(commands, mode, line).unwrap_or_default();
        !line.split_whitespace().take(fields).eq(left.split_whitespace().take(fields))
    };
    let all = sed_script::rest(commands, mode, ANY_LINE).is_none_or(|left| left.trim().is_empty());
    all || state.absolute(file).iter().filter_map(Value::literal).any(|path| {
        analysis.rules.keeps.of(path).any(|keep| keep.lines.iter().any(|line| lost(line, keep.fields)))
    })
}

/// The lines that an edit adds to a file, or makes of what it holds, or of what such a file usually holds.
fn made(analysis: &Analysis<'_>, commands: &[Command], mode: Mode, file: &Value, state: &State) -> String {
    let places = state.absolute(file);
    let mut usual = places.iter().filter_map(Value::literal).flat_map(|path| analysis.rules.usual.of(path));
    let (text, sought) = match (state.written(file).and_then(Value::literal), usual.next()) {
        (Some(known), _) => (known, Vec::new()),
        (None, Some(usual)) => (usual.text.as_str(), sed_script::sought(commands, &usual.each)),
        (None, None) => ("", Vec::new()),
    };
    let before = text.lines().chain(sought.iter().map(String::as_str));
    let added = commands.iter().filter(|c| matches!(c.name, 'a' | 'i' | 'c')).map(|c| c.argument.clone());
    let changed = before.filter_map(|line| {
        let left = sed_script::rest(commands, mode, line)?;
        (left != line).then_some(left)
    });
    added.chain(changed).flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// The text that a command puts into a file.
fn inserted(command: &Command) -> Option<String> {
    match command.name {
        's' => Some(command.replacement.replace("\\n", "\n").replace('\\', "")),
        'a' | 'i' | 'c' => Some(command.argument.clone()),
        _ => None,
    }
}
