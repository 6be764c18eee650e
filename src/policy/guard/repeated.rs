//! `xargs` and `parallel`: one command, again and again, with words from elsewhere.

use super::analysis::Analysis;
use super::options::Arguments;
use super::special::{file_content, replaced};
use crate::shell::Value;
use crate::shell::run::{Call, State};

/// Items that are put into a command one by one, at most.
const MAX_ITEMS: usize = 64;

/// `xargs`: the operands come from standard input.
pub(super) fn xargs(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Value {
    let Some(from) = arguments.operands.first().map(|o| o.at) else { return call.stdin.clone() };
    let words = &call.words[from..];
    let option = |names: &[&str]| option(arguments, names);
    let input = input(arguments, call, state);
    let braces = arguments.has(&["-i".to_owned(), "--replace".to_owned()]).then(|| "{}".to_owned());
    let replace = option(&["-I", "-J", "-i", "--replace"]).filter(|r| !r.is_empty()).or(braces);
    let nul = arguments.has(&["-0".to_owned(), "--null".to_owned()]);
    let delimiter =
        option(&["-d", "--delimiter"]).map(|d| crate::shell::decode(&d, crate::shell::Flavour::Printf));
    let mut items = items(&input, nul, delimiter.as_deref(), replace.is_some());
    // How many words an unknown text has nobody knows: `sh -c` gives the first of them to `$0`.
    if let [item] = items.as_slice()
        && item.has_dynamic()
        && words.iter().any(|word| word.literal() == Some("-c"))
    {
        items = vec![item.clone(); 3];
    }
    let mut run = |words: Vec<Value>, state: &mut State| {
        let spans = vec![call.span; words.len()];
        let stdin = Value::default();
        let inner = Call { stdin: &stdin, ..call.clone() };
        analysis.argv(&words, &spans, &inner, state)
    };
    match replace {
        None => run([words, &items].concat(), state),
        Some(mark) => {
            let mut output = Value::default();
            for item in items.iter().take(MAX_ITEMS) {
                output.append(&run(words.iter().map(|w| replaced(w, &mark, item)).collect(), state));
            }
            output
        }
    }
}

fn items(input: &Value, nul: bool, delimiter: Option<&str>, lines: bool) -> Vec<Value> {
    let Some(text) = input.literal() else {
        return input.lines().into_iter().filter(|l| !l.is_empty()).collect();
    };
    let parts: Vec<&str> = match delimiter {
        _ if nul => text.split('\0').collect(),
        Some(d) if !d.is_empty() => text.split(d).collect(),
        _ if lines => text.lines().map(str::trim).collect(),
        _ => text.split_whitespace().collect(),
    };
    parts.into_iter().filter(|p| !p.is_empty()).map(|p| Value::text(p.trim_matches(['"', '\'']))).collect()
}

/// `parallel`: the words, joined, are text for a shell, once for every combination of items.
pub(super) fn parallel(
    analysis: &mut Analysis<'_>,
    arguments: &Arguments,
    call: &Call<'_>,
    state: &mut State,
) -> Value {
    let from = arguments.operands.first().map_or(call.words.len(), |o| o.at);
    let is_source = |w: &Value| w.literal().is_some_and(|t| t.starts_with(":::"));
    let mut parts = call.words[from..].split_inclusive(is_source);
    let mut template = parts.next().unwrap_or_default();
    let mut mark = template.last().filter(|w| is_source(w)).map(Value::code);
    template = &template[..template.len() - usize::from(mark.is_some())];
    if arguments.has(&["--pipe".to_owned(), "--pipepart".to_owned()]) {
        return analysis.shell_text(&line(template, &[]), call.span, state, call.stdin);
    }
    let mut sources: Vec<Vec<Value>> = Vec::new();
    for part in parts {
        let next = part.last().filter(|w| is_source(w)).map(Value::code);
        let words = &part[..part.len() - usize::from(next.is_some())];
        sources.push(match mark.as_deref() {
            Some("::::" | "::::+") => words.iter().flat_map(|path| lines_of(path, call, state)).collect(),
            _ => words.to_vec(),
        });
        mark = next;
    }
    let input = input(arguments, call, state);
    if sources.is_empty() && !input.is_empty() {
        sources.push(items(&input, false, None, true));
    }
    let mut output = Value::default();
    for combination in combinations(&sources) {
        let code = line(template, &combination);
        output.append(&analysis.shell_text(&code, call.span, state, &Value::default()));
    }
    output
}

/// One item of each source, in every way.
fn combinations(sources: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let mut found: Vec<Vec<Value>> = vec![Vec::new()];
    for source in sources {
        let longer = found.iter().flat_map(|start| {
            source.iter().map(|item| [start.as_slice(), std::slice::from_ref(item)].concat())
        });
        found = longer.take(MAX_ITEMS).collect();
    }
    found
}

/// The template with its marks replaced; items that it does not mention stand at its end.
fn line(template: &[Value], items: &[Value]) -> Value {
    let mut all = Value::default();
    for item in items {
        if !all.is_empty() {
            all.append(&Value::text(" "));
        }
        all.append(item);
    }
    let mut marked = false;
    let mut code = Value::default();
    for word in template {
        let mut filled = replaced(word, "{}", &all);
        for (at, item) in items.iter().enumerate() {
            filled = replaced(&filled, &format!("{{{}}}", at + 1), item);
        }
        marked |= filled != *word;
        code.append(&filled);
        code.append(&Value::text(" "));
    }
    if !marked {
        code.append(&all);
    }
    code
}

fn lines_of(path: &Value, call: &Call<'_>, state: &State) -> Vec<Value> {
    let content = if path.literal() == Some("-") { call.stdin.clone() } else { file_content(path, state) };
    items(&content, false, None, true)
}

fn input(arguments: &Arguments, call: &Call<'_>, state: &State) -> Value {
    match option(arguments, &["-a", "--arg-file"]) {
        Some(path) => file_content(&Value::text(path), state),
        None => call.stdin.clone(),
    }
}

fn option(arguments: &Arguments, names: &[&str]) -> Option<String> {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    arguments.values(&names).last().map(Value::code)
}
