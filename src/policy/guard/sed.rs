//! `sed`: scripts that write files, run what they make, or put lines into files.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::options::Arguments;
use crate::shell::Value;
use crate::shell::run::{Call, State};

/// `sed`: what a script writes, runs, or puts into files that it edits in place.
pub(super) fn stream_editor(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) {
    let given = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let mut scripts: Vec<String> =
        arguments.values(&given(&["-e", "--expression"])).map(Value::code).collect();
    let mut files: Vec<&Value> = arguments.operands.iter().map(|o| &o.value).collect();
    if scripts.is_empty() && !files.is_empty() && !arguments.has(&given(&["-f", "--file"])) {
        scripts.push(files.remove(0).code());
    }
    let in_place = arguments.has(&given(&["-i", "--in-place"]));
    for script in &scripts {
        for (path, content) in written_by_sed(script) {
            let path = Value::text(path);
            analysis.add_path(Effect::new(Kind::Overwrite, "", "", call.span), &path, state);
            super::content::written(analysis, &path, &Value::text(content), call.span, state);
        }
        for command in executed_by_sed(script) {
            analysis.shell_text(&Value::text(command), call.span, state, &Value::default());
        }
        if runs_pattern_space(script) {
            analysis.add(Effect::new(Kind::Undetermined, "script", script.as_str(), call.span));
        }
        for file in files.iter().filter(|_| in_place) {
            let path = file.code();
            for text in inserted_by_sed(script) {
                super::content::lines(analysis, &path, &text, call.span, state);
            }
        }
    }
}

/// The files of `w` commands.
fn written_by_sed(script: &str) -> Vec<(String, String)> {
    let words: Vec<&str> = script.split_whitespace().collect();
    let writes = |w: &str| w == "w" || w.ends_with("/w") || w.ends_with("/gw") || w.ends_with("}w");
    let pairs = words.windows(2).filter(|pair| writes(pair[0]) && pair[1].starts_with('/'));
    pairs.map(|pair| (pair[1].to_owned(), String::new())).collect()
}

/// The texts behind the command `e`.
fn executed_by_sed(script: &str) -> impl Iterator<Item = &str> {
    script.split(['\n', ';', '{', '}']).filter_map(|command| {
        let address = |c: char| c.is_ascii_digit() || matches!(c, '$' | '!' | ',' | '~' | ' ');
        let command = command.trim_start_matches(address);
        let pattern = command.strip_prefix('/').and_then(|r| r.split_once('/')).map(|(_, rest)| rest);
        pattern.unwrap_or(command).trim_start_matches(['I', '!', ' ']).strip_prefix("e ")
    })
}

/// Whether a substitution has the flag `e`: what it makes is run.
fn runs_pattern_space(script: &str) -> bool {
    substitutions(script).iter().any(|(_, _, flags)| flags.contains('e'))
}

/// The texts that substitutions and `a`, `i`, `c` commands put into a file.
fn inserted_by_sed(script: &str) -> Vec<String> {
    let mut texts: Vec<String> = substitutions(script)
        .into_iter()
        .map(|(_, to, _)| to.replace("\\n", "\n").replace('\\', ""))
        .collect();
    let command = script.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ' ' | ','));
    let command = command.strip_prefix('/').and_then(|r| r.split_once('/')).map_or(command, |(_, rest)| rest);
    if let Some(text) = command.trim_start().strip_prefix(['a', 'i', 'c']) {
        texts.push(text.trim_start_matches(['\\', ' ', '\n']).to_owned());
    }
    texts
}

/// The `s` commands of a script: pattern, replacement, flags.
fn substitutions(script: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for command in script.split([';', '\n']) {
        let command = command.trim();
        let Some(at) = command.find('s') else { continue };
        let Some(separator) = command[at + 1..].chars().next().filter(|c| c.is_ascii_punctuation()) else {
            continue;
        };
        let parts: Vec<&str> = command[at + 1 + separator.len_utf8()..].split(separator).collect();
        if let [from, to, flags] = parts.as_slice() {
            found.push(((*from).to_owned(), (*to).to_owned(), (*flags).to_owned()));
        }
    }
    found
}
