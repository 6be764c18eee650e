//! A syntax tree drawn as indented lines, for whoever asks how a text was read.

use super::ast::{AssignedValue, Assignment, Command, CommandKind, Item, Link, Redirect, Script, Word};
use super::{Dialect, ParseError, Span, parse};
use std::fmt::Write as _;

/// The syntax tree of `text` as `dialect` reads it: one line for each command, list and branch.
///
/// # Errors
/// When the text does not parse.
pub fn outline(text: &str, dialect: Dialect) -> Result<String, ParseError> {
    let script = parse(text, 0, dialect)?;
    let mut outline = Outline { text, out: String::new(), depth: 0 };
    outline.script(&script);
    Ok(outline.out)
}

struct Outline<'t> {
    text: &'t str,
    out: String,
    depth: usize,
}

impl Outline<'_> {
    fn line(&mut self, what: &str) {
        let _ = writeln!(self.out, "{:indent$}{what}", "", indent = self.depth * 2);
    }

    fn below(&mut self, what: &str, inside: impl FnOnce(&mut Self)) {
        self.line(what);
        self.depth += 1;
        inside(self);
        self.depth -= 1;
    }

    fn script(&mut self, script: &Script) {
        for item in &script.items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        for (link, pipeline) in &item.chain {
            let link = match link {
                Link::First if item.background => "beside the rest: ",
                Link::First => "",
                Link::And => "and then, if that worked: ",
                Link::Or => "or else: ",
            };
            match pipeline.commands.as_slice() {
                [command] => self.command(link, command),
                commands => self.below(&format!("{link}pipe"), |outline| {
                    commands.iter().for_each(|command| outline.command("", command));
                }),
            }
        }
    }

    fn command(&mut self, link: &str, command: &Command) {
        match &command.kind {
            CommandKind::Simple { assignments, words, declared } => {
                self.simple(link, (assignments, declared), words);
            }
            CommandKind::Group(script) => self.below(&format!("{link}group"), |o| o.script(script)),
            CommandKind::Subshell(script) => self.below(&format!("{link}subshell"), |o| o.script(script)),
            CommandKind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    self.below(&format!("{link}if"), |o| o.script(condition));
                    self.below("then", |o| o.script(body));
                }
                if let Some(body) = otherwise {
                    self.below("else", |o| o.script(body));
                }
            }
            CommandKind::Coprocess(name, inner) => {
                self.below(&format!("{link}coprocess {name}"), |o| o.command("", inner));
            }
            CommandKind::Loop { condition, body, .. } => {
                self.below(&format!("{link}loop"), |o| o.script(condition));
                self.below("do", |o| o.script(body));
            }
            CommandKind::For { variable, values, body } => {
                let values = values.as_deref().map_or_else(|| "\"$@\"".to_owned(), |w| self.words(w));
                self.below(&format!("{link}for {variable} in {values}"), |o| o.script(body));
            }
            CommandKind::Case { value, arms } => {
                let value = self.written(value.span);
                self.below(&format!("{link}case {value}"), |o| {
                    for arm in arms {
                        let patterns = o.words(&arm.patterns);
                        o.below(&patterns, |o| o.script(&arm.body));
                    }
                });
            }
            CommandKind::Function { name, body } => {
                self.below(&format!("{link}function {name}"), |o| o.command("", body));
            }
            CommandKind::Condition(_) => {
                let written = self.written(command.span);
                self.line(&format!("{link}test {written}"));
            }
            CommandKind::Arithmetic(_) => {
                let written = self.written(command.span);
                self.line(&format!("{link}compute {written}"));
            }
            CommandKind::Count { body, .. } => self.below(&format!("{link}count"), |o| o.script(body)),
        }
        self.redirects(&command.redirects);
    }

    fn simple(
        &mut self,
        link: &str,
        (assignments, declared): (&[Assignment], &[Assignment]),
        words: &[Word],
    ) {
        let mut shown: Vec<String> = assignments.iter().map(|a| self.assigned(a)).collect();
        shown.extend(words.iter().map(|word| self.written(word.span)));
        shown.extend(declared.iter().map(|a| self.assigned(a)));
        self.line(&format!("{link}command  {}", shown.join("  ")));
    }

    fn assigned(&self, assignment: &Assignment) -> String {
        let sign = if assignment.append { "+=" } else { "=" };
        let value = match &assignment.value {
            AssignedValue::Scalar(word) => self.written(word.span),
            AssignedValue::Array(words) => {
                let words: Vec<String> = words.iter().map(|(_, word)| self.written(word.span)).collect();
                format!("({})", words.join("  "))
            }
        };
        format!("{}{sign}{value}", assignment.name)
    }

    fn redirects(&mut self, redirects: &[Redirect]) {
        for redirect in redirects {
            let kind = format!("{:?}", redirect.kind).to_lowercase();
            self.line(&format!("  {kind}  {}", self.written(redirect.target.span)));
        }
    }

    fn words(&self, words: &[Word]) -> String {
        words.iter().map(|word| self.written(word.span)).collect::<Vec<_>>().join("  ")
    }

    fn written(&self, span: Span) -> String {
        self.text.get(span.start..span.end).unwrap_or("?").replace('\n', "\\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_branches_are_indented() {
        let text = "cd /srv && if test -d x; then rm -r \"$x\" > log; fi | cat & sleep 1";
        let expected = "\
beside the rest: command  cd  /srv
and then, if that worked: pipe
  if
    command  test  -d  x
  then
    command  rm  -r  \"$x\"
      write  log
  command  cat
command  sleep  1
";
        assert_eq!(outline(text, Dialect::Bash).unwrap(), expected);
    }
}
