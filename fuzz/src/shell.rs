//! The three steps of the lint on any text. They must return, whatever the text is, and what they say must be about
//! places in it.

use countersign::policy::commands::{self, CommandInput};
use countersign::policy::guard::{self, Rules, Setting, Subject};
use countersign::shell::run::{Call, Place, Problem, Programs, Shell, State, Write};
use countersign::shell::{Dialect, ParseError, Source, Span, Value, parse as parse_shell};

/// Commands that one text may run here.
const MAX_STEPS: usize = 5_000;

/// Text → syntax tree.
pub fn parse(text: &str) {
    for dialect in [Dialect::Bash, Dialect::Dash] {
        match parse_shell(text, 0, dialect) {
            Ok(script) => {
                let pipelines = script.items.iter().flat_map(|item| &item.chain);
                for command in pipelines.flat_map(|(_, pipeline)| &pipeline.commands) {
                    inside(text, command.span);
                }
            }
            Err(ParseError::Syntax { span, .. }) => inside(text, span),
            Err(ParseError::TooLong | ParseError::TooDeep) => {}
        }
    }
}

/// Syntax tree → resolved words.
pub fn resolve(text: &str) {
    for dialect in [Dialect::Bash, Dialect::Dash] {
        let mut programs = Recorder { text, steps: 0 };
        let mut state = State::new(dialect, Value::text("/"));
        let place = Place::Source(Span::new(0, text.len()));
        Shell::new(&mut programs).text(text, place, &mut state, &Value::default());
    }
}

/// The whole lint: text for a shell, an argument vector, and a script.
pub fn lint(text: &str) {
    let rules = Rules::builtin();
    let argv: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let words = argv.join(" ");
    for (shell, source) in [(true, text), (false, words.as_str())] {
        let input = CommandInput {
            id: String::new(),
            shell,
            command: text.to_owned(),
            argv: argv.clone(),
            cwd: None,
        };
        for finding in commands::judge(rules, &input).findings {
            inside(source, Span::new(finding.span.0, finding.span.1));
        }
    }
    let content = Value::text(text);
    let subject = Subject::File("/usr/local/bin/x", &content, true);
    for effect in guard::effects(rules, &subject, &Setting::default()) {
        inside(text, effect.span);
    }
}

/// Fails where a span is not one of `text`.
fn inside(text: &str, span: Span) {
    assert!(text.get(span.start..span.end).is_some(), "{span:?} is no place in {text:?}");
}

/// Programs that do nothing and print something.
struct Recorder<'a> {
    text: &'a str,
    steps: usize,
}

impl Programs for Recorder<'_> {
    fn run(&mut self, call: &Call<'_>, _: &mut State) -> Value {
        inside(self.text, call.span);
        call.spans.iter().for_each(|span| inside(self.text, *span));
        Value::dynamic(Source::Output, true)
    }

    fn write(&mut self, write: &Write<'_>, _: &mut State) {
        inside(self.text, write.span);
    }

    fn problem(&mut self, _: Problem, span: Span) {
        inside(self.text, span);
    }

    fn differs(&mut self) {}

    fn waits(&self, _: &str) -> bool {
        false
    }

    fn step(&mut self) -> bool {
        self.steps += 1;
        self.steps < MAX_STEPS
    }
}
