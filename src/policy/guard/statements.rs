//! Statements of other languages than a shell's: SQL, the commands of key-value stores, queries of
//! document databases, requests over HTTP. What they do is data: `policies/statements.toml`.

use super::analysis::Analysis;
use super::effect::{Effect, Kind};
use super::patterns::{Expression, Glob};
use super::special;
use crate::shell::run::{Call, State};
use crate::shell::{Dynamic, Part, Source, Span, Value};
use serde::Deserialize;

/// Statements inside one another (`EXECUTE '…'`), at most.
const MAX_DEPTH: usize = 8;

/// A statement that does harm: one `[[statement]]` of `policies/statements.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// Patterns of the languages it belongs to.
    languages: Vec<Glob>,
    /// What it looks like. The group `statement` is another statement, `command` text for a shell, `path` a file that is
    /// written, `script` a file of statements.
    pattern: Expression,
    /// Not if it also looks like this.
    unless: Option<Expression>,
    /// Its effect, where it has one by itself.
    #[serde(default)]
    effect: Option<Kind>,
    /// Its class.
    #[serde(default)]
    class: String,
}

/// `policies/statements.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The rows.
    pub(super) statement: Vec<Row>,
}

/// Where a client of a database finds its statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Statements {
    /// In each value.
    Values,
    /// The values are the words of one.
    Words,
    /// On standard input.
    Stdin,
    /// In files.
    Files,
    /// The operands and, on the next line, standard input are one.
    Conversation,
}

/// Judges the statements of a call.
pub(super) fn given(
    analysis: &mut Analysis<'_>,
    (from, language): (Statements, &str),
    selected: &[(Value, Span)],
    call: &Call<'_>,
    state: &mut State,
) {
    match from {
        Statements::Values => {
            for (value, span) in selected {
                text(analysis, language, value, *span, state);
            }
        }
        Statements::Stdin => text(analysis, language, call.stdin, call.span, state),
        Statements::Files => {
            for (path, span) in selected {
                file(analysis, language, path, (*span, 0), state);
            }
        }
        Statements::Words | Statements::Conversation => {
            let mut whole = Value::default();
            for (value, _) in selected {
                whole.append(&Value::text(if whole.is_empty() { "" } else { " " }));
                whole.append(value);
            }
            if from == Statements::Conversation {
                whole.append(&Value::text("\n"));
                whole.append(call.stdin);
            }
            text(analysis, language, &whole, call.span, state);
        }
    }
}

/// Judges what a redirection sends over the network.
pub(super) fn sent(
    analysis: &mut Analysis<'_>,
    path: &Value,
    content: &Value,
    span: Span,
    state: &mut State,
) {
    let Some(("", address)) = path.prefix().split_once("/dev/tcp/") else { return };
    let mut whole = Value::text(format!("{}\n", address.replace('/', " ")));
    whole.append(content);
    text(analysis, "wire", &whole, span, state);
}

/// Judges text in a language of statements: all of them, one after the other.
pub(super) fn text(analysis: &mut Analysis<'_>, language: &str, text: &Value, span: Span, state: &mut State) {
    if text.has(Source::Remote) {
        analysis.add(Effect::new(Kind::RemoteCode, "statements", text.to_string(), span));
        return;
    }
    if matches!(text.parts(), [] | [Part::Dynamic(Dynamic { source: Source::File, .. })]) {
        return;
    }
    for statement in split(language, &text.code()) {
        one(analysis, language, &statement, (span, 0), state);
    }
}

/// Judges one statement, and those inside it.
fn one(
    analysis: &mut Analysis<'_>,
    language: &str,
    statement: &str,
    (span, depth): (Span, usize),
    state: &mut State,
) {
    let rules = analysis.rules;
    let rows = rules.statements.iter().filter(|row| row.languages.iter().any(|l| l.matches(language)));
    for row in rows {
        let Some(found) = row.pattern.captures(statement) else { continue };
        if row.unless.as_ref().is_some_and(|unless| unless.is_match(statement)) {
            continue;
        }
        if let Some(kind) = row.effect {
            let shown = Value::text(statement.trim()).to_string();
            analysis.add(Effect::new(kind, row.class.as_str(), shown, span));
        }
        if let Some(inner) = found.name("statement").filter(|_| depth < MAX_DEPTH) {
            let language = if language == "http" { "sql" } else { language };
            for inner in split(language, inner.as_str()) {
                one(analysis, language, &inner, (span, depth + 1), state);
            }
        }
        if let Some(command) = found.name("command") {
            analysis.shell_text(&Value::text(command.as_str()), span, state, &Value::default());
        }
        if let Some(path) = found.name("path") {
            let path = Value::text(path.as_str());
            let content = Value::dynamic(Source::Output, true);
            analysis.add_path(Effect::new(Kind::Overwrite, "", "", span), &path, state);
            super::content::written(analysis, &path, &content, span, state);
            state.write(&path, content, false);
        }
        if let Some(script) = found.name("script").filter(|_| depth < MAX_DEPTH) {
            file(analysis, language, &Value::text(script.as_str()), (span, depth + 1), state);
        }
    }
}

/// Judges a file of statements, if the script itself has written it.
pub(super) fn file(
    analysis: &mut Analysis<'_>,
    language: &str,
    path: &Value,
    (span, depth): (Span, usize),
    state: &mut State,
) {
    let content = special::file_content(path, state);
    if content.has(Source::Remote) {
        analysis.add(Effect::new(Kind::RemoteCode, "download", path.to_string(), span));
    } else if state.written(path).is_some() {
        for statement in split(language, &content.code()) {
            one(analysis, language, &statement, (span, depth), state);
        }
    }
}

/// The statements of a text: lines, or what stands between semicolons, without comments.
fn split(language: &str, text: &str) -> Vec<String> {
    if language.starts_with("sql") {
        return sql(text);
    }
    match language {
        "redis" => text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect(),
        _ => vec![text.to_owned()],
    }
}

/// Statements of SQL. Lines that start with a backslash or a dot are commands of the client, and end with the line.
fn sql(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut plain = String::new();
    for line in uncommented(text).lines() {
        let start = line.trim_start();
        if start.starts_with('\\') || (start.starts_with('.') && plain.trim().is_empty()) {
            found.push(start.trim_end().to_owned());
        } else {
            plain.push_str(line);
            plain.push('\n');
        }
    }
    let mut statement = String::new();
    let mut quote = None;
    for c in plain.chars() {
        match (quote, c) {
            (None, ';') => found.push(std::mem::take(&mut statement)),
            (None, '\'' | '"' | '`') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
        if c != ';' || quote.is_some() {
            statement.push(c);
        }
    }
    // An open quote at the end means that the quotes were misread: every piece counts then.
    if quote.is_some() {
        found.extend(statement.split(';').map(str::to_owned));
    } else {
        found.push(statement);
    }
    found.retain(|s| !s.trim().is_empty());
    found.iter().map(|s| s.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// SQL without comments. What MySQL executes although it stands in one stays.
fn uncommented(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("/*") {
        out.push_str(&rest[..at]);
        out.push(' ');
        let end = rest[at..].find("*/").map_or(rest.len(), |end| at + end);
        if let Some(executed) = rest.get(at + 3..end).filter(|_| rest[at + 2..].starts_with('!')) {
            out.push_str(executed.trim_start_matches(|c: char| c.is_ascii_digit()));
            out.push(' ');
        }
        rest = rest.get(end + 2..).unwrap_or("");
    }
    out.push_str(rest);
    out.lines()
        .map(|l| {
            if l.trim_start().starts_with("--") { "" } else { l.split(" --").next().unwrap_or("") }.to_owned()
                + "\n"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::split;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(split("sql", text), expected, "{text}");
    }

    #[test]
    fn statements_end_at_semicolons() {
        check("select 1; drop  table x;", &["select 1", "drop table x"]);
        check("select ';'", &["select ';'"]);
        check("insert into t values ('a;b'); select 2", &["insert into t values ('a;b')", "select 2"]);
        check("drop table x -- gone\n;", &["drop table x"]);
        check("/* drop */ select 1", &["select 1"]);
        check("/*!50000 drop*/ table x", &["drop table x"]);
    }

    #[test]
    fn commands_of_the_client_end_with_the_line() {
        check("\\! id\nselect 1", &["\\! id", "select 1"]);
        check(".shell id\n.quit", &[".shell id", ".quit"]);
    }

    #[test]
    fn an_open_quote_hides_nothing() {
        check("select it's; drop table x", &["select it's", "drop table x"]);
    }
}
