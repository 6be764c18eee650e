//! Calls, and what stands behind a value: methods, subscripts, further calls.

use super::language::{Action, Returns, Syntax};
use super::lexer::Token;
use super::library;
use super::reader::Reader;
use super::values::{Values, globbed};
use crate::shell::{Source, Value};

impl Reader<'_> {
    /// Notes a call, and says what it returns.
    pub(super) fn call(
        &mut self,
        name: &str,
        receiver: Option<Values>,
        mut arguments: Vec<Values>,
    ) -> Values {
        for (parameter, argument) in
            self.functions.get(name).cloned().unwrap_or_default().iter().zip(&arguments)
        {
            let before = self.variables.get(parameter).cloned().unwrap_or_default();
            self.variables.insert(parameter.clone(), before.or(argument.clone()));
        }
        let action = self.action(name);
        if arguments.is_empty() && receiver.is_none() && self.has(Syntax::PerlQuotes) {
            arguments.extend(self.variable("_"));
        }
        match (action, &receiver) {
            (Some(Action::Dispatch), _) => return self.dispatched(arguments),
            (Some(Action::Value), _) => {}
            (Some(action), Some(object)) if action.takes_object() || arguments.is_empty() => {
                let with = [vec![object.clone()], arguments.clone()].concat();
                self.note(action, with);
            }
            (Some(action), _) => self.note(action, arguments.clone()),
            (None, _) => self.calls_back(receiver.as_ref(), &arguments),
        }
        if action == Some(Action::Remote) {
            return Values::one(Value::dynamic(Source::Remote, true));
        }
        self.changes(name, &arguments);
        library::result(self.returned(name), receiver.as_ref(), &arguments)
    }

    /// `list.forEach(fs.unlinkSync)`, `.then(eval)`, `Thread(target=os.system, args=…)`: a function that does
    /// something, given to one that may call it.
    fn calls_back(&mut self, receiver: Option<&Values>, arguments: &[Values]) {
        let does = |v: &Values| v.name.as_deref().and_then(|n| self.action(n));
        let Some(at) = arguments.iter().position(|a| does(a).is_some_and(|d| d != Action::Dispatch)) else {
            return;
        };
        let (function, behind) = (&arguments[at], &arguments[at + 1..]);
        let given = match behind.is_empty() {
            true => receiver.cloned().map(Values::elements).into_iter().collect(),
            false => behind.to_vec(),
        };
        let name = function.name.clone().unwrap_or_default();
        if !given.is_empty() {
            self.call(&name, None, given);
        }
    }

    /// `push @list, …`, `find(sub {…}, directory)`: calls that bind or change a variable.
    pub(super) fn changes(&mut self, name: &str, arguments: &[Values]) {
        let (object, method) = name.rsplit_once('.').unwrap_or((name, name));
        match method {
            "append" | "push" | "extend" if object != name => {
                let list = self.variable(object).unwrap_or_default();
                self.variables.insert(object.to_owned(), list.with(Values::of_list(arguments.to_vec())));
            }
            "find" | "finddepth" => {
                if let Some(directory) = arguments.last().filter(|_| self.has(Syntax::PerlQuotes)) {
                    let below = directory.map(|path| Some(format!("{path}/")));
                    let below = super::values::joined(below, Values::one(globbed("*")));
                    self.variables.insert("_".to_owned(), below.clone());
                    self.variables.insert("File.Find.name".to_owned(), below);
                }
            }
            _ => {}
        }
    }

    /// Calls what the first argument names: `send(:system, …)`, `array_map('unlink', …)`, `getattr(os, 'system')`.
    pub(super) fn dispatched(&mut self, mut arguments: Vec<Values>) -> Values {
        if arguments.is_empty() {
            return Values::unknown();
        }
        let first = arguments.remove(0);
        let member =
            arguments.first().and_then(Values::text).filter(|t| !t.contains([' ', '/'])).map(str::to_owned);
        match (first.name.as_deref().or(first.text()), member) {
            // A module and the name of something in it.
            (Some(module), Some(member))
                if first.items.iter().all(Value::has_dynamic) && self.action(module).is_none() =>
            {
                Values::unknown().named(format!("{module}.{member}"))
            }
            (Some(name), _) if self.action(name).is_some_and(|a| a != Action::Dispatch) => {
                let name = name.to_owned();
                self.call(&name, None, arguments)
            }
            // `map(chr, [114, 109])`
            (Some(name), _) if self.returned(name) == Some(Returns::Characters) => {
                library::result(Some(Returns::Mapped), None, &[vec![first], arguments].concat())
            }
            _ if arguments
                .first()
                .is_some_and(|a| a.text().is_none() && a.items.iter().all(Value::has_dynamic)) =>
            {
                self.note(Action::Unclear, vec![first]);
                Values::unknown()
            }
            _ => Values::unknown(),
        }
    }

    /// Methods, subscripts and calls behind a value.
    pub(super) fn after(&mut self, value: Values) -> Values {
        let mut value = value;
        loop {
            self.binds_block(&value);
            match (self.peek(0), self.peek(1)) {
                (Some(Token::Sign('.')), Some(Token::Name(method))) if !self.has(Syntax::DotJoins) => {
                    self.skip(2);
                    value = self.method(method, value);
                }
                (Some(Token::Sign('.')), Some(Token::Sign('!'))) => {
                    self.skip(2);
                    self.note(Action::Perhaps, vec![value]);
                    value = Values::unknown();
                }
                (Some(Token::Sign(':')), Some(Token::Name(method))) if self.has(Syntax::LongBrackets) => {
                    self.skip(2);
                    value = self.method(method, value);
                }
                (Some(Token::Sign('[')), _) if !value.items.is_empty() => value = self.subscript(value),
                (Some(Token::Sign('(')), _) if value.name.is_some() => {
                    self.skip(1);
                    let arguments = self.list(')');
                    let name = value.name.clone().unwrap_or_default();
                    value = self.call(&name, None, arguments);
                }
                _ => return value,
            }
        }
    }

    pub(super) fn method(&mut self, method: &str, object: Values) -> Values {
        let name = match &object.name {
            Some(name) => format!("{name}.{method}"),
            None => method.to_owned(),
        };
        let receiver = Some(object).filter(|o| o.name.is_none());
        if self.sign(0, '(') {
            self.skip(1);
            self.binds_parameter(receiver.as_ref());
            let arguments = self.list(')');
            return self.call(&name, receiver, arguments);
        }
        match receiver {
            None => Values::unknown().named(name),
            Some(_) if self.has(Syntax::BareCalls) => {
                let arguments = if matches!(self.peek(0), Some(Token::Text { .. })) {
                    self.bare(false)
                } else {
                    Vec::new()
                };
                self.call(&name, receiver, arguments)
            }
            Some(_) => self.call(&name, receiver, Vec::new()),
        }
    }

    /// `value[…]`: an element, a slice, or a text read backwards.
    pub(super) fn subscript(&mut self, value: Values) -> Values {
        let backwards = self.sign(1, ':')
            && self.sign(2, ':')
            && self.sign(3, '-')
            && self.peek(4) == Some(&Token::Number("1".to_owned()));
        let index = match (self.peek(1), self.sign(2, ']')) {
            (Some(Token::Number(index)), true) => index.parse::<usize>().ok(),
            _ => None,
        };
        self.skip(1);
        let inside = self.list(']');
        match (backwards, index) {
            (true, _) => library::reversed(&value),
            // `os.__dict__['system'](…)`, `fs['rmSync'](…)`
            _ if self.sign(0, '(') && member(&inside).is_some() => {
                let module =
                    value.name.iter().flat_map(|n| n.split('.')).find(|part| !part.starts_with("__"));
                let member = member(&inside).unwrap_or_default();
                Values::unknown().named(format!("{}.{member}", module.unwrap_or_default()))
            }
            // Ruby's `Dir[pattern]`.
            _ if value.name.as_deref() == Some("Dir") => {
                library::result(Some(Returns::Matches), None, &inside)
            }
            (_, Some(index)) if value.list => {
                let base = usize::from(self.has(Syntax::LongBrackets));
                let element = index.checked_sub(base).and_then(|at| value.items.get(at));
                element.map_or_else(Values::unknown, |v| Values::one(v.clone()))
            }
            _ if value.list => value,
            _ => match value.items.iter().find(|v| v.has(Source::Remote)) {
                Some(remote) => Values::one(remote.clone()),
                None => Values::unknown(),
            },
        }
    }
}

/// The name in a subscript.
fn member(inside: &[Values]) -> Option<&str> {
    let text = inside.first()?.text()?;
    let is_name = text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit());
    (is_name && inside.len() == 1).then_some(text)
}

impl Action {
    /// Whether it is done to the object of a method call.
    const fn takes_object(self) -> bool {
        matches!(
            self,
            Self::Delete
                | Self::DeleteTree
                | Self::Write
                | Self::Open
                | Self::Rename
                | Self::Mode
                | Self::Owner
        )
    }
}
