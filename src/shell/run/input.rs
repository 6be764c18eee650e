//! Builtins that take input apart: `read`, `mapfile`, `getopts`.

use super::state::State;
use super::variables::Contents;
use super::{Call, Place, Shell};
use crate::shell::{Part, Source, Value};

/// Records that `read` tells apart, at most.
const MAX_RECORDS: usize = 32;

/// The options and operands of `read` and `mapfile`.
#[derive(Default)]
struct Request {
    names: Vec<Value>,
    array: Option<Value>,
    /// Where a record ends; nothing means at the end of a line.
    delimiter: Option<String>,
    /// Characters that are read, at most.
    count: Option<usize>,
    /// Records that are left out.
    skip: usize,
    /// The descriptor that is read.
    descriptor: Option<i32>,
    /// What is run for the elements of an array.
    callback: Option<Value>,
}

impl Request {
    fn read(command: &str, arguments: &[Value]) -> Self {
        let taking = if command == "read" { "adinNptu" } else { "dnOsuCc" };
        let mut request = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let text = argument.prefix();
            let Some(letters) = text.strip_prefix('-').filter(|l| !l.is_empty() && *l != "-") else {
                if text != "--" {
                    request.names.push(argument.clone());
                }
                continue;
            };
            if let Some(at) = letters.find(|c| taking.contains(c)) {
                let attached = crate::shell::run::behind(argument, at + 2);
                let value =
                    if attached.is_empty() { rest.next().cloned().unwrap_or_default() } else { attached };
                request.option(command, letters[at..].chars().next().unwrap_or(' '), value);
            }
        }
        request
    }

    fn option(&mut self, command: &str, letter: char, value: Value) {
        let number = value.literal().and_then(|t| t.parse::<usize>().ok());
        match (command, letter) {
            ("read", 'a') => self.array = Some(value),
            (_, 'd') => self.delimiter = Some(value.literal().unwrap_or("").chars().take(1).collect()),
            ("read", 'n' | 'N') => self.count = number,
            ("read", _) if letter != 'u' => {}
            (_, 's') => self.skip = number.unwrap_or(0),
            (_, 'u') => self.descriptor = number.and_then(|n| i32::try_from(n).ok()),
            (_, 'C') => self.callback = Some(value),
            _ => {}
        }
    }

    fn records(&self, input: &Value) -> Vec<Value> {
        let records = match &self.delimiter {
            None => input.lines(),
            Some(delimiter) => {
                let end = if delimiter.is_empty() { '\0' } else { delimiter.chars().next().unwrap_or('\n') };
                input.split_at_each(end)
            }
        };
        // What prints names that end with a zero byte may be computed as lines.
        let zero = self.delimiter.as_deref() == Some("");
        let records = records.into_iter().map(|r| if zero { r.trimmed() } else { r });
        let cut = |record: Value| match (self.count, record.literal()) {
            (Some(count), Some(text)) => Value::text(text.chars().take(count).collect::<String>()),
            _ => record,
        };
        records.skip(self.skip).map(cut).collect()
    }
}

impl Shell<'_> {
    /// `read`
    pub(super) fn read(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let mut request = Request::read("read", &call.words[1..]);
        let input = self.input(&request, call, state);
        let separators =
            state.variable("IFS").and_then(|v| v.literal().map(str::to_owned)).unwrap_or_default();
        let records: Vec<Value> = request.records(&input).into_iter().take(MAX_RECORDS).collect();
        if let Some(array) = &request.array {
            let fields = records.first().map(|r| fields(r, &separators)).unwrap_or_default();
            state.variables.put(&array.code(), Contents::list(fields));
            return Value::default();
        }
        if request.names.is_empty() {
            request.names.push(Value::text("REPLY"));
        }
        let last = request.names.len() - 1;
        for (at, name) in request.names.iter().enumerate() {
            let mut values: Vec<Value> =
                records.iter().map(|r| field(r, (at, at == last), &separators)).collect();
            if values.is_empty() {
                values = vec![if input.is_empty() {
                    Value::default()
                } else {
                    Value::dynamic(Source::Input, true)
                }];
            }
            let first = values.first().cloned().unwrap_or_default();
            self.store_named(name, first, state, call.span);
            if values.len() > 1 {
                state.set_any(&name.code(), values);
            }
        }
        Value::default()
    }

    /// `mapfile`, `readarray`
    pub(super) fn read_array(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let request = Request::read("mapfile", &call.words[1..]);
        let input = self.input(&request, call, state);
        let records = request.records(&input);
        if let Some(callback) = &request.callback {
            let mut code = callback.clone();
            code.append(&Value::text(" 0 "));
            code.append(&records.first().cloned().unwrap_or_default());
            self.text(&code.code(), Place::Computed(call.span), state, &Value::default());
        }
        let name = request.names.first().map_or_else(|| "MAPFILE".to_owned(), Value::code);
        self.subscript_of(&Value::text(name.as_str()), state, call.span);
        state.variables.put(&name, Contents::list(records));
        Value::default()
    }

    fn input(&mut self, request: &Request, call: &Call<'_>, state: &State) -> Value {
        let opened = request.descriptor.and_then(|fd| state.inputs.get(&fd).cloned());
        opened.unwrap_or_else(|| call.stdin.clone())
    }

    /// `getopts`: the variable is every option that is given, one after the other.
    pub(super) fn options(&mut self, call: &Call<'_>, state: &mut State) -> Value {
        let [_, known, name, given @ ..] = call.words else { return Value::default() };
        let given = if given.is_empty() { state.positional.clone() } else { given.to_vec() };
        let known = known.code();
        let takes = |letter: char| {
            known.find(letter).is_some_and(|at| known[at + letter.len_utf8()..].starts_with(':'))
        };
        let (mut letters, mut values) = (vec![Value::text("?")], Vec::new());
        let mut rest = given.iter();
        while let Some(word) = rest.next() {
            let Some(cluster) = word.prefix().strip_prefix('-').filter(|c| !c.is_empty()) else { break };
            let taking = cluster.char_indices().find(|(_, c)| takes(*c));
            let end = taking.map_or(cluster.len(), |(at, c)| at + c.len_utf8());
            letters.extend(cluster[..end].chars().map(|c| Value::text(c.to_string())));
            if taking.is_some() {
                let attached = crate::shell::run::behind(word, end + 1);
                let value = if attached.is_empty() { rest.next().cloned() } else { Some(attached) };
                values.extend(value);
            }
        }
        if values.is_empty() {
            values.push(Value::dynamic(Source::Input, true));
        }
        if letters.len() == 1 {
            letters = vec![Value::dynamic(Source::Input, false)];
        }
        state.set_any(&name.code(), letters);
        state.set_any("OPTARG", values);
        state.set("OPTIND", Value::dynamic(Source::Number, false));
        Value::default()
    }
}

/// The value behind its first `count` bytes.
#[must_use]
pub fn behind(value: &Value, count: usize) -> Value {
    let mut rest = Value::text(value.prefix().get(count..).unwrap_or(""));
    for part in value.parts().iter().skip(1) {
        rest.push(part.clone());
    }
    rest
}

fn fields(record: &Value, separators: &str) -> Vec<Value> {
    let mut fields = vec![Value::default()];
    for part in record.parts() {
        let Part::Text(text) = part else {
            if let Some(field) = fields.last_mut() {
                field.push(part.clone());
            }
            continue;
        };
        for (at, piece) in text.split(|c| separators.contains(c)).enumerate() {
            if at > 0 {
                fields.push(Value::default());
            }
            if let Some(field) = fields.last_mut() {
                field.push(Part::Text(piece.into()));
            }
        }
    }
    fields.retain(|f| !f.is_empty());
    fields
}

/// The field of that number of a line, or all that is left from there on.
fn field(line: &Value, (at, rest): (usize, bool), separators: &str) -> Value {
    let Some(text) = line.literal() else {
        // Where the unknown part ends nobody knows: each field may be any of it.
        return line.clone();
    };
    let fields: Vec<&str> = text.split(|c| separators.contains(c)).filter(|f| !f.is_empty()).collect();
    match (rest, fields.get(at)) {
        (_, None) => Value::default(),
        (false, Some(field)) => Value::text(*field),
        (true, Some(_)) => {
            let mut left = text.trim_start_matches(|c| separators.contains(c));
            for field in &fields[..at] {
                left = left[field.len()..].trim_start_matches(|c| separators.contains(c));
            }
            Value::text(left.trim_end_matches(|c| separators.contains(c)))
        }
    }
}
