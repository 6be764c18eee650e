//! `augtool`: nodes of configuration files that are set and removed.

use super::analysis::Analysis;
use super::content;
use super::effect::{Effect, Kind};
use super::options::Arguments;
use super::resource::words;
use super::special::file_content;
use crate::shell::Value;
use crate::shell::run::{Call, State};

/// Commands in the arguments, on standard input, or in files that the script wrote.
pub(super) fn augeas(analysis: &mut Analysis<'_>, arguments: &Arguments, call: &Call<'_>, state: &mut State) {
    let operands: Vec<String> = arguments.operands.iter().map(|o| o.value.code()).collect();
    command(analysis, &operands, call, state);
    let names = ["-f".to_owned(), "--file".to_owned()];
    let mut texts: Vec<String> =
        arguments.values(&names).map(|path| file_content(path, state).code()).collect();
    texts.push(call.stdin.code());
    for line in texts.iter().flat_map(|text| text.lines()) {
        let words: Vec<String> = words(line).iter().map(|w| w.trim_matches(['"', '\'']).to_owned()).collect();
        command(analysis, &words, call, state);
    }
}

fn command(analysis: &mut Analysis<'_>, words: &[String], call: &Call<'_>, state: &mut State) {
    let [verb, node, values @ ..] = words else { return };
    let Some(path) = node.strip_prefix("/files").filter(|p| p.starts_with('/')) else { return };
    let removes = matches!(verb.as_str(), "rm" | "mv" | "move" | "rename");
    if !removes
        && !matches!(
            verb.as_str(),
            "set" | "setm" | "clear" | "touch" | "ins" | "insert" | "store" | "clearm"
        )
    {
        return;
    }
    if removes {
        let mut gone = Effect::new(Kind::Delete, "", "", call.span);
        gone.recursive = true;
        analysis.add_path(gone, &Value::text(path.trim_end_matches("/*").trim_end_matches("//")), state);
    }
    // Where the file ends and its nodes begin, only the machine knows.
    for (at, _) in path.match_indices('/').skip(1) {
        let (file, setting) = path.split_at(at);
        let mut edit = Effect::new(Kind::Edit, "", "", call.span);
        edit.forced = true;
        analysis.add_path(edit, &Value::text(file), state);
        let line = format!("{} {}", setting.replace('/', " ").trim(), values.join(" "));
        content::lines(analysis, file, (&line, content::Extent::Part), call.span, state);
    }
    // In a crontab or unit a value is a command.
    for value in values {
        analysis.try_text(&Value::text(value.as_str()), call.span, state);
    }
}
