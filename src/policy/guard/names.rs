//! What a name in a script stands for: a variable, something the program is given, or a call.

use super::bindings::DECLARATIONS;
use super::disguise;
use super::language::{Action, Returns, Syntax};
use super::lexer::Token;
use super::reader::{KEYWORDS, Reader};
use super::values::Values;
use crate::shell::{Source, Value};

impl Reader<'_> {
    /// What a name that has just been taken stands for, with all that belongs to it.
    pub(super) fn name(&mut self, written: &str) -> Values {
        let runs_file = written == "do" && matches!(self.peek(0), Some(Token::Text { .. }));
        if KEYWORDS.contains(&written) && !runs_file {
            if matches!(written, "for" | "foreach") {
                self.binds_elements();
            }
            return Values::default();
        }
        match written {
            "def" | "function" | "fn" | "func" | "sub" | "proc" if !self.sign(0, '=') => {
                return self.definition();
            }
            "import" | "from" if matches!(self.peek(0), Some(Token::Name(_))) => {
                return self.imports(written);
            }
            word if DECLARATIONS.contains(&word) && !self.sign(0, '=') => return self.declared(),
            _ => {}
        }
        if let Some(value) = self.assignment(written) {
            return value;
        }
        if let Some(value) = self.provided(written) {
            return self.after(value);
        }
        if matches!(written, "push" | "unshift") {
            return self.pushed();
        }
        let (receiver, name) = self.resolved(written);
        if self.sign(0, '(') {
            self.skip(1);
            self.binds_parameter(receiver.as_ref());
            let arguments = self.list(')');
            let value = self.call(&name, receiver, arguments);
            return self.after(value);
        }
        let text = matches!(self.peek(0), Some(Token::Text { .. })) && !self.has(Syntax::Awk);
        let bare =
            self.has(Syntax::BareCalls) && (text || self.action(&name).is_some() || receiver.is_some());
        if bare && self.variable(written).is_none() {
            return self.bare_call(&name, receiver);
        }
        match (receiver, self.variable(written)) {
            (_, Some(value)) => self.after(value),
            (Some(receiver), None) => {
                let value = self.call(&name, Some(receiver), Vec::new());
                self.after(value)
            }
            (None, None) => self.after(
                Values { items: vec![Value::dynamic(Source::Output, true)], ..Values::default() }.named(name),
            ),
        }
    }

    fn bare_call(&mut self, name: &str, receiver: Option<Values>) -> Values {
        let prints = self.has(Syntax::Awk)
            && matches!(self.action(name), Some(Action::Print | Action::PrintLine | Action::Format));
        if self.has(Syntax::PerlQuotes) && self.names_handle() {
            self.skip(1);
        }
        let program =
            self.has(Syntax::PerlQuotes) && self.sign(0, '{') && self.action(name) == Some(Action::Words);
        let program = program.then(|| self.block_value());
        let mut arguments = self.bare(prints);
        if let (Some(program), Some(first)) = (program, arguments.first_mut()) {
            *first = program;
        }
        if prints && arguments.is_empty() {
            // The record: all that there is, where that is one line.
            arguments.push(Values::one(self.around.stdin.clone().trimmed()));
        }
        if prints && (self.sign(0, '>') || self.sign(0, '|')) {
            return self.redirected(name, arguments);
        }
        let value = self.call(name, receiver, arguments);
        self.after(value)
    }

    /// Perl's `system {program} list`: what is run is in the braces, and the list's first element is only its name.
    fn block_value(&mut self) -> Values {
        self.skip(1);
        let program = self.expression();
        self.statements(Some('}'));
        program
    }

    /// Perl's `print HANDLE "…"`: a name, and no comma before what is printed.
    fn names_handle(&self) -> bool {
        match (self.peek(0), self.peek(1)) {
            (Some(Token::Name(name)), Some(Token::Text { .. } | Token::Name(_))) => {
                !KEYWORDS.contains(&name.as_str())
                    && self.action(name).is_none()
                    && self.returned(name).is_none()
            }
            _ => false,
        }
    }

    /// awk: `print … > path`, `print … | command`.
    fn redirected(&mut self, name: &str, arguments: Vec<Values>) -> Values {
        let piped = self.sign(0, '|');
        while self.sign(0, '>') || self.sign(0, '|') || self.sign(0, '&') {
            self.skip(1);
        }
        let target = self.expression();
        let text = match self.action(name) {
            Some(Action::Format) => disguise::printed(&arguments).spaced(),
            _ => Values::of_list(arguments).spaced(),
        };
        if piped {
            self.note(Action::Shell, vec![target]);
            if let Some(found) = self.found.last_mut() {
                found.stdin = text;
            }
        } else {
            self.note(Action::Write, vec![target, Values::one(text)]);
        }
        Values::default()
    }

    pub(super) fn action(&self, name: &str) -> Option<Action> {
        self.language.action(name).or_else(|| self.any.action(name))
    }

    pub(super) fn returned(&self, name: &str) -> Option<Returns> {
        self.language.returned(name).or_else(|| self.any.returned(name))
    }

    /// A name whose first part is a variable: the object and the method, or what the variable names.
    fn resolved(&self, written: &str) -> (Option<Values>, String) {
        let (first, rest) = written.split_once('.').unwrap_or((written, ""));
        let Some(value) = self.variable(first) else { return (None, written.to_owned()) };
        match (&value.name, rest) {
            (Some(name), "") => (None, name.clone()),
            (Some(name), rest) => (None, format!("{name}.{rest}")),
            // PHP and Perl call functions by names in variables.
            (None, "") => (None, value.text().filter(|_| self.sign(0, '(')).unwrap_or(written).to_owned()),
            (None, rest) => (Some(value), rest.to_owned()),
        }
    }

    /// What a program is given: its arguments, its standard input, its environment.
    fn provided(&mut self, name: &str) -> Option<Values> {
        let parts: Vec<&str> = name.split('.').collect();
        let last = parts.last().copied().unwrap_or(name);
        if self.language.arguments.iter().any(|a| a == last) {
            return Some(self.operand_of_program());
        }
        if let Some(at) = parts.iter().position(|p| self.language.environment.iter().any(|e| e == p)) {
            let key = match parts.get(at + 1) {
                Some(key) if !matches!(*key, "get" | "fetch") => Some((*key).to_owned()),
                _ => self.key(),
            };
            let value = key.and_then(|k| self.around.state.variable(&k));
            return Some(value.map_or_else(|| Values::one(Value::dynamic(Source::Unset, true)), Values::one));
        }
        if parts.iter().any(|p| self.language.input.iter().any(|i| i == p)) && !matches!(last, "write" | "on")
        {
            if self.sign(0, '(') {
                self.skip(1);
                self.list(')');
            }
            let nothing = self.around.stdin.is_empty();
            let typed = Value::dynamic(Source::Input, true);
            return Some(Values::one(if nothing { typed } else { self.around.stdin.clone() }));
        }
        None
    }

    /// `['X']`, `{X}`, `("X")` behind the name of the environment.
    fn key(&mut self) -> Option<String> {
        let key = match (self.peek(0)?, self.peek(1)?) {
            (Token::Sign('[' | '{' | '('), Token::Text { text, .. }) => text.clone(),
            (Token::Sign('[' | '{' | '('), Token::Name(name)) => name.clone(),
            _ => return None,
        };
        let mut at = 2;
        while self.peek(at).is_some_and(|t| !matches!(t, Token::Sign(']' | '}' | ')' | ';'))) {
            at += 1;
        }
        self.skip(at + 1);
        Some(key)
    }

    /// `sys.argv[1]`, `$ARGV[0]`, `shift`.
    fn operand_of_program(&mut self) -> Values {
        let operands = self.around.operands;
        if !self.sign(0, '[') {
            return Values { items: operands.to_vec(), list: true, name: None };
        }
        let index = match (self.peek(1), self.sign(2, ']')) {
            (Some(Token::Number(index)), true) => index.parse::<usize>().ok(),
            _ => None,
        };
        self.skip(1);
        self.list(']');
        match index {
            Some(index) => {
                let value = index.checked_sub(self.language.skipped).and_then(|i| operands.get(i));
                value.map_or_else(Values::unknown, |v| Values::one(v.clone()))
            }
            None => Values { items: operands.to_vec(), list: true, name: None },
        }
    }
}
