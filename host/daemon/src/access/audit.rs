//! What is told of who did what by the server API.

use super::{Principal, Who};
use crate::audit::{Actor, Note, Outcome, note};
use crate::error::Fault;
use crate::host::Host;

/// Notes an act of somebody, or that it was refused. What cannot be noted is an error.
pub(crate) async fn audit(
    host: &Host,
    actor: impl Into<Actor>,
    action: &'static str,
    subject: &str,
    outcome: Outcome,
) -> Result<(), Fault> {
    note(&host.account, Note::new(action).by(actor).about(subject).outcome(outcome)).await
}

impl From<&Principal> for Actor {
    fn from(principal: &Principal) -> Self {
        let nowhere = if principal.who == Who::Command { "cli" } else { "api" };
        Self::new(principal.name(), principal.from.map_or_else(|| nowhere.to_owned(), |address| address.to_string()))
    }
}
