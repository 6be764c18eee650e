//! `notify`: a message in the run's log. It always counts as a change.

use super::{Change, Done, Failure, Node, Plan, Type};
use crate::model::resource::Notify;

/// A message.
pub(in crate::agent) struct Message<'a>(pub(in crate::agent) &'a Notify);

impl Type for Message<'_> {
    type Step = ();

    fn check(&self, _node: &mut Node<'_>) -> Result<Plan<()>, Failure> {
        let message = &self.0.message;
        let mut plan = Plan::new();
        plan.changes.push(Change::new("message", "absent", message, ()).saying(message.clone()));
        Ok(plan)
    }

    fn apply(&self, (): (), _node: &mut Node<'_>) -> Result<Done, Failure> {
        Ok(Done::quietly())
    }
}
