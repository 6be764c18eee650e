//! The lines that a run says, as Puppet's administrators know them.

use crate::model::Ref;
use crate::model::report::LogLine;
use crate::model::resource::LogLevel;

/// Where the lines of a run go.
pub(super) struct Voice<'a>(pub(super) &'a mut dyn FnMut(&LogLine));

impl Voice<'_> {
    /// A line of the run as a whole.
    pub(super) fn say(&mut self, level: LogLevel, message: impl Into<String>) {
        (self.0)(&LogLine { level, source: String::new(), message: message.into() });
    }

    /// A line of one resource.
    pub(super) fn of(&mut self, resource: &Ref, level: LogLevel, message: impl Into<String>) {
        (self.0)(&LogLine { level, source: resource.to_string(), message: message.into() });
    }

    /// A line of one property of a resource.
    pub(super) fn property(&mut self, resource: &Ref, property: &str, line: (LogLevel, String)) {
        (self.0)(&LogLine { level: line.0, source: format!("{resource}/{property}"), message: line.1 });
    }
}
